"""What the kubelet keeps back for the system, in the numbers of KubeletConfiguration.

Sources: kubernetes, staging/src/k8s.io/kubelet/config/v1beta1/types.go and pkg/kubelet/cm;
OpenShift's node tuning operator, components/kubeletconfig/kubeletconfig.go.
"""

from __future__ import annotations

from dataclasses import replace

from builder.model.memory import usable_memory
from builder.model.profile import Kubernetes
from builder.plan.inputs import Inputs
from builder.plan.kubelet_cpus import cpus_per_group, online_cores
from builder.plan.nouns.cpus import CpuPlan
from builder.plan.nouns.kubelet import KubeletPlan, ReservedMemory
from builder.plan.nouns.pages import HugepagePool
from builder.plan.nouns.why import Why

# Policies under which containers wait for memory of one node, which only the Memory Manager's
# Static policy can promise.
_ONE_NODE = ("restricted", "single-numa-node")
# defaultMaxAllowableNUMANodes of pkg/kubelet/cm/topologymanager/topology_manager.go: with more,
# nodes of memory alone included, the kubelet does not start, unless a policy option allows it.
MAX_NUMA_NODES = 8


def plan_kubelet(
    inputs: Inputs, cpus: CpuPlan, pools: tuple[HugepagePool, ...]
) -> KubeletPlan | None:
    """The numbers, or None when the profile says nothing of Kubernetes."""
    wanted = inputs.profile.kubernetes
    if wanted is None:
        return None
    total = wanted.kube_reserved + wanted.system_reserved + wanted.eviction
    is_static = wanted.topology_policy in _ONE_NODE
    plan = KubeletPlan(
        reserved_system_cpus=cpus.housekeeping | cpus.pmd,
        cpu_manager_policy="static",
        cpu_manager_policy_options=_cpu_manager_options(cpus, wanted),
        topology_manager_policy=wanted.topology_policy,
        topology_manager_scope=wanted.topology_scope,
        topology_manager_policy_options=_topology_manager_options(cpus, wanted),
        memory_manager_policy="Static" if is_static else "None",
        kube_reserved_mib=wanted.kube_reserved,
        system_reserved_mib=wanted.system_reserved,
        eviction_hard_mib=wanted.eviction,
        reserved_memory=_share_memory(cpus, left_of_nodes(inputs, pools), total)
        if is_static
        else (),
        why=_explain(inputs, cpus, total, is_static=is_static),
    )
    return replace(plan, why={**plan.why, **_explain_options(inputs, plan)})


def left_of_nodes(inputs: Inputs, pools: tuple[HugepagePool, ...]) -> tuple[int, ...]:
    """MiB of each NUMA node beside its hugepages."""
    memory = [node.memory for node in inputs.hardware.numa]
    taken = [0] * len(memory)
    for pool in pools:
        if pool.node < len(taken):
            taken[pool.node] += pool.mib
    usable = usable_memory(memory, inputs.profile.kernel_args)
    return tuple(max(0, there - used) for there, used in zip(usable, taken, strict=True))


