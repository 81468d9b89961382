"""NUMA nodes as DPDK sees them: without CPUs, with offline ones, and that of its main lcore."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numa_machine import Nodes, faults_of, make_plan, pages_of, socket_mem_of

from builder.catalog.releases import RELEASES
from builder.model.values import CpuSet
from builder.plan.checks.eal import check_main_lcore
from builder.plan.eal_nodes import eal_nodes, main_lcore, main_node
from builder.plan.eal_pages import counts_text, enough_pages
from builder.plan.nouns.cpus import CpuPlan, Role
from builder.plan.nouns.image import ImagePlan

GIB, TWO_MIB = 1048576, 2048
THREE: Nodes = ((4, 32768), (4, 32768), (0, 65536))
ON_1: list[tuple[int, dict[str, Any]]] = [(1, {}), (1, {"mtu": 9000})]


def rules_of(plan: ImagePlan) -> list[str]:
    return [rule for rule, _, _ in faults_of(plan)]


def cpus_of(nodes: list[str], offline: str = "", housekeeping: str = "0") -> CpuPlan:
    """CPUs of each node as lists; roles of those that count here."""
    sets = tuple(CpuSet.parse(text) if text else CpuSet() for text in nodes)
    roles: dict[int, Role] = dict.fromkeys((cpu for there in sets for cpu in there), "pods")
    for role, text in (("housekeeping", housekeeping), ("offline", offline)):
        roles |= dict.fromkeys(CpuSet.parse(text) if text else (), role)  # type: ignore[arg-type]
    return CpuPlan(roles, sets, (), {})


@pytest.mark.parametrize(
    ("nodes", "offline", "known"),
    [
        (["0-3", "4-7", ""], "", {0, 1}),
        # As an EAL 22.11 counts them on such a /sys: CPUs nobody has are taken to be on node 0.
        (["", "0-7"], "", {0, 1}),
        # It sees the link of an offline CPU, which the kernel keeps, but not of one beyond 127.
        (["0-3", "4-7"], "4-7", {0, 1}),
        (["0-127", "128-255"], "", {0, 1}),
        (["0-127", "128-255"], "128-255", {0}),
    ],
)
def test_nodes_dpdk_knows(nodes: list[str], offline: str, known: set[int]) -> None:
    assert eal_nodes(cpus_of(nodes, offline)) == known


@pytest.mark.parametrize(
    ("mask", "housekeeping", "main"),
    [(None, "5,2", 2), (None, "", None), ("0x30", "0", 4), ("30", "0", 4), ("no mask", "0", None)],
)
def test_main_lcore(mask: str | None, housekeeping: str, main: int | None) -> None:
    cpus = cpus_of(["0-3", "4-7"], housekeeping=housekeeping)
    assert main_lcore(cpus, mask) == main
    assert main_node(cpus, mask) == (None if main is None else main // 4)


def test_a_node_of_memory_alone_gives_open_vswitch_none() -> None:
    pages = {"hugepages": {"count": {0: 4, 1: 4, 2: 32}}}
    plan = make_plan(pages, nodes=THREE, ports=[(0, {})])
    assert socket_mem_of(plan) == "2048,1024,0"
    assert pages_of(plan)[2, GIB] == 32
    assert faults_of(plan) == []


@pytest.mark.parametrize("own", ["2048,1024,1024", "2048,0,512,0"])
def test_an_own_value_there_is_refused(own: str) -> None:
    profile = {
        "hugepages": {"count": {0: 4, 1: 4, 2: 32}},
        "ovs": {"other-config": {"dpdk-socket-mem": own}},
    }
    plan = make_plan(profile, nodes=THREE, ports=[(0, {})])
    assert rules_of(plan) == ["plan-socket-mem-cpus"]


def test_pages_there_alone_do_not_start_dpdk() -> None:
    """EAL then counts all pages as node 0's, where there are none (calc_num_pages())."""
    own = {"other-config": {"dpdk-socket-mem": "0,0,0"}}
    profile = {"hugepages": {"count": {2: 32}}, "ovs": own}
    plan = make_plan(profile, nodes=THREE, ports=[(0, {})])
    assert "plan-any-page" in rules_of(plan)


@pytest.mark.parametrize("who", ["pods", "vms"])
@pytest.mark.parametrize("ports", [[(0, {})], []])
def test_pages_there_are_for_those_without_dpdk(who: str, ports: list[tuple[int, Any]]) -> None:
    wish = {who: {"memory": {2: "8GiB"}, "size": "2M"}}
    plan = make_plan({"hugepages": wish}, nodes=THREE, ports=ports)
    refused = who == "pods" and bool(ports)
    assert rules_of(plan) == ["plan-pods-pages-cpus"] * refused
    assert pages_of(plan)[2, TWO_MIB] == 4096


def test_pages_there_that_are_shared_are_left_to_virtual_machines_only() -> None:
    """Of the size Open vSwitch has too: DPDK pods can have none of them."""
    plan = make_plan({"hugepages": {"vms": {"memory": {2: "8GiB"}}}}, nodes=THREE, ports=[(0, {})])
    ((rule, _, message),) = faults_of(plan)
    assert (rule, "0 on node 0 or 8 on node 2" in message) == ("plan-page-sharing", True)
    pages = {"count": {0: 4, 1: 1, 2: 8}, "pods": {"memory": {0: "2GiB"}}}
    ((rule, _, message),) = faults_of(make_plan({"hugepages": pages}, nodes=THREE, ports=[(0, {})]))
    assert (rule, "2 on node 0 or 0 on node 1 are" in message) == ("plan-page-sharing", True)


