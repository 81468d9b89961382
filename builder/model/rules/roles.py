"""Rules on CPUs listed for roles: they are there, apart, and whole cores."""

from __future__ import annotations

from collections.abc import Iterator

from builder.diagnostics import KeyPath
from builder.model.base import kebab
from builder.model.hardware import HardwareClass
from builder.model.inventory import Inventory
from builder.model.profile import CpuPolicy
from builder.model.roles import roles_of
from builder.model.rules.pairs import Pair, pairs
from builder.model.values import CpuSet
from builder.phrases import is_are, numbers
from builder.rule import SEE, Finding, Rule, each

# The ways to say a role; the first given is the one that counts.
ROLE_KEYS = {
    "housekeeping": ("housekeeping", "housekeeping_cores", "housekeeping_cores_per_node"),
    "pmd": ("pmd", "pmd_cores_per_node"),
}


def check_listed_or_counted(inventory: Inventory) -> Iterator[Finding]:
    for name, profile in inventory.profiles.items():
        path = ("profiles", name, "cpu")
        for forms in ROLE_KEYS.values():
            given = [form for form in forms if form in profile.cpu.model_fields_set]
            for other in given[1:]:
                said = "listed" if given[0] in ROLE_KEYS else "counted"
                message = f"the CPUs are already {said}: {SEE}"
                yield Finding(
                    (*path, kebab(other)),
                    message,
                    "remove one of them",
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
        message = f"{numbers('CPU', both)} {is_are(both)} also used for housekeeping"
        hint = f"housekeeping CPUs: {housekeeping}"
        yield Finding((*pair.path, "cpu", "pmd"), message, hint)


def check_offline_apart(pair: Pair) -> Iterator[Finding]:
    """A CPU that is offline runs nothing."""
    policy, offline = pair.profile.cpu, roles_of(pair.hardware, pair.profile).offline
    for role, listed in _listed(policy):
        both = listed & offline
        if role != "offline" and both:
            message = f"{numbers('CPU', both)} {is_are(both)} taken offline: {SEE}"
            hint = f"offline CPUs: {offline}"
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
        yield Finding((*pair.path, "cpu", "offline"), message, "keep it online")


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
            share = "shares" if len(inside) == 1 else "share"
            message = (
                f"{numbers('CPU', inside)} {share} a core with {numbers('CPU', outside)}, "
                f"which {is_are(inside)} not listed"
            )
            hint = "a busy sibling takes half of the core's capacity"
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
        "The CPUs listed for a role exist.",
        each(pairs, check_cpus_exist),
    ),
    Rule(
        "role-cpus-apart",
        "error",
        "No CPU is used both for housekeeping and for PMD threads.",
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
        "`smt: false` is used only on machines with SMT siblings.",
        each(pairs, check_smt_off_has_siblings),
    ),
    Rule(
        "role-whole-cores",
        "warning",
        "Roles are assigned to whole cores: siblings share a core and disturb each other.",
        each(pairs, check_whole_cores),
    ),
)
