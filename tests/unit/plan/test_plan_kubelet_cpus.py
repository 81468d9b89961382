"""Reserved CPUs and whole cores, as the kubelet's static CPU manager counts them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numa_machine import Nodes, faults_of, make_plan

from builder.model.values import CpuSet
from builder.plan.kubelet_cpus import cpus_per_group, taken_for_free
from builder.plan.nouns.image import ImagePlan

OURS = {"plan-reserved-cores", "plan-reserved-sockets", "plan-whole-cores", "plan-kubelet-version"}


def rules_of(plan: ImagePlan) -> list[str]:
    return [rule for rule, _, _ in faults_of(plan) if rule in OURS]


def plan_of(cpu: dict[str, Any], policy: str = "restricted", **kubelet: Any) -> ImagePlan:
    """Two nodes of 4 cores with 2 threads each: 0-3,8-11 and 4-7,12-15."""
    return make_plan({"cpu": cpu, "kubernetes": {"topology-policy": policy, **kubelet}})


def give(cores: tuple[CpuSet, ...], reserved: CpuSet, wanted: int) -> set[int]:
    """CPUs of a pod: takeFullCores() and takeRemainingCPUs() of cpu_assignment.go."""
    free = {core: core - reserved for core in cores if core - reserved}
    order = sorted(free, key=lambda core: (len(free[core]), min(core)))
    size, given = cpus_per_group(cores), set[int]()
    for core in order:
        if len(free[core]) == size and wanted - len(given) >= len(core):
            given |= core.cpus
    rest = [cpu for core in order for cpu in free[core] if cpu not in given]
    return given | {*rest[: max(0, wanted - len(given))]}


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2)), min_size=1, max_size=6))
def test_no_pod_gets_a_reserved_cpu_where_none_is_taken_for_free(
    shapes: list[tuple[int, int]],
) -> None:
    """shapes: CPUs of each core, and how many of them are reserved."""
    cores, reserved, first = [], set[int](), 0
    for size, kept in shapes:
        cores.append(CpuSet.of(range(first, first + size)))
        reserved |= {*range(first, first + min(size, kept))}
        first += size
    kept_back = CpuSet.of(reserved)
    taken = taken_for_free(tuple(cores), kept_back)
    for wanted in range(1, first - len(reserved) + 1):
        given = give(tuple(cores), kept_back, wanted)
        assert taken or not given & reserved


def test_a_reserved_cpu_is_given_away() -> None:
    cores = (CpuSet.of([0, 2]), CpuSet.of([1]), CpuSet.of([3]))
    assert give(cores, CpuSet.of([0]), 2) == {0, 2}
    assert taken_for_free(cores, CpuSet.of([0])) == cores[:1]
    assert taken_for_free((), CpuSet()) == ()


@pytest.mark.parametrize(
    ("cpu", "rules"),
    [
        ({"housekeeping": "0,4"}, []),  # all cores alike: a core with one CPU left is not free
        # 7 CPUs on the first socket, 8 on the second: of which 7 are left, as many as on average.
        (
            {"housekeeping": "0,4", "offline": "9"},
            ["plan-reserved-cores", "plan-reserved-sockets"],
        ),
        ({"housekeeping": "0,4", "smt": False}, []),
        ({"housekeeping": "0,8,4,12", "offline": "9"}, []),
        ({"housekeeping": "0,8,4,12", "offline-cores-per-node": {1: 1}}, []),
        ({"housekeeping": "0,8,4,12", "offline-cores-per-node": {1: 2}}, ["plan-reserved-sockets"]),
    ],
)
def test_reserved_cpus_stay_reserved(cpu: dict[str, Any], rules: list[str]) -> None:
    assert rules_of(plan_of(cpu)) == rules
    assert rules_of(make_plan({"cpu": cpu})) == []  # without a kubelet


@pytest.mark.parametrize(
    ("cpu", "options", "rules"),
    [
        ({}, True, []),
        ({"smt": False}, False, []),
        ({"housekeeping": "0,8,4,12", "offline": "9"}, False, ["plan-whole-cores"]),
        ({"housekeeping": "0,8,4"}, True, ["plan-whole-cores"]),
        ({"housekeeping": "0,8,4,12", "offline-cores-per-node": {1: 2}}, True, []),
    ],
)
def test_whole_cores_for_pods_of_one_node(
    cpu: dict[str, Any], options: bool, rules: list[str]
) -> None:
    plan = plan_of(cpu, "single-numa-node")
    assert plan.kubelet is not None
    assert ("full-pcpus-only" in plan.kubelet.cpu_manager_policy_options) is options
    assert rules_of(plan) == rules


NINE: Nodes = (*((2, 8192),) * 8, (0, 65536))


@pytest.mark.parametrize("policy", ["none", "best-effort", "restricted", "single-numa-node"])
@pytest.mark.parametrize("nodes", [NINE[:8], NINE])
def test_more_nodes_than_the_kubelet_takes_unasked(nodes: Nodes, policy: str) -> None:
    plan = make_plan({"kubernetes": {"topology-policy": policy}}, nodes=nodes)
    needed = len(nodes) > 8 and policy != "none"
    assert plan.kubelet is not None
    assert plan.kubelet.topology_manager_policy_options == (
        {"max-allowable-numa-nodes": "9"} if needed else {}
    )
    assert ("topology_manager_policy_options" in plan.kubelet.why) is needed
    old = {"topology-policy": policy, "strict-cpu-reservation": False}
    assert rules_of(make_plan({"kubernetes": old}, nodes=nodes)) == (
        ["plan-kubelet-version"] * needed
    )
