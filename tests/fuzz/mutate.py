"""Inventories nobody would write: sound ones changed as data, and changed as bytes."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

# Changes one place of a tree: (chance, container, key).
Change = Callable[[random.Random, Any, Any], None]
ROOT = Path(__file__).resolve().parents[2]
SOURCES = tuple(
    path.read_bytes()
    for path in (
        *sorted((ROOT / "examples").glob("*/inventory.yaml")),
        *sorted((ROOT / "tests/golden").glob("*/inventory.yaml")),
        ROOT / "tests/unit/model/data/full.yaml",
    )
)
TREES = tuple(yaml.safe_load(source) for source in SOURCES)

# Where parsers and arithmetic have their edges.
SCALARS: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 63, 64, 65, 127, 128, 255, 256, 4094, 4095, 8191, 8192,
    65535, 65536, 2**31, 2**32, 2**63, 2**64, 10**30, 0.5, 1e308, float("inf"), float("nan"),
    "", " ", "0", "-1", "0-3", "3-0", "0-8191", "0,0", "1,,2", "all", "~", "y", "on", "1:30", "010",
    "0x1", "1e3", "0000:01:00.0", "0000:ff:1f.7", "ffff:00:00.0", "00:00.0", "8086:10fb",
    "15b3:101d", "1af4:1041", "ffff:ffff", "47GiB", "1MiB", "999999999TiB", "0MiB", "2M", "1G",
    "cc:37:ab:e1:21:64", "ff:ff:ff:ff:ff:ff", "192.0.2.1/24", "192.0.2.1", "::1/128", "fe80::1",
    "vfio-pci", "igb_uio", "kernel", "ixgbe", "netdev", "ens11f0", "ens11f0/0", "ens11f0/999", "br0",
    "isolcpus=0", "nosmt", "maxcpus=1", "hugepages=0:1", "default_hugepagesz=2M", "iommu=off",
    "$(id)", "`id`", "{{ 7*7 }}", "{% x %}", "%n", "%i", "';--", '"', "\\", "a\nb", "a\tb", "\u2028",
    "\u00e9", "\U0001f600", "a" * 300, "../../etc/passwd", "#cloud-config", "[", "{", "&a", "*a", "!!x",
)  # fmt: skip
TEXTS = (
    b"!!python/object:os.system", b"&a [*a]", b"<<: *a", b"---\n", b"...\n", b"? ", b"- ", b": ",
    b"{", b"}", b"[", b"]", b",", b"#", b"'", b'"', b"|\n", b">\n", b"\t", b"\x00", b"\xff", b"\xfe\xff",
    b"\xc2\x85", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"%YAML 9.9\n", b"!!binary aaaa", b"1:2:3", b"0o7",
    b"\r\n", b"\r", b"~", b"99999999999999999999", b".inf", b"2026-11-24",
)  # fmt: skip


def make_case(number: int) -> bytes:
    """Case `number`: always the same bytes.

    Of four, one is changed as bytes, two as data, and one so mildly that it is mostly sound.
    """
    chance = random.Random(number)
    if number % 4 == 3:
        return _change_bytes(chance, chance.choice(SOURCES))
    tree = [_copy(chance.choice(TREES))]
    changes = _MILD if number % 4 == 0 else _CHANGES
    for _ in range(1 + min(int(chance.expovariate(0.7)), 8)):
        _change_tree(chance, tree, changes)
    return yaml.dump(tree[0], sort_keys=False, allow_unicode=chance.random() < 0.5).encode()


def _copy(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _copy(value) for key, value in node.items()}
    return [_copy(item) for item in node] if isinstance(node, list) else node


def _places(node: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a tree."""
    keys = list(node) if isinstance(node, dict) else range(len(node))
    found = [(node, key) for key in keys]
    for key in keys:
        if isinstance(node[key], dict | list):
            found += _places(node[key])
    return found


def _change_tree(chance: random.Random, tree: list[Any], changes: tuple[Change, ...]) -> None:
    parent, key = chance.choice(_places(tree))
    chance.choice(changes)(chance, parent, key)
    if not tree:  # the whole file is gone
        tree.append(None)


def _replace(chance: random.Random, parent: Any, key: Any) -> None:
    parent[key] = chance.choice(SCALARS)


def _nudge(chance: random.Random, parent: Any, key: Any) -> None:
    """A near-miss gets past the schema and meets the rules."""
    value = parent[key]
    if isinstance(value, bool):
        parent[key] = not value
    elif isinstance(value, int):
        parent[key] = value + chance.choice((-2, -1, 1, 2, 8, 64))
    elif isinstance(value, str) and value:
        place = chance.randrange(len(value))
        parent[key] = value[:place] + chance.choice("019afz-.:/ ") + value[place + 1 :]
    else:
        _replace(chance, parent, key)


def _delete(_chance: random.Random, parent: Any, key: Any) -> None:
    del parent[key]


def _borrow(chance: random.Random, parent: Any, key: Any) -> None:
    """The same key's value in another inventory, or any other value."""
    places = _places(chance.choice(TREES))
    alike = [(box, at) for box, at in places if at == key]
    box, at = chance.choice(alike or places)
    parent[key] = _copy(box[at])


def _double(chance: random.Random, parent: Any, key: Any) -> None:
    if isinstance(parent, list):
        parent.insert(chance.randrange(len(parent) + 1), _copy(parent[key]))
    else:
        parent[f"{key}{chance.choice(('2', 'x', ' ', ''))}"] = _copy(parent[key])


def _wrap(chance: random.Random, parent: Any, key: Any) -> None:
    value = parent[key]
    parent[key] = chance.choice(([value], {"a": value}, [], {}, [value, value]))


def _tune(chance: random.Random, parent: Any, key: Any) -> None:
    """Another number or truth where there is one; all else is left as it is."""
    value = parent[key]
    if isinstance(value, bool):
        parent[key] = not value
    elif isinstance(value, int):
        parent[key] = max(0, value + chance.choice((-1, 1, 2, 4)))


def _lend(chance: random.Random, parent: Any, key: Any) -> None:
    """The same key's value of another inventory, if one has it."""
    alike = [(box, at) for box, at in _places(chance.choice(TREES)) if at == key]
    if alike:
        box, at = chance.choice(alike)
        parent[key] = _copy(box[at])


_MILD: tuple[Change, ...] = (_tune, _tune, _lend, _delete)
_CHANGES: tuple[Change, ...] = (
    _replace,
    _nudge,
    _nudge,
    _nudge,
    _delete,
    _borrow,
    _borrow,
    _double,
    _wrap,
)


def _change_bytes(chance: random.Random, source: bytes) -> bytes:
    data = bytearray(source)
    for _ in range(1 + min(int(chance.expovariate(0.5)), 12)):
        place, length = chance.randrange(len(data) + 1), chance.randrange(1, 24)
        match chance.randrange(5):
            case 0 if place < len(data):
                data[place] ^= 1 << chance.randrange(8)
            case 1:
                data[place:place] = chance.choice(TEXTS)
            case 2:
                del data[place : place + length]
            case 3:
                data[place:place] = data[place : place + length] * chance.choice((1, 2, 200))
            case _:
                other = chance.choice(SOURCES)
                start = chance.randrange(len(other))
                data[place : place + length] = other[start : start + length]
        if not data:
            break
    return bytes(data)
