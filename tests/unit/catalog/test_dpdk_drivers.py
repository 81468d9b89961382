"""DPDK's drivers are told once in the builder, and once in the node programs, which stand alone."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.model.schema import inventory_schema

ROOT = Path(__file__).parents[3]


def listed_together(path: Path) -> bool:
    """Whether a module has a list, set, map or comparison with two of the names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.List | ast.Set | ast.Tuple | ast.Dict):
            parts = [n.value for n in ast.iter_child_nodes(node) if isinstance(n, ast.Constant)]
            if len(DPDK_DRIVERS.keys() & {part for part in parts if isinstance(part, str)}) > 1:
                return True
    return False


def test_they_are_listed_in_two_places() -> None:
    files = [p for name in ("builder", "systemd") for p in (ROOT / name).rglob("*.py")]
    assert [str(p.relative_to(ROOT)) for p in files if listed_together(p)] == [
        "systemd/rackwright_node.py"
    ]


def test_the_inventory_takes_each() -> None:
    parts: dict[str, Any] = inventory_schema()["$defs"]
    assert parts["Ovs"]["properties"]["driver"]["enum"] == [*DPDK_DRIVERS]
    assert parts["SriovPolicy"]["properties"]["driver"]["enum"] == ["kernel", *DPDK_DRIVERS]
