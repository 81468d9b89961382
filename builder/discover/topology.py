"""CPUs, NUMA nodes and memory as an inventory has them, and what had to be assumed for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from builder.discover.machine import CPUS, NODES, Machine, NumaNode
from builder.errors import BuilderError
from builder.model.values import CpuSet
from builder.phrases import is_are, numbers, quote

KIB_PER_GIB = 1024 * 1024
# Up to SMALL_KIB a whole GiB would be rounding by more than `verify` lets pass.
SMALL_STEP_KIB = 256 * 1024
SMALL_KIB = 32 * KIB_PER_GIB
# struct page is 64 bytes for each page of 4 KiB, taken from memory before MemTotal is counted:
# MemTotal is 63/64 of what the kernel was given, less what firmware and kernel keep.
PAGES_SHARE = (64, 63)


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
    nodes = _find_nodes(machine, notes)
    cpus = CpuSet.of(cpu for node in nodes for cpu in node.cpus)
    online = _parse(machine.online, f"{CPUS}/online") if machine.online else cpus
    core_notes: list[str] = []
    cores, unsure = _find_cores(machine, cpus, online, core_notes)
    pairs = _distances(cores)
    distance = next(iter(pairs)) if len(pairs) == 1 and None not in pairs else None
    return Topology(nodes, cores, distance, unsure, tuple(notes), tuple(core_notes))


def _parse(text: str | None, path: str) -> CpuSet:
    if not text:
        return CpuSet()
    try:
        return CpuSet.parse(text)
    except ValueError as fault:
        raise BuilderError(f"{path} is not a list of CPUs: {fault}", hint="copy it again") from None


def _find_nodes(machine: Machine, notes: list[str]) -> tuple[FoundNode, ...]:
    if not machine.cpus:
        raise BuilderError(
            f"{CPUS} has no CPUs (cpu0, cpu1, …): this machine cannot be described",
            hint="is this a copy of /sys? `rackwright discover --record DIR` creates one",
        )
    _check_numbers(machine)
    cpus_of = _cpus_of_nodes(machine, notes)
    if not machine.nodes:
        notes.append(f"the kernel has no {NODES}: all CPUs and memory are assigned to one node")
    files = machine.nodes or (NumaNode(0, str(cpus_of[0]), machine.mem_kib),)
    folded = machine.folded
    found = tuple(_find_node(node, cpus_of[node.number], folded=folded) for node in files)
    notes.append(_memory_note(found, folded=folded))
    return found


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


def _check_numbers(machine: Machine) -> None:
    """An inventory numbers nodes by their place, and kernel arguments go by these numbers."""
    numbers = [node.number for node in machine.nodes]
    if numbers != list(range(len(numbers))):
        raise BuilderError(
            f"the kernel's NUMA nodes are {', '.join(map(str, numbers))}; an inventory numbers "
            "nodes from 0 without gaps, so it cannot describe this machine",
            hint="the kernel leaves out a node without memory modules: install some, or choose "
            "fewer nodes (SNC, NPS) in the firmware",
        )


def _cpus_of_nodes(machine: Machine, notes: list[str]) -> Mapping[int, CpuSet]:
    """CPUs by node, the offline ones too, which cpulist leaves out."""
    everything = CpuSet.of(machine.cpus)
    if not machine.nodes:
        return {0: everything}
    found = {
        node.number: _parse(node.cpus, f"{NODES}/node{node.number}/cpulist")
        for node in machine.nodes
    }
    known = CpuSet.of(cpu for cpus in found.values() for cpu in cpus)
    for cpu in everything - known:
        home = machine.offline_nodes.get(cpu, 0 if len(found) == 1 else None)
        if home in found:
            found[home] |= CpuSet.of([cpu])
    lost = everything - CpuSet.of(cpu for cpus in found.values() for cpu in cpus)
    if lost:
        notes.append(
            f"{numbers('CPU', lost)} {is_are(lost)} left out: offline and on no node; bring "
            f"them online to include them (echo 1 > /{CPUS}/cpu{min(lost)}/online)"
        )
    return found


def _find_node(node: NumaNode, cpus: CpuSet, *, folded: bool) -> FoundNode:
    if node.mem_kib is None:
        raise BuilderError(
            f"{NODES}/node{node.number}/meminfo has no MemTotal: the memory of NUMA node "
            f"{node.number} is not known",
            hint="copy the file too",
        )
    if node.mem_kib == 0:
        raise BuilderError(
            (
                f"NUMA node {node.number} has CPUs {cpus} but no memory, which an inventory "
                "cannot describe"
            ),
            hint="install memory modules, or choose fewer nodes (SNC, NPS) in the firmware",
        )
    return FoundNode(cpus, node.mem_kib, _round_up(node.mem_kib, folded=folded))


def _round_up(mem_kib: int, *, folded: bool) -> int:
    """MiB for the inventory."""
    more, less = (1, 1) if folded else PAGES_SHARE
    given = mem_kib * more // less
    step = KIB_PER_GIB if given > SMALL_KIB else SMALL_STEP_KIB
    return -(-given // step) * step // 1024


def _find_cores(
    machine: Machine, cpus: CpuSet, online: CpuSet, notes: list[str]
) -> tuple[tuple[CpuSet, ...], CpuSet]:
    """Cores, and the CPUs of which it is not known with whom they share theirs."""
    cores: dict[int, CpuSet] = {}
    for cpu, text in machine.siblings.items():
        for sibling in _parse(text, f"{CPUS}/cpu{cpu}/topology/thread_siblings_list") & cpus:
            cores[sibling] = cores.get(sibling, CpuSet()) | CpuSet.of([cpu, sibling])
    silent = CpuSet.of(cpu for cpu in cpus if cpu not in cores)
    if silent & online:
        notes.append(
            f"no thread_siblings_list of {numbers('CPU', silent & online)}: each is assumed "
            "to be a core of its own"
        )
    unsure = silent - online
    if unsure:
        unsure = _guess(cores, unsure, notes)
    alone = {cpu: CpuSet.of([cpu]) for cpu in cpus if cpu not in cores}
    return tuple(sorted({*cores.values(), *alone.values()})), unsure


def _guess(cores: dict[int, CpuSet], offline: CpuSet, notes: list[str]) -> CpuSet:
    """Pair offline CPUs as all online ones are paired; returns those still unsure."""
    distances = _distances([core for core in cores.values() if len(core) > 1])
    distance = next(iter(distances)) if len(distances) == 1 else None
    free = {*offline, *(cpu for cpu, core in cores.items() if len(core) == 1)}
    paired: set[int] = set()
    for cpu in sorted(free) if distance else ():
        other = cpu + (distance or 0)
        if cpu in free and other in free and {cpu, other} & {*offline}:
            cores[cpu] = cores[other] = CpuSet.of([cpu, other])
            free -= {cpu, other}
            paired |= {cpu, other}
    guessed, unsure = offline & CpuSet.of(paired), offline - CpuSet.of(paired)
    if guessed:
        notes.append(
            f"{numbers('CPU', guessed)} {is_are(guessed)} offline: siblings are assumed to be "
            f"as far apart as the others, {distance}"
        )
    if unsure:
        notes.append(
            f"{numbers('CPU', unsure)} {is_are(unsure)} offline: their siblings are not known, so each "
            f"is assumed to be a core of its own. Bring them online (echo 1 > "
            f"/{CPUS}/cpu{min(unsure)}/online, or boot without nosmt) and discover again"
        )
    return unsure


def _distances(cores: Sequence[CpuSet]) -> Counter[int | None]:
    """How far apart siblings are; None: a core has not two."""
    return Counter(max(core) - min(core) if len(core) == 2 else None for core in cores)


def find_vendor(machine: Machine) -> tuple[str, tuple[str, ...]]:
    """`intel` or `amd`: whose IOMMU it has."""
    vendors = {"GenuineIntel": "intel", "AuthenticAMD": "amd", "HygonGenuine": "amd"}
    said = machine.cpuinfo.get("vendor_id")
    if said is None:
        raise BuilderError(
            "proc/cpuinfo has no vendor_id: the vendor of the CPU is not known, nor are the "
            "kernel arguments of the IOMMU",
            hint="rackwright is for x86-64; copy the file too",
        )
    if said not in vendors:
        raise BuilderError(
            f"the CPU is of {quote(said)}; an inventory knows intel and amd only",
        )
    notes = () if said != "HygonGenuine" else ("a Hygon CPU has AMD's IOMMU",)
    return vendors[said], notes
