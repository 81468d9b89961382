"""What a twin is made from: the hardware class, reduced to what QEMU needs to know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from builder.model.values import PciAddress

Firmware = Literal["bios", "uefi", "uefi-secure-boot"]

# Ids QEMU has itself, and the device that is it; every other NIC becomes an igb, QEMU's only
# NIC with SR-IOV (docs/system/devices/igb.rst).
IGB_ID, IGB_VFS, IGB_VF_OFFSET, IGB_VF_STRIDE = "8086:10c9", 7, 128, 2
OWN_MODELS = {
    IGB_ID: "igb",
    "8086:10d3": "e1000e",
    "15ad:07b0": "vmxnet3",
    # Legacy virtio bypasses the IOMMU.
    "1af4:1041": "virtio-net-pci,disable-legacy=on,iommu_platform=on",
}


@dataclass(frozen=True, slots=True)
class TwinNic:
    """A NIC port of the class. pci: `0000:01:00.0`; device_id: `8086:10fb`; total_vfs: of it."""

    pci: str
    device_id: str
    numa: int | None
    num_vfs: int
    total_vfs: int
    mac: str | None = None

    @property
    def address(self) -> PciAddress:
        return PciAddress.parse(self.pci)


@dataclass(frozen=True, slots=True)
class TwinNode:
    cpus: tuple[int, ...]
    memory_mib: int


@dataclass(frozen=True, slots=True)
class TwinSpec:
    """What the twin is made from. smt: some of the class's CPUs are siblings on one core."""

    nodes: tuple[TwinNode, ...]
    nics: tuple[TwinNic, ...]
    firmware: Firmware
    vendor: Literal["intel", "amd"] = "intel"
    pdpe1gb: bool = True
    smt: bool = False
