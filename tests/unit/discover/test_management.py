"""The management port: under the interface that has the default route."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from made import Made, Port, describe, put, write

from builder.discover.description import host_data
from builder.discover.machine import read_machine
from builder.discover.system_files import Tree, record

PORTS = tuple(
    Port(f"0000:0{number}:00.0", "8086:1533", "igb", f"{letter}0")
    for number, letter in enumerate("abc", 1)
)
ASSUMED = "is assumed to be the management port, with DHCP"
NET = "sys/class/net"
BOND = {f"{NET}/bond7/bonding/slaves": "b0 c0\n"}


def default(interface: str, metric: int = 100) -> str:
    return f"{interface} 00000000 0102A8C0 0003 0 0 {metric} 00000000 0 0 0\n"


def made(route: str, files: Mapping[str, str]) -> Made:
    return Made(ports=PORTS, route=route, files=files)


CASES: dict[str, tuple[str, Mapping[str, str], str, str]] = {
    "bond": (
        default("bond7"),
        BOND,
        "b0",
        "the routes are on bond bond7 on b0 and c0 now",
    ),
    "VLAN on a bond": (
        default("prod"),
        {
            **BOND,
            f"{NET}/prod/uevent": "DEVTYPE=vlan\nINTERFACE=prod\n",
            f"{NET}/prod/lower_bond7": "../bond7",
        },
        "b0",
        "the routes are on VLAN prod on bond bond7 on b0 and c0 now",
    ),
    "VLAN by its file": (
        default("uplink"),
        {"proc/net/vlan/uplink": "uplink  VID: 100\t REORDER_HDR: 1\nDevice: c0\n"},
        "c0",
        "the routes are on VLAN uplink on c0 now",
    ),
    "VLAN by its name": (default("b0.100"), {}, "b0", "the routes are on VLAN b0.100 on b0 now"),
    "bridge": (
        default("br-lan"),
        {f"{NET}/br-lan/bridge/bridge_id": "8000.1\n", f"{NET}/br-lan/brif/c0": "../../c0/brport"},
        "c0",
        "the routes are on bridge br-lan on c0 now",
    ),
    "team": (
        default("agg"),
        {f"{NET}/agg/lower_c0": "../c0", f"{NET}/agg/uevent": "INTERFACE=agg\n"},
        "c0",
        "the routes are on interface agg on c0 now",
    ),
    "the better metric": (
        default("b0", 1024) + default("c0", 100),
        {},
        "c0",
        "c0 has the routes now: assumed to be the management port, with DHCP",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_port_under_the_route(tmp_path: Path, name: str) -> None:
    route, files, port, said = CASES[name]
    host = describe(write(made(route, files), tmp_path / "machine")).host
    wanted = said
    if "has the routes" not in said:
        wanted += (
            f", and an inventory describes no such interfaces: {port}, which is under it, {ASSUMED}"
        )
    assert (host.management.name, host.notes[0]) == (port, wanted)
    tree = Tree(tmp_path / "machine")
    read_machine(tree)
    record(tree, tmp_path / "copy")
    assert describe(tmp_path / "copy").host == host


def test_a_loop_of_interfaces_ends(tmp_path: Path) -> None:
    files = {f"{NET}/x/lower_y": "../y", f"{NET}/y/lower_x": "../x"}
    assert describe(write(made(default("x"), files), tmp_path)).host.notes[0] == (
        f"no port is known to be under x, which has the routes: a0 {ASSUMED}"
    )
    put(tmp_path / f"{NET}/y/lower_b0", b"../b0\n")
    assert (
        describe(tmp_path)
        .host.notes[0]
        .startswith("the routes are on interface x on interface y on b0 and x now,")
    )


def test_a_route_on_the_second_interface_of_a_port(tmp_path: Path) -> None:
    files = {"net/d1/dev_port": "1\n", "net/d1/address": "02:00:00:00:00:02\n"}
    port = Port("0000:05:00.0", "15b3:1017", "mlx5_core", "d0", total_vfs=8, files=files)
    host = describe(write(Made(ports=(*PORTS, port), route=default("d1")), tmp_path)).host
    assert (host.management.name, host.notes[0]) == (
        "d0",
        (
            "d1 has the routes now, which is not the first interface of 0000:05:00.0 and so cannot be "
            f"described: d0 {ASSUMED}"
        ),
    )


def test_a_default_route_of_ipv6_only(tmp_path: Path) -> None:
    zero = "0" * 32
    rows = (
        f"{zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200       lo\n"
        f"{zero} 00 {zero} 00 fe80{'0' * 27}1 00000400 00000001 00000000 00450003       c0\n"
        f"{zero} 00 {zero} 00 fe80{'0' * 27}1 00000064 00000001 00000000 00450003       b0\n"
    )
    root = write(made("", {"proc/net/ipv6_route": rows}), tmp_path)
    found = describe(root)
    assert host_data(found)["interfaces"] == {
        "b0": {"role": "management", "dhcp6": True, "mac": "02:00:00:00:00:01"}
    }
    assert found.host.notes[0] == (
        "b0 has the IPv6 routes now: assumed to be the management port, with DHCP"
    )
    put(root / "proc/net/route", f"Iface\n{default('c0')}".encode())
    assert describe(root).host.management.name == "c0"
