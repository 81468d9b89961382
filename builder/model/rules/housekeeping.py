"""Rules on what the roles leave to whom: housekeeping is everywhere, and pods have CPUs."""

from __future__ import annotations

from collections.abc import Iterator

from builder.diagnostics import KeyPath
from builder.model.base import kebab
from builder.model.inventory import Inventory
from builder.model.roles import cores_of_nodes, counts_by_node, housekeeping_cores, roles_of
from builder.model.rules.pairs import Pair, pairs
from builder.model.rules.roles import ROLE_KEYS
from builder.phrases import count_text, nodes_text, plural
from builder.rule import Finding, Rule, each


def check_boot_cpu(pair: Pair) -> Iterator[Finding]:
    """nohz_full: "the boot CPU will be forced outside the range" (kernel-parameters.txt)."""
    roles = roles_of(pair.hardware, pair.profile)
    # None at all is role-housekeeping-somewhere, CPU 0 offline role-offline-boot-cpu.
    if roles.housekeeping and 0 in (roles.pmd | roles.pods) - roles.housekeeping:
        message = "CPU 0 is not a housekeeping CPU, but the kernel always uses it"
        hint = "the kernel excludes the boot CPU from nohz_full; use it for housekeeping"
        yield Finding(_housekeeping_key(pair), message, hint)


def _housekeeping_key(pair: Pair) -> KeyPath:
    """The key that says what housekeeping has."""
    given = [
        form for form in ROLE_KEYS["housekeeping"] if form in pair.profile.cpu.model_fields_set
    ]
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
            f"hardware class {pair.class_name}: kernel work for a node would run on another node"
        )
        yield Finding(key, message, "give every node one housekeeping core", severity="warning")


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
                f"{count_text(wanted, 'core')} offline would leave none on node {node} of "
                f"hardware class {pair.class_name}, which has {there}"
            )
            yield Finding((*pair.path, "cpu", "offline-cores-per-node"), message)


def check_pods_remain(pair: Pair) -> Iterator[Finding]:
    roles = roles_of(pair.hardware, pair.profile)
    if pair.hardware.cpus - roles.offline and not roles.pods:
        off = f", {roles.offline} are offline" if roles.offline else ""
        message = (
            f"no CPU of hardware class {pair.class_name} is left for pods: housekeeping has "
            f"{roles.housekeeping}, PMD threads have {roles.pmd or 'none'}{off}"
        )
        yield Finding((*pair.path, "cpu"), message, at_key=True)


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


RULES: tuple[Rule[Inventory], ...] = (
    Rule(
        "role-boot-cpu",
        "warning",
        "CPU 0 is a housekeeping CPU: the kernel always uses it.",
        each(pairs, check_boot_cpu),
    ),
    Rule(
        "role-housekeeping-fits",
        "error",
        "There are enough cores for housekeeping.",
        each(pairs, check_housekeeping_fits),
    ),
    Rule(
        "role-housekeeping-somewhere",
        "either",
        "There are housekeeping CPUs, at least one on each NUMA node that has CPUs.",
        each(pairs, check_housekeeping_somewhere),
    ),
    Rule(
        "role-offline-cores-fit",
        "error",
        "A NUMA node keeps at least one core online, unless a map takes all of its cores offline.",
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
        "Maps by NUMA node name existing nodes that have CPUs.",
        each(pairs, check_nodes_exist),
    ),
)
