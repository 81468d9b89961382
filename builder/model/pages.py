"""How pages an inventory counts are spread over NUMA nodes: one way, for rules and plan."""

from __future__ import annotations

from collections.abc import Mapping

from builder.model.hardware import HardwareClass


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