def test_a_node_whose_cpus_are_offline_gets_pages_by_a_map_only() -> None:
    off = {"cpu": {"offline-cores-per-node": {1: 4}}}
    plan = make_plan({**off, "hugepages": {"count": 6}}, ports=[(0, {})])
    assert pages_of(plan) == {(0, GIB): 6}
    plan = make_plan({**off, "hugepages": {"count": {0: 4, 1: 4}}}, ports=[(0, {})])
    assert socket_mem_of(plan) == "2048,0"
    # DPDK knows the node all the same.
    own = {"other-config": {"dpdk-socket-mem": "2048,1024"}}
    plan = make_plan({**off, "hugepages": {"count": {0: 4, 1: 4}}, "ovs": own}, ports=[(0, {})])
    assert faults_of(plan) == []


@pytest.mark.parametrize(
    ("pages", "memory", "first"),
    [
        ({}, "1024,5120", 1),
        ({"count": {0: 4, 1: 8}}, "1024,5120", 4),
        # Too little for vhost-user ports: for the table of ports alone.
        ({"count": {0: 0, 1: 8}, "more": [{"size": "2M", "count": {0: 100}}]}, "64,5120", 0),
        ({"count": {0: 0, 1: 8}, "more": [{"size": "2M", "count": {0: 5}}]}, "10,5120", 0),
        ({"count": {1: 8}, "more": [{"size": "2M"}]}, "64,5120", 0),
    ],
)
def test_the_main_lcores_node_has_pages(pages: dict[str, Any], memory: str, first: int) -> None:
    plan = make_plan({"hugepages": pages}, ports=[*ON_1, (1, {"mtu": 4000})])
    assert (socket_mem_of(plan), pages_of(plan)[0, GIB]) == (memory, first)
    assert faults_of(plan) == []
    assert any(pool.count for pool in plan.hugepages if pool.node == 0)


def test_no_page_counted_where_the_main_lcore_is() -> None:
    plan = make_plan({"hugepages": {"count": {1: 8}}}, ports=ON_1)
    assert rules_of(plan) == ["plan-main-lcore"]
    # With housekeeping, and so with the main lcore, on the ports' node, all is well.
    cpu = {"housekeeping": "4,12", "pmd": "5,13"}
    plan = make_plan({"cpu": cpu, "hugepages": {"count": {1: 8}}}, ports=ON_1)
    assert faults_of(plan) == []


@pytest.mark.parametrize(
    ("pages", "hint"),
    [
        ({"count": 8}, "use 1024,2048, or"),
        ({"count": {1: 8}, "more": [{"size": "2M", "count": {0: 100}}]}, "use 200,2048, or"),
        ({}, "use 1024,2048, or"),
    ],
)
def test_an_own_value_without_the_main_lcores_node(pages: dict[str, Any], hint: str) -> None:
    """Whoever follows the hint has a value that the pages hold."""
    own = {"other-config": {"dpdk-socket-mem": "0,2048"}}
    plan = make_plan({"hugepages": pages, "ovs": own}, ports=[(1, {})])
    (found,) = check_main_lcore(plan)
    assert (found.hint or "").startswith(hint)
    assert found.severity == ("warning" if pages else "error")
    mended = {"other-config": {"dpdk-socket-mem": hint.split(" ")[1].rstrip(",")}}
    plan = make_plan({"hugepages": pages, "ovs": mended}, ports=[(1, {})])
    assert faults_of(plan) == []


@pytest.mark.parametrize("mask", ["0x10", "0x1010"])
def test_the_main_lcore_of_an_own_mask(mask: str) -> None:
    own = {"other-config": {"dpdk-lcore-mask": mask}}
    plan = make_plan({"hugepages": {"count": {1: 8}}, "ovs": own}, ports=ON_1)
    assert rules_of(plan) == ["plan-ovs-lcore-mask"]  # it says that threads share a core
    plan = make_plan({"hugepages": {"count": {0: 8}}, "ovs": own}, ports=[(0, {})])
    assert "plan-main-lcore" in rules_of(plan)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(2, 6), st.just(65536)), min_size=2, max_size=4),
    st.data(),
)
def test_following_the_hint_leads_to_no_other_error(nodes: Nodes, data: st.DataObject) -> None:
    """Whatever is counted, the map that a hint on pages names is accepted as a whole."""
    numbers = st.sampled_from(range(len(nodes)))
    ports = data.draw(st.lists(st.tuples(numbers, st.just({"mtu": 9000})), min_size=1, max_size=3))
    count = data.draw(st.dictionaries(numbers, st.integers(0, 6), min_size=1))
    plan = make_plan({"hugepages": {"count": count}}, nodes=nodes, ports=ports)
    advice = dict(enough_pages(plan))
    assert counts_text({0: 1, 5: 2}) == "{0: 1, 5: 2}"
    again = make_plan({"hugepages": {"count": advice}}, nodes=nodes, ports=ports)
    wrong = {"plan-socket-mem", "plan-main-lcore", "plan-any-page"}
    assert not wrong & {*rules_of(again)}
    if wrong & {*rules_of(plan)}:
        assert advice != {node: pages for node, pages in count.items() if pages}


def test_which_releases_need_the_table_there() -> None:
    plan = make_plan({"hugepages": {"count": {1: 8}}}, ports=ON_1)
    weights = {}
    for name, release in RELEASES.items():
        (found,) = check_main_lcore(replace(plan, release=release))
        weights[name] = found.severity
    assert weights == {
        "debian-12": "error",
        "debian-13": "error",
        "ubuntu-22.04": "error",
        "ubuntu-24.04": "error",
        "ubuntu-26.04": "warning",
    }
