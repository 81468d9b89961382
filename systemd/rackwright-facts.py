#!/usr/bin/python3 -BES
# SPDX-License-Identifier: Apache-2.0
"""Sends what this booted node is to whoever watches it boot: one JSON document."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable

import rackwright_facts_access as access
import rackwright_facts_devices as devices
import rackwright_facts_system as system
import rackwright_facts_units as units
from rackwright_facts_system import Fact
from rackwright_node import Machine
from rackwright_twin import is_twin, read_substitutions

PORT = "dev/virtio-ports/rackwright.facts"

FACTS: dict[str, Callable[[Machine], Fact]] = {
    "cmdline": lambda machine: machine.read("proc/cmdline"),
    "kernel": lambda machine: machine.read("proc/sys/kernel/osrelease"),
    "hostname": lambda machine: machine.read("proc/sys/kernel/hostname"),
    "os": system.read_os,
    "cpus": system.read_cpus,
    "numa": system.read_numa,
    "hugepages": system.read_hugepages,
    "iommu": devices.read_iommu,
    "modules": system.read_modules,
    "modprobe": lambda machine: list(system.modprobe_lines(machine)),
    "sysctl": system.read_sysctls,
    "links": devices.read_links,
    "ovs": devices.read_ovs,
    "boot": system.read_boot,
    "files": system.read_files,
    "mounts": system.read_mounts,
    "pid1-cpus": lambda machine: system.read_cpus_allowed(machine, "1"),
    "users": access.read_users,
    "secrets": access.read_fetched,
    "root": system.read_root,
    "sources": system.read_sources,
    "thp": system.read_thp,
    "status": system.read_status,
    "upgrades": units.read_upgrades,
}


def collect(machine: Machine) -> dict[str, Fact]:
    """The document, when the boot is over. What cannot be read is null.

    A node in trouble must say what it can.
    """
    state = units.wait_for_boot(machine)
    facts: dict[str, Fact] = {"version": 1}
    for name, read in FACTS.items():
        facts[name] = attempt(name, read, machine)
    facts["units"] = attempt("units", lambda machine: units.read_units(machine, state), machine)
    facts["pci"] = attempt("pci", devices.read_pci, machine)
    facts["twin"] = attempt("twin", read_twin, machine)
    return facts


def attempt(name: str, read: Callable[[Machine], Fact], machine: Machine) -> Fact:
    try:
        return read(machine)
    except Exception as fault:  # noqa: BLE001 -- one fact must not cost the others
        print(f"<3>{name}: {type(fault).__name__}: {fault}", file=sys.stderr, flush=True)
        return None


def read_twin(machine: Machine) -> Fact:
    if not is_twin(machine):
        return None
    return {"substitutions": dict(read_substitutions(machine))}


def send(machine: Machine, document: bytes) -> None:
    """To the port, all of it (a port takes what fits and says how much), else to stdout."""
    if not machine.exists(PORT):
        sys.stdout.write(document.decode())
        return
    descriptor = os.open(machine.path(PORT), os.O_WRONLY)
    try:
        while document:
            document = document[os.write(descriptor, document) :]
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    here = Machine()
    send(here, json.dumps(collect(here), sort_keys=True).encode() + b"\n")
