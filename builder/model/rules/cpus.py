"""Rules on the CPUs of a hardware class: each is on one node and in one core."""

from __future__ import annotations

from collections.abc import Iterator

from builder.diagnostics import KeyPath
from builder.model.hardware import HardwareClass
from builder.model.inventory import Inventory
from builder.model.values import CpuSet
from builder.phrases import is_are, numbers
from builder.rule import SEE, Finding, Rule


def _classes(inventory: Inventory) -> Iterator[tuple[KeyPath, HardwareClass]]:
    for name, hardware in inventory.hardware.items():
        yield ("hardware", name), hardware


def check_on_one_node(inventory: Inventory) -> Iterator[Finding]:
    for path, hardware in _classes(inventory):
        for index, node in enumerate(hardware.numa):
            for earlier, other in enumerate(hardware.numa[:index]):
                both = node.cpus & other.cpus
                if both:
                    message = f"{numbers('CPU', both)} {is_are(both)} also on node {earlier}"
                    hint = f"see {SEE}"
                    yield Finding(
                        (*path, "numa", index, "cpus"),
                        message,
                        hint,
                        see=(*path, "numa", earlier, "cpus"),
                    )


def check_any_cpu(inventory: Inventory) -> Iterator[Finding]:
    for path, hardware in _classes(inventory):
        if not hardware.cpus:
            message = "no node of this machine has CPUs"
            hint = 'list them, for example cpus: "0-7"'
            yield Finding((*path, "numa"), message, hint, at_key=True)


def check_siblings_or_threads(inventory: Inventory) -> Iterator[Finding]:
    for path, hardware in _classes(inventory):
        if hardware.siblings is not None and hardware.threads is not None:
            message = f"siblings already describes this: {SEE}"
            yield Finding(
                (*path, "threads"),
                message,
                "remove one of them",
                at_key=True,
                see=(*path, "siblings"),
            )


def check_siblings_complete(inventory: Inventory) -> Iterator[Finding]:
    for path, hardware in _classes(inventory):
        if hardware.siblings is None or hardware.threads is not None:
            continue
        alone = CpuSet.of(cpu for core in hardware.cores if len(core) == 1 for cpu in core)
        if alone:
            have = "has" if len(alone) == 1 else "have"
            message = f"with siblings {hardware.siblings} apart, {numbers('CPU', alone)} {have} no sibling"
            hint = "see /sys/devices/system/cpu/cpu0/topology/thread_siblings_list"
            yield Finding((*path, "siblings"), message, hint)


def check_threads_exist(inventory: Inventory) -> Iterator[Finding]:
    for path, hardware in _classes(inventory):
        cpus = hardware.cpus
        for index, thread in enumerate(hardware.threads or ()):
            missing = CpuSet.of(thread) - cpus
            if missing:
                message = f"this machine has no {numbers('CPU', missing)}, it has {cpus}"
                yield Finding((*path, "threads", index), message)


def check_threads_once(inventory: Inventory) -> Iterator[Finding]:
    for path, hardware in _classes(inventory):
        first: dict[int, int] = {}
        for index, thread in enumerate(hardware.threads or ()):
            for place, cpu in enumerate(thread):
                if cpu in first:
                    other = (*path, "threads", first[cpu])
                    message = f"CPU {cpu} is already a thread of the core at {SEE}"
                    yield Finding((*path, "threads", index, place), message, see=other)
                first.setdefault(cpu, index)


def check_siblings_on_one_node(inventory: Inventory) -> Iterator[Finding]:
    for path, hardware in _classes(inventory):
        node_of = {cpu: index for index, node in enumerate(hardware.numa) for cpu in node.cpus}
        key = "siblings" if hardware.threads is None else "threads"
        if sum(len(node.cpus) for node in hardware.numa) != len(node_of):
            continue  # said by cpu-on-one-node
        for core in hardware.cores:
            nodes = sorted({node_of[cpu] for cpu in core})
            if len(nodes) > 1:
                message = f"CPUs {core} share a core, but are on nodes {nodes[0]} and {nodes[1]}"
                yield Finding((*path, key), message, at_key=True)
                break


RULES: tuple[Rule[Inventory], ...] = (
    Rule("cpu-any", "error", "A machine has CPUs.", check_any_cpu),
    Rule("cpu-on-one-node", "error", "A CPU belongs to one NUMA node only.", check_on_one_node),
    Rule(
        "cpu-siblings-or-threads",
        "error",
        "SMT siblings are given either by their distance (`siblings`) or per core (`threads`).",
        check_siblings_or_threads,
    ),
    Rule(
        "cpu-siblings-complete",
        "error",
        "With `siblings`, every CPU has a sibling at that distance.",
        check_siblings_complete,
    ),
    Rule(
        "cpu-siblings-on-one-node",
        "error",
        "All siblings of a core are on the same NUMA node.",
        check_siblings_on_one_node,
    ),
    Rule(
        "cpu-threads-exist",
        "error",
        "The CPUs listed in `threads` exist.",
        check_threads_exist,
    ),
    Rule("cpu-threads-once", "error", "A CPU is a thread of one core only.", check_threads_once),
)
