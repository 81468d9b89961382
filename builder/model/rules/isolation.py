"""Rules on who gets which CPUs: housekeeping, PMD threads, pods."""

from __future__ import annotations

from collections.abc import Iterable

from builder.diagnostics import Diagnostic, Marks
from builder.model.hardware import HardwareClass
from builder.model.inventory import Inventory
from builder.model.rules.findings import at, count, error, is_are, numbers, pairs, warning
from builder.model.rules.roles import (
    cores_of_nodes,
    dpdk_nodes,
    housekeeping_of,
    pmd_cores,
    pmd_of,
)
from builder.model.values import CpuSet


def check_listed_or_counted(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for name, profile in inventory.profiles.items():
        path = ("profiles", name, "cpu")
        for role in ("housekeeping", "pmd"):
            given = profile.cpu.model_fields_set
            if role in given and f"{role}_cores_per_node" in given:
                message = f"the CPUs are listed already: {at(marks, (*path, role))}"
                key = (*path, f"{role}-cores-per-node")
                yield error(marks, key, message, "keep one of both", at_key=True)


def check_cpus_exist(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for pair in pairs(inventory):
        policy, cpus = pair.profile.cpu, pair.hardware.cpus
        for role, listed in (("housekeeping", policy.housekeeping), ("pmd", policy.pmd)):
            missing = (listed or CpuSet()) - cpus
            if missing:
                has_no = f"hardware class {pair.class_name} has no {numbers('CPU', missing)}"
                message = f"{has_no}, it has {cpus}"
                yield error(marks, (*pair.path, "cpu", role), message)


def check_roles_apart(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for pair in pairs(inventory):
        if pair.profile.cpu.pmd is None:
            continue
        both = pair.profile.cpu.pmd & housekeeping_of(pair.hardware, pair.profile)
        if both:
            message = f"{numbers('CPU', both)} {is_are(both)} also for housekeeping"
            hint = f"housekeeping has {housekeeping_of(pair.hardware, pair.profile)}"
            yield error(marks, (*pair.path, "cpu", "pmd"), message, hint)


def check_whole_cores(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for pair in pairs(inventory):
        policy = pair.profile.cpu
        for role, listed in (("housekeeping", policy.housekeeping), ("pmd", policy.pmd)):
            inside, outside = _split_cores(pair.hardware, listed or CpuSet())
            if inside:
                share, are = ("shares", "is") if len(inside) == 1 else ("share", "are")
                message = (
                    f"{numbers('CPU', inside)} {share} a core with {numbers('CPU', outside)}, "
                    f"which {are} not listed"
                )
                hint = "a busy sibling takes half of the core"
                yield warning(marks, (*pair.path, "cpu", role), message, hint)


def _split_cores(hardware: HardwareClass, listed: CpuSet) -> tuple[CpuSet, CpuSet]:
    """CPUs of cores that are listed in part: those listed, and the others."""
    inside, outside = CpuSet(), CpuSet()
    for core in hardware.cores:
        if core & listed and core - listed:
            inside |= core & listed
            outside |= core - listed
    return inside, outside


def check_boot_cpu(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """nohz_full: "the boot CPU will be forced outside the range" (kernel-parameters.txt)."""
    for pair in pairs(inventory):
        listed = pair.profile.cpu.housekeeping
        if listed is not None and 0 in pair.hardware.cpus and 0 not in listed:
            message = "CPU 0 is not among the housekeeping CPUs, but the kernel keeps it busy"
            hint = "the kernel takes the boot CPU out of nohz_full; give it to housekeeping"
            yield warning(marks, (*pair.path, "cpu", "housekeeping"), message, hint)


def check_housekeeping_fits(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for pair in pairs(inventory):
        per_node = pair.profile.cpu.housekeeping_cores_per_node
        if pair.profile.cpu.housekeeping is not None:
            continue
        for node, cores in enumerate(cores_of_nodes(pair.hardware)):
            if cores and len(cores) < per_node:
                message = (
                    f"node {node} of hardware class {pair.class_name} has "
                    f"{count(len(cores), 'core')}, not {per_node}"
                )
                yield error(marks, (*pair.path, "cpu", "housekeeping-cores-per-node"), message)


def check_pmd_nodes_exist(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for pair in pairs(inventory):
        wanted = pair.profile.cpu.pmd_cores_per_node
        nodes = len(pair.hardware.numa)
        for node in wanted if isinstance(wanted, dict) else ():
            if node >= nodes:
                message = f"hardware class {pair.class_name} has no node {node}"
                path = (*pair.path, "cpu", "pmd-cores-per-node", node)
                yield error(marks, path, message, f"it has {_nodes(nodes)}", at_key=True)


def _nodes(number: int) -> str:
    return "node 0 only" if number == 1 else f"nodes 0 to {number - 1}"


def check_pmd_cores_fit(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for pair in pairs(inventory):
        kept = housekeeping_of(pair.hardware, pair.profile)
        cores = cores_of_nodes(pair.hardware)
        for node, wanted in pmd_cores(pair.hardware, pair.profile).items():
            if node >= len(cores) or not pair.hardware.cpus:
                continue  # said by pmd-nodes-exist, cpu-any
            free = [core for core in cores[node] if not core & kept]
            if wanted > len(free):
                message = (
                    f"{count(wanted, 'PMD core')} on node {node} of hardware class "
                    f"{pair.class_name}: of its {count(len(cores[node]), 'core')} "
                    f"housekeeping leaves {len(free)}"
                )
                yield error(marks, (*pair.path, "cpu", "pmd-cores-per-node"), message)


def check_pods_remain(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for pair in pairs(inventory):
        kept = housekeeping_of(pair.hardware, pair.profile)
        pmd = pmd_of(pair.hardware, pair.profile)
        if pair.hardware.cpus and not pair.hardware.cpus - kept - pmd:
            message = (
                f"no CPU of hardware class {pair.class_name} is left for pods: "
                f"housekeeping has {kept}, PMD threads {pmd or 'none'}"
            )
            yield error(marks, (*pair.path, "cpu"), message, at_key=True)


def check_ports_have_pmd(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """OVS polls a port from PMD threads of its own node only (dpif-netdev.c), else not at all."""
    for pair in pairs(inventory):
        pmd = pmd_of(pair.hardware, pair.profile)
        asked = pmd_cores(pair.hardware, pair.profile)
        for node, port in dpdk_nodes(pair.hardware, pair.profile).items():
            # More cores than there are is pmd-cores-fit.
            if pair.hardware.numa[node].cpus & pmd or asked.get(node):
                continue
            message = (
                f"port {port.name} is on node {node} of hardware class {pair.class_name}, "
                f"where no PMD core is (PMD CPUs: {pmd or 'none'})"
            )
            hint = "OVS polls a port from its own node: give the node a PMD core"
            yield error(marks, (*pair.path, *port.path), message, hint, at_key=True)


def check_pmd_has_ports(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for pair in pairs(inventory):
        pmd = pmd_of(pair.hardware, pair.profile)
        with_port = dpdk_nodes(pair.hardware, pair.profile)
        key = "pmd-cores-per-node" if pair.profile.cpu.pmd is None else "pmd"
        for node, numa in enumerate(pair.hardware.numa):
            if node not in with_port and numa.cpus & pmd:
                here = numa.cpus & pmd
                message = (
                    f"PMD {numbers('CPU', here)} {is_are(here)} on node {node} of hardware class "
                    f"{pair.class_name}, which has no DPDK port"
                )
                hint = "they poll vhost-user ports of pods there at best"
                yield warning(marks, (*pair.path, "cpu", key), message, hint)


def check_pmd_wants_ovs(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for name, profile in inventory.profiles.items():
        for key in ("pmd", "pmd_cores_per_node"):
            if profile.ovs is None and key in profile.cpu.model_fields_set:
                path = ("profiles", name, "cpu", key.replace("_", "-"))
                message = "there is no OVS in this profile, so there are no PMD threads"
                yield warning(marks, path, message, "remove it, or add ovs", at_key=True)
