"""Rules on who gets which CPUs: housekeeping, PMD threads, pods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from builder.diagnostics import Diagnostic, KeyPath, Marks
from builder.model.hardware import HardwareClass
from builder.model.inventory import Inventory
from builder.model.profile import CpuPolicy
from builder.model.roles import (
    cores_of_nodes,
    counts_by_node,
    dpdk_nodes,
    housekeeping_cores,
    pmd_cores,
    roles_of,
)
from builder.model.rules.findings import at, count, error, is_are, numbers, pairs, warning
from builder.model.values import CpuSet

# The ways to say a role; the first given is the one that counts.
_FORMS = {
    "housekeeping": ("housekeeping", "housekeeping_cores", "housekeeping_cores_per_node"),
    "pmd": ("pmd", "pmd_cores_per_node"),
}


def _kebab(key: str) -> str:
    return key.replace("_", "-")


def check_listed_or_counted(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for name, profile in inventory.profiles.items():
        path = ("profiles", name, "cpu")
        for forms in _FORMS.values():
            given = [form for form in forms if form in profile.cpu.model_fields_set]
            for other in given[1:]:
                said = "listed" if given[0] in _FORMS else "counted"
                message = f"the CPUs are {said} already: {at(marks, (*path, _kebab(given[0])))}"
                yield error(marks, (*path, _kebab(other)), message, "keep one of both", at_key=True)


def _listed(policy: CpuPolicy) -> Iterator[tuple[str, CpuSet]]:
    """The CPU lists of a profile by key."""
    for key in ("housekeeping", "pmd", "offline"):
        listed = getattr(policy, key)
        if listed:
            yield key, listed


def check_cpus_exist(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for pair in pairs(inventory):
        cpus = pair.hardware.cpus
        for role, listed in _listed(pair.profile.cpu):
            missing = listed - cpus
            if missing:
                has_no = f"hardware class {pair.class_name} has no {numbers('CPU', missing)}"
                message = f"{has_no}, it has {cpus}"
                yield error(marks, (*pair.path, "cpu", role), message)


def check_roles_apart(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for pair in pairs(inventory):
        if pair.profile.cpu.pmd is None:
            continue
        housekeeping = roles_of(pair.hardware, pair.profile).housekeeping
        both = pair.profile.cpu.pmd & housekeeping
        if both:
            message = f"{numbers('CPU', both)} {is_are(both)} also for housekeeping"
            hint = f"housekeeping has {housekeeping}"
            yield error(marks, (*pair.path, "cpu", "pmd"), message, hint)


def check_offline_apart(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """A CPU that is offline runs nothing."""
    for pair in pairs(inventory):
        policy, offline = pair.profile.cpu, roles_of(pair.hardware, pair.profile).offline
        for role, listed in _listed(policy):
            both = listed & offline
            if role != "offline" and both:
                message = f"{numbers('CPU', both)} {is_are(both)} taken offline: {_who(policy, marks, pair.path)}"
                hint = f"offline are {offline}"
                yield error(marks, (*pair.path, "cpu", role), message, hint)


def _who(policy: CpuPolicy, marks: Marks, path: KeyPath) -> str:
    """The key that takes CPUs offline."""
    key = "offline" if policy.offline else "smt" if not policy.smt else "offline-cores-per-node"
    return at(marks, (*path, "cpu", key))


def check_offline_boot_cpu(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """arch/x86/kernel/topology.c: CPU 0 cannot be taken down since Linux 6.5, and never could be
    on most machines.
    """
    for pair in pairs(inventory):
        if 0 in (pair.profile.cpu.offline or CpuSet()):
            message = "CPU 0 cannot be taken offline: the kernel boots on it"
            yield error(marks, (*pair.path, "cpu", "offline"), message, "leave it online")


def check_smt_off_has_siblings(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for pair in pairs(inventory):
        alone = all(len(core) == 1 for core in pair.hardware.cores)
        if not pair.profile.cpu.smt and pair.hardware.cpus and alone:
            message = f"no core of hardware class {pair.class_name} has SMT siblings"
            hint = f"remove it, or describe them: {pair.class_name}.siblings or .threads"
            yield warning(marks, (*pair.path, "cpu", "smt"), message, hint)


def check_whole_cores(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for pair in pairs(inventory):
        offline = roles_of(pair.hardware, pair.profile).offline
        for role, listed in _listed(pair.profile.cpu):
            inside, outside = _split_cores(pair.hardware, listed, offline)
            if role != "offline" and inside:
                share, are = ("shares", "is") if len(inside) == 1 else ("share", "are")
                message = (
                    f"{numbers('CPU', inside)} {share} a core with {numbers('CPU', outside)}, "
                    f"which {are} not listed"
                )
                hint = "a busy sibling takes half of the core"
                yield warning(marks, (*pair.path, "cpu", role), message, hint)


def _split_cores(hardware: HardwareClass, listed: CpuSet, offline: CpuSet) -> tuple[CpuSet, CpuSet]:
    """CPUs of cores that are listed in part: those listed, and the others that are online."""
    inside, outside = CpuSet(), CpuSet()
    for core in hardware.cores:
        others = core - listed - offline
        if core & listed and others:
            inside |= core & listed
            outside |= others
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
        policy = pair.profile.cpu
        if policy.housekeeping is not None:
            continue
        cores = cores_of_nodes(pair.hardware, roles_of(pair.hardware, pair.profile).offline)
        there = sum(len(node) for node in cores)
        if policy.housekeeping_cores is not None:
            if there < policy.housekeeping_cores:
                message = (
                    f"hardware class {pair.class_name} has {count(there, 'core')}, "
                    f"not {policy.housekeeping_cores}"
                )
                yield error(marks, (*pair.path, "cpu", "housekeeping-cores"), message)
            continue
        key = (*pair.path, "cpu", "housekeeping-cores-per-node")
        for node, wanted in housekeeping_cores(policy, cores).items():
            # A node without CPUs is said by role-nodes-exist, one all offline by its own rule.
            if node < len(cores) and 0 < len(cores[node]) < wanted:
                message = (
                    f"node {node} of hardware class {pair.class_name} has "
                    f"{count(len(cores[node]), 'core')}, not {wanted}"
                )
                yield error(marks, key, message)


def check_housekeeping_somewhere(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """tuned-profiles-cpu-partitioning(7) asks for at least one housekeeping CPU per node."""
    for pair in pairs(inventory):
        policy, kept = pair.profile.cpu, roles_of(pair.hardware, pair.profile).housekeeping
        given = [form for form in _FORMS["housekeeping"] if form in policy.model_fields_set]
        key = (*pair.path, "cpu", _kebab(given[0] if given else "housekeeping_cores_per_node"))
        online = pair.hardware.cpus - roles_of(pair.hardware, pair.profile).offline
        if not kept and online:
            yield error(marks, key, "no CPU is left for the operating system", "give it one core")
            continue
        without = [
            str(node)
            for node, numa in enumerate(pair.hardware.numa)
            if numa.cpus & online and not numa.cpus & kept
        ]
        if without:
            message = (
                f"no housekeeping CPU on node{'s' if len(without) > 1 else ''} "
                f"{', '.join(without)} of hardware class {pair.class_name}: the kernel's work for "
                "a node crosses to another one"
            )
            yield warning(marks, key, message, "give every node one core")


def check_nodes_exist(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """Maps by NUMA node: the node is there, and has CPUs when some are asked of it."""
    for pair in pairs(inventory):
        numa = pair.hardware.numa
        for role in ("housekeeping", "pmd", "offline"):
            wanted = getattr(pair.profile.cpu, f"{role}_cores_per_node")
            for node, number in wanted.items() if isinstance(wanted, dict) else ():
                path = (*pair.path, "cpu", f"{role}-cores-per-node", node)
                if node >= len(numa):
                    message = f"hardware class {pair.class_name} has no node {node}"
                    yield error(marks, path, message, f"it has {_nodes(len(numa))}", at_key=True)
                elif number and not numa[node].cpus:
                    message = f"node {node} of hardware class {pair.class_name} has no CPUs"
                    yield error(marks, path, message, "remove it", at_key=True)


def _nodes(number: int) -> str:
    return "node 0 only" if number == 1 else f"nodes 0 to {number - 1}"


def check_pmd_cores_fit(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for pair in pairs(inventory):
        roles = roles_of(pair.hardware, pair.profile)
        kept, cores = roles.housekeeping, cores_of_nodes(pair.hardware, roles.offline)
        for node, wanted in pmd_cores(pair.hardware, pair.profile).items():
            if node >= len(cores) or not cores[node]:
                continue  # said by role-nodes-exist, cpu-any, role-offline-cores-fit
            free = [core for core in cores[node] if not core & kept]
            if wanted > len(free):
                message = (
                    f"{count(wanted, 'PMD core')} on node {node} of hardware class "
                    f"{pair.class_name}: of its {count(len(cores[node]), 'core')} "
                    f"housekeeping leaves {len(free)}"
                )
                yield error(marks, (*pair.path, "cpu", "pmd-cores-per-node"), message)


def check_offline_cores_fit(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for pair in pairs(inventory):
        policy, cores = pair.profile.cpu, cores_of_nodes(pair.hardware)
        for node, wanted in counts_by_node(policy.offline_cores_per_node, cores).items():
            if node < len(cores) and cores[node] and wanted >= len(cores[node]):
                message = (
                    f"{count(wanted, 'core')} offline leave none on node {node} of hardware class "
                    f"{pair.class_name}, which has {len(cores[node])}"
                )
                yield error(marks, (*pair.path, "cpu", "offline-cores-per-node"), message)


def check_pods_remain(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for pair in pairs(inventory):
        roles = roles_of(pair.hardware, pair.profile)
        if pair.hardware.cpus - roles.offline and not roles.pods:
            off = f", {roles.offline} are offline" if roles.offline else ""
            message = (
                f"no CPU of hardware class {pair.class_name} is left for pods: "
                f"housekeeping has {roles.housekeeping}, PMD threads {roles.pmd or 'none'}{off}"
            )
            yield error(marks, (*pair.path, "cpu"), message, at_key=True)


def check_ports_have_pmd(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """OVS polls a port from PMD threads of its own node only (dpif-netdev.c), else not at all."""
    for pair in pairs(inventory):
        pmd = roles_of(pair.hardware, pair.profile).pmd
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
        pmd = roles_of(pair.hardware, pair.profile).pmd
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
