"""Rules on who gets which CPUs: housekeeping, PMD threads, pods."""

from __future__ import annotations

from collections.abc import Iterator

from builder.diagnostics import KeyPath
from builder.model.base import kebab
from builder.model.hardware import HardwareClass
from builder.model.inventory import Inventory
from builder.model.profile import CpuPolicy
from builder.model.roles import (
    cores_of_nodes,
    counts_by_node,
    housekeeping_cores,
    roles_of,
)
from builder.model.rules.pairs import Pair, pairs
from builder.model.values import CpuSet
from builder.phrases import count_text, is_are, nodes_text, numbers, plural
from builder.rule import SEE, Finding, Rule, each

# The ways to say a role; the first given is the one that counts.
_FORMS = {
    "housekeeping": ("housekeeping", "housekeeping_cores", "housekeeping_cores_per_node"),
    "pmd": ("pmd", "pmd_cores_per_node"),
}


def check_listed_or_counted(inventory: Inventory) -> Iterator[Finding]:
    for name, profile in inventory.profiles.items():
        path = ("profiles", name, "cpu")
        for forms in _FORMS.values():
            given = [form for form in forms if form in profile.cpu.model_fields_set]
            for other in given[1:]:
                said = "listed" if given[0] in _FORMS else "counted"
                message = f"the CPUs are {said} already: {SEE}"
                yield Finding(
                    (*path, kebab(other)),
                    message,
                    "keep one of both",
                    at_key=True,
                    see=(*path, kebab(given[0])),
                )


def _listed(policy: CpuPolicy) -> Iterator[tuple[str, CpuSet]]:
    """The CPU lists of a profile by key."""
    for key in ("housekeeping", "pmd", "offline"):
        listed = getattr(policy, key)
        if listed:
            yield key, listed


def check_cpus_exist(pair: Pair) -> Iterator[Finding]:
    cpus = pair.hardware.cpus
    for role, listed in _listed(pair.profile.cpu):
        missing = listed - cpus
        if missing:
            has_no = f"hardware class {pair.class_name} has no {numbers('CPU', missing)}"
            message = f"{has_no}, it has {cpus}"
            yield Finding((*pair.path, "cpu", role), message)


def check_roles_apart(pair: Pair) -> Iterator[Finding]:
    if pair.profile.cpu.pmd is None:
        return
    housekeeping = roles_of(pair.hardware, pair.profile).housekeeping
    both = pair.profile.cpu.pmd & housekeeping
    if both:
        message = f"{numbers('CPU', both)} {is_are(both)} also for housekeeping"
        hint = f"housekeeping has {housekeeping}"
        yield Finding((*pair.path, "cpu", "pmd"), message, hint)


def check_offline_apart(pair: Pair) -> Iterator[Finding]:
    """A CPU that is offline runs nothing."""
    policy, offline = pair.profile.cpu, roles_of(pair.hardware, pair.profile).offline
    for role, listed in _listed(policy):
        both = listed & offline
        if role != "offline" and both:
            message = f"{numbers('CPU', both)} {is_are(both)} taken offline: {SEE}"
            hint = f"offline are {offline}"
            yield Finding((*pair.path, "cpu", role), message, hint, see=_offline_key(pair))


def _offline_key(pair: Pair) -> KeyPath:
    """The key that takes CPUs offline."""
    policy = pair.profile.cpu
    key = "offline" if policy.offline else "smt" if not policy.smt else "offline-cores-per-node"
    return (*pair.path, "cpu", key)


def check_offline_boot_cpu(pair: Pair) -> Iterator[Finding]:
    """arch/x86/kernel/topology.c: CPU 0 cannot be taken down since Linux 6.5, and never could be
    on most machines.
    """
    if 0 in (pair.profile.cpu.offline or CpuSet()):
        message = "CPU 0 cannot be taken offline: the kernel boots on it"
        yield Finding((*pair.path, "cpu", "offline"), message, "leave it online")


def check_smt_off_has_siblings(pair: Pair) -> Iterator[Finding]:
    alone = all(len(core) == 1 for core in pair.hardware.cores)
    if not pair.profile.cpu.smt and pair.hardware.cpus and alone:
        message = f"no core of hardware class {pair.class_name} has SMT siblings"
        hint = f"remove it, or describe them: {pair.class_name}.siblings or .threads"
        yield Finding((*pair.path, "cpu", "smt"), message, hint)


