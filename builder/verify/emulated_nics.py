"""NICs QEMU can be: by the id each shows, QEMU's device, and the model as a plan would have it."""

from __future__ import annotations

from dataclasses import dataclass

from builder.catalog.nic_types import NicType
from builder.catalog.nics import NIC_TYPES
from builder.catalog.port_drivers import port_driver


@dataclass(frozen=True, slots=True)
class EmulatedNic:
    """device: argument of QEMU's -device, without the port's own properties."""

    device: str
    model: NicType


# QEMU's only NIC with SR-IOV (docs/system/devices/igb.rst) stands in for every model QEMU has not,
# an e1000e where an igb cannot be. e1000e and vmxnet3 stand in for a NIC and are never planned.
IGB = NIC_TYPES["8086:10c9"]
E1000E = NicType("8086:10d3", "Intel 82574L", port_driver("e1000e"))
_ALL = (
    EmulatedNic("igb", IGB),
    EmulatedNic("e1000e", E1000E),
    EmulatedNic("vmxnet3", NicType("15ad:07b0", "vmxnet3", port_driver("vmxnet3"))),
    # Legacy virtio bypasses the IOMMU.
    EmulatedNic("virtio-net-pci,disable-legacy=on,iommu_platform=on", NIC_TYPES["1af4:1041"]),
)

EMULATED_NICS: dict[str, EmulatedNic] = {nic.model.device_id: nic for nic in _ALL}
