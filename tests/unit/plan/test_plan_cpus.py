"""CPU roles: golden vectors of others' tools, and what holds for every machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.catalog.releases import RELEASES
from builder.diagnostics import Marks
from builder.model.inventory import Inventory
from builder.model.values import CpuSet
from builder.plan.image import plan_image
from builder.plan.inputs import Inputs
from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan


def plan_machine(
    numa: list[str], siblings: int | None, cpu: dict[str, Any], nic_node: int | None = 0
) -> ImagePlan:
    """A machine with one I210 for the kernel and one for Open vSwitch."""
    nic = {"id": "8086:1533", "driver": "igb"}
    port = {**nic, "pci": "0000:02:00.0", "name": "dpdknic"}
    if nic_node is not None:
        port["numa"] = nic_node
    hardware = {
        "cpu": {"vendor": "intel"},
        "numa": [{"cpus": cpus, "memory": "64GiB"} for cpus in numa],
        "nics": [{**nic, "pci": "0000:01:00.0", "name": "mgmt"}, port],
    }
    if siblings is not None:
        hardware["siblings"] = siblings
    profile = {
        "cpu": cpu,
        "hugepages": {"size": "1G", "count": 4 * len(numa)},
        "ovs": {"bridges": {"br0": {"ports": {"dpdk0": {"nic": "dpdknic"}}}}},
    }
    inventory = Inventory.model_validate(
        {
            "version": 1,
            "image": {"name": "x"},
            "hardware": {"m": hardware},
            "profiles": {"p": profile},
            "hosts": {"h": {"hardware": "m", "profile": "p"}},
        }
    )
    return plan_image(inventory, Marks("inventory.yaml"), "m", "p", RELEASES["debian-13"])


def test_two_nodes_of_22_cores() -> None:
    # Masks as TripleO's derive-params functions compute them for this machine; TripleO keeps
    # a PMD core on every node, which here is asked for.
    cpus = plan_machine(
        ["0-21,44-65", "22-43,66-87"], 44, {"pmd-cores-per-node": {0: 1, 1: 1}}
    ).cpus
    assert (str(cpus.pmd), cpus.pmd.mask) == ("1,23,45,67", "0x80000200000800002")
    assert (str(cpus.housekeeping), cpus.housekeeping.mask) == (
        "0,22,44,66",
        "0x40000100000400001",
    )
    assert str(cpus.isolated) == "1-21,23-43,45-65,67-87"
    assert str(cpus.pods) == "2-21,24-43,46-65,68-87"


def test_one_node_without_smt() -> None:
    # TripleO's functions for 8 cores, two for PMD threads.
    cpus = plan_machine(["0-7"], None, {"pmd-cores-per-node": 2}).cpus
    assert (str(cpus.pmd), cpus.pmd.mask) == ("1-2", "0x6")
    assert (str(cpus.housekeeping), cpus.housekeeping.mask) == ("0", "0x1")
    assert (str(cpus.pods), str(cpus.isolated)) == ("3-7", "1-7")


def test_pmd_cores_are_on_the_nodes_with_ports_only() -> None:
    cpus = plan_machine(["0-7", "8-15"], None, {"pmd-cores-per-node": 2}, nic_node=1).cpus
    assert str(cpus.pmd) == "9-10"
    assert cpus.why["pmd"].reason == (
        "2 cores of NUMA node 1, which has dpdk0 (dpdknic): the lowest that housekeeping leaves, "
        "with all SMT siblings, so that no other thread shares a polling core"
    )


def test_unknown_node_of_a_nic_counts_as_0() -> None:
    cpus = plan_machine(["0-7", "8-15"], None, {}, nic_node=None).cpus
    assert str(cpus.pmd) == "1"
    assert cpus.why["pmd"].reason == (
        "one core of NUMA node 0, which has dpdk0 (dpdknic; its NUMA node is not known, 0 "
        "assumed): the lowest that housekeeping leaves, with all SMT siblings, so that no other "
        "thread shares a polling core"
    )


def test_listed_cpus_are_taken_as_they_are() -> None:
    cpus = plan_machine(["0-7", "8-15"], None, {"housekeeping": "0-1,8", "pmd": "2,9"}).cpus
    assert (str(cpus.housekeeping), str(cpus.pmd), str(cpus.pods)) == ("0-1,8", "2,9", "3-7,10-15")
    assert cpus.why["pmd"].reason == "listed in the inventory"
    assert [origin.path for origin in cpus.why["housekeeping"].origins] == [
        ("profiles", "p", "cpu", "housekeeping")
    ]


def test_pmd_cores_go_round_listed_housekeeping() -> None:
    # 1 and 5 share a core with housekeeping's 1: the next whole core is 2,6.
    cpus = plan_machine(["0-7"], 4, {"housekeeping": "0,1,4"}).cpus
    assert str(cpus.pmd) == "2,6"


def test_without_open_vswitch_nothing_polls(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        del data["profiles"]["nfv"]["ovs"]

    cpus = plan_seed(edit).image.cpus
    assert len(cpus.pmd) == 0
    assert str(cpus.pods) == "1-7,9-15,17-23,25-31"
    assert cpus.why["pmd"].reason == "no Open vSwitch in this profile"


def test_adjacent_siblings_are_paired_once() -> None:
    cores = plan_machine(["0-7"], 1, {}).cpus.cores
    assert [str(core) for core in cores] == ["0-1", "2-3", "4-5", "6-7"]


def test_threads_listed_by_hand(seed_inputs: Callable[..., Inputs]) -> None:
    def edit(data: dict[str, Any]) -> None:
        machine = data["hardware"]["e5-2620v4"]
        del machine["siblings"]
        machine["threads"] = [[0, 16], [1, 17]]

    cores = seed_inputs(edit).hardware.cores
    assert [str(core) for core in cores][:4] == ["0,16", "1,17", "2", "3"]
    assert len(cores) == 30


@settings(deadline=None)
@given(
    nodes=st.integers(1, 8),
    cores=st.integers(2, 12),
    smt=st.booleans(),
    housekeeping=st.integers(1, 3),
    pmd=st.integers(0, 4),
    data=st.data(),
)
def test_roles_partition_the_cpus(
    nodes: int, cores: int, smt: bool, housekeeping: int, pmd: int, data: st.DataObject
) -> None:
    total = nodes * cores
    numa = []
    for node in range(nodes):
        first = CpuSet.of(range(node * cores, (node + 1) * cores))
        second = CpuSet.of(cpu + total for cpu in first) if smt else CpuSet()
        numa.append(str(first | second))
    policy = {"housekeeping-cores-per-node": housekeeping, "pmd-cores-per-node": pmd}
    nic_node = data.draw(st.integers(0, nodes - 1))
    cpus = plan_machine(numa, total if smt else None, policy, nic_node).cpus

    everything = CpuSet.of(range(total * (2 if smt else 1)))
    assert cpus.housekeeping | cpus.pmd | cpus.pods == everything
    assert sum(map(len, (cpus.housekeeping, cpus.pmd, cpus.pods))) == len(everything)
    assert cpus.isolated == cpus.pmd | cpus.pods
    for core in cpus.cores:
        assert len({cpus.roles[cpu] for cpu in core}) == 1
    for node in cpus.nodes:
        assert node & cpus.housekeeping
    assert not cpus.pmd - cpus.nodes[nic_node]
    threads = 2 if smt else 1
    assert len(cpus.pmd) == threads * min(pmd, max(cores - housekeeping, 0))


@pytest.mark.parametrize("release", RELEASES)
def test_roles_do_not_hang_on_the_release(plan_seed: Callable[..., HostPlan], release: str) -> None:
    assert plan_seed(release=release).image.cpus.roles == plan_seed().image.cpus.roles
