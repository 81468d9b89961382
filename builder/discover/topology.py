"""CPUs, NUMA nodes and memory as an inventory has them, and what had to be assumed for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from builder.discover.cores import distances, find_cores
from builder.discover.cpu_sets import parse_list, parse_mask
from builder.discover.machine import CPUS, MEMINFO, NODES, Machine, NumaNode
from builder.errors import BuilderError
from builder.model.memory import PAGE_STRUCTURES
from builder.model.values import CpuSet
from builder.phrases import is_are, numbers

KIB_PER_GIB = 1024 * 1024
# Up to SMALL_KIB a whole GiB would be rounding by more than `verify` lets pass.
SMALL_STEP_KIB = 256 * 1024
SMALL_KIB = 32 * KIB_PER_GIB
# Page structures are taken from memory before MemTotal is counted: it is 63/64 of what the kernel
# was given, less what firmware and kernel keep.
PAGES_SHARE = (PAGE_STRUCTURES, PAGE_STRUCTURES - 1)


@dataclass(frozen=True, slots=True)
class FoundNode:
    """A NUMA node. mem_kib: its MemTotal; memory: MiB for the inventory."""

    cpus: CpuSet
    mem_kib: int
    memory: int


@dataclass(frozen=True, slots=True)
class Topology:
    """cores: sets of SMT siblings. distance: of siblings where it is the same for all.

    unsure: offline CPUs whose siblings the kernel does not tell. notes: what was assumed.
    """

    nodes: tuple[FoundNode, ...]
    cores: tuple[CpuSet, ...]
    distance: int | None
    unsure: CpuSet
    node_notes: tuple[str, ...]
    core_notes: tuple[str, ...]

    @property
    def threads(self) -> tuple[CpuSet, ...]:
        """Cores that an inventory must list: none when `distance` says it all."""
        return () if self.distance else tuple(core for core in self.cores if len(core) > 1)


def find_topology(machine: Machine) -> Topology:
    """Raises BuilderError where an inventory cannot say what the machine is."""
    notes: list[str] = []
    online = parse_list(machine.online, f"{CPUS}/online")
    if machine.online is None:
        online = CpuSet.of(cpu for cpu, told in machine.cpus.items() if told.is_told)
    nodes = _find_nodes(machine, online, notes)
    cpus = CpuSet.of(cpu for node in nodes for cpu in node.cpus)
    found = find_cores(machine, cpus, online or cpus)
    pairs = distances(found.cores)
    distance = next(iter(pairs)) if len(pairs) == 1 and None not in pairs else None
    return Topology(nodes, found.cores, distance, found.unsure, tuple(notes), found.notes)


def _find_nodes(machine: Machine, online: CpuSet, notes: list[str]) -> tuple[FoundNode, ...]:
    present = parse_list(machine.present, f"{CPUS}/present")
    everything = CpuSet.of(machine.cpus) | online | present
    if not everything:
        raise BuilderError(
            f"{CPUS} has no CPUs (cpu0, cpu1, …): this machine cannot be described",
            hint="is this a copy of /sys? `rackwright discover --record DIR` creates one",
        )
    nodes = _real_nodes(machine, notes)
    _check_numbers(nodes)
    cpus_of = _cpus_of_nodes(machine, nodes, everything, online, notes)
    if not nodes:
        _check_one_node(machine)
        notes.append(f"there is no {NODES} here: all CPUs and memory are assigned to one node")
    files = nodes or (NumaNode(0, None, machine.mem_kib),)
    folded = machine.folded
    found = tuple(_find_node(machine, node, cpus_of[node.number], len(files)) for node in files)
    notes.append(_memory_note(found, folded=folded))
    return found


def _real_nodes(machine: Machine, notes: list[str]) -> tuple[NumaNode, ...]:
    """The kernel also has nodes of which nothing is there: no CPUs, no memory."""
    empty = [node for node in machine.nodes if node.mem_kib == 0 and not _cpus_of_node(node)]
    notes += [
        f"NUMA node {node.number} is left out: it has neither CPUs nor memory" for node in empty
    ]
    return tuple(node for node in machine.nodes if node not in empty)


def _check_one_node(machine: Machine) -> None:
    """A copy without nodes of a machine that has some would look like a kernel without NUMA."""
    for function in machine.functions:
        if function.numa is not None and function.numa > 0:
            raise BuilderError(
                f"there is no {NODES} here, though {function.pci} is on NUMA node {function.numa}",
                hint="copy it too: cpulist and meminfo of each node",
            )


def _memory_note(nodes: Sequence[FoundNode], *, folded: bool) -> str:
    is_small = any(node.memory <= SMALL_KIB // 1024 for node in nodes)
    step = "GiB, up to 32 GiB to 256 MiB" if is_small else "GiB"
    if folded:
        return (
            f"memory: MemTotal, rounded up to whole {step}; as hugetlb_optimize_vmemmap is on, "
            "nothing was added for page structures"
        )
    return (
        "memory: MemTotal and 1/63 of it, which the kernel's page structures take, rounded up to "
        f"whole {step}; the modules may hold more, which firmware and kernel keep"
    )


def _check_numbers(nodes: Sequence[NumaNode]) -> None:
    """An inventory numbers nodes by their place, and kernel arguments go by these numbers."""
    numbers = [node.number for node in nodes]
    if numbers != list(range(len(numbers))):
        raise BuilderError(
            f"the kernel's NUMA nodes are {', '.join(map(str, numbers))}; an inventory numbers "
            "nodes from 0 without gaps, so it cannot describe this machine",
            hint="the kernel leaves out a node without memory modules: install some, or choose "
            "fewer nodes (SNC, NPS) in the firmware",
        )


def _cpus_of_node(node: NumaNode) -> CpuSet | None:
    """None: it is not told."""
    base = f"{NODES}/node{node.number}"
    if node.cpus is not None:
        return parse_list(node.cpus, f"{base}/cpulist")
    if node.cpumap is not None:
        return parse_mask(node.cpumap, f"{base}/cpumap")
    return CpuSet.of(node.links) if node.links else None


def _cpus_of_nodes(
    machine: Machine,
    nodes: Sequence[NumaNode],
    everything: CpuSet,
    online: CpuSet,
    notes: list[str],
) -> Mapping[int, CpuSet]:
    """CPUs by node, the offline ones too, which cpulist leaves out."""
    if not nodes:
        return {0: everything}
    told = {node.number: _cpus_of_node(node) for node in nodes}
    found = {number: cpus or CpuSet() for number, cpus in told.items()}
    _check_cpus_once(found)
    known = CpuSet.of(cpu for cpus in found.values() for cpu in cpus)
    for cpu in everything - known:
        home = machine.cpu_nodes.get(cpu, 0 if len(found) == 1 else None)
        if home in found:
            found[home] |= CpuSet.of([cpu])
    lost = everything - CpuSet.of(cpu for cpus in found.values() for cpu in cpus)
    silent = [number for number, cpus in told.items() if cpus is None]
    if lost & online or (lost and silent):
        base = f"{NODES}/node{silent[0] if silent else 0}"
        raise BuilderError(
            f"it is not known on which NUMA node {numbers('CPU', lost)} {is_are(lost)}: no "
            f"cpulist, cpumap or cpu* of a node says it",
            hint=f"copy {base}/cpulist too",
        )
    if lost:
        notes.append(
            f"{numbers('CPU', lost)} {is_are(lost)} left out: offline and on no node; bring "
            f"them online to include them (echo 1 > /{CPUS}/cpu{min(lost)}/online)"
        )
    return found


def _check_cpus_once(found: Mapping[int, CpuSet]) -> None:
    """arch/x86/mm/numa_emulation.c: a CPU is in the map of each node made of its own."""
    owner: dict[int, int] = {}
    for number, cpus in found.items():
        for cpu in cpus:
            if cpu in owner:
                both = cpus & found[owner[cpu]]
                raise BuilderError(
                    f"{numbers('CPU', both)} {is_are(both)} on NUMA node {owner[cpu]} and on node "
                    f"{number}: an inventory cannot describe this machine",
                    hint="boot without numa=fake; without it, the firmware's table (ACPI SRAT) or "
                    "the copy is wrong",
                )
            owner[cpu] = number


def _find_node(machine: Machine, node: NumaNode, cpus: CpuSet, count: int) -> FoundNode:
    mem_kib, path = node.mem_kib, f"{NODES}/node{node.number}/meminfo"
    if mem_kib is None and count == 1:
        mem_kib, path = machine.mem_kib, MEMINFO if not machine.nodes else path
    if mem_kib is None:
        raise BuilderError(
            f"{path} has no MemTotal: the memory of NUMA node {node.number} is not known",
            hint="copy the file too",
        )
    if mem_kib == 0:
        raise BuilderError(
            (
                f"NUMA node {node.number} has CPUs {cpus} but no memory, which an inventory "
                "cannot describe"
            ),
            hint="install memory modules, or choose fewer nodes (SNC, NPS) in the firmware",
        )
    return FoundNode(cpus, mem_kib, _round_up(mem_kib, folded=machine.folded))


def _round_up(mem_kib: int, *, folded: bool) -> int:
    """MiB for the inventory."""
    more, less = (1, 1) if folded else PAGES_SHARE
    given = mem_kib * more // less
    step = KIB_PER_GIB if given > SMALL_KIB else SMALL_STEP_KIB
    return -(-given // step) * step // 1024
