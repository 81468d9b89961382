# SPDX-License-Identifier: Apache-2.0
"""Facts about devices: NICs and their VFs, IOMMU groups, Open vSwitch."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable
from typing import Any

from rackwright_eswitch import SWITCHDEV, read_eswitch
from rackwright_facts_system import Fact, read_cpus_allowed, read_number
from rackwright_node import CONFIG, Machine, NodeError
from rackwright_ovsdb import optional, read_database, read_switch
from rackwright_pci import DEVICES, GROUPS, device_id, driver_of, group_users, netdevs

NETWORK_CLASS = "0x02"
VSWITCHD_PID = "run/openvswitch/ovs-vswitchd.pid"


def read_iommu(machine: Machine) -> Fact:
    """default-type: of most groups; a group may have been switched one by one."""
    groups = machine.names(GROUPS)
    types = Counter(machine.read(f"{GROUPS}/{group}/type") for group in groups)
    common = types.most_common(1)
    return {"groups": len(groups), "default-type": common[0][0] if common else None}


def planned_devices(machine: Machine) -> set[str]:
    """Every address node.json names, whether or not something is there."""
    config = json.loads(machine.read(CONFIG) or "{}")
    pfs, bindings = config.get("pfs", []), config.get("bindings", [])
    vfs = [vf for pf in pfs for vf in pf["vfs"]]
    return {entry["pci"] for entry in (*pfs, *bindings, *vfs)}


def switchdev_devices(machine: Machine) -> list[str]:
    config = json.loads(machine.read(CONFIG) or "{}")
    return [pf["pci"] for pf in config.get("pfs", []) if pf.get("eswitch") == SWITCHDEV]


def network_devices(machine: Machine) -> set[str]:
    classes = {pci: machine.read(f"{DEVICES}/{pci}/class") for pci in machine.names(DEVICES)}
    return {pci for pci, text in classes.items() if (text or "").startswith(NETWORK_CLASS)}


def read_pci(machine: Machine) -> dict[str, Fact]:
    """NICs and what the plan names. None: nothing at that address.

    eswitch: asked for only where the plan has switchdev mode, as each question is a process.
    """
    addresses = sorted(network_devices(machine) | planned_devices(machine))
    found = {pci: read_device(machine, pci) for pci in addresses}
    for pci in switchdev_devices(machine):
        device = found[pci]
        if isinstance(device, dict):
            device["eswitch"] = read_eswitch(machine, pci)
    settings = read_vf_settings(machine)
    for pci, device in found.items():
        if isinstance(device, dict) and device["vfs"]:
            device["vf-settings"] = next(
                (settings[name] for name in netdevs(machine, pci) if name in settings), None
            )
    return found


def read_device(machine: Machine, pci: str) -> Fact:
    base = f"{DEVICES}/{pci}"
    if not machine.exists(base):
        return None
    vfs = sorted(
        (int(name[6:]), machine.link(f"{base}/{name}"))
        for name in machine.names(base)
        if name.startswith("virtfn")
    )
    return {
        "id": device_id(machine, pci),
        "driver": driver_of(machine, pci),
        "iommu-group": machine.link(f"{base}/iommu_group"),
        "iommu-group-users": list(group_users(machine, pci)),
        "numa": read_number(machine, f"{base}/numa_node"),
        "total-vfs": read_number(machine, f"{base}/sriov_totalvfs"),
        "num-vfs": read_number(machine, f"{base}/sriov_numvfs"),
        "vfs": [address for _, address in vfs],
    }


def read_vf_settings(machine: Machine) -> dict[str, Fact]:
    """What each PF says about its VFs, by interface name. One fork for all of them."""
    done = machine.run(["ip", "-json", "link", "show"])
    links = json.loads(done.out) if done.status == 0 and done.out.strip() else []
    return {
        link["ifname"]: [vf_settings(entry) for entry in link["vfinfo_list"]]
        for link in links
        if link.get("vfinfo_list")
    }


def vf_settings(entry: dict[str, Any]) -> Fact:
    vlans = entry.get("vlan_list") or [entry]
    rate = entry.get("rate") or {}
    return {
        "index": entry["vf"],
        "mac": entry.get("address"),
        "vlan": vlans[0].get("vlan", 0),
        "trust": entry.get("trust"),
        "spoofchk": entry.get("spoofchk"),
        "max-tx-rate": rate.get("max_tx"),
        "min-tx-rate": rate.get("min_tx"),
        "link-state": entry.get("link_state"),
    }


def read_links(machine: Machine) -> Fact:
    """Address -> interfaces, of the network devices that have one."""
    names = {pci: netdevs(machine, pci) for pci in sorted(network_devices(machine))}
    return {pci: list(found) for pci, found in names.items() if found}


def read_ovs(machine: Machine) -> Fact:
    if not machine.exists("usr/bin/ovs-vsctl"):
        return {"present": False}
    try:
        switch = read_switch(machine)
    except NodeError as fault:
        # ovsdb-server is down: its unit says why, we only that there is nothing to say.
        print(f"<4>{fault}", file=sys.stderr, flush=True)
        return {"present": True}
    pid = machine.read(VSWITCHD_PID)
    running = pid is not None and machine.exists(f"proc/{pid}")
    return {
        "present": True,
        "dpdk-initialized": switch["dpdk_initialized"],
        "version": optional(switch["ovs_version"]),
        "dpdk-version": optional(switch["dpdk_version"]),
        "other-config": dict(switch["other_config"]),
        "bridges": list(read_bridges(machine)),
        "pmd-threads": list(read_pmd_threads(machine, pid)) if running else None,
        "vswitchd-cpus": read_cpus_allowed(machine, f"{pid}") if running else None,
        "vfio-fds": list(read_vfio_nodes(machine, pid)) if running else None,
    }


def read_bridges(machine: Machine) -> Iterable[Fact]:
    database = read_database(machine)
    for bridge in sorted(database.bridges.values(), key=lambda bridge: bridge.name):
        ports = [port for port in database.ports.values() if port.bridge == bridge.name]
        yield {
            "name": bridge.name,
            "datapath-type": bridge.datapath_type,
            "fail-mode": bridge.fail_mode,
            "ports": [
                {
                    "name": port.name,
                    "type": port.type,
                    "ofport": port.ofport,
                    "error": port.error,
                    "options": dict(port.options),
                    "other-config": dict(port.other_config),
                    "mtu": port.mtu,
                }
                for port in sorted(ports, key=lambda port: port.name)
            ],
        }


def read_pmd_threads(machine: Machine, pid: str | None) -> Iterable[Fact]:
    for task in machine.names(f"proc/{pid}/task"):
        name = machine.read(f"proc/{pid}/task/{task}/comm") or ""
        if name.startswith("pmd"):
            yield {"name": name, "cpus": read_cpus_allowed(machine, f"{pid}/task/{task}")}


def read_vfio_nodes(machine: Machine, pid: str | None) -> Iterable[Fact]:
    """What ovs-vswitchd holds of VFIO: a group opens only once, so no pod can have these."""
    fds = (machine.target(f"proc/{pid}/fd/{name}") for name in machine.names(f"proc/{pid}/fd"))
    yield from sorted({target for target in fds if target and target.startswith("/dev/vfio/")})
