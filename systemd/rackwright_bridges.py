# SPDX-License-Identifier: Apache-2.0
"""Bridges and ports of Open vSwitch: making them as planned, and what became of them.

What ovs-vsctl exits with proves nothing: `add-port` with a wrong PCI address exits 0 before
3.6 and leaves a port with ofport -1. Interface.error, ofport and mtu are looked at instead.
"""

from __future__ import annotations

from rackwright_node import Bridge, Machine, NodeError, Port, Status
from rackwright_ovsdb import (
    MARK,
    TIMEOUT_S,
    Database,
    PresentBridge,
    PresentPort,
    format_map,
    quote,
    read_database,
    vsctl,
    wait_until,
)


def remove_strays(
    machine: Machine, planned: tuple[Bridge, ...], database: Database, status: Status
) -> None:
    """Remove ports and bridges we made and no longer plan. Others' (the CNIs') stay."""
    ports = {port.name for bridge in planned for port in bridge.ports}
    for present in database.ports.values():
        if present.ours and present.name not in ports:
            vsctl(machine, "--if-exists", "del-port", present.bridge, present.name)
            status.step(present.name, f"removed from {present.bridge}", "no longer planned")
    bridges = {bridge.name for bridge in planned}
    for bridge in database.bridges.values():
        if not bridge.ours or bridge.name in bridges:
            continue
        others = [name for name in bridge.ports if not database.ports[name].ours]
        if others:
            why = f"no longer planned, but not ours alone: {', '.join(others)}"
            status.step(bridge.name, "left alone", why)
        else:
            vsctl(machine, "--if-exists", "del-br", bridge.name)
            status.step(bridge.name, "removed", "no longer planned")


def ensure_bridge(machine: Machine, bridge: Bridge, database: Database, status: Status) -> None:
    present = database.bridges.get(bridge.name)
    if present is not None and _is_as_planned(present, bridge):
        status.step(bridge.name, "left alone", "the bridge is as planned")
        return
    vsctl(
        machine,
        *("--may-exist", "add-br", bridge.name),
        *("--", "set", "Bridge", bridge.name, f"datapath_type={bridge.datapath_type}"),
        *(f"fail_mode={bridge.fail_mode}", f"external_ids:{MARK}=true"),
    )
    status.step(bridge.name, "made" if present is None else "set", _settings_of(bridge))


def _is_as_planned(present: PresentBridge, bridge: Bridge) -> bool:
    return present.ours and (present.datapath_type, present.fail_mode) == (
        bridge.datapath_type,
        bridge.fail_mode,
    )


def _settings_of(bridge: Bridge) -> str:
    return f"datapath_type={bridge.datapath_type} fail_mode={bridge.fail_mode}"


def ensure_port(
    machine: Machine, bridge: Bridge, port: Port, database: Database, status: Status
) -> None:
    """One port in one transaction: ovs-vswitchd never sees it half set."""
    present = database.ports.get(port.name)
    if present is not None and _has_settings(present, bridge, port):
        status.step(port.name, "left alone", "the port is as planned")
        return
    words = ["--may-exist", "add-port", bridge.name, port.name]
    if present is not None and present.bridge != bridge.name:
        if not present.ours:
            raise NodeError(
                f"{port.name}: is a port of {present.bridge} and not ours, "
                f"the plan has it on {bridge.name}; left alone"
            )
        words = ["del-port", present.bridge, port.name, "--", *words]
    words += ["--", "set", "Port", port.name, f"external_ids:{MARK}=true"]
    words += ["--", "set", "Interface", port.name, f"type={port.type}"]
    # Whole maps: a key the plan no longer has goes with them.
    words += [f"mtu_request={port.mtu}", f"options={format_map(port.options)}"]
    words.append(f"other_config={format_map(port.other_config)}")
    vsctl(machine, *words)
    did = f"added to {bridge.name}" if present is None else f"set on {bridge.name}"
    pairs = (*sorted(port.options.items()), *sorted(port.other_config.items()))
    settings = " ".join(f"{key}={value}" for key, value in pairs)
    status.step(port.name, did, f"type={port.type} mtu={port.mtu} {settings}".rstrip())


def _has_settings(present: PresentPort, bridge: Bridge, port: Port) -> bool:
    return (
        present.ours
        and present.bridge == bridge.name
        and (present.type, present.mtu_request) == (port.type, port.mtu)
        and dict(present.options) == dict(port.options)
        and dict(present.other_config) == dict(port.other_config)
    )


def check_bridge(machine: Machine, bridge: Bridge) -> None:
    """The bridge has a datapath: without it its own port has no number."""
    present = read_settled(machine, bridge.name)
    if present.error or present.ofport is None or present.ofport < 1:
        raise NodeError(f"{bridge.name}: {present.error or 'no datapath; is tun loaded?'}")


def check_port(machine: Machine, port: Port) -> None:
    """ovs-vswitchd polls the port, with the MTU asked for."""
    present = read_settled(machine, port.name)
    if present.error or present.ofport is None or present.ofport < 1:
        reason = present.error or "ovs-vswitchd has not opened it; its log may say why"
        raise NodeError(f"{port.name}: {reason} (ofport {present.ofport})")
    if present.mtu == port.mtu:
        return
    wait_until(machine, TIMEOUT_S, "Interface", quote(port.name), f"mtu={port.mtu}")
    present = read_settled(machine, port.name)
    if present.mtu != port.mtu:
        raise NodeError(f"{port.name}: the MTU is {present.mtu}, the plan has {port.mtu}")


def read_settled(machine: Machine, name: str) -> PresentPort:
    """The port, once ovs-vswitchd has numbered it: -1 when it could not open it."""
    present = read_database(machine).ports.get(name)
    if present is not None and present.ofport is None and not present.error:
        wait_until(machine, TIMEOUT_S, "Interface", quote(name), "ofport!=[]")
        present = read_database(machine).ports.get(name)
    if present is None:
        raise NodeError(f"{name}: not in the database")
    return present
