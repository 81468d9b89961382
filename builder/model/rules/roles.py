"""The cores of each role as far as rules need them; the plan derives the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from builder.diagnostics import KeyPath
from builder.drivers.nics import find_nic_type
from builder.model.hardware import HardwareClass, Nic
from builder.model.profile import Profile
from builder.model.switch import OvsPort
from builder.model.values import CpuSet


@dataclass(frozen=True, slots=True)
class DpdkPort:
    """An OVS port and the NIC it, or the VF behind it, is on. path: below the profile."""

    bridge: str
    name: str
    port: OvsPort
    nic: Nic | None

    @property
    def path(self) -> KeyPath:
        return ("ovs", "bridges", self.bridge, "ports", self.name)


def dpdk_ports(hardware: HardwareClass, profile: Profile) -> Iterator[DpdkPort]:
    """All ports of all bridges."""
    nics = {nic.name: nic for nic in hardware.nics}
    for bridge_name, bridge in profile.ovs.bridges.items() if profile.ovs else ():
        for name, port in bridge.ports.items():
            of_vf = port.vf.partition("/")[0] if port.vf else None
            yield DpdkPort(bridge_name, name, port, nics.get(port.nic or of_vf or ""))


def node_of(nic: Nic) -> int:
    """NUMA node of a NIC; without one the kernel's -1 is taken for node 0."""
    return nic.numa or 0


def dpdk_nodes(hardware: HardwareClass, profile: Profile) -> dict[int, DpdkPort]:
    """NUMA nodes with a DPDK port, and the first port there."""
    found: dict[int, DpdkPort] = {}
    for port in dpdk_ports(hardware, profile):
        if port.nic is not None and node_of(port.nic) < len(hardware.numa):
            found.setdefault(node_of(port.nic), port)
    return dict(sorted(found.items()))


def cores_of_nodes(hardware: HardwareClass) -> list[list[CpuSet]]:
    """Physical cores by NUMA node, lowest first."""
    node = {cpu: index for index, numa in enumerate(hardware.numa) for cpu in numa.cpus}
    cores: list[list[CpuSet]] = [[] for _ in hardware.numa]
    for core in hardware.cores:
        cores[node[min(core)]].append(core)
    return cores


def housekeeping_of(hardware: HardwareClass, profile: Profile) -> CpuSet:
    """The CPUs listed, else the first cores of each node."""
    if profile.cpu.housekeeping is not None:
        return profile.cpu.housekeeping
    taken = CpuSet()
    for cores in cores_of_nodes(hardware):
        for core in cores[: profile.cpu.housekeeping_cores_per_node]:
            taken |= core
    return taken


def pmd_cores(hardware: HardwareClass, profile: Profile) -> dict[int, int]:
    """How many cores PMD threads want on each node, when they are not listed."""
    if profile.ovs is None or profile.cpu.pmd is not None:
        return {}
    wanted = profile.cpu.pmd_cores_per_node
    if isinstance(wanted, dict):
        return dict(wanted)
    return dict.fromkeys(dpdk_nodes(hardware, profile), wanted)


def pmd_of(hardware: HardwareClass, profile: Profile) -> CpuSet:
    """The CPUs listed, else the first cores of each node that are not housekeeping."""
    if profile.ovs is None:
        return CpuSet()
    if profile.cpu.pmd is not None:
        return profile.cpu.pmd
    wanted, kept = pmd_cores(hardware, profile), housekeeping_of(hardware, profile)
    taken = CpuSet()
    for node, cores in enumerate(cores_of_nodes(hardware)):
        for core in [core for core in cores if not core & kept][: wanted.get(node, 0)]:
            taken |= core
    return taken


def is_bifurcated(nic: Nic) -> bool:
    """DPDK works through the NIC's kernel driver: it is never bound to another one."""
    kind = find_nic_type(nic.id)
    return kind is not None and kind.dpdk == "bifurcated"
