"""Which interfaces have routes, and what lies under those that are no port: bonds, VLANs, bridges.

Standard library only, as `builder.discover.system_files`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from builder.discover.functions import INTERFACES
from builder.discover.system_files import Tree

ROUTES = "proc/net/route"
ROUTES_IPV6 = "proc/net/ipv6_route"
# A bridge on a VLAN on a bond on a port, and one to spare.
DEEPEST = 5


@dataclass(frozen=True, slots=True)
class Layer:
    """An interface that stands on others. kind: `bond`, `bridge`, `team`, `VLAN`, `interface`."""

    kind: str
    lowers: tuple[str, ...]


def read_routes(tree: Tree) -> tuple[tuple[str, ...], bool]:
    """Interfaces with a route, those with a default route first, of which the one the kernel
    prefers; and whether these are IPv6 routes, for want of a default route of IPv4.
    """
    some, default = _rows_ipv4(tree.read(ROUTES))
    if default:
        return _in_order(default, some), False
    default_ipv6 = _rows_ipv6(tree.read(ROUTES_IPV6) if tree.has(ROUTES_IPV6) else None)
    return _in_order(default_ipv6, some), bool(default_ipv6)


def _in_order(default: Iterable[tuple[int, str]], some: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(name for _, name in sorted(default)), *some]))


def _rows_ipv4(text: str | None) -> tuple[list[str], list[tuple[int, str]]]:
    """net/ipv4/fib_trie.c: Iface Destination Gateway Flags RefCnt Use Metric Mask ..."""
    rows = [row.split() for row in (text or "").splitlines()[1:]]
    rows = [row for row in rows if len(row) > 7]
    default = [(_number(row[6]), row[0]) for row in rows if row[1] == row[7] == "00000000"]
    return [row[0] for row in rows], default


def _rows_ipv6(text: str | None) -> list[tuple[int, str]]:
    """net/ipv6/route.c, rt6_seq_show: destination, length, source, length, next hop, metric,
    references, uses, flags, interface. The kernel's own reject route is on lo.
    """
    rows = [row.split() for row in (text or "").splitlines()]
    return [
        (_number(row[5], 16), row[9])
        for row in rows
        if len(row) > 9 and row[0] == "0" * 32 and row[1] == "00" and row[9] != "lo"
    ]


def _number(text: str, base: int = 10) -> int:
    try:
        return int(text, base)
    except ValueError:
        return 0


def read_layers(tree: Tree, names: Iterable[str]) -> Mapping[str, Layer]:
    """What lies under these interfaces, and under that; ports themselves are not in it."""
    found: dict[str, Layer] = {}
    todo = list(names)
    for _ in range(DEEPEST):
        todo = [name for name in dict.fromkeys(todo) if name not in found and name != "lo"]
        layers = {name: _read_layer(tree, name) for name in todo}
        found |= {name: layer for name, layer in layers.items() if layer is not None}
        todo = [lower for layer in layers.values() if layer is not None for lower in layer.lowers]
    return found


def _read_layer(tree: Tree, name: str) -> Layer | None:
    """None: a port, or nothing is known of it."""
    base = f"{INTERFACES}/{name}"
    if "/" in name or not tree.follow(base):
        return _by_name(tree, name)
    if tree.has(f"{base}/device"):
        return None
    entries = tree.names(base)
    lowers = [entry.removeprefix("lower_") for entry in entries if entry.startswith("lower_")]
    for lower in lowers:
        tree.has_link(f"{base}/lower_{lower}")
    if tree.has(f"{base}/bonding"):
        slaves = (tree.read(f"{base}/bonding/slaves") or "").split()
        return Layer("bond", tuple(dict.fromkeys([*slaves, *lowers])))
    if tree.has(f"{base}/bridge"):
        ports = [
            name for name in tree.names(f"{base}/brif") if tree.has_link(f"{base}/brif/{name}")
        ]
        return Layer("bridge", tuple(dict.fromkeys([*ports, *lowers])))
    known = _by_name(tree, name)
    if known is not None:
        return known
    return Layer(_kind(tree, base), tuple(lowers)) if lowers else None


def _kind(tree: Tree, base: str) -> str:
    event = tree.read(f"{base}/uevent") if tree.has(f"{base}/uevent") else None
    kind = re.search(r"^DEVTYPE=(\S+)$", event or "", re.MULTILINE)
    if kind is None:
        # drivers/net/team has no device type, and alone of those with ports none of its own.
        return "interface"
    return {"vlan": "VLAN"}.get(kind[1], kind[1])


def _by_name(tree: Tree, name: str) -> Layer | None:
    """A VLAN by its file in /proc/net/vlan, or by the usual form of its name: `bond0.100`."""
    path = f"proc/net/vlan/{name}"
    text = tree.read(path) if "/" not in name and tree.has(path) else None
    device = re.search(r"^Device: (\S+)", text or "", re.MULTILINE)
    if device is not None:
        return Layer("VLAN", (device[1],))
    usual = re.fullmatch(r"(.+)\.[0-9]{1,4}", name)
    return Layer("VLAN", (usual[1],)) if usual else None
