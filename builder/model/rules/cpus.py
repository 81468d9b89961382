"""Rules on the CPUs of a hardware class: each is on one node and in one core."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from builder.diagnostics import Diagnostic, KeyPath, Marks
from builder.model.hardware import HardwareClass
from builder.model.inventory import Inventory
from builder.model.rules.findings import at, error, is_are, numbers
from builder.model.values import CpuSet


def _classes(inventory: Inventory) -> Iterator[tuple[KeyPath, HardwareClass]]:
    for name, hardware in inventory.hardware.items():
        yield ("hardware", name), hardware


def check_on_one_node(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for path, hardware in _classes(inventory):
        for index, node in enumerate(hardware.numa):
            for earlier, other in enumerate(hardware.numa[:index]):
                both = node.cpus & other.cpus
                if both:
                    message = f"{numbers('CPU', both)} {is_are(both)} also on node {earlier}"
                    hint = f"see {at(marks, (*path, 'numa', earlier, 'cpus'))}"
                    yield error(marks, (*path, "numa", index, "cpus"), message, hint)


def check_any_cpu(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for path, hardware in _classes(inventory):
        if not hardware.cpus:
            message = "no node of this machine has CPUs"
            hint = 'say which it has, for example cpus: "0-7"'
            yield error(marks, (*path, "numa"), message, hint, at_key=True)


def check_siblings_or_threads(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for path, hardware in _classes(inventory):
        if hardware.siblings is not None and hardware.threads is not None:
            message = f"siblings says it already: {at(marks, (*path, 'siblings'))}"
            yield error(marks, (*path, "threads"), message, "keep one of both", at_key=True)


def check_siblings_complete(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for path, hardware in _classes(inventory):
        if hardware.siblings is None or hardware.threads is not None:
            continue
        alone = CpuSet.of(cpu for core in hardware.cores if len(core) == 1 for cpu in core)
        if alone:
            have = "has" if len(alone) == 1 else "have"
            message = (
                f"with {hardware.siblings} from sibling to sibling, "
                f"{numbers('CPU', alone)} {have} none"
            )
            hint = "see /sys/devices/system/cpu/cpu0/topology/thread_siblings_list"
            yield error(marks, (*path, "siblings"), message, hint)


def check_threads_exist(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for path, hardware in _classes(inventory):
        cpus = hardware.cpus
        for index, thread in enumerate(hardware.threads or ()):
            missing = CpuSet.of(thread) - cpus
            if missing:
                message = f"this machine has no {numbers('CPU', missing)}, it has {cpus}"
                yield error(marks, (*path, "threads", index), message)


def check_threads_once(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for path, hardware in _classes(inventory):
        first: dict[int, int] = {}
        for index, thread in enumerate(hardware.threads or ()):
            for place, cpu in enumerate(thread):
                if cpu in first:
                    other = at(marks, (*path, "threads", first[cpu]))
                    message = f"CPU {cpu} is already a thread of the core at {other}"
                    yield error(marks, (*path, "threads", index, place), message)
                first.setdefault(cpu, index)


def check_siblings_on_one_node(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for path, hardware in _classes(inventory):
        node_of = {cpu: index for index, node in enumerate(hardware.numa) for cpu in node.cpus}
        key = "siblings" if hardware.threads is None else "threads"
        if sum(len(node.cpus) for node in hardware.numa) != len(node_of):
            continue  # said by cpu-on-one-node
        for core in hardware.cores:
            nodes = sorted({node_of[cpu] for cpu in core})
            if len(nodes) > 1:
                message = (
                    f"CPUs {core} share a core, but are on the nodes {nodes[0]} and {nodes[1]}"
                )
                yield error(marks, (*path, key), message, at_key=True)
                break
