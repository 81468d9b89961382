"""One look at a file finds everything that is wrong with it, at the user's own lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.diagnostics import Report, format_report
from builder.inventory.loader import Loaded, parse_inventory
from builder.model.access import CONFIDENTIAL_KEYS
from builder.model.validate import examine, find_path
from builder.model.values import CpuSet
from tests.plans import FILE, check

BASE = (Path(__file__).resolve().parent / "data/base.yaml").read_text(encoding="utf-8")


def shown(text: str) -> str:
    loaded = parse_inventory(text, FILE)
    return format_report(examine(loaded)[1], loaded.marks.lines)


def change(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def test_every_key(full: str) -> None:
    assert shown(full) == ""
    inventory, report = check(full)
    assert report == Report()
    assert inventory is not None
    host = inventory.hosts["nfv1"]
    assert host.boot_mac == "cc:37:ab:e1:21:64"
    assert [str(address) for address in host.interfaces["mgmt0"].addresses] == [
        "192.0.2.10/24",
        "2001:db8::10/64",
    ]
    profile = inventory.profiles["nfv"]
    assert profile.hugepages.count == {0: 4, 1: 4}
    assert profile.cpu.pmd == CpuSet.of([1, 9])
    assert profile.sysctl == {"vm.swappiness": 10, "kernel.core_pattern": "|/bin/false"}
    assert profile.ovs is not None
    assert profile.ovs.other_config == {
        "max-idle": 30000,
        "smc-enable": True,
        "dpdk-socket-limit": "1024,1024",
    }
    assert inventory.hardware["server"].numa[0].memory == 16384
    assert [str(core) for core in inventory.hardware["small"].cores] == ["0,2", "1,3"]


def test_what_cannot_be_read_has_no_inventory() -> None:
    loaded = parse_inventory("a: [", FILE)
    assert examine(loaded) == (None, loaded.report)


def test_a_warning_leaves_the_inventory(base: str) -> None:
    inventory, report = check(change(base, (", pool: net_vfs", "")))
    assert [item.rule for item in report.items] == ["vf-has-use"]
    assert inventory is not None


def test_an_error_of_a_rule_takes_it(base: str) -> None:
    inventory, report = check(change(base, ("pf: xe1", "pf: xe9")))
    assert [item.rule for item in report.items] == ["sriov-pf-known"]
    assert inventory is None


def test_yaml_schema_and_rules_at_once(base: str) -> None:
    text = change(
        base,
        ("  nfv1:\n", "  bad:\n    hardware: server\n    profile: nfv\n    racks: r1\n  nfv1:\n"),
        ("    siblings: 8\n", "    siblings: 8\n    siblings: 8\n"),
        ("pf: xe1", "pf: xe9"),
    )
    inventory, report = check(text)
    assert inventory is None
    assert [(str(d.where), d.rule) for d in report.items] == [
        ("inventory.yaml:10:5", "yaml"),
        ("inventory.yaml:25:14", "sriov-pf-known"),
        ("inventory.yaml:36:5", "schema"),
    ]


def test_a_faulty_part_is_not_reported_again_at_its_users(base: str) -> None:
    text = change(base, ("memory: 16GiB", "memory: 16"))
    _, report = check(text)
    assert [(str(d.where), d.rule) for d in report.items] == [("inventory.yaml:7:36", "schema")]


@pytest.mark.parametrize("key", ["hardware", "profiles", "hosts"])
def test_a_whole_part_of_the_wrong_kind(base: str, key: str) -> None:
    data = yaml.safe_load(base)
    data[key] = "x"
    _, report = check(yaml.safe_dump(data))
    assert [d.message for d in report.items] == ['expected a map, not "x"']


def test_a_fault_of_an_alias_is_shown_where_it_was_written(base: str) -> None:
    text = change(
        base,
        ("      mgmt0: {role: management, dhcp4: true}", "      mgmt0: &m {dhcp4: 1}"),
    )
    text += "  nfv2: {hardware: server, profile: nfv, interfaces: {mgmt0: *m}}\n"
    _, report = check(text)
    assert [(str(d.where), d.path) for d in report.items] == [
        ("inventory.yaml:36:25", ("hosts", "nfv1", "interfaces", "mgmt0", "dhcp4")),
        ("inventory.yaml:36:25", ("hosts", "nfv2", "interfaces", "mgmt0", "dhcp4")),
    ]


def test_diagnostics_are_sorted_by_place(base: str) -> None:
    text = change(
        base,
        ("profile: nfv", "profile: 1"),
        ("vendor: intel", "vendor: x"),
        ("count: 8", "count: -8"),
    )
    lines = [item.where.line for item in check(text)[1].items]
    assert lines == [5, 17, 34]


def test_missing_keys_of_one_place_have_one_order() -> None:
    paths = [item.path for item in check("version: 1\n")[1].items]
    assert paths == [("hardware",), ("hosts",), ("image",), ("profiles",)]


@pytest.mark.parametrize(
    ("loc", "path"),
    [
        (("a", "b", 0, "c"), ("a", "b", 0, "c")),
        (("a", "map", "b", "[key]"), ("a", "b")),
        (("a", "new"), ("a", "new")),
        (("a", "number"), ("a", "number")),
        (("a", "b", "tuple", 0), ("a", "b", 0)),
        ((), ()),
    ],
)
def test_paths_lead_into_the_file(loc: tuple[str | int, ...], path: tuple[str | int, ...]) -> None:
    assert find_path(loc, {"a": {"b": [{"c": 1}]}}) == path


# No text may carry a line break into a file of the node.


def _texts(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _texts(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _texts(value, (*path, index))
    elif isinstance(node, str):
        yield path


def _set(data: Any, path: tuple[Any, ...], value: object) -> None:
    for part in path[:-1]:
        data = data[part]
    data[path[-1]] = value


@pytest.mark.parametrize("end", ["\n", "\0", "\x1b", "\u2028", "\x7f", "\r"])
def test_no_text_takes_a_control_character(full: str, end: str) -> None:
    for path in _texts(yaml.safe_load(full)):
        data = yaml.safe_load(full)
        old = data
        for part in path:
            old = old[part]
        _set(data, path, f"{old}{end}")
        loaded = Loaded(data, parse_inventory("a: 1", FILE).marks, Report())
        assert path in {d.path for d in examine(loaded)[1].items}, path


def test_no_name_takes_a_line_break(full: str) -> None:
    data = yaml.safe_load(full)
    maps = [
        ("hardware",), ("profiles",), ("hosts",), ("hosts", "nfv1", "interfaces"),
        ("profiles", "nfv", "sysctl"), ("profiles", "nfv", "drivers"),
        ("profiles", "nfv", "drivers", "ixgbe", "options"), ("profiles", "nfv", "ovs", "bridges"),
        ("profiles", "nfv", "ovs", "bridges", "br0", "ports"),
        ("profiles", "nfv", "ovs", "other-config"),
    ]  # fmt: skip
    for path in maps:
        data = yaml.safe_load(full)
        node = data
        for part in path:
            node = node[part]
        name = next(iter(node))
        node[f"{name}\n"] = node.pop(name)
        loaded = Loaded(data, parse_inventory("a: 1", FILE).marks, Report())
        assert (*path, f"{name}\n") in {d.path for d in examine(loaded)[1].items}, path


# Whatever stands in an inventory, the words are ours.

ODD = st.sampled_from(
    [None, True, 0, -1, 3, 10**12, 1.5, float("inf"), "", "x", "0", "-", "1G", [], [1], ["x"], {},
     {"a": 1}, {0: 1}, {"x": {}}, {1: "x"}, [[]], [None], {"index": 0}]
)  # fmt: skip


def _places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    for key, value in items:
        yield from _places(value, (*path, key))


PLACES = list(_places(yaml.safe_load(BASE)))[1:]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), ODD), min_size=1, max_size=3))
def test_every_fault_has_words_of_ours(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    data = yaml.safe_load(BASE)
    for path, value in changes:
        try:
            _set(data, path, value)
        except (KeyError, IndexError, TypeError):
            continue
    text = yaml.safe_dump(data, sort_keys=False)
    loaded = parse_inventory(text, FILE)
    inventory, report = examine(loaded)
    assert inventory is not None or report.is_fatal
    message = format_report(report, loaded.marks.lines)
    assert "is not allowed here" not in message
    assert "Input should" not in message


# Many hosts


def _hosts(count: int) -> str:
    head = BASE[: BASE.index("  nfv1:")]
    return head + "".join(
        f"  nfv{i}:\n    hardware: server\n    profile: nfv\n    rack: r{i // 40}\n"
        f'    serial: SN{i:06}\n    boot-mac: "02:00:00:{i >> 16:02x}:{i >> 8 & 255:02x}:'
        f'{i & 255:02x}"\n    interfaces:\n      mgmt0: {{role: management, '
        f"addresses: [10.{i >> 8}.{i & 255}.10/24], gateway: 10.{i >> 8}.{i & 255}.1}}\n"
        for i in range(count)
    )


def _work(text: str) -> int:
    """Lines of Python, and rounds of its loops, that a check takes: the same on any machine."""
    count = 0

    def trace(_frame: FrameType, _event: str, _argument: object) -> object:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        check(text)
    finally:
        sys.settrace(before)
    return count


def test_ten_thousand_hosts() -> None:
    inventory, report = check(_hosts(10_000))
    assert report == Report()
    assert inventory is not None
    assert len(inventory.hosts) == 10_000


def test_three_times_the_hosts_are_no_more_than_three_times_the_work() -> None:
    assert _work(_hosts(300)) <= 3 * _work(_hosts(100))


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("profile: nfv", "profile: nvf", "host-profile-known"),
        ("gateway: 10.", "gateway: 11.", "host-gateway"),
        ("role: management", "role: none", "host-management"),
    ],
)
def test_so_it_is_with_faults(old: str, new: str, rule: str) -> None:
    few, many = (_hosts(count).replace(old, new) for count in (100, 300))
    assert _work(many) <= 3 * _work(few)
    _, report = check(_hosts(3_000).replace(old, new))
    assert [item.rule for item in report.items].count(rule) == 3_000


def test_what_a_field_says_is_confidential() -> None:
    assert {"password", "password-hash", "url", "ssh-keys"} == CONFIDENTIAL_KEYS
