"""The kubelet's numbers: CPUs kept back, memory kept back, policies that go together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numa_machine import Nodes, faults_of, make_plan

from builder.model.memory import mem_total
from builder.plan.nouns.image import ImagePlan
from builder.plan.nouns.kubelet import KubeletPlan

NODE_LISTS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(1, 64).map(lambda n: n * 512)), min_size=1, max_size=4
).filter(lambda nodes: nodes[0][0] > 0)


def kubelet(plan: ImagePlan) -> KubeletPlan:
    assert plan.kubelet is not None
    return plan.kubelet


def reserved(plan: ImagePlan) -> dict[int, int]:
    return {item.node: item.mib for item in kubelet(plan).reserved_memory}


def test_none_without_kubernetes() -> None:
    assert make_plan({}).kubelet is None


def test_as_openshift_renders_it() -> None:
    """test/e2e/performanceprofile/testdata/render-expected-output/default/
    manual_kubeletconfig.yaml of openshift/cluster-node-tuning-operator: one reserved core.
    """
    profile = {
        "cpu": {"housekeeping": "0,8"},
        "kubernetes": {"topology-policy": "single-numa-node"},
    }
    found = kubelet(make_plan(profile))
    assert found.cpu_manager_policy == "static"
    assert found.cpu_manager_policy_options == {
        "strict-cpu-reservation": "true",  # ours: OpenShift keeps pods off by cgroups
        "full-pcpus-only": "true",
    }
    assert (found.kube_reserved_mib, found.system_reserved_mib) == (500, 500)
    assert found.eviction_hard_mib == 100
    assert found.memory_manager_policy == "Static"
    assert [(item.node, item.mib) for item in found.reserved_memory] == [(0, 1100)]
    assert found.topology_manager_policy == "single-numa-node"
    assert str(found.reserved_system_cpus) == "0,8"


def test_over_the_nodes_where_the_system_runs() -> None:
    # OpenShift keeps all of it back on node 0, wherever the reserved CPUs are: there a pod that
    # fills node 1 leaves the system of node 1 nothing.
    assert reserved(make_plan({"kubernetes": {}})) == {0: 550, 1: 550}


def test_example_of_the_kubernetes_documentation() -> None:
    """content/en/docs/tasks/administer-cluster/memory-manager.md: 4GiB + 1GiB + 100MiB is
    3072MiB + 2148MiB there; the same sum here, in even parts.
    """
    wanted = {"kube-reserved": "4GiB", "system-reserved": "1GiB"}
    assert reserved(make_plan({"kubernetes": wanted})) == {0: 2610, 1: 2610}
    assert 2610 + 2610 == 3072 + 2148 == 4096 + 1024 + 100
    # With room for just that on node 1 it is the documentation's split to the MiB: of 2702 MiB
    # the kernel has 2148.
    nodes: Nodes = ((4, 16384), (4, 2702))
    assert reserved(make_plan({"kubernetes": wanted}, nodes=nodes)) == {0: 3072, 1: 2148}


def test_odd_megabytes_go_to_the_lowest_nodes() -> None:
    nodes: Nodes = ((2, 8192),) * 3
    assert reserved(make_plan({"kubernetes": {}}, nodes=nodes)) == {0: 367, 1: 367, 2: 366}


def test_a_node_full_of_pages_keeps_back_what_it_has() -> None:
    nodes: Nodes = ((4, 4096), (4, 16384))
    plan = make_plan({"hugepages": {"count": {0: 4, 1: 4}}, "kubernetes": {}}, nodes=nodes)
    assert reserved(plan) == {1: 1100}


def test_memory_only_nodes_keep_nothing_back() -> None:
    nodes: Nodes = ((4, 8192), (0, 65536))
    assert reserved(make_plan({"kubernetes": {}}, nodes=nodes)) == {0: 1100}


@pytest.mark.parametrize("policy", ["none", "best-effort"])
def test_no_memory_manager_where_no_node_is_promised(policy: str) -> None:
    plan = make_plan({"kubernetes": {"topology-policy": policy}})
    found = kubelet(plan)
    assert (found.memory_manager_policy, found.reserved_memory) == ("None", ())
    assert "reserved_memory" not in found.why


@pytest.mark.parametrize(
    ("policy", "smt", "cpu", "options"),
    [
        ("single-numa-node", True, {}, {"full-pcpus-only": "true"}),
        ("single-numa-node", False, {}, {}),  # no siblings to keep apart
        ("single-numa-node", True, {"smt": False}, {}),  # all second siblings are offline
        ("restricted", True, {}, {}),
    ],
)
def test_whole_cores(policy: str, smt: bool, cpu: dict[str, Any], options: dict[str, str]) -> None:
    profile = {"cpu": cpu, "kubernetes": {"topology-policy": policy}}
    plan = make_plan(profile, smt=smt)
    assert kubelet(plan).cpu_manager_policy_options == {
        "strict-cpu-reservation": "true",
        **options,
    }


def test_pmd_cpus_are_kept_from_pods_and_offline_ones_are_not_named() -> None:
    """OpenShift's ovsDpdk (enhancements 2001): PMD CPUs are isolated, and reserved."""
    profile = {"cpu": {"offline-cores-per-node": 1}, "kubernetes": {}}
    plan = make_plan(profile, ports=[(1, {})])
    assert str(plan.cpus.pmd) == "5,13"
    assert str(plan.cpus.offline) == "3,7,11,15"
    assert str(kubelet(plan).reserved_system_cpus) == "0,4-5,8,12-13"


