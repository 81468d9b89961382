"""How many hugepages each NUMA node gets."""

from __future__ import annotations

from collections.abc import Mapping

from builder.model.values import HUGEPAGE_KIB
from builder.plan.inputs import Inputs
from builder.plan.types import HugepagePool


def plan_hugepages(inputs: Inputs) -> tuple[HugepagePool, ...]:
    """One pool for each NUMA node, also of 0 pages, so that it can be read back."""
    pages = inputs.profile.hugepages
    counts = count_pages_by_node(inputs)
    if isinstance(pages.count, int):
        nodes = len(counts)
        reason = (
            f"{pages.count} pages in all, spread evenly over {nodes} NUMA nodes"
            if nodes > 1
            else f"{pages.count} pages on the only NUMA node"
        )
    else:
        reason = "pages per NUMA node as listed in the inventory"
    why = inputs.why(reason, inputs.profile_key("hugepages", "count"))
    return tuple(
        HugepagePool(node=node, size_kib=HUGEPAGE_KIB[pages.size], count=count, why=why)
        for node, count in counts.items()
    )


def count_pages_by_node(inputs: Inputs) -> Mapping[int, int]:
    """Pages of each node that has CPUs; a remainder goes to the lowest nodes, one each.

    Memory without CPUs (CXL) is slow memory: it has pages only where the inventory says so.
    """
    nodes = [number for number, node in enumerate(inputs.hardware.numa) if node.cpus]
    count = inputs.profile.hugepages.count
    if not isinstance(count, int):
        return {node: count.get(node, 0) for node in sorted({*nodes, *count})}
    each, rest = divmod(count, len(nodes)) if nodes else (0, 0)
    return {node: each + (place < rest) for place, node in enumerate(nodes)}