def _share_memory(cpus: CpuPlan, left: tuple[int, ...], total: int) -> tuple[ReservedMemory, ...]:
    """Over the nodes where the system runs, evenly, none more than it has left; sum = total.

    What no node has left is reserved on the lowest all the same: a check says that it is too
    much, and the kubelet would not start on a sum that differs.
    """
    nodes = [node for node, there in enumerate(cpus.nodes) if there & cpus.housekeeping] or [0]
    shares = dict.fromkeys(nodes, 0)
    rest = total
    while rest:
        open_nodes = [node for node in nodes if shares[node] < left[node]] or nodes[:1]
        each = max(1, rest // len(open_nodes))
        for node in open_nodes:
            room = left[node] - shares[node]
            more = min(each, rest, room) if room > 0 else rest
            shares[node] += more
            rest -= more
    return tuple(ReservedMemory(node, mib) for node, mib in sorted(shares.items()) if mib)


def _cpu_manager_options(cpus: CpuPlan, wanted: Kubernetes) -> dict[str, str]:
    """full-pcpus-only keeps two pods off one core; as OpenShift, with single-numa-node.

    strict-cpu-reservation: without it burstable and best-effort pods run on the reserved CPUs as
    well, PMD threads' among them (KEP-4540; beta and on by default since Kubernetes 1.33).
    """
    options = {"strict-cpu-reservation": "true"} if wanted.strict_cpu_reservation else {}
    # Where some cores have lost a sibling the average is 1, and the option then means nothing.
    has_siblings = cpus_per_group(online_cores(cpus)) > 1
    if has_siblings and wanted.topology_policy == "single-numa-node":
        options["full-pcpus-only"] = "true"
    return options


def _topology_manager_options(cpus: CpuPlan, wanted: Kubernetes) -> dict[str, str]:
    """max-allowable-numa-nodes: on by default since Kubernetes 1.31 (KEP-4622)."""
    if len(cpus.nodes) <= MAX_NUMA_NODES or wanted.topology_policy == "none":
        return {}
    return {"max-allowable-numa-nodes": str(len(cpus.nodes))}


_OPTION_REASONS = {
    "strict-cpu-reservation": "pods without CPUs of their own keep off the reserved CPUs too, "
    "where PMD threads poll",
    "full-pcpus-only": "whole cores only: two pods must not share the siblings of one",
}


def _explain(inputs: Inputs, cpus: CpuPlan, total: int, *, is_static: bool) -> dict[str, Why]:
    def key(*keys: str) -> tuple[str | int, ...]:
        return inputs.profile_key("kubernetes", *keys)

    policy, memory = key("topology-policy"), ("kube-reserved", "system-reserved", "eviction")
    origins = (*cpus.why["housekeeping"].origins, *cpus.why["pmd"].origins)
    why = {
        "reserved_system_cpus": Why(
            "housekeeping and PMD CPUs: the kubelet knows nothing of isolcpus= and would give a "
            "PMD thread's CPU to a pod",
            origins,
        ),
        "cpu_manager_policy": inputs.why("pods get CPUs of their own", key()),
        "topology_manager_policy": inputs.why("as the inventory has it", policy),
        "topology_manager_scope": inputs.why("as the inventory has it", key("topology-scope")),
        "memory_manager_policy": inputs.why(
            "memory and hugepages come from the NUMA node the Topology Manager picks"
            if is_static
            else "the Topology Manager promises no node, so the Memory Manager has no use",
            policy,
        ),
        "kube_reserved_mib": inputs.why("for the kubelet and containerd", key("kube-reserved")),
        "system_reserved_mib": inputs.why(
            "for the system's services, Open vSwitch's own memory among them",
            key("system-reserved"),
        ),
        "eviction_hard_mib": inputs.why(
            "memory.available below which pods are evicted", key("eviction")
        ),
    }
    if is_static:
        why["reserved_memory"] = inputs.why(
            f"{total} MiB, exactly kubeReserved + systemReserved + evictionHard, or the kubelet "
            "does not start; over the NUMA nodes with housekeeping CPUs, where the system runs",
            *(key(name) for name in memory),
        )
    return why


def _explain_options(inputs: Inputs, plan: KubeletPlan) -> dict[str, Why]:
    """Of the options there are."""
    policy = inputs.profile_key("kubernetes", "topology-policy")
    why: dict[str, Why] = {}
    if plan.cpu_manager_policy_options:
        why["cpu_manager_policy_options"] = inputs.why(
            "; ".join(_OPTION_REASONS[name] for name in plan.cpu_manager_policy_options),
            inputs.profile_key("kubernetes", "strict-cpu-reservation"),
            policy,
        )
    if plan.topology_manager_policy_options:
        why["topology_manager_policy_options"] = inputs.why(
            f"with more than {MAX_NUMA_NODES} NUMA nodes the kubelet does not start otherwise; "
            "kubelet 1.31 and later have this option",
            policy,
            inputs.hardware_key("numa"),
        )
    return why
