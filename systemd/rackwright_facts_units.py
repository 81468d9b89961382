# SPDX-License-Identifier: Apache-2.0
"""Facts about units: how the boot ended, what became of each unit, what systemd left out."""

from __future__ import annotations

import re

from rackwright_facts_system import Fact
from rackwright_node import Machine

SYSTEM_TIMEOUT_S = 600.0
UNITS = "usr/lib/systemd/system"
UNIT_PROPERTIES = (
    *("Id", "LoadState", "ActiveState", "Result"),
    *("ConditionResult", "ConditionTimestampMonotonic"),
)
HELD = "Unattended-Upgrade::Package-Blacklist"
OTHER_UNITS = (
    "containerd.service",
    "kubelet.service",
    "ovs-vswitchd.service",
    "ovsdb-server.service",
    "openvswitch-switch.service",
    "systemd-modules-load.service",
    "systemd-networkd.service",
    "systemd-sysctl.service",
)


def wait_for_boot(machine: Machine) -> str | None:
    """The state of the system when its boot has ended, well or not."""
    words = ["systemctl", "is-system-running"]
    done = machine.run([*words, "--wait"], timeout_s=SYSTEM_TIMEOUT_S)
    state = done.out.strip() or machine.run(words).out.strip()
    return state or None


def read_units(machine: Machine, system: str | None) -> Fact:
    listing = machine.run(["systemctl", "list-units", "--failed", "--plain", "--no-legend"])
    failed = sorted(line.split()[0] for line in listing.out.splitlines() if line.strip())
    ours = [name for name in machine.names(UNITS) if name.startswith("rackwright-")]
    names = sorted({*OTHER_UNITS, *(name for name in ours if name.endswith(".service"))})
    properties = f"--property={','.join(UNIT_PROPERTIES)}"
    shown = machine.run(["systemctl", "show", properties, *names])
    state: dict[str, Fact] = {}
    for block in shown.out.split("\n\n"):
        unit = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if unit.get("LoadState") == "loaded":
            state[unit["Id"]] = {
                "active": unit["ActiveState"],
                "result": unit["Result"],
                # Looked at when the unit starts; of one that was never started it is no answer.
                "condition": None
                if unit.get("ConditionTimestampMonotonic", "0") == "0"
                else unit["ConditionResult"] == "yes",
            }
    return {
        "dropped": read_dropped(machine),
        "failed": list(failed) if listing.status == 0 else None,
        "state": state,
        "system": system,
    }


def read_dropped(machine: Machine) -> Fact:
    """Jobs systemd left out of this boot to break ordering cycles, as in `x.service/start`.

    They are in no list of units: such a unit is just inactive (systemd: core/transaction.c).
    """
    words = ["journalctl", "--boot", "--identifier=systemd", "--priority=warning"]
    log = machine.run([*words, "--output=cat", "--no-pager", "--quiet"])
    if log.status:
        return None
    return sorted(set(re.findall(r"\bJob (\S+) deleted to break ordering cycle", log.out)))


def read_upgrades(machine: Machine) -> Fact:
    """What would upgrade packages by itself: timers that run, and apt's settings as apt reads them.

    periodic: whether apt's daily jobs do anything. held: what unattended-upgrade leaves alone.
    """
    listing = machine.run(["systemctl", "list-units", "--type=timer", "--plain", "--no-legend"])
    timers = sorted(line.split()[0] for line in listing.out.splitlines() if line.strip())
    dump = machine.run(["apt-config", "dump"])
    rows = (line.rstrip(";").partition(" ") for line in dump.out.splitlines())
    options = [(name, value.strip('"')) for name, _, value in rows]
    periodic = [value for name, value in options if name == "APT::Periodic::Enable"]
    held = [value for name, value in options if name == f"{HELD}::"]
    return {
        "timers": list(timers) if listing.status == 0 else None,
        "periodic": periodic[-1] if periodic else None,
        "held": list(held) if dump.status == 0 else None,
    }