def test_reservation_beyond_the_node_is_an_error() -> None:
    plan = make_plan({"kubernetes": {"system-reserved": "70GiB"}})
    assert reserved(plan) == {0: 72280 - 31744, 1: 31744}
    assert faults_of(plan) == [
        (
            "plan-reserved-memory",
            "profiles.nfv.kubernetes",
            (
                "the kubelet would reserve 40536MiB on NUMA node 0, where hugepages leave 31GiB of "
                "the 31GiB that the kernel has"
            ),
        )
    ]


@pytest.mark.parametrize(("mib", "faults"), [(2424, 0), (2425, 1)])
def test_a_reservation_of_all_the_node_has(mib: int, faults: int) -> None:
    """3520 of 4096 MiB: 64 are page structures, 512 firmware's and the kernel's."""
    wanted = {"kube-reserved": f"{mib}MiB", "system-reserved": "996MiB"}
    assert len(faults_of(make_plan({"kubernetes": wanted}, nodes=((4, 4096),)))) == faults


def test_every_number_has_a_reason() -> None:
    nodes: Nodes = ((2, 8192),) * 9  # so many need an option of their own
    profile = {"kubernetes": {"topology-policy": "single-numa-node"}}
    found = kubelet(make_plan(profile, nodes=nodes))
    fields = set(KubeletPlan.__dataclass_fields__) - {"why"}
    assert set(found.why) == fields
    assert found.why["reserved_memory"].reason.startswith(
        "1100 MiB, exactly kubeReserved + systemReserved + evictionHard"
    )


@settings(deadline=None)
@given(
    NODE_LISTS,
    st.dictionaries(st.integers(0, 3), st.integers(0, 30)),
    st.tuples(st.integers(1, 9000), st.integers(1, 9000), st.integers(1, 900)),
)
def test_sums_are_exact_and_no_node_gives_more_than_it_has(
    nodes: Nodes, counts: dict[int, int], wanted: tuple[int, int, int]
) -> None:
    keys = ("kube-reserved", "system-reserved", "eviction")
    kubernetes = {key: f"{mib}MiB" for key, mib in zip(keys, wanted, strict=True)}
    counts = {node: count for node, count in counts.items() if node < len(nodes)}
    plan = make_plan({"hugepages": {"count": counts}, "kubernetes": kubernetes}, nodes=nodes)
    shares = reserved(plan)
    assert sum(shares.values()) == sum(wanted)
    assert all(shares.values())
    left = [
        max(0, mem_total(memory) - counts.get(node, 0) * 1024)
        for node, (_, memory) in enumerate(nodes)
    ]
    serves = [node for node, cpus in enumerate(plan.cpus.nodes) if cpus & plan.cpus.housekeeping]
    assert set(shares) <= set(serves)
    fits = sum(left[node] for node in serves) >= sum(wanted)
    assert all(shares.get(node, 0) <= left[node] for node in serves) is fits
    assert ("plan-reserved-memory" in {rule for rule, _, _ in faults_of(plan)}) is not fits
    if fits:  # even: a node that gives less than another gives all it has, but for one MiB
        most = max(shares.get(node, 0) for node in serves)
        assert all(
            shares.get(node, 0) >= most - 1 or shares.get(node, 0) == left[node] for node in serves
        )
