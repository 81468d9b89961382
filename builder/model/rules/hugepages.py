"""Rules on hugepages: the CPU has the size, each node the memory."""

from __future__ import annotations

from collections.abc import Iterable

from builder.diagnostics import Diagnostic, KeyPath, Marks
from builder.model.hardware import HardwareClass
from builder.model.inventory import Inventory
from builder.model.profile import Hugepages
from builder.model.rules.findings import at, count, error, pairs, warning
from builder.model.values import HUGEPAGE_KIB, format_mib

# What a node needs beside its hugepages: kernel, kubelet, containerd and OVS's own memory.
HEADROOM_MIB = 2048


def _pages(hugepages: Hugepages, hardware: HardwareClass) -> dict[int, int]:
    """Pages on each node of the machine; what is left over goes to the lowest nodes."""
    if isinstance(hugepages.count, dict):
        return hugepages.count
    nodes = len(hardware.numa)
    each, rest = divmod(hugepages.count, nodes)
    return {node: each + (node < rest) for node in range(nodes)}


def check_any_page(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for name, profile in inventory.profiles.items():
        pages = profile.hugepages.count
        total = sum(pages.values()) if isinstance(pages, dict) else pages
        if total == 0:
            message = "no hugepages at all: OVS-DPDK and DPDK pods cannot start"
            yield error(marks, ("profiles", name, "hugepages", "count"), message)


def check_nodes_exist(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for pair in pairs(inventory):
        pages, nodes = pair.profile.hugepages.count, len(pair.hardware.numa)
        for node in pages if isinstance(pages, dict) else ():
            if node >= nodes:
                path = (*pair.path, "hugepages", "count", node)
                message = f"hardware class {pair.class_name} has no node {node}"
                hint = "it has node 0 only" if nodes == 1 else f"it has nodes 0 to {nodes - 1}"
                yield error(marks, path, message, hint, at_key=True)


def check_even_spread(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for pair in pairs(inventory):
        pages, nodes = pair.profile.hugepages.count, len(pair.hardware.numa)
        if isinstance(pages, dict) or pages % nodes == 0:
            continue
        spread = _pages(pair.profile.hugepages, pair.hardware)
        split = ", ".join(f"{node}: {here}" for node, here in spread.items())
        message = (
            f"{count(pages, 'page')} cannot be spread evenly over the {nodes} nodes of hardware "
            f"class {pair.class_name}: the lowest get one more"
        )
        path = (*pair.path, "hugepages", "count")
        yield warning(marks, path, message, f"say it: count: {{{split}}}")


def check_fit(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for pair in pairs(inventory):
        hugepages = pair.profile.hugepages
        for node, pages in _pages(hugepages, pair.hardware).items():
            if node >= len(pair.hardware.numa):
                continue
            memory = pair.hardware.numa[node].memory
            wanted = pages * HUGEPAGE_KIB[hugepages.size] // 1024
            if pages and wanted > memory - HEADROOM_MIB:
                message = (
                    f"{count(pages, 'page')} of {hugepages.size} on node {node} are "
                    f"{format_mib(wanted)}, but the node has {format_mib(memory)} "
                    f"and needs {format_mib(HEADROOM_MIB)} for itself"
                )
                hint = f"see {at(marks, (*pair.class_path, 'numa', node, 'memory'))}"
                yield error(marks, _place(pair.path, hugepages, node), message, hint)


def _place(base: KeyPath, hugepages: Hugepages, node: int) -> KeyPath:
    path = (*base, "hugepages", "count")
    return (*path, node) if isinstance(hugepages.count, dict) else path


def check_1g_pages(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """Without the flag the kernel says "unsupported hugepagesz=1G" and reserves nothing."""
    for pair in pairs(inventory):
        if pair.profile.hugepages.size == "1G" and not pair.hardware.cpu.pdpe1gb:
            path = (*pair.class_path, "cpu", "pdpe1gb")
            message = f"the CPU of hardware class {pair.class_name} has no 1G pages"
            hint = f"see {at(marks, path)}; take size: 2M"
            yield error(marks, (*pair.path, "hugepages", "size"), message, hint)
