"""Which hugepages EAL takes for the memory it is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from builder.plan.eal_nodes import eal_nodes, main_node
from builder.plan.mempools import PORT_TABLE_MIB
from builder.plan.nouns.image import ImagePlan


@dataclass(frozen=True, slots=True)
class PageStock:
    """A number of pages of one size.

    grows: the plan counts them, as many as are needed; `count` are promised to others then.
    """

    size_kib: int
    count: int
    grows: bool = False


def pages_taken(mib: int, stock: Sequence[PageStock]) -> tuple[tuple[PageStock, ...], int]:
    """What EAL takes for `mib` MiB of one node, largest pages first, and the MiB it lacks.

    eal_dynmem_calc_num_pages_per_socket() of lib/eal/common/eal_common_dynmem.c; OVS since 2.17
    starts EAL with --in-memory, which uses every page size the kernel has, not only that of
    dpdk-hugepage-dir (eal_hugepage_info.c, hugepage_info_init()).
    """
    left = mib * 1024
    taken: list[PageStock] = []
    ordered = sorted(stock, key=lambda pool: -pool.size_kib)
    for place, pool in enumerate(ordered):
        pages = left // pool.size_kib
        pages = pages if pool.grows else min(pages, pool.count)
        left -= pages * pool.size_kib
        smaller = sum(other.size_kib * other.count for other in ordered[place + 1 :])
        if left and (pool.grows or pages < pool.count) and smaller < left:
            pages, left = pages + 1, 0
        taken.append(PageStock(pool.size_kib, pages))
    return tuple(taken), -(-left // 1024)


def pages_of_switch(image: ImagePlan) -> tuple[dict[tuple[int, int], int], dict[int, int]]:
    """Pages Open vSwitch takes, by (node, KiB), and the MiB each node lacks for it."""
    pages: dict[tuple[int, int], int] = {}
    lacks: dict[int, int] = {}
    for node, mib in enumerate(image.socket_mem):
        stock = [PageStock(pool.size_kib, pool.count) for pool in image.pools_on(node)]
        taken, lack = pages_taken(mib, stock)
        pages.update({(node, pool.size_kib): pool.count for pool in taken})
        if lack:
            lacks[node] = lack
    return pages, lacks


def enough_pages(image: ImagePlan) -> Mapping[int, int]:
    """Pages of the default size by node: as planned, and as many as all users need at least.

    The node of DPDK's main lcore has some too: what is advised must not break another node.
    """
    # hugepages.count is of the default size, whose pools are the first.
    size_mib = image.hugepages[0].size_kib // 1024 if image.hugepages else 1024
    planned = {p.node: p.count for p in image.hugepages if p.size_kib == size_mib * 1024}
    taken, lacks = pages_of_switch(image)
    needs = Counter({node: pages for (node, kib), pages in taken.items() if kib == size_mib * 1024})
    for node in lacks.keys() & eal_nodes(image.cpus):
        others = sum(pool.mib for pool in image.pools_on(node)) - planned.get(node, 0) * size_mib
        needs[node] = -(-(image.socket_mem[node] - others) // size_mib)
    for demand in image.page_demands:
        if demand.size_kib == size_mib * 1024:
            needs[demand.node] += demand.pages
    counts = {n: max(planned.get(n, 0), needs[n]) for n in {*planned, *needs}}
    main = main_node(image.cpus, image.lcore_mask)
    if main is not None and not counts.get(main) and not any(p.count for p in image.pools_on(main)):
        counts[main] = -(-PORT_TABLE_MIB // size_mib)
    return {node: count for node, count in sorted(counts.items()) if count}


def counts_text(counts: Mapping[int, int]) -> str:
    """Pages by node as an inventory has them: `{0: 1, 5: 2}`."""
    return f"{{{', '.join(f'{node}: {count}' for node, count in counts.items())}}}"
