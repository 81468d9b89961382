# SPDX-License-Identifier: Apache-2.0
"""Open vSwitch's database through ovs-vsctl: rows as values, and values quoted for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rackwright_node import Finished, Machine, NodeError

VSCTL = "ovs-vsctl"
TIMEOUT_S = 100
# From 3.6 on: committed, but ovs-vswitchd could not do all of it. Interface.error says what,
# as it does in the versions before, which exit 0 (see ovs-vsctl(8), "Exit Status").
NOT_ALL_APPLIED = 65
MARK = "rackwright"
INTERFACE = "type,options,other_config,mtu_request,mtu,ofport,error"


@dataclass(frozen=True, slots=True)
class PresentPort:
    """A port of the database and its first interface. ours: we made it."""

    name: str
    bridge: str
    ours: bool
    type: str
    options: Mapping[str, str]
    other_config: Mapping[str, str]
    mtu_request: int | None
    mtu: int | None
    ofport: int | None
    error: str


@dataclass(frozen=True, slots=True)
class PresentBridge:
    """A bridge of the database, without its own internal port. ours: we made it."""

    name: str
    ours: bool
    datapath_type: str
    fail_mode: str | None
    ports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Database:
    """Bridges and ports by name."""

    bridges: Mapping[str, PresentBridge]
    ports: Mapping[str, PresentPort]


def quote(text: str) -> str:
    """A string as ovs-vsctl wants it when it has blanks, commas or colons."""
    return json.dumps(text)


def format_map(values: Mapping[str, str]) -> str:
    pairs = ",".join(f"{quote(key)}={quote(value)}" for key, value in sorted(values.items()))
    return "{" + pairs + "}"


def vsctl(machine: Machine, *words: str) -> str:
    """Run ovs-vsctl; without --no-wait it returns when ovs-vswitchd has done its part."""
    done: Finished = machine.run([VSCTL, f"--timeout={TIMEOUT_S}", *words])
    if done.status in (0, NOT_ALL_APPLIED):
        return done.out
    # --timeout ends it by SIGALRM, which leaves no message that says so.
    what = f"no answer in {TIMEOUT_S} s" if done.status == -14 else done.err
    raise NodeError(f"ovs-vsctl {' '.join(words)}: {what}")


def wait_until(machine: Machine, timeout_s: int, *words: str) -> bool:
    """Whether the record came to be so in time."""
    done = machine.run([VSCTL, f"--timeout={timeout_s}", "wait-until", *words])
    return done.status == 0


# Any, here and below: a column of a row, whose type is the schema's.
def _value(cell: Any) -> Any:
    """A cell of RFC 7047's notation: maps as dict, sets as list, UUIDs as text."""
    if not isinstance(cell, list):
        return cell
    kind, content = cell
    if kind == "map":
        return {_value(key): _value(value) for key, value in content}
    if kind == "set":
        return [_value(item) for item in content]
    return content


def parse_tables(text: str) -> list[list[dict[str, Any]]]:
    """The tables of `ovs-vsctl --format=json … list A -- … list B`, one a line."""
    tables = [json.loads(line) for line in text.splitlines() if line]
    return [
        [dict(zip(table["headings"], map(_value, row), strict=True)) for row in table["data"]]
        for table in tables
    ]


def many(value: Any) -> list[Any]:
    """A column that holds a set. A set of one is printed as its only member."""
    return value if isinstance(value, list) else [value]


def optional(value: Any) -> Any:
    """A column that holds one value or none. None is printed as the empty set."""
    return None if value == [] else value


def read_switch(machine: Machine) -> dict[str, Any]:
    """The one row of Open_vSwitch."""
    out = vsctl(machine, "--no-wait", "--format=json", "list", "Open_vSwitch")
    (rows,) = parse_tables(out)
    if not rows:
        raise NodeError("the Open vSwitch database is empty; ovs-ctl has not initialised it")
    return rows[0]


def read_database(machine: Machine) -> Database:
    out = vsctl(
        machine,
        *("--no-wait", "--format=json"),
        *("--", "--columns=name,external_ids,datapath_type,fail_mode,ports", "list", "Bridge"),
        *("--", "--columns=_uuid,name,external_ids,interfaces", "list", "Port"),
        *("--", f"--columns=_uuid,{INTERFACE}", "list", "Interface"),
    )
    bridges, ports, interfaces = parse_tables(out)
    port_of = {row["_uuid"]: row for row in ports}
    interface_of = {row["_uuid"]: row for row in interfaces}
    found: dict[str, PresentPort] = {}
    for bridge in bridges:
        for port in (port_of[uuid] for uuid in many(bridge["ports"])):
            interface = interface_of[many(port["interfaces"])[0]]
            found[port["name"]] = _port(bridge["name"], port, interface)
    return Database({row["name"]: _bridge(row, port_of) for row in bridges}, found)


def _bridge(row: Mapping[str, Any], port_of: Mapping[str, Mapping[str, Any]]) -> PresentBridge:
    names = sorted(port_of[uuid]["name"] for uuid in many(row["ports"]))
    return PresentBridge(
        name=row["name"],
        ours=MARK in row["external_ids"],
        datapath_type=row["datapath_type"],
        fail_mode=optional(row["fail_mode"]),
        ports=tuple(name for name in names if name != row["name"]),
    )


def _port(bridge: str, port: Mapping[str, Any], interface: Mapping[str, Any]) -> PresentPort:
    return PresentPort(
        name=port["name"],
        bridge=bridge,
        ours=MARK in port["external_ids"],
        type=interface["type"],
        options=interface["options"],
        other_config=interface["other_config"],
        mtu_request=optional(interface["mtu_request"]),
        mtu=optional(interface["mtu"]),
        ofport=optional(interface["ofport"]),
        error=optional(interface["error"]) or "",
    )
