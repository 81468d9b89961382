"""Which hugepages an inventory counts, and how they are spread over NUMA nodes."""

from __future__ import annotations

from collections.abc import Mapping

from builder.model.hardware import HardwareClass
from builder.model.profile import Hugepages, PageMemory
from builder.model.values import HUGEPAGE_KIB


def cpu_nodes(hardware: HardwareClass) -> tuple[int, ...]:
    """NUMA nodes with CPUs: memory without (CXL) is slow, and gets pages by a map only."""
    return tuple(number for number, node in enumerate(hardware.numa) if node.cpus)


def spread_pages(count: int | Mapping[int, int], hardware: HardwareClass) -> dict[int, int]:
    """Pages of each node; of a number, what is left over goes to the lowest nodes, one each."""
    nodes = cpu_nodes(hardware)
    if not isinstance(count, int):
        return {node: count.get(node, 0) for node in sorted({*nodes, *count})}
    each, rest = divmod(count, len(nodes)) if nodes else (0, 0)
    return {node: each + (place < rest) for place, node in enumerate(nodes)}


def memory_by_node(memory: int | Mapping[int, int], hardware: HardwareClass) -> dict[int, int]:
    """MiB of each node: the same on all with CPUs, or the map."""
    if isinstance(memory, int):
        return dict.fromkeys(cpu_nodes(hardware), memory)
    return dict(memory)


def page_demands(pages: Hugepages) -> dict[str, PageMemory]:
    """Who besides Open vSwitch is to have pages, by the key that says so."""
    named = {"pods": pages.pods, "vms": pages.vms}
    return {key: demand for key, demand in named.items() if demand is not None}


def page_sizes(pages: Hugepages) -> tuple[str, ...]:
    """Sizes with a pool: the default, those counted further on, those somebody asks for."""
    asked = [demand.size for demand in page_demands(pages).values() if demand.size]
    return tuple(dict.fromkeys((pages.size, *(pool.size for pool in pages.more), *asked)))


def largest_size(pages: Hugepages) -> str:
    """The size Open vSwitch takes first (`builder.plan.ovs_memory.pages_taken`)."""
    return max(page_sizes(pages), key=HUGEPAGE_KIB.__getitem__)


def counted_pages(
    pages: Hugepages, size: str
) -> tuple[tuple[str | int, ...], int | dict[int, int] | None]:
    """The inventory's own count of a size, and its key below hugepages; None: it is derived."""
    if size == pages.size:
        return ("count",), pages.count
    for place, pool in enumerate(pages.more):
        if pool.size == size:
            return ("more", place, "count"), pool.count
    return (), None
