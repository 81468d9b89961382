"""Which CPU does what: one derivation, for the rules that judge it and the plan that explains it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from builder.model.hardware import HardwareClass
from builder.model.ports import first_port_by_node
from builder.model.profile import CpuPolicy, Profile
from builder.model.values import CpuSet


@dataclass(frozen=True, slots=True)
class Roles:
    """The CPUs of each role as they were asked for. Where the inventory contradicts itself they
    overlap, or there are fewer than asked for; rules say so.
    """

    housekeeping: CpuSet
    pmd: CpuSet
    offline: CpuSet
    pods: CpuSet


def roles_of(hardware: HardwareClass, profile: Profile) -> Roles:
    """Whole cores, lowest first; taken in this order: offline, housekeeping, PMD, the rest."""
    offline = _offline(hardware, profile.cpu)
    cores = cores_of_nodes(hardware, offline)
    housekeeping = _housekeeping(profile.cpu, cores)
    pmd = _pmd(hardware, profile, cores, housekeeping)
    return Roles(housekeeping, pmd, offline, hardware.cpus - offline - housekeeping - pmd)


def cores_of_nodes(hardware: HardwareClass, offline: CpuSet | None = None) -> list[list[CpuSet]]:
    """Cores by NUMA node, lowest first: as sets of their SMT siblings, those offline left out."""
    node = {cpu: index for index, numa in enumerate(hardware.numa) for cpu in numa.cpus}
    cores: list[list[CpuSet]] = [[] for _ in hardware.numa]
    for core in hardware.cores:
        online = core - (offline or CpuSet())
        if online:
            cores[node[min(core)]].append(online)
    return cores


def share_out(total: int, room: Sequence[int]) -> tuple[int, ...]:
    """How many cores each NUMA node gives when `total` are wanted in all. room: what it has.

    One core at a time, from the node that gave the fewest so far and has one left, the lowest
    such node first. So nodes differ by one at most, unless one has no more; any number of nodes
    and any total come out exact. (OpenShift's profile creator reckons quotas that only fit two
    nodes or an even division: of three nodes it takes five CPUs when four are asked for.)
    """
    shares = [0] * len(room)
    for _ in range(min(total, sum(room))):
        free = [node for node in range(len(room)) if shares[node] < room[node]]
        shares[min(free, key=lambda node: shares[node])] += 1
    return tuple(shares)


def counts_by_node(wanted: int | Mapping[int, int], cores: list[list[CpuSet]]) -> dict[int, int]:
    """A number for every node with CPUs, or the map as it is."""
    if isinstance(wanted, int):
        return {node: wanted for node, there in enumerate(cores) if there}
    return dict(wanted)


def housekeeping_cores(policy: CpuPolicy, cores: list[list[CpuSet]]) -> dict[int, int]:
    """Cores for housekeeping by node, when they are not listed."""
    if policy.housekeeping_cores is not None:
        return dict(enumerate(share_out(policy.housekeeping_cores, [len(c) for c in cores])))
    return counts_by_node(policy.housekeeping_cores_per_node, cores)


def pmd_cores(hardware: HardwareClass, profile: Profile) -> dict[int, int]:
    """How many cores PMD threads want on each node, when they are not listed."""
    if profile.ovs is None or profile.cpu.pmd is not None:
        return {}
    wanted = profile.cpu.pmd_cores_per_node
    if isinstance(wanted, dict):
        return dict(wanted)
    return dict.fromkeys(first_port_by_node(hardware, profile), wanted)


def _offline(hardware: HardwareClass, policy: CpuPolicy) -> CpuSet:
    """Those listed, all siblings but the first without SMT, and the highest cores of each node.

    The highest: the kernel boots on the lowest, and CPU 0 cannot be taken offline.
    """
    offline = (policy.offline or CpuSet()) & hardware.cpus
    if not policy.smt:
        offline |= _union([core - CpuSet.of([min(core)]) for core in hardware.cores])
    cores = cores_of_nodes(hardware)
    for node, count in counts_by_node(policy.offline_cores_per_node, cores).items():
        if node < len(cores) and count:
            offline |= _union(cores[node][-count:])
    return offline


def _housekeeping(policy: CpuPolicy, cores: list[list[CpuSet]]) -> CpuSet:
    """The CPUs listed, else the lowest cores: the kernel boots on CPU 0, which is never isolated."""
    if policy.housekeeping is not None:
        return policy.housekeeping
    counts = housekeeping_cores(policy, cores)
    return _union(
        [core for node, there in enumerate(cores) for core in there[: counts.get(node, 0)]]
    )


def _pmd(
    hardware: HardwareClass, profile: Profile, cores: list[list[CpuSet]], housekeeping: CpuSet
) -> CpuSet:
    """The CPUs listed, else the lowest cores that housekeeping leaves."""
    if profile.ovs is None:
        return CpuSet()
    if profile.cpu.pmd is not None:
        return profile.cpu.pmd
    wanted = pmd_cores(hardware, profile)
    taken = []
    for node, there in enumerate(cores):
        free = [core for core in there if not core & housekeeping]
        taken += free[: wanted.get(node, 0)]
    return _union(taken)


def _union(parts: Sequence[CpuSet]) -> CpuSet:
    return CpuSet.of(cpu for part in parts for cpu in part.cpus)