def check_whole_cores(pair: Pair) -> Iterator[Finding]:
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
            yield Finding((*pair.path, "cpu", role), message, hint)


def _split_cores(hardware: HardwareClass, listed: CpuSet, offline: CpuSet) -> tuple[CpuSet, CpuSet]:
    """CPUs of cores that are listed in part: those listed, and the others that are online."""
    inside, outside = CpuSet(), CpuSet()
    for core in hardware.cores:
        others = core - listed - offline
        if core & listed and others:
            inside |= core & listed
            outside |= others
    return inside, outside


def check_boot_cpu(pair: Pair) -> Iterator[Finding]:
    """nohz_full: "the boot CPU will be forced outside the range" (kernel-parameters.txt)."""
    roles = roles_of(pair.hardware, pair.profile)
    # None at all is role-housekeeping-somewhere, CPU 0 offline role-offline-boot-cpu.
    if roles.housekeeping and 0 in (roles.pmd | roles.pods) - roles.housekeeping:
        message = "CPU 0 is not among the housekeeping CPUs, but the kernel keeps it busy"
        hint = "the kernel takes the boot CPU out of nohz_full; give it to housekeeping"
        yield Finding(_housekeeping_key(pair), message, hint)


def _housekeeping_key(pair: Pair) -> KeyPath:
    """The key that says what housekeeping has."""
    given = [form for form in _FORMS["housekeeping"] if form in pair.profile.cpu.model_fields_set]
    return (*pair.path, "cpu", kebab(given[0] if given else "housekeeping_cores_per_node"))


def check_housekeeping_fits(pair: Pair) -> Iterator[Finding]:
    policy = pair.profile.cpu
    if policy.housekeeping is not None:
        return
    cores = cores_of_nodes(pair.hardware, roles_of(pair.hardware, pair.profile).offline)
    there = sum(len(node) for node in cores)
    if policy.housekeeping_cores is not None:
        if there < policy.housekeeping_cores:
            message = (
                f"hardware class {pair.class_name} has {count_text(there, 'core')}, "
                f"not {policy.housekeeping_cores}"
            )
            yield Finding((*pair.path, "cpu", "housekeeping-cores"), message)
        return
    key = (*pair.path, "cpu", "housekeeping-cores-per-node")
    for node, wanted in housekeeping_cores(policy, cores).items():
        # A node without CPUs is said by role-nodes-exist, one all offline by its own rule.
        if node < len(cores) and 0 < len(cores[node]) < wanted:
            message = (
                f"node {node} of hardware class {pair.class_name} has "
                f"{count_text(len(cores[node]), 'core')}, not {wanted}"
            )
            yield Finding(key, message)


def check_housekeeping_somewhere(pair: Pair) -> Iterator[Finding]:
    """tuned-profiles-cpu-partitioning(7) asks for at least one housekeeping CPU per node."""
    roles, key = roles_of(pair.hardware, pair.profile), _housekeeping_key(pair)
    kept, online = roles.housekeeping, pair.hardware.cpus - roles.offline
    if not kept and online:
        yield Finding(key, "no CPU is left for the operating system", "give it one core")
        return
    without = [
        str(node)
        for node, numa in enumerate(pair.hardware.numa)
        if numa.cpus & online and not numa.cpus & kept
    ]
    if without:
        message = (
            f"no housekeeping CPU on {plural('node', len(without))} {', '.join(without)} of "
            f"hardware class {pair.class_name}: the kernel's work for a node crosses to another one"
        )
        yield Finding(key, message, "give every node one core", severity="warning")


