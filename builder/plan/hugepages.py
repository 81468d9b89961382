"""How many hugepages of which size each NUMA node gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from builder.diagnostics import KeyPath
from builder.model.pages import cpu_nodes, memory_by_node, spread_pages
from builder.model.values import HUGEPAGE_KIB
from builder.plan.inputs import Inputs
from builder.plan.ovs_memory import OvsMemory
from builder.plan.types import HugepagePool, PageDemand


@dataclass(frozen=True, slots=True)
class Demand:
    """MiB somebody is to have on each node, in pages of one size."""

    who: str
    size: str
    mib: Mapping[int, int]
    keys: tuple[KeyPath, ...]


def plan_hugepages(inputs: Inputs, memory: tuple[OvsMemory, ...]) -> tuple[HugepagePool, ...]:
    """A pool for each size and NUMA node, also of 0 pages, so that it can be read back.

    The default size first. () when nobody wants pages and none are counted.
    """
    demands = (*_of_switch(inputs, memory), *user_demands(inputs))
    sizes = page_sizes(inputs)
    pools = [pool for size in sizes for pool in _plan_size(inputs, size, demands)]
    return tuple(pools) if any(pool.count for pool in pools) else ()


def page_sizes(inputs: Inputs) -> tuple[str, ...]:
    """Sizes with a pool: the default, those counted further on, those somebody asks for."""
    pages = inputs.profile.hugepages
    asked = [demand.size for demand in user_demands(inputs)]
    return tuple(dict.fromkeys((pages.size, *(pool.size for pool in pages.more), *asked)))


def plan_page_demands(inputs: Inputs) -> tuple[PageDemand, ...]:
    """What of the pages is promised to whom."""
    return tuple(
        PageDemand(
            who="pods" if demand.who == "pods" else "virtual machines",
            node=node,
            size_kib=HUGEPAGE_KIB[demand.size],
            mib=mib,
            why=inputs.why("as the inventory asks", *demand.keys),
        )
        for demand in user_demands(inputs)
        for node, mib in sorted(demand.mib.items())
    )


def user_demands(inputs: Inputs) -> Iterator[Demand]:
    """What pods and virtual machines are to have."""
    pages = inputs.profile.hugepages
    if pages.pods is not None:
        mib = memory_by_node(pages.pods.memory, inputs.hardware)
        key = inputs.profile_key("hugepages", "pods", "memory")
        yield Demand("pods", pages.pods.size or pages.size, mib, (key,))
    if pages.vms is not None:
        mib = memory_by_node(pages.vms.memory, inputs.hardware)
        key = inputs.profile_key("hugepages", "vms", "memory")
        yield Demand("virtual machines", pages.vms.size or pages.size, mib, (key,))


def _of_switch(inputs: Inputs, memory: tuple[OvsMemory, ...]) -> Iterator[Demand]:
    """Open vSwitch, on the largest size there is: EAL takes that first (`pages_taken`)."""
    if memory:
        largest = max(page_sizes(inputs), key=HUGEPAGE_KIB.__getitem__)
        keys = tuple(dict.fromkeys(key for item in memory for key in item.keys))
        yield Demand("Open vSwitch", largest, {item.node: item.mib for item in memory}, keys)


def _plan_size(inputs: Inputs, size: str, demands: tuple[Demand, ...]) -> Iterator[HugepagePool]:
    key, count = _counted(inputs, size)
    if count is not None:
        yield from _count_pages(inputs, size, count, key)
        return
    here = tuple(demand for demand in demands if demand.size == size)
    nodes = sorted({*cpu_nodes(inputs.hardware), *(n for d in here for n in d.mib if d.mib[n])})
    page_mib = HUGEPAGE_KIB[size] // 1024
    for node in nodes:
        parts = [demand for demand in here if demand.mib.get(node)]
        pages = sum(-(-demand.mib[node] // page_mib) for demand in parts)
        told = " + ".join(f"{demand.mib[node]} MiB for {demand.who}" for demand in parts)
        reason = f"{told}, each in whole pages" if parts else "nobody wants pages here"
        keys = [key for demand in parts for key in demand.keys] or [inputs.profile_key("hugepages")]
        why = inputs.why(reason, *dict.fromkeys(keys))
        yield HugepagePool(node=node, size_kib=HUGEPAGE_KIB[size], count=pages, why=why)


def _counted(inputs: Inputs, size: str) -> tuple[KeyPath, int | dict[int, int] | None]:
    """The inventory's own count of a size, and its key."""
    pages = inputs.profile.hugepages
    if size == pages.size:
        return inputs.profile_key("hugepages", "count"), pages.count
    for place, pool in enumerate(pages.more):
        if pool.size == size:
            return inputs.profile_key("hugepages", "more", place, "count"), pool.count
    return inputs.profile_key("hugepages"), None


def _count_pages(
    inputs: Inputs, size: str, count: int | dict[int, int], key: KeyPath
) -> Iterator[HugepagePool]:
    counts = spread_pages(count, inputs.hardware)
    if not isinstance(count, int):
        reason = "pages per NUMA node as listed in the inventory"
    elif len(counts) > 1:
        reason = f"{count} pages in all, spread evenly over {len(counts)} NUMA nodes"
    else:
        reason = f"{count} pages on the only NUMA node"
    why = inputs.why(reason, key)
    for node, pages in counts.items():
        yield HugepagePool(node=node, size_kib=HUGEPAGE_KIB[size], count=pages, why=why)
