"""What the kubelet would refuse, or could not keep to."""

from __future__ import annotations

from collections.abc import Iterator

from builder.diagnostics import KeyPath
from builder.model.sizes import format_mib
from builder.model.values import CpuSet
from builder.phrases import numbers
from builder.plan.kubelet import MAX_NUMA_NODES
from builder.plan.kubelet_cpus import (
    cpus_per_group,
    online_cores,
    online_nodes,
    taken_for_free,
)
from builder.plan.nouns.image import ImagePlan
from builder.rule import Finding, Rule


def check_reserved_memory(image: ImagePlan) -> Iterator[Finding]:
    """pkg/kubelet/cm/memorymanager/policy_static.go, getDefaultMachineState(): memory less
    reservation less hugepages is unsigned, and what is below 0 counts as all but endless.
    """
    for item in image.kubelet.reserved_memory if image.kubelet is not None else ():
        pages = sum(pool.mib for pool in image.pools_on(item.node))
        left = image.usable_mib[item.node] - pages
        if item.mib > left:
            message = (
                f"the kubelet would reserve {format_mib(item.mib)} on NUMA node {item.node}, "
                f"where hugepages leave {format_mib(left) if left > 0 else 'nothing'} of the "
                f"{format_mib(image.usable_mib[item.node])} that the kernel has"
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


def check_old_kubelet(image: ImagePlan) -> Iterator[Finding]:
    """strict-cpu-reservation: false is for a kubelet before 1.33, which may be one before 1.31."""
    kubelet = image.kubelet
    if kubelet is None or "strict-cpu-reservation" in kubelet.cpu_manager_policy_options:
        return
    if kubelet.topology_manager_policy_options:
        message = (
            f"with {len(image.cpus.nodes)} NUMA nodes, more than {MAX_NUMA_NODES}, a kubelet "
            f"before 1.31 does not start with topology-policy {kubelet.topology_manager_policy}"
        )
        key = image.profile_key("kubernetes", "topology-policy")
        yield Finding(key, message, "use kubelet 1.31 or later, or topology-policy: none")


def check_reserved_not_given(image: ImagePlan) -> Iterator[Finding]:
    """takeFullCores() of pkg/kubelet/cm/cpumanager/cpu_assignment.go (`plan.kubelet_cpus`)."""
    kubelet, cores = image.kubelet, online_cores(image.cpus)
    taken = taken_for_free(cores, kubelet.reserved_system_cpus) if kubelet is not None else ()
    if kubelet is None or not taken:
        return
    every = CpuSet.of(cpu for core in taken for cpu in core)
    given, partners = every & kubelet.reserved_system_cpus, every - kubelet.reserved_system_cpus
    number = sum(len(core) for core in cores)
    message = (
        f"the kubelet would give reserved {numbers('CPU', given)} to pods: of {number} CPUs online "
        f"on {len(cores)} cores it takes each core to have {number // len(cores)}, so that a core "
        f"with one of CPUs {partners} left passes for a free one, and is given away whole"
    )
    hint = (
        f"use whole cores: reserve {numbers('CPU', partners)} too, or take all or none of the "
        "cores' siblings offline (smt: false)"
    )
    yield Finding(_listed_key(image, given), message, hint)


def _listed_key(image: ImagePlan, cpus: CpuSet) -> KeyPath:
    """The role whose list names a CPU without its siblings."""
    return image.profile_key("cpu", "housekeeping" if cpus & image.cpus.housekeeping else "pmd")


def check_reserved_sockets_not_given(image: ImagePlan) -> Iterator[Finding]:
    """takeFullSockets(), of sockets that differ; single-numa-node never asks for a whole one."""
    kubelet, nodes = image.kubelet, online_nodes(image.cpus)
    if kubelet is None or kubelet.topology_manager_policy == "single-numa-node":
        return
    reserved, there = kubelet.reserved_system_cpus, sum(len(node) for node in nodes)
    for node in taken_for_free(nodes, reserved):
        if len(node) > there - len(reserved):
            continue  # no pod can have that many
        message = (
            f"if each NUMA node is a socket, a pod with {len(node)} or more CPUs of its own gets "
            f"reserved {numbers('CPU', node & reserved)} too: the kubelet takes each of the "
            f"{len(nodes)} sockets to have {there // len(nodes)} CPUs, as many as this one has left"
        )
        hint = "take as many cores offline on every NUMA node, or reserve one core more or less"
        yield Finding(image.profile_key("cpu"), message, hint)


def check_whole_cores(image: ImagePlan) -> Iterator[Finding]:
    """full-pcpus-only, which pods of one NUMA node are to have, gives whole cores only."""
    kubelet, cores = image.kubelet, online_cores(image.cpus)
    if kubelet is None or kubelet.topology_manager_policy != "single-numa-node":
        return
    reserved = kubelet.reserved_system_cpus
    if cpus_per_group(cores) == 1 and any(len(core) > 1 for core in cores):
        alone = CpuSet.of(cpu for core in cores if len(core) == 1 for cpu in core)
        message = (
            f"two pods may share a core: no sibling of {numbers('CPU', alone)} is online, and "
            "with cores that differ the kubelet's full-pcpus-only means nothing"
        )
        hint = "take whole cores offline (offline-cores-per-node), or all siblings (smt: false)"
        yield Finding(image.profile_key("cpu", "offline"), message, hint)
        return
    split = [core - reserved for core in cores if core & reserved and core - reserved]
    if split:
        unused = CpuSet.of(cpu for part in split for cpu in part)
        message = (
            f"pods cannot get {numbers('CPU', unused)}: part of the core is reserved, and "
            "full-pcpus-only gives whole cores; the kubelet offers the rest all the same, and pods "
            "that count on it fail (SMTAlignmentError)"
        )
        key = _listed_key(image, reserved & CpuSet.of(c for p in cores if p & unused for c in p))
        yield Finding(key, message, f"reserve whole cores: add {unused}")


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
        "plan-kubelet-version",
        "warning",
        "A kubelet before 1.31 has at most 8 NUMA nodes, or topology policy `none`.",
        check_old_kubelet,
    ),
    Rule(
        "plan-reserved-cores",
        "error",
        "The kubelet gives no reserved CPU to a pod: cores differ only where none is reserved.",
        check_reserved_not_given,
    ),
    Rule(
        "plan-reserved-sockets",
        "warning",
        "The kubelet gives no reserved CPU to a pod where sockets differ.",
        check_reserved_sockets_not_given,
    ),
    Rule(
        "plan-whole-cores",
        "warning",
        "With topology policy `single-numa-node`, cores are reserved and taken offline as a whole.",
        check_whole_cores,
    ),
    Rule(
        "plan-topology-hints",
        "warning",
        "With a strict topology policy, the NUMA node of every VF for pods is known.",
        check_hints,
    ),
)
