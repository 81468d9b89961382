"""Machine shapes: topologies times tunings, over all releases and NIC families."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from builder.catalog.releases import RELEASES
from builder.diagnostics import Report, format_report
from builder.inventory.loader import parse_inventory
from builder.model.validate import examine
from builder.plan.checks import check_plan
from builder.plan.host import plan_hosts
from builder.plan.nouns.host import HostPlan

Node = tuple[str, str]  # CPUs, memory


@dataclass(frozen=True)
class Topology:
    """CPUs and memory of a machine, and the NIC family it has."""

    name: str
    vendor: str
    nodes: tuple[Node, ...]
    nic: str
    extra: dict[str, Any] = field(default_factory=dict)


def _every(first: int, last: int, step: int) -> str:
    return ",".join(str(cpu) for cpu in range(first, last, step))


# vendor:device, kernel driver, most VFs we ask for
NICS = {
    "82576": ("8086:10c9", "igb", 4),
    "x520": ("8086:10fb", "ixgbe", 8),
    "x710": ("8086:1572", "i40e", 8),
    "e810": ("8086:159b", "ice", 16),
    "cx5": ("15b3:1017", "mlx5_core", 8),
}

TOPOLOGIES = (
    Topology("uma-8", "intel", (("0-7", "32GiB"),), "82576"),
    Topology("uma-ht", "intel", (("0-15", "64GiB"),), "x520", {"siblings": 8}),
    Topology("contiguous", "intel", (("0-7", "48GiB"), ("8-15", "48GiB")), "x710"),
    Topology(
        "contiguous-ht",
        "intel",
        (("0-7,16-23", "47GiB"), ("8-15,24-31", "47GiB")),
        "x520",
        {"siblings": 16},
    ),
    Topology(
        "interleaved-ht",
        "intel",
        ((_every(0, 80, 2), "96GiB"), (_every(1, 80, 2), "96GiB")),
        "e810",
        {"siblings": 40},
    ),
    Topology(
        "adjacent-ht",
        "amd",
        (("0-11", "32GiB"), ("12-23", "32GiB")),
        "cx5",
        {"threads": [[cpu, cpu + 1] for cpu in range(0, 24, 2)]},
    ),
    Topology(
        "snc-2",
        "intel",
        tuple((f"{n * 8}-{n * 8 + 7},{n * 8 + 32}-{n * 8 + 39}", "64GiB") for n in range(4)),
        "e810",
        {"siblings": 32},
    ),
    Topology(
        "nps-4",
        "amd",
        tuple((f"{n * 16}-{n * 16 + 15},{n * 16 + 64}-{n * 16 + 79}", "64GiB") for n in range(4)),
        "cx5",
        {"siblings": 64},
    ),
    Topology(
        "nps-4-dual",
        "amd",
        tuple((f"{n * 16}-{n * 16 + 15},{n * 16 + 128}-{n * 16 + 143}", "64GiB") for n in range(8)),
        "x710",
        {"siblings": 128},
    ),
    Topology(
        "three-nodes", "intel", tuple((f"{n * 6}-{n * 6 + 5}", "24GiB") for n in range(3)), "x520"
    ),
    Topology(
        "memory-only",
        "intel",
        (("0-7,16-23", "64GiB"), ("8-15,24-31", "64GiB"), ("", "256GiB")),
        "e810",
        {"siblings": 16},
    ),
    Topology("asymmetric", "amd", (("0-11", "64GiB"), ("12-17", "16GiB")), "x710"),
    Topology(
        "two-96-cores",
        "intel",
        (("0-95,192-287", "512GiB"), ("96-191,288-383", "512GiB")),
        "e810",
        {"siblings": 192},
    ),
    Topology("sparse-ids", "intel", (("0-3,8-11", "32GiB"), ("16-19,24-27", "32GiB")), "82576"),
)


def _plain(topology: Topology) -> dict[str, Any]:
    return {"hugepages": {"size": "1G", "count": 4 * _cpu_nodes(topology)}}


def _switch(topology: Topology) -> dict[str, Any]:
    """One port, pages derived from what Open vSwitch needs."""
    return {"ovs": {"bridges": {"br0": {"ports": {"dpdk0": {"nic": "p0"}}}}}}


def _jumbo(topology: Topology) -> dict[str, Any]:
    """A port on the first and the last node with CPUs, jumbo frames, several queues."""
    ports = {
        "dpdk0": {"nic": "p0", "mtu": 9000, "rxq": 2},
        "dpdk1": {"nic": "q0", "mtu": 1500, "rxd": 1024, "txd": 1024},
    }
    return {
        "cpu": {"pmd-cores-per-node": 2},
        "latency": "low",
        "ovs": {"bridges": {"br0": {"ports": ports}}},
    }


def _shared(topology: Topology) -> dict[str, Any]:
    """VFs for the switch and for pods, pods with pages of another size, kubelet numbers."""
    most = NICS[topology.nic][2]
    mlx5 = topology.nic == "cx5"
    driver = "kernel" if mlx5 else "vfio-pci"
    return {
        "hugepages": {
            "size": "1G",
            "pods": {"size": "2M", "memory": "512MiB"},
            "more": [{"size": "2M"}],
        },
        "sriov": [
            {
                "pf": "p1",
                "num-vfs": most,
                "pool": "net_vfs",
                "vfs": [{"index": 0, "driver": driver, "use": "ovs-dpdk", "vlan": 100}],
            }
        ],
        "ovs": {"bridges": {"br0": {"ports": {"dpdk0": {"vf": "p1/0"}}}}},
        "kubernetes": {"topology-policy": "single-numa-node"},
    }


def _saving(topology: Topology) -> dict[str, Any]:
    """Some cores off, the rest split by number, kubelet numbers."""
    return {
        "cpu": {"housekeeping-cores": _cpu_nodes(topology) + 1, "offline-cores-per-node": 1},
        "latency": "ultra-low",
        "hugepages": {"pods": {"memory": "2GiB"}},
        "kubernetes": {},
    }


TUNINGS = {
    "plain": _plain,
    "switch": _switch,
    "jumbo": _jumbo,
    "shared": _shared,
    "saving": _saving,
}


def _cpu_nodes(topology: Topology) -> int:
    return sum(1 for cpus, _ in topology.nodes if cpus)


def shapes() -> Iterator[str]:
    """Names: every topology with four tunings, the one left out and the release moving on."""
    releases = list(RELEASES)
    for place, topology in enumerate(TOPOLOGIES):
        for number, tuning in enumerate(TUNINGS):
            if number != place % len(TUNINGS):
                release = releases[(place + number) % len(releases)]
                yield f"{topology.name}-{tuning}-{release}"


def inventory_text(name: str) -> str:
    """The inventory of a shape."""
    stem, _, version = name.rpartition("-")
    stem, _, family = stem.rpartition("-")
    machine, _, tuning = stem.rpartition("-")
    topology = next(item for item in TOPOLOGIES if item.name == machine)
    device, driver, _ = NICS[topology.nic]
    last = _cpu_nodes(topology) - 1
    nics = [
        {"pci": "0000:02:00.0", "id": "8086:1533", "driver": "igb", "name": "eno1", "numa": 0},
        {"pci": "0000:01:00.0", "id": device, "driver": driver, "name": "p0", "numa": 0},
        {"pci": "0000:01:00.1", "id": device, "driver": driver, "name": "p1", "numa": 0},
        {"pci": "0000:81:00.0", "id": device, "driver": driver, "name": "q0", "numa": last},
    ]
    numa = [
        {"memory": memory} | ({"cpus": cpus} if cpus else {}) for cpus, memory in topology.nodes
    ]
    hardware = {"cpu": {"vendor": topology.vendor}, "numa": numa, **topology.extra, "nics": nics}
    data = {
        "version": 1,
        "image": {"name": "shape", "os": f"{family}-{version}"},
        "hardware": {machine: hardware},
        "profiles": {tuning: TUNINGS[tuning](topology)},
        "hosts": {
            "node1": {
                "hardware": machine,
                "profile": tuning,
                "interfaces": {"eno1": {"dhcp4": True}},
            }
        },
    }
    return yaml.safe_dump(data, sort_keys=False, width=100)


def tuning_of(name: str) -> str:
    """The tuning of a shape."""
    return name.rsplit("-", 3)[1]


def plan_shape(name: str) -> tuple[HostPlan, Report]:
    """The plan of a shape, and what is said of it."""
    loaded = parse_inventory(inventory_text(name), "inventory.yaml")
    inventory, report = examine(loaded)
    assert inventory is not None, format_report(report, loaded.marks.lines)
    plan = next(plan_hosts(inventory, loaded.marks, ["node1"], RELEASES[inventory.image.os]))
    said = Report(report.items).plus(check_plan(plan, loaded.marks))
    assert not said.is_fatal, format_report(said, loaded.marks.lines)
    return plan, said
