"""What the kubelet would refuse, or could not keep to."""

from __future__ import annotations

from collections.abc import Iterator

from builder.model.sizes import format_mib
from builder.plan.nouns.image import ImagePlan
from builder.rule import Finding, Rule


def check_reserved_memory(image: ImagePlan) -> Iterator[Finding]:
    """pkg/kubelet/cm/memorymanager/policy_static.go, getDefaultMachineState(): memory less
    reservation less hugepages is unsigned, and what is below 0 counts as all but endless.
    """
    for item in image.kubelet.reserved_memory if image.kubelet is not None else ():
        pages = sum(pool.mib for pool in image.pools_on(item.node))
        left = image.memory_mib[item.node] - pages
        if item.mib > left:
            message = (
                f"the kubelet would reserve {format_mib(item.mib)} on NUMA node {item.node}, "
                f"where hugepages leave {format_mib(max(left, 0)) if left > 0 else 'nothing'}"
            )
            key = image.profile_key("kubernetes")
            yield Finding(key, message, "reserve less, or use fewer hugepages")


def check_hints(image: ImagePlan) -> Iterator[Finding]:
    """The device plugin gives no hint for a device whose node is -1: the Topology Manager then
    places the pod as if it had none (pkg/kubelet/cm/topologymanager/policy.go).
    """
    if image.kubelet is None or image.kubelet.topology_manager_policy not in (
        "restricted",
        "single-numa-node",
    ):
        return
    for pf in image.pfs:
        if pf.numa is None and len(image.cpus.nodes) > 1 and any(v.use == "pods" for v in pf.vfs):
            message = (
                f"topology-policy {image.kubelet.topology_manager_policy} cannot place pods near "
                f"the VFs of {pf.name}, whose NUMA node is not known"
            )
            hint = f"set numa of {pf.name} in hardware.{image.hardware}.nics"
            key = image.profile_key("kubernetes", "topology-policy")
            yield Finding(key, message, hint)


def check_reserved_cpus_kept(image: ImagePlan) -> Iterator[Finding]:
    """Without strict-cpu-reservation the shared pool of the CPU manager has the reserved CPUs too
    (pkg/kubelet/cm/cpumanager/policy_static.go), and isolcpus= does not bind a cgroup's cpuset.
    """
    kubelet = image.kubelet
    if kubelet is None or "strict-cpu-reservation" in kubelet.cpu_manager_policy_options:
        return
    if image.cpus.pmd:
        message = (
            f"pods without exclusive CPUs may run on the PMD CPUs {image.cpus.pmd}: the kubelet "
            "keeps only exclusive pods off reserved CPUs"
        )
        key = image.profile_key("kubernetes", "strict-cpu-reservation")
        yield Finding(key, message, "set it to true, with kubelet 1.33 or later")


RULES: tuple[Rule[ImagePlan], ...] = (
    Rule(
        "plan-reserved-memory",
        "error",
        "A NUMA node has enough memory besides hugepages for what the kubelet reserves.",
        check_reserved_memory,
    ),
    Rule(
        "plan-reserved-cpus",
        "warning",
        "The kubelet keeps all pods off the CPUs of PMD threads.",
        check_reserved_cpus_kept,
    ),
    Rule(
        "plan-topology-hints",
        "warning",
        "With a strict topology policy, the NUMA node of every VF for pods is known.",
        check_hints,
    ),
)
