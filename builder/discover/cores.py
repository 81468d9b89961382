"""Which CPUs share a core, and what had to be assumed of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from builder.discover.cpu_sets import parse_list, parse_mask
from builder.discover.machine import CPUINFO, CPUS, Machine
from builder.model.values import CpuSet
from builder.phrases import count_text, is_are, numbers


@dataclass(frozen=True, slots=True)
class Cores:
    """cores: sets of SMT siblings. unsure: offline CPUs of which they are not known."""

    cores: tuple[CpuSet, ...]
    unsure: CpuSet
    notes: tuple[str, ...]


def find_cores(machine: Machine, cpus: CpuSet, online: CpuSet) -> Cores:
    notes: list[str] = []
    cores: dict[int, CpuSet] = {}
    for cpu, group in _groups(machine).items():
        for sibling in group & cpus:
            cores[sibling] = cores.get(sibling, CpuSet()) | CpuSet.of([cpu, sibling])
    silent = CpuSet.of(cpu for cpu in cpus if cpu not in cores)
    if silent & online:
        notes.append(_told_nothing(machine, silent & online))
    unsure = silent - online
    if unsure:
        unsure = _guess(cores, unsure, notes)
    alone = {cpu: CpuSet.of([cpu]) for cpu in cpus if cpu not in cores}
    return Cores(tuple(sorted({*cores.values(), *alone.values()})), unsure, tuple(notes))


def _groups(machine: Machine) -> Mapping[int, CpuSet]:
    """What each CPU that is told of says of its core."""
    by_number: dict[tuple[int | None, int | None, int], set[int]] = {}
    for number, cpu in machine.cpus.items():
        if cpu.core is not None:
            by_number.setdefault(cpu.core, set()).add(number)
    groups: dict[int, CpuSet] = {}
    for number, cpu in machine.cpus.items():
        if cpu.siblings is not None:
            groups[number] = parse_list(cpu.siblings, cpu.path)
        elif cpu.mask is not None:
            groups[number] = parse_mask(cpu.mask, cpu.path)
        elif cpu.core is not None:
            groups[number] = CpuSet.of(by_number[cpu.core])
    return groups


def _told_nothing(machine: Machine, cpus: CpuSet) -> str:
    """arch/x86/kernel/cpu/proc.c: "siblings" are the CPUs of a package, "cpu cores" its cores."""
    note = (
        f"no thread_siblings_list of {numbers('CPU', cpus)}: each is assumed to be a core of its "
        "own"
    )
    siblings, cores = (machine.cpuinfo.get(key, "") for key in ("siblings", "cpu cores"))
    if siblings.isdecimal() and cores.isdecimal() and int(siblings) > int(cores):
        note += (
            f", which is wrong: {CPUINFO} has {siblings} CPUs in {count_text(int(cores), 'core')}. "
            "Copy topology/thread_siblings_list of each CPU, or enter siblings or threads"
        )
    return note


def _guess(cores: dict[int, CpuSet], offline: CpuSet, notes: list[str]) -> CpuSet:
    """Pair offline CPUs as all online ones are paired; returns those still unsure."""
    apart = distances([core for core in cores.values() if len(core) > 1])
    distance = next(iter(apart)) if len(apart) == 1 else None
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


def distances(cores: Sequence[CpuSet]) -> Counter[int | None]:
    """How far apart siblings are; None: a core has not two."""
    return Counter(max(core) - min(core) if len(core) == 2 else None for core in cores)
