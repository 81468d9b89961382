"""The CPU roles of a machine, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence

from builder.model.ports import DpdkPort
from builder.model.roles import (
    Roles,
    cores_of_nodes,
    housekeeping_cores,
    pmd_cores,
    roles_of,
)
from builder.plan.inputs import Inputs
from builder.plan.nouns.cpus import CpuPlan, Role
from builder.plan.nouns.why import Why


def plan_cpus(inputs: Inputs, ports: Sequence[DpdkPort]) -> CpuPlan:
    """Roles of all CPUs."""
    hardware = inputs.hardware
    derived = roles_of(hardware, inputs.profile)
    why: dict[Role, Why] = {
        "housekeeping": _why_housekeeping(inputs, derived),
        "pmd": _why_pmd(inputs, ports),
        "pods": inputs.why(
            "every CPU that is online and neither for housekeeping nor for PMD threads: "
            "exclusive to pods",
            inputs.hardware_key("numa"),
        ),
        "offline": _why_offline(inputs),
    }
    return CpuPlan(
        roles={cpu: _role(derived, cpu) for cpu in hardware.cpus},
        nodes=tuple(node.cpus for node in hardware.numa),
        cores=hardware.cores,
        why={role: reason for role, reason in why.items() if role != "offline" or derived.offline},
    )


def _role(derived: Roles, cpu: int) -> Role:
    if cpu in derived.offline:
        return "offline"
    if cpu in derived.housekeeping:
        return "housekeeping"
    return "pmd" if cpu in derived.pmd else "pods"


_FOR_WHAT = "for the OS, interrupts, kubelet and the threads of Open vSwitch that do not poll"


def _why_housekeeping(inputs: Inputs, derived: Roles) -> Why:
    """One core on every node keeps the kernel's per-node work local: tuned's man page
    tuned-profiles-cpu-partitioning asks for at least one housekeeping CPU per node.
    """
    policy = inputs.profile.cpu
    if policy.housekeeping is not None:
        return inputs.why("listed in the inventory", inputs.profile_key("cpu", "housekeeping"))
    if policy.housekeeping_cores is not None:
        counts = housekeeping_cores(policy, cores_of_nodes(inputs.hardware, derived.offline))
        shares = [f"{count} of node {node}" for node, count in counts.items() if count]
        return inputs.why(
            f"{_cores_text(policy.housekeeping_cores)} in all, shared out evenly over the NUMA "
            f"nodes ({', '.join(shares)}), the lowest of each with all SMT siblings: {_FOR_WHAT}",
            inputs.profile_key("cpu", "housekeeping-cores"),
        )
    count = policy.housekeeping_cores_per_node
    if isinstance(count, int):
        which = "the lowest core" if count == 1 else f"the {count} lowest cores"
        which += " of each NUMA node"
    else:
        shares = [
            f"{_cores_text(number)} of NUMA node {node}" for node, number in sorted(count.items())
        ]
        which = f"the lowest: {' and '.join(shares)}"
    return inputs.why(
        f"{which}, with all SMT siblings: {_FOR_WHAT}",
        inputs.profile_key("cpu", "housekeeping-cores-per-node"),
    )


def _why_pmd(inputs: Inputs, ports: Sequence[DpdkPort]) -> Why:
    """OVS polls a port by a PMD thread of the port's own node, else it warns "There's no
    available (non-isolated) pmd thread on numa node" (lib/dpif-netdev.c).
    """
    policy = inputs.profile.cpu
    if inputs.profile.ovs is None:
        return inputs.why("no Open vSwitch in this profile", inputs.profile_key())
    if policy.pmd is not None:
        return inputs.why("listed in the inventory", inputs.profile_key("cpu", "pmd"))
    parts = [
        f"{_cores_text(count)} of NUMA node {node}{_ports_text(ports, node)}"
        for node, count in sorted(pmd_cores(inputs.hardware, inputs.profile).items())
        if count
    ]
    return inputs.why(
        f"{' and '.join(parts) or 'no core'}: the lowest that housekeeping leaves, with all SMT "
        "siblings, so that no other thread shares a polling core",
        inputs.profile_key("cpu", "pmd-cores-per-node"),
    )


def _why_offline(inputs: Inputs) -> Why:
    policy, parts, keys = inputs.profile.cpu, [], []
    if policy.offline:
        parts.append(f"{policy.offline} listed in the inventory")
        keys.append(inputs.profile_key("cpu", "offline"))
    if not policy.smt:
        parts.append("all SMT siblings of a core but its first")
        keys.append(inputs.profile_key("cpu", "smt"))
    if policy.offline_cores_per_node:
        parts.append("the highest cores of the NUMA nodes, which saves power")
        keys.append(inputs.profile_key("cpu", "offline-cores-per-node"))
    return inputs.why(f"{'; '.join(parts)}; a unit takes them offline at boot", *keys)


def _cores_text(count: int) -> str:
    return "one core" if count == 1 else f"{count} cores"


def _ports_text(ports: Sequence[DpdkPort], node: int) -> str:
    names = [
        f"{port.name} ({port.source}"
        f"{'; its NUMA node is not known, 0 assumed' if port.nic.numa is None else ''})"
        for port in ports
        if port.node == node
    ]
    return f", which has {' and '.join(names)}" if names else ""
