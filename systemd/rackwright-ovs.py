#!/usr/bin/python3 -BES
# SPDX-License-Identifier: Apache-2.0
"""Open vSwitch as planned: `options` before ovs-vswitchd starts, `bridges` after it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from rackwright_bridges import (
    check_bridge,
    check_port,
    ensure_bridge,
    ensure_port,
    remove_strays,
)
from rackwright_node import Config, Machine, NodeError, Status, attempt, main, save_json
from rackwright_ovsdb import quote, read_database, read_switch, vsctl, wait_until

KEYS = "rackwright-keys"
DPDK_TIMEOUT_S = 20
# vswitch.xml: read once, when ovs-vswitchd starts.
RESTART_ONLY = frozenset(
    {
        "dpdk-init",
        "dpdk-lcore-mask",
        "dpdk-socket-mem",
        "dpdk-socket-limit",
        "dpdk-alloc-mem",
        "dpdk-hugepage-dir",
        "dpdk-extra",
        "dpdk-probe-at-init",
        "hw-offload",
        "hw-offload-priority",
        "n-offload-threads",
        "offload-rebalance",
        "vhost-sock-dir",
        "vhost-iommu-support",
        "vhost-postcopy-support",
        "per-port-memory",
        "shared-mempool-config",
        "userspace-tso-enable",
    }
)


def set_options(machine: Machine, config: Config, status: Status) -> None:
    """other_config as planned. Keys we set once and no longer plan go; others' keys stay.

    Which keys are ours is noted in the same row by the same transaction, so the note lives
    and dies with the database it is about.
    """
    planned = config.other_config or {}
    row = read_switch(machine)
    present: Mapping[str, str] = row["other_config"]
    noted: str = row["external_ids"].get(KEYS, "")
    wrong = {key: value for key, value in planned.items() if present.get(key) != value}
    gone = sorted((set(noted.split(",")) - planned.keys()) & present.keys())
    note = ",".join(sorted(planned))
    if not wrong and not gone and noted == note:
        status.step("other_config", "left alone", "all keys are as planned")
        return
    words = ["set", "Open_vSwitch", ".", f"external_ids:{KEYS}={quote(note)}"]
    words += [f"other_config:{key}={quote(value)}" for key, value in sorted(wrong.items())]
    if gone:
        words += ["--", "remove", "Open_vSwitch", ".", "other_config", *gone]
    vsctl(machine, "--no-wait", "--", *words)
    for key, value in sorted(wrong.items()):
        status.step(f"other_config:{key}", f"set to {value}", f"was {present.get(key, 'not set')}")
    for key in gone:
        status.step(f"other_config:{key}", "removed", "the plan no longer has it")
    report_restart(machine, {*wrong, *gone}, status)


def report_restart(machine: Machine, changed: set[str], status: Status) -> None:
    """Say it when a running ovs-vswitchd has not heard of a change.

    Restarting it cuts traffic: that is for the operator to do.
    """
    pid = machine.read("run/openvswitch/ovs-vswitchd.pid")
    late = sorted(RESTART_ONLY & changed)
    if late and pid and machine.exists(f"proc/{pid}"):
        why = f"it reads {', '.join(late)} only when it starts"
        status.step("ovs-vswitchd", "needs a restart", why)


def make_bridges(machine: Machine, config: Config, status: Status) -> None:
    """Bridges and ports as planned, then what ovs-vswitchd made of them.

    Our unit starts after ovs-vswitchd says it is up, which it does only when its first pass
    over the database is committed: nothing read here is left from the run before.
    """
    dpdk = (config.other_config or {}).get("dpdk-init", "false") != "false"
    if dpdk and not wait_until(
        machine, DPDK_TIMEOUT_S, "Open_vSwitch", ".", "dpdk_initialized=true"
    ):
        raise NodeError("ovs-vswitchd runs without DPDK; its log has what EAL wants")
    database = read_database(machine)
    attempt(status, remove_strays, machine, config.bridges, database, status)
    for bridge in config.bridges:
        attempt(status, ensure_bridge, machine, bridge, database, status)
        for port in bridge.ports:
            attempt(status, ensure_port, machine, bridge, port, database, status)
    for bridge in config.bridges:
        attempt(status, check_bridge, machine, bridge)
        for port in bridge.ports:
            attempt(status, check_port, machine, port)


def join_status(machine: Machine) -> None:
    """/run/rackwright/ovs.json: what both parts did last, as one."""
    texts = (machine.read(f"run/rackwright/ovs-{part}.json") for part in PARTS)
    parts = [json.loads(text) for text in texts if text is not None]
    body = {
        "version": 1,
        "ok": all(part["ok"] for part in parts),
        "steps": [step for part in parts for step in part["steps"]],
        "errors": [error for part in parts for error in part["errors"]],
    }
    save_json(machine, "ovs", body)


PARTS = {"options": set_options, "bridges": make_bridges}

if __name__ == "__main__":
    if sys.argv[1:2] not in [[part] for part in PARTS]:
        sys.exit(f"usage: ovs {'|'.join(PARTS)}")
    try:
        exit_status = main(f"ovs-{sys.argv[1]}", PARTS[sys.argv[1]])
    finally:
        join_status(Machine())
    sys.exit(exit_status)
