"""Pages of each node: counted or derived, of one size or two, always enough or found fault with."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numa_machine import Nodes, faults_of, make_plan, pages_of, socket_mem_of

from builder.model.memory import mem_total
from builder.plan.checks.pages import NODE_ROOM_MIB, check_pages_fit
from builder.plan.eal_pages import PageStock, pages_taken
from builder.plan.nouns.image import ImagePlan

GIB, TWO_MIB = 1048576, 2048
PORT: list[tuple[int, dict[str, Any]]] = [(0, {})]
NODE_LISTS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(2, 512).map(lambda n: n * 512)), min_size=1, max_size=4
).filter(lambda nodes: nodes[0][0] > 0)
MIBS = st.integers(1, 6000)


def reasons(plan: ImagePlan) -> list[str]:
    return [pool.why.reason for pool in plan.hugepages]


def origins(plan: ImagePlan) -> list[list[str]]:
    return [[str(o.path[-1]) for o in pool.why.origins] for pool in plan.hugepages]


def test_nobody_wants_pages() -> None:
    assert make_plan({}).hugepages == ()


def test_derived_from_all_who_want_some() -> None:
    pages = {"pods": {"memory": "3GiB"}, "vms": {"memory": {1: "1500MiB"}}}
    plan = make_plan({"hugepages": pages}, ports=[(0, {"mtu": 9000})])
    assert pages_of(plan) == {(0, GIB): 7, (1, GIB): 6}
    assert reasons(plan) == [
        "4096 MiB for Open vSwitch + 3072 MiB for pods, each in whole pages",
        (
            "1024 MiB for Open vSwitch + 3072 MiB for pods + 1500 MiB for virtual machines, each in "
            "whole pages"
        ),
    ]
    assert origins(plan)[0] == ["mtu", "pods", "vms", "memory"]


def test_a_node_nobody_wants_pages_of_has_a_pool_of_none() -> None:
    plan = make_plan({}, ports=PORT)
    assert pages_of(plan) == {(0, GIB): 2, (1, GIB): 0}
    assert reasons(plan)[1] == "nobody wants pages here"
    assert socket_mem_of(plan) == "2048,0"


def test_memory_only_nodes_get_pages_by_a_map_only() -> None:
    nodes: Nodes = ((4, 16384), (0, 65536), (4, 16384))
    assert pages_of(make_plan({"hugepages": {"count": 5}}, nodes=nodes)) == {
        (0, GIB): 3,
        (2, GIB): 2,
    }
    assert pages_of(make_plan({"hugepages": {"count": {1: 5}}}, nodes=nodes)) == {
        (0, GIB): 0,
        (1, GIB): 5,
        (2, GIB): 0,
    }
    pods = {"hugepages": {"pods": {"memory": {1: "5GiB"}}}}
    assert pages_of(make_plan(pods, nodes=nodes)) == {(0, GIB): 0, (1, GIB): 5, (2, GIB): 0}


def test_default_size_first_then_nodes() -> None:
    pages = {"size": "2M", "count": 1024, "more": [{"size": "1G", "count": {0: 4}}]}
    plan = make_plan({"hugepages": pages}, ports=PORT)
    assert list(pages_of(plan).items()) == [
        ((0, TWO_MIB), 512),
        ((1, TWO_MIB), 512),
        ((0, GIB), 4),
        ((1, GIB), 0),
    ]
    assert (
        reasons(plan)
        == ["1024 pages in all, spread evenly over 2 NUMA nodes"] * 2
        + ["pages per NUMA node as listed in the inventory"] * 2
    )


def test_open_vswitch_takes_pages_of_1g_though_2m_are_the_default() -> None:
    pages = {"size": "2M", "pods": {"memory": "2GiB"}, "more": [{"size": "1G"}]}
    plan = make_plan({"hugepages": pages}, ports=PORT)
    assert pages_of(plan) == {(0, TWO_MIB): 1024, (1, TWO_MIB): 1024, (0, GIB): 2, (1, GIB): 1}
    assert faults_of(plan) == []


def test_memory_that_pages_of_1g_do_not_hold_is_taken_from_those_of_2m() -> None:
    switch = {"other-config": {"dpdk-socket-mem": "1500,0"}}
    pages = {"pods": {"size": "2M", "memory": "2GiB"}}
    plan = make_plan({"hugepages": pages, "ovs": switch}, ports=PORT)
    assert pages_of(plan) == {(0, GIB): 1, (1, GIB): 0, (0, TWO_MIB): 1262, (1, TWO_MIB): 1024}
    assert reasons(plan)[2] == ("476 MiB for Open vSwitch + 2048 MiB for pods, each in whole pages")
    ((rule, _, message),) = faults_of(plan)
    assert rule == "plan-page-sharing"
    assert "offers all 2286 as hugepages-2Mi, although 238 are used by Open vSwitch" in message


def test_few_pages_of_2m_are_left_alone() -> None:
    switch = {"other-config": {"dpdk-socket-mem": "1500,0"}}
    pages = {"pods": {"size": "2M", "memory": "474MiB"}}
    plan = make_plan({"hugepages": pages, "ovs": switch}, ports=PORT)
    assert pages_of(plan) == {(0, GIB): 2, (1, GIB): 0, (0, TWO_MIB): 237, (1, TWO_MIB): 237}
    assert faults_of(plan) == []


def test_pages_promised_of_1g_are_none_of_2m() -> None:
    switch = {"other-config": {"dpdk-socket-mem": "1500,0"}}
    pages = {"pods": {"memory": "2GiB"}, "more": [{"size": "2M"}]}
    plan = make_plan({"hugepages": pages, "ovs": switch}, ports=PORT)
    assert pages_of(plan) == {(0, GIB): 4, (1, GIB): 2, (0, TWO_MIB): 0, (1, TWO_MIB): 0}


def test_the_share_of_each_size_is_told_to_the_mib() -> None:
    switch = {"other-config": {"dpdk-socket-mem": "1501,0"}}
    pages = {"pods": {"size": "2M", "memory": "2GiB"}}
    told = reasons(make_plan({"hugepages": pages, "ovs": switch}, ports=PORT))
    assert told[0] == "1024 MiB for Open vSwitch, each in whole pages"
    assert told[2].startswith("477 MiB for Open vSwitch + 2048 MiB for pods")


def test_pages_of_1g_counted_short_leave_the_rest_to_2m() -> None:
    pages = {"count": {0: 1}, "pods": {"size": "2M", "memory": "2GiB"}}
    plan = make_plan({"hugepages": pages}, ports=PORT)
    assert pages_of(plan) == {(0, GIB): 1, (1, GIB): 0, (0, TWO_MIB): 1536, (1, TWO_MIB): 1024}
    assert [rule for rule, _, _ in faults_of(plan)] == ["plan-page-sharing"]


def test_a_node_without_pages_of_the_size_open_vswitch_takes_gives_none() -> None:
    pages = {"count": {0: 8}, "pods": {"size": "2M", "memory": "2GiB"}}
    assert socket_mem_of(make_plan({"hugepages": pages}, ports=PORT)) == "2048,0"


def test_shared_mempool_config_is_reckoned_with() -> None:
    switch = {"other-config": {"shared-mempool-config": "9000,1500:1,6000:1"}}
    ports = [(0, {"mtu": 1500}), (1, {"mtu": 9000})]
    plan = make_plan({"ovs": switch}, ports=ports)
    # Node 0: all in buffers of MTU 9000; node 1: those of 1500 and of 9000.
    assert socket_mem_of(plan) == "3072,4096"
    assert plan.ovs is not None
    (why,) = (s.why for s in plan.ovs.other_config if s.key == "dpdk-socket-mem")
    assert "node 0: 2544 for packets of MTU 1500 and 512" in why.reason
    assert "shared-mempool-config" in [origin.path[-1] for origin in why.origins]


def test_shared_mempool_config_is_nothing_to_an_old_release() -> None:
    switch = {"other-config": {"shared-mempool-config": "9000"}}
    plan = make_plan({"ovs": switch}, ports=PORT, ovs=(2, 17))
    assert socket_mem_of(plan) == "2048,0"


def test_descriptors_and_queues_count_per_port() -> None:
    switch = {"other-config": {"per-port-memory": True}}
    keys = {"mtu": 9000, "rxq": 5}
    # Of 2 PMD threads: 5 * 2048 + 3 * 2048 + 5 * 32 + 16384 = 32928 mbufs of 10176 bytes, 320
    # MiB; with 4096 descriptors 49312, 479 MiB. A vhost-user port: 24608 of 3008, 71 MiB.
    plan = make_plan({"ovs": switch}, ports=[(0, keys)])
    assert (len(plan.cpus.pmd), socket_mem_of(plan)) == (2, "1024,0")
    plan = make_plan({"ovs": switch}, ports=[(0, {**keys, "rxd": 4096, "txd": 4096})])
    assert socket_mem_of(plan) == "2048,0"


@pytest.mark.parametrize(
    ("config", "own", "wanted"),
    [
        ({}, 2543, 2544),  # a shared pool of MTU 9000
        ({"shared-mempool-config": "9702"}, 2799, 2800),  # the pool offered holds it too
        ({"per-port-memory": "TRUE"}, 319, 320),  # as above
    ],
)
def test_memory_by_hand_holds_the_packet_buffers_of_ports(
    config: dict[str, str], own: int, wanted: int
) -> None:
    def plan(mib: int) -> ImagePlan:
        switch = {"other-config": {"dpdk-socket-mem": f"{mib},0", **config}}
        return make_plan(
            {"ovs": switch, "hugepages": {"count": {0: 4}}}, ports=[(0, {"mtu": 9000, "rxq": 5})]
        )

    found = [(rule, message) for rule, _, message in faults_of(plan(own))]
    assert (
        "plan-socket-mem-ports",
        (
            f"{own} MiB on NUMA node 0 is less than the {wanted} MiB that the packet buffers of "
            "dpdk0 need: Open vSwitch takes the rest from pages that pods may already use by then"
        ),
    ) in found
    assert "plan-socket-mem-ports" not in {rule for rule, _, _ in faults_of(plan(wanted))}


def test_a_switch_without_any_page() -> None:
    switch = {"other-config": {"dpdk-socket-mem": "0,0"}}
    assert faults_of(make_plan({"ovs": switch}, ports=PORT)) == [
        (
            "plan-any-page",
            "profiles.nfv.hugepages",
            "there are no hugepages: Open vSwitch cannot start DPDK, which its bridges require",
        )
    ]


def test_two_who_share_too_few_pages() -> None:
    pages = {"count": 4, "pods": {"memory": "1500MiB"}, "vms": {"memory": "500MiB"}}
    # 1500 + 500 MiB are 2 pages by the sum, but nobody shares a page.
    assert [message for rule, _, message in faults_of(make_plan({"hugepages": pages}))] == [
        f"virtual machines need 500MiB in pages of 1G on NUMA node {node}, which has 2 "
        "(2 for pods): 0 of 1 are left for them"
        for node in (0, 1)
    ]


@st.composite
def profiles(draw: st.DrawFn, nodes: Nodes) -> dict[str, Any]:
    """Hugepages by demand alone, of either default size; now and then an own dpdk-socket-mem."""
    cpu_nodes = [number for number, (cores, _) in enumerate(nodes) if cores]
    sizes = st.sampled_from([None, "2M", "1G"])
    pages: dict[str, Any] = {"size": draw(st.sampled_from(["2M", "1G"]))}
    for who in ("pods", "vms"):
        by_node = st.dictionaries(st.sampled_from(range(len(nodes))), MIBS, min_size=1)
        if draw(st.booleans()):
            memory = {node: f"{mib}MiB" for node, mib in draw(by_node).items()}
            size = draw(sizes)
            pages[who] = {"memory": memory, **({"size": size} if size else {})}
    if draw(st.booleans()):
        pages["more"] = [{"size": "2M" if pages["size"] == "1G" else "1G"}]
    own = ",".join(str(draw(st.integers(0, 5000))) for _ in nodes)
    config = {"dpdk-socket-mem": own} if draw(st.booleans()) else {}
    mtus = st.lists(st.tuples(st.sampled_from(cpu_nodes), st.integers(68, 9702)), max_size=3)
    ports = [(node, {"mtu": mtu}) for node, mtu in draw(mtus)]
    return {"hugepages": pages, "ovs": {"other-config": config}, "ports": ports}


@settings(deadline=None)
@given(st.data(), NODE_LISTS)
def test_derived_pages_are_just_enough(data: st.DataObject, nodes: Nodes) -> None:
    """Open vSwitch as EAL takes it, and everybody else in whole pages: no page more or less."""
    profile = data.draw(profiles(nodes))
    ports = profile.pop("ports")
    plan = make_plan(
        profile if ports else {"hugepages": profile["hugepages"]}, nodes=nodes, ports=ports
    )
    rules = {rule for rule, _, _ in faults_of(plan)}
    assert not rules & {"plan-socket-mem", "plan-page-demands"}
    memory = [int(mib) for mib in socket_mem_of(plan).split(",")] if ports else []
    wanted = dict.fromkeys(pages_of(plan), 0)
    for demand in plan.page_demands:
        wanted[demand.node, demand.size_kib] += -(-demand.mib * 1024 // demand.size_kib)
    for node, mib in enumerate(memory):
        stock = [PageStock(p.size_kib, p.count) for p in plan.hugepages if p.node == node]
        for taken in pages_taken(mib, stock)[0]:
            wanted[node, taken.size_kib] += taken.count
    assert pages_of(plan) == wanted


@settings(deadline=None)
@given(st.data(), NODE_LISTS)
def test_no_plan_exceeds_a_node_unnoticed(data: st.DataObject, nodes: Nodes) -> None:
    counts = st.dictionaries(st.sampled_from(range(len(nodes))), st.integers(0, 300))
    pages: dict[str, Any] = {"count": data.draw(counts), "more": [{"size": "2M"}]}
    pages["more"][0]["count"] = data.draw(counts.map(lambda c: {n: 99 * v for n, v in c.items()}))
    plan = make_plan({"hugepages": pages}, nodes=nodes)
    assume(plan.hugepages)
    over = [
        node
        for node, (_, memory) in enumerate(nodes)
        if (
            taken := pages_of(plan).get((node, GIB), 0) * 1024
            + pages_of(plan).get((node, TWO_MIB), 0) * 2
        )
        and taken > mem_total(memory) - NODE_ROOM_MIB
    ]
    found = [m for rule, _, m in faults_of(plan) if rule == "plan-pages-fit" and "on node" in m]
    assert [f"on node {node} (" in message for node, message in zip(over, found, strict=True)] == [
        True for _ in over
    ]


@pytest.mark.parametrize(("mib", "warnings"), [(11520, 0), (11522, 1)])
def test_little_left_in_all_is_warned_of(mib: int, warnings: int) -> None:
    pages = {"size": "2M", "count": mib // 2}
    told = faults_of(make_plan({"hugepages": pages}, nodes=((4, 16384),)))
    assert told == [
        (
            "plan-pages-fit",
            "profiles.nfv.hugepages",
            (
                "hugepages leave 4094MiB of the 15616MiB that the kernel has (a 64th is for page "
                "structures, 512MiB a node for firmware and kernel); kernel, kubelet, containerd "
                "and pods need 4GiB (TripleO leaves as much)"
            ),
        )
        for _ in range(warnings)
    ]


@pytest.mark.parametrize(
    ("memory", "count", "fits"),
    [
        (16384, 14, "at most 13 pages of 1G"),
        (2048, 1, "no pages"),
        (3000, 1, "at most 394MiB of pages"),
    ],
)
def test_what_fits_is_said(memory: int, count: int, fits: str) -> None:
    pages: dict[str, Any] = {"count": count, "more": [{"size": "2M", "count": 1}]}
    pages = {"count": count} if fits.endswith("1G") else pages
    plan = make_plan({"hugepages": pages}, nodes=((4, memory),))
    (found,) = check_pages_fit(plan)
    assert found.hint == f"use {fits} on node 0: see hardware.server.numa[0].memory"


@pytest.mark.parametrize(
    ("reserved", "hint"),
    [
        ("8GiB", "use 1 page of 1G fewer"),
        ("80GiB", "the machine has too little memory for this profile: use another class, or"),
    ],
)
def test_what_the_kubelet_reserves_is_left(reserved: str, hint: str) -> None:
    kubernetes = {"topology-policy": "none", "kube-reserved": reserved}
    profile = {"hugepages": {"count": 7}, "kubernetes": kubernetes}
    (found,) = check_pages_fit(make_plan(profile, nodes=((4, 16384),)))
    assert found.severity == "warning"
    assert "(kubeReserved + systemReserved + evictionHard)" in found.message
    assert (found.hint or "").startswith(hint)