def check_nodes_exist(pair: Pair) -> Iterator[Finding]:
    """Maps by NUMA node: the node is there, and has CPUs when some are asked of it."""
    numa = pair.hardware.numa
    for role in ("housekeeping", "pmd", "offline"):
        wanted = getattr(pair.profile.cpu, f"{role}_cores_per_node")
        for node, number in wanted.items() if isinstance(wanted, dict) else ():
            path = (*pair.path, "cpu", f"{role}-cores-per-node", node)
            if node >= len(numa):
                message = f"hardware class {pair.class_name} has no node {node}"
                yield Finding(path, message, f"it has {nodes_text(len(numa))}", at_key=True)
            elif number and not numa[node].cpus:
                message = f"node {node} of hardware class {pair.class_name} has no CPUs"
                yield Finding(path, message, "remove it", at_key=True)


def check_offline_cores_fit(pair: Pair) -> Iterator[Finding]:
    """A node goes offline as a whole only if a map says so, and not with CPU 0."""
    asked, cores = pair.profile.cpu.offline_cores_per_node, cores_of_nodes(pair.hardware)
    for node, wanted in counts_by_node(asked, cores).items():
        if node >= len(cores) or not cores[node]:
            continue  # said by role-nodes-exist, cpu-any
        there = len(cores[node])
        may_go = isinstance(asked, dict) and 0 not in pair.hardware.numa[node].cpus
        if wanted > there or (wanted == there and not may_go):
            message = (
                f"{count_text(wanted, 'core')} offline leave none on node {node} of hardware class "
                f"{pair.class_name}, which has {there}"
            )
            yield Finding((*pair.path, "cpu", "offline-cores-per-node"), message)


def check_pods_remain(pair: Pair) -> Iterator[Finding]:
    roles = roles_of(pair.hardware, pair.profile)
    if pair.hardware.cpus - roles.offline and not roles.pods:
        off = f", {roles.offline} are offline" if roles.offline else ""
        message = (
            f"no CPU of hardware class {pair.class_name} is left for pods: "
            f"housekeeping has {roles.housekeeping}, PMD threads {roles.pmd or 'none'}{off}"
        )
        yield Finding((*pair.path, "cpu"), message, at_key=True)


RULES: tuple[Rule[Inventory], ...] = (
    Rule(
        "role-listed-or-counted",
        "error",
        "The CPUs of a role are either listed or counted.",
        check_listed_or_counted,
    ),
    Rule(
        "role-cpus-exist",
        "error",
        "CPUs listed for a role are CPUs of the machine.",
        each(pairs, check_cpus_exist),
    ),
    Rule(
        "role-cpus-apart",
        "error",
        "No CPU is both for housekeeping and for PMD threads.",
        each(pairs, check_roles_apart),
    ),
    Rule(
        "role-offline-apart",
        "error",
        "A CPU that is taken offline has no other role.",
        each(pairs, check_offline_apart),
    ),
    Rule(
        "role-offline-boot-cpu",
        "error",
        "CPU 0 stays online: the kernel boots on it.",
        each(pairs, check_offline_boot_cpu),
    ),
    Rule(
        "role-smt-siblings",
        "warning",
        "`smt: false` is for machines that have SMT siblings.",
        each(pairs, check_smt_off_has_siblings),
    ),
    Rule(
        "role-whole-cores",
        "warning",
        "Roles are given to whole cores: siblings share one, and disturb each other.",
        each(pairs, check_whole_cores),
    ),
    Rule(
        "role-boot-cpu",
        "warning",
        "CPU 0 is for housekeeping: the kernel keeps it busy whatever is set.",
        each(pairs, check_boot_cpu),
    ),
    Rule(
        "role-housekeeping-fits",
        "error",
        "There are as many cores as housekeeping is to have.",
        each(pairs, check_housekeeping_fits),
    ),
    Rule(
        "role-housekeeping-somewhere",
        "either",
        "There are housekeeping CPUs, and some on every NUMA node that has CPUs.",
        each(pairs, check_housekeeping_somewhere),
    ),
    Rule(
        "role-offline-cores-fit",
        "error",
        "Cores taken offline leave some on each NUMA node but those a map names.",
        each(pairs, check_offline_cores_fit),
    ),
    Rule(
        "role-pods-remain",
        "error",
        "Housekeeping and PMD threads leave CPUs for pods.",
        each(pairs, check_pods_remain),
    ),
    Rule(
        "role-nodes-exist",
        "error",
        "Maps by NUMA node name nodes of the machine that have CPUs.",
        each(pairs, check_nodes_exist),
    ),
)
