"""The DPDK ports of a profile on a hardware class: which NIC, or which VF of it, each one is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from builder.diagnostics import KeyPath
from builder.model.fields import VfRef
from builder.model.hardware import HardwareClass, Nic
from builder.model.ovs import OvsPort
from builder.model.profile import Profile


@dataclass(frozen=True, slots=True)
class DpdkPort:
    """A port of a bridge, and the NIC it, or the VF behind it, is on."""

    bridge: str
    name: str
    port: OvsPort
    nic: Nic

    @property
    def path(self) -> KeyPath:
        """Its key below the profile."""
        return ("ovs", "bridges", self.bridge, "ports", self.name)

    @property
    def device_path(self) -> KeyPath:
        """The key below the profile that says which device it is."""
        return (*self.path, "nic" if self.port.vf is None else "vf")

    @property
    def vf(self) -> VfRef | None:
        """None for the whole NIC port."""
        return self.port.vf

    @property
    def node(self) -> int:
        """NUMA node whose CPUs and memory serve the port; the kernel's -1 is taken for node 0."""
        return self.nic.numa or 0

    @property
    def source(self) -> str:
        """`enp9s0`, or `VF 0 of ens11f0`."""
        return self.nic.name if self.vf is None else f"VF {self.vf.index} of {self.nic.name}"


def dpdk_ports(hardware: HardwareClass, profile: Profile) -> Iterator[DpdkPort]:
    """Ports of all bridges, but those on a NIC the class has not, which a rule refuses."""
    nics = {nic.name: nic for nic in hardware.nics}
    for bridge_name, bridge in profile.ovs.bridges.items() if profile.ovs else ():
        for name, port in bridge.ports.items():
            nic = nics.get(port.nic or (port.vf.pf if port.vf else ""))
            if nic is not None:
                yield DpdkPort(bridge_name, name, port, nic)


def first_port_by_node(hardware: HardwareClass, profile: Profile) -> dict[int, DpdkPort]:
    """NUMA nodes with a DPDK port, and the first port there."""
    found: dict[int, DpdkPort] = {}
    for port in dpdk_ports(hardware, profile):
        if port.node < len(hardware.numa):
            found.setdefault(port.node, port)
    return dict(sorted(found.items()))


def whole_ports(ports: Iterable[DpdkPort]) -> Mapping[str, DpdkPort]:
    """NIC ports that leave the kernel for Open vSwitch, by interface name."""
    return {
        port.nic.name: port for port in ports if port.vf is None and not is_bifurcated(port.nic)
    }


def is_bifurcated(nic: Nic) -> bool:
    """DPDK works through the NIC's kernel driver: it is never bound to another one."""
    return nic.model.driver.bifurcated
