"""Which CPU does what: exactly one role for each, whole cores, near the NICs they serve."""

from __future__ import annotations

from collections.abc import Mapping

from builder.model.hardware import HardwareClass
from builder.model.values import CpuSet
from builder.plan.inputs import Inputs
from builder.plan.types import CpuPlan, Role
from builder.plan.why import Why


def plan_cpus(inputs: Inputs, dpdk_nodes: Mapping[int, str]) -> CpuPlan:
    """Roles of all CPUs; dpdk_nodes: NUMA nodes that have a DPDK port, with the port's name."""
    cores = find_cores(inputs.hardware)
    nodes = tuple(node.cpus for node in inputs.hardware.numa)
    housekeeping, housekeeping_why = _plan_housekeeping(inputs, cores, nodes)
    pmd, pmd_why = _plan_pmd(inputs, cores, nodes, housekeeping, dpdk_nodes)
    roles: dict[int, Role] = {}
    for cpu in inputs.hardware.cpus:
        roles[cpu] = "housekeeping" if cpu in housekeeping else "pmd" if cpu in pmd else "pods"
    pods_why = inputs.why(
        "every CPU that is neither for housekeeping nor for PMD threads: exclusive to pods",
        inputs.hardware_key("numa"),
    )
    why: dict[Role, Why] = {
        "housekeeping": housekeeping_why,
        "pmd": pmd_why,
        "pods": pods_why,
    }
    return CpuPlan(roles=roles, nodes=nodes, cores=cores, why=why)


def find_cores(hardware: HardwareClass) -> tuple[CpuSet, ...]:
    """Physical cores as sets of SMT siblings, in order of their lowest CPU."""
    listed = [CpuSet.of(core) & hardware.cpus for core in hardware.threads or ()]
    seen = CpuSet.of(cpu for core in listed for cpu in core)
    cores = [core for core in listed if core]
    for cpu in hardware.cpus:
        if cpu in seen:
            continue
        sibling = cpu + hardware.siblings if hardware.siblings is not None else None
        has_sibling = sibling in hardware.cpus and sibling not in seen
        core = CpuSet.of([cpu, sibling] if has_sibling and sibling is not None else [cpu])
        cores.append(core)
        seen |= core
    return tuple(sorted(cores))


def _cores_of(cores: tuple[CpuSet, ...], node: CpuSet) -> list[CpuSet]:
    return [core for core in cores if core.cpus <= node.cpus]


def _union(parts: list[CpuSet]) -> CpuSet:
    return CpuSet.of(cpu for part in parts for cpu in part)


def _plan_housekeeping(
    inputs: Inputs, cores: tuple[CpuSet, ...], nodes: tuple[CpuSet, ...]
) -> tuple[CpuSet, Why]:
    """The lowest cores of each node: the kernel boots on CPU 0, which cannot be isolated."""
    policy = inputs.profile.cpu
    if policy.housekeeping is not None:
        chosen = policy.housekeeping & inputs.hardware.cpus
        why = inputs.why("listed in the inventory", inputs.profile_key("cpu", "housekeeping"))
        return chosen, why
    count = policy.housekeeping_cores_per_node
    chosen = _union([core for node in nodes for core in _cores_of(cores, node)[:count]])
    which = "the lowest core" if count == 1 else f"the {count} lowest cores"
    # One on every node, so that the kernel's per-node work stays local: tuned's man page
    # tuned-profiles-cpu-partitioning asks for at least one housekeeping CPU per node.
    reason = (
        f"{which} of each NUMA node, with all SMT siblings: for the OS, interrupts, "
        "kubelet and the threads of Open vSwitch that do not poll"
    )
    return chosen, inputs.why(reason, inputs.profile_key("cpu", "housekeeping-cores-per-node"))


def _plan_pmd(
    inputs: Inputs,
    cores: tuple[CpuSet, ...],
    nodes: tuple[CpuSet, ...],
    housekeeping: CpuSet,
    dpdk_nodes: Mapping[int, str],
) -> tuple[CpuSet, Why]:
    """The lowest cores that housekeeping leaves, on the nodes whose ports they poll."""
    policy = inputs.profile.cpu
    if inputs.profile.ovs is None:
        return CpuSet(), inputs.why("no Open vSwitch in this profile", inputs.profile_key())
    if policy.pmd is not None:
        chosen = (policy.pmd & inputs.hardware.cpus) - housekeeping
        return chosen, inputs.why("listed in the inventory", inputs.profile_key("cpu", "pmd"))
    counts = _pmd_cores_by_node(inputs, dpdk_nodes)
    chosen = CpuSet()
    for number, node in enumerate(nodes):
        free = [core for core in _cores_of(cores, node) if not core & housekeeping]
        chosen |= _union(free[: counts.get(number, 0)])
    # OVS polls a port by a PMD thread of the port's own node, else it warns "There's no
    # available (non-isolated) pmd thread on numa node" (lib/dpif-netdev.c).
    parts = [
        f"{_cores_text(count)} of NUMA node {number}{_ports_text(dpdk_nodes.get(number))}"
        for number, count in sorted(counts.items())
        if count
    ]
    reason = (
        f"{' and '.join(parts) or 'no core'}: the lowest that housekeeping leaves, with all SMT "
        "siblings, so that no other thread shares a polling core"
    )
    return chosen, inputs.why(reason, inputs.profile_key("cpu", "pmd-cores-per-node"))


def _pmd_cores_by_node(inputs: Inputs, dpdk_nodes: Mapping[int, str]) -> Mapping[int, int]:
    """Cores for PMD threads on each NUMA node, as the profile asks for them."""
    asked = inputs.profile.cpu.pmd_cores_per_node
    if isinstance(asked, int):
        return dict.fromkeys(sorted(dpdk_nodes), asked)
    return asked


def _cores_text(count: int) -> str:
    return "one core" if count == 1 else f"{count} cores"


def _ports_text(ports: str | None) -> str:
    return f", which has {ports}" if ports else ""
