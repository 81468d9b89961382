"""How many hugepages of which size each NUMA node gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from builder.diagnostics import KeyPath
from builder.model.pages import PageCount, PageWish
from builder.model.sizes import HUGEPAGE_KIB
from builder.plan.eal_pages import PageStock, pages_taken
from builder.plan.inputs import Inputs
from builder.plan.nouns.pages import HugepagePool, PageDemand, whole_pages
from builder.plan.ovs_memory import OvsMemory


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
    users = tuple(_of_users(inputs))
    demands = (*_of_switch(inputs, memory, users), *users)
    pools = [pool for size in inputs.pages.sizes for pool in _plan_size(inputs, size, demands)]
    return tuple(pools) if any(pool.count for pool in pools) else ()


def plan_page_demands(inputs: Inputs) -> tuple[PageDemand, ...]:
    """What of the pages is promised to whom."""
    return tuple(
        PageDemand(
            who=wish.user,
            node=node,
            size_kib=HUGEPAGE_KIB[wish.size],
            mib=mib,
            why=inputs.why("as the inventory asks", _wish_key(inputs, wish)),
            key=_wish_key(inputs, wish),
        )
        for wish in inputs.pages.wishes
        for node, mib in sorted(wish.by_node(inputs.cpu_nodes).items())
    )


def _wish_key(inputs: Inputs, wish: PageWish) -> KeyPath:
    return inputs.profile_key("hugepages", *wish.path, "memory")


def _of_users(inputs: Inputs) -> Iterator[Demand]:
    """What pods and virtual machines are to have."""
    for wish in inputs.pages.wishes:
        mib = wish.by_node(inputs.cpu_nodes)
        yield Demand(wish.user, wish.size, mib, (_wish_key(inputs, wish),))


def _of_switch(
    inputs: Inputs, memory: tuple[OvsMemory, ...], users: tuple[Demand, ...]
) -> Iterator[Demand]:
    """What Open vSwitch takes of each size: EAL, not the inventory, decides (`pages_taken`)."""
    sizes = inputs.pages.sizes
    shares: dict[str, dict[int, int]] = {size: {} for size in sizes}
    for item in memory[: len(inputs.hardware.numa)]:
        stocks = {size: _stock(inputs, size, item.node, users) for size in sizes}
        left = item.mib
        for taken in pages_taken(item.mib, tuple(stocks.values()))[0]:
            size = next(size for size in sizes if HUGEPAGE_KIB[size] == taken.size_kib)
            shares[size][item.node] = min(left, taken.count * taken.size_kib // 1024)
            left -= shares[size][item.node]
    keys = tuple(dict.fromkeys(key for item in memory if item.mib for key in item.keys))
    for size, mib in shares.items():
        yield Demand("Open vSwitch", size, mib, keys)


def _stock(inputs: Inputs, size: str, node: int, users: tuple[Demand, ...]) -> PageStock:
    """Pages of a node that EAL finds: those counted, or those promised to others and more."""
    count, size_kib = inputs.pages.count_of(size), HUGEPAGE_KIB[size]
    if count is not None:
        return PageStock(size_kib, count.by_node(inputs.cpu_nodes).get(node, 0))
    promised = sum(whole_pages(d.mib.get(node, 0), size_kib) for d in users if d.size == size)
    return PageStock(size_kib, promised, grows=True)


def _plan_size(inputs: Inputs, size: str, demands: tuple[Demand, ...]) -> Iterator[HugepagePool]:
    count = inputs.pages.count_of(size)
    if count is not None:
        yield from _count_pages(inputs, count)
        return
    here = tuple(demand for demand in demands if demand.size == size)
    nodes = sorted({*inputs.cpu_nodes, *(n for d in here for n in d.mib if d.mib[n])})
    for node in nodes:
        parts = [demand for demand in here if demand.mib.get(node)]
        pages = sum(whole_pages(demand.mib[node], HUGEPAGE_KIB[size]) for demand in parts)
        told = " + ".join(f"{demand.mib[node]} MiB for {demand.who}" for demand in parts)
        reason = f"{told}, each in whole pages" if parts else "nobody wants pages here"
        keys = [key for demand in parts for key in demand.keys] or [inputs.profile_key("hugepages")]
        why = inputs.why(reason, *dict.fromkeys(keys))
        yield HugepagePool(node, HUGEPAGE_KIB[size], pages, why, keys[0])


def _count_pages(inputs: Inputs, count: PageCount) -> Iterator[HugepagePool]:
    counts = count.by_node(inputs.cpu_nodes)
    if not isinstance(count.pages, int):
        reason = "pages per NUMA node as listed in the inventory"
    elif len(counts) > 1:
        reason = f"{count.total} pages in all, spread evenly over {len(counts)} NUMA nodes"
    else:
        reason = f"{count.total} pages on the only NUMA node"
    key = inputs.profile_key("hugepages", *count.path)
    why = inputs.why(reason, key)
    for node, pages in counts.items():
        yield HugepagePool(node, HUGEPAGE_KIB[count.size], pages, why, key)
