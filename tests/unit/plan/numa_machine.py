"""Plans of machines of any number of NUMA nodes, for tests on memory, pages and the kubelet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from builder.catalog.releases import RELEASES, OsRelease
from builder.catalog.versions import Version
from builder.diagnostics import Marks, format_path
from builder.model.inventory import Inventory
from builder.plan.checks import PLAN_CHECKS
from builder.plan.image import plan_image
from builder.plan.nouns.image import ImagePlan

# Cores and MiB of each NUMA node; no cores: a node of memory only.
Nodes = Sequence[tuple[int, int]]
TWO: Nodes = ((4, 32768), (4, 32768))


def make_inventory(
    profile: Mapping[str, Any],
    *,
    nodes: Nodes = TWO,
    ports: Sequence[tuple[int, Mapping[str, Any]]] = (),
    smt: bool = True,
) -> Inventory:
    """A class `server` with the profile `nfv`. ports: NUMA node and keys of each DPDK port.

    One more NIC is nobody's.
    """
    cores = sum(count for count, _ in nodes)
    numa, first = [], 0
    for count, mib in nodes:
        spans = [f"{first + step}-{first + step + count - 1}" for step in (0, cores)[: 1 + smt]]
        cpus = {"cpus": ",".join(spans)} if count else {}
        numa.append({**cpus, "memory": f"{mib}MiB"})
        first += count
    nics = [
        {"pci": f"0000:{3 + place:02x}:00.0", "id": "8086:1533", "driver": "igb"}
        | {"name": f"p{place}", "numa": node}
        for place, node in enumerate((*(node for node, _ in ports), 0))
    ]
    names = {f"dpdk{n}": {"nic": f"p{n}", **keys} for n, (_, keys) in enumerate(ports)}
    bridges = {"br0": {"ports": names}}
    switch = {"ovs": {"bridges": bridges, **profile.get("ovs", {})}} if ports else {}
    machine = {"cpu": {"vendor": "intel"}, "numa": numa, "nics": nics}
    return Inventory.model_validate(
        {
            "version": 1,
            "image": {"name": "node"},
            "hardware": {"server": machine | ({"siblings": cores} if smt else {})},
            "profiles": {"nfv": {**profile, **switch}},
            "hosts": {"n1": {"hardware": "server", "profile": "nfv"}},
        }
    )


def make_plan(
    profile: Mapping[str, Any],
    *,
    nodes: Nodes = TWO,
    ports: Sequence[tuple[int, Mapping[str, Any]]] = (),
    smt: bool = True,
    ovs: tuple[int, int] = (3, 5),
) -> ImagePlan:
    """The plan of that class and profile, on Debian 13 with the given Open vSwitch."""
    inventory = make_inventory(profile, nodes=nodes, ports=ports, smt=smt)
    release: OsRelease = replace(RELEASES["debian-13"], ovs=Version(*ovs))
    return plan_image(inventory, Marks("inventory.yaml"), "server", "nfv", release)


def pages_of(plan: ImagePlan) -> dict[tuple[int, int], int]:
    """Pages by (node, KiB), in order of the plan."""
    return {(pool.node, pool.size_kib): pool.count for pool in plan.hugepages}


def socket_mem_of(plan: ImagePlan) -> str:
    assert plan.ovs is not None
    (value,) = (s.value for s in plan.ovs.other_config if s.key == "dpdk-socket-mem")
    return value


def faults_of(plan: ImagePlan) -> list[tuple[str, str, str]]:
    """Rule, key and message of everything the checks of a plan find."""
    return [
        (rule.name, format_path(found.key), found.message)
        for rule in PLAN_CHECKS
        for found in rule.check(plan)
    ]
