"""Rules on kernel arguments and sysctls: nothing is set twice in two ways."""

from __future__ import annotations

from collections.abc import Iterator

from builder.catalog.kernel_words import (
    ADDING,
    OF_IMAGE,
    Word,
    boot_target,
    masked_unit,
    no_effect,
)
from builder.catalog.sysctls import is_known_sysctl, sysctl_module
from builder.diagnostics import KeyPath, Severity, format_path
from builder.model.hardware import HardwareClass
from builder.model.inventory import Inventory
from builder.model.memory import crash_kernel_mib
from builder.model.rules.pairs import Pair, pairs
from builder.model.sizes import format_mib
from builder.model.words import sysctls_of, words_of
from builder.phrases import count_text, numbers
from builder.rule import SEE, Finding, Rule, each

# Kernel argument -> the part of the profile it is derived from, and is changed by: a second word
# would add to these (isolcpus=) or contradict node and unit. Of all others derived the last word
# may win, and `plan-kernel-args-again` says so.
_FROM_PROFILE: dict[str, KeyPath] = {
    "default_hugepagesz": ("hugepages", "size"),
    "hugepagesz": ("hugepages", "size"),
    "hugepages": ("hugepages", "count"),
    "irqaffinity": ("cpu",),
    "isolcpus": ("cpu",),
    "nohz_full": ("cpu",),
    "rcu_nocbs": ("cpu",),
    "systemd.cpu_affinity": ("cpu",),
}
# Fewer CPUs or other nodes, whatever the value; acpi=off: nodes and CPUs are in its tables.
_CHANGES_CPUS = ("nolapic", "disableapic", "nosmp", "numa")
_CHANGES_CPUS_WORDS = ("acpi=off",)
# As many CPUs as the value says; below the machine's they take some away.
_LIMITS_CPUS = ("maxcpus", "nr_cpus", "possible_cpus")
# Mitigations that turn SMT off where the CPU is vulnerable (hw-vuln/l1tf.rst, mds.rst).
_TURNS_SMT_OFF = ("l1tf=full", "l1tf=full,force")
# numa=nohmat leaves out what firmware says of latencies, not nodes (arch/x86/mm/numa.c).
_KEEPS_NODES = ("numa=nohmat",)


def check_args_derived(pair: Pair) -> Iterator[Finding]:
    for path, word in words_of(pair.profile):
        if word.name in _FROM_PROFILE:
            source = (*pair.path, *_FROM_PROFILE[word.name])
            message = f"{word.name} is derived from {SEE}; set here, it would override that value"
            yield Finding((*pair.path, *path), message, "change it there", see=source)


def check_args_keep_cpus(pair: Pair) -> Iterator[Finding]:
    for path, word in words_of(pair.profile):
        turns_smt_off = _turns_smt_off(word, pair.hardware)
        if not turns_smt_off and not _takes_cpus(word, pair.hardware):
            continue
        source = (*pair.class_path, "numa")
        message = f"with {word.text} the machine has other CPUs or nodes than in {SEE}"
        if word.name in _LIMITS_CPUS:
            cpus = numbers("CPU", pair.hardware.cpus)
            message = f"with {word.text} the machine has not all of the {cpus} in {SEE}"
        hint = "describe the machine as it is with this argument"
        severity: Severity = "error"
        if turns_smt_off and not pair.profile.cpu.smt:
            message = f"{word.text} does again what {SEE} does"
            hint, source, severity = "remove it", (*pair.path, "cpu", "smt"), "warning"
        elif turns_smt_off:
            key = f"{format_path(pair.path)}.cpu.smt"
            hint = f"remove it: {key}: false takes the siblings offline"
        yield Finding((*pair.path, *path), message, hint, see=source, severity=severity)


def _takes_cpus(word: Word, hardware: HardwareClass) -> bool:
    """kernel/smp.c: maxcpus= and nr_cpus= take the CPUs of the lowest numbers."""
    value = word.value or ""
    if word.name in _LIMITS_CPUS and value.isdecimal():
        return any(cpu >= int(value) for cpu in hardware.cpus)
    if word.plain in _KEEPS_NODES:
        return False
    return word.name in (*_CHANGES_CPUS, *_LIMITS_CPUS) or word.plain in _CHANGES_CPUS_WORDS


def _turns_smt_off(word: Word, hardware: HardwareClass) -> bool:
    """`nosmt`, and mitigations that end in it; no matter to a machine without siblings."""
    has_siblings = any(len(core) > 1 for core in hardware.cores)
    return has_siblings and ("nosmt" in (word.name, *word.parts) or word.plain in _TURNS_SMT_OFF)


def check_args_of_image(inventory: Inventory) -> Iterator[Finding]:
    for name, profile in inventory.profiles.items():
        for path, word in words_of(profile):
            target = boot_target(word)
            if word.name in OF_IMAGE:
                message = OF_IMAGE[word.name].format(name=word.name)
                yield Finding(("profiles", name, *path), message, "remove it")
            elif (unit := masked_unit(word)) is not None:
                message = f"{word.text}: {unit} sets the node up, and would not be started"
                yield Finding(("profiles", name, *path), message, "remove it")
            elif target is not None:
                message = (
                    f"with {word.text} the machine stops at {target}: Open vSwitch and what sets "
                    "up its ports are not started"
                )
                hint = "remove it; for one boot, add it in GRUB's menu"
                yield Finding(("profiles", name, *path), message, hint)


def check_args_effect(inventory: Inventory) -> Iterator[Finding]:
    for name, profile in inventory.profiles.items():
        for path, word in words_of(profile):
            reason = no_effect(word)
            if reason is not None:
                yield Finding(("profiles", name, *path), f"{word.text}: {reason}", "remove it")


def check_args_once(inventory: Inventory) -> Iterator[Finding]:
    for name, profile in inventory.profiles.items():
        first: dict[str, tuple[KeyPath, Word]] = {}
        for path, word in words_of(profile):
            key = word.plain if word.name in ADDING else word.name
            other, earlier = first.setdefault(key, (path, word))
            if other == path:
                continue
            see = ("profiles", name, *other)
            if earlier.plain == word.plain:
                message = f"{word.text} is a duplicate: {SEE}"
                yield Finding(("profiles", name, *path), message, see=see)
            else:
                message = f"{word.name} is already set, to a different value: {SEE}"
                hint = "the kernel uses the last one"
                yield Finding(("profiles", name, *path), message, hint, see=see)


def check_crash_kernel(pair: Pair) -> Iterator[Finding]:
    """kernel/crash_reserve.c, parse_crashkernel_simple() and _mem(); `auto` is Red Hat's."""
    total = sum(node.memory for node in pair.hardware.numa)
    for place, word in words_of(pair.profile):
        value = word.value or ""
        # `,low` goes with a word for high memory, and may be 0.
        if word.name != "crashkernel" or value.endswith(",low"):
            continue
        if not sum(crash_kernel_mib([word.plain], total)):
            message = (
                f"{word.text} keeps no memory for a crash kernel on hardware class "
                f"{pair.class_name}, which has {format_mib(total)}"
            )
            hint = "write it like crashkernel=512M-:192M or crashkernel=256M, or remove it"
            yield Finding((*pair.path, *place), message, hint)


def check_sysctl_hugepages(inventory: Inventory) -> Iterator[Finding]:
    """Documentation/admin-guide/mm/hugetlbpage.rst: nr_hugepages is the default size's pool,
    and writing it spreads the pages anew over all nodes.
    """
    for name, profile in inventory.profiles.items():
        for setting in sysctls_of(profile):
            if setting.key in ("vm.nr_hugepages", "vm.nr_hugepages_mempolicy"):
                path = ("profiles", name, *setting.path)
                pages = profile.hugepages.count
                total = sum(pages.values()) if isinstance(pages, dict) else pages
                which = "hugepages" if total is None else count_text(total, "hugepage")
                message = (
                    f"the kernel command line reserves the {which} of {SEE}: "
                    f"{setting.key}={setting.value} would move them to other nodes"
                )
                yield Finding(path, message, "remove it", at_key=True, see=(*path[:2], "hugepages"))


def check_sysctl_known(inventory: Inventory) -> Iterator[Finding]:
    """systemd-sysctl only logs a key that is not there: "Couldn't write ... ignoring"."""
    for name, profile in inventory.profiles.items():
        for setting in sysctls_of(profile):
            if not is_known_sysctl(setting.key):
                start = ".".join(setting.key.split(".")[:2])
                message = (
                    f"the kernel has no {start} by itself, and which module brings it is not "
                    "known: at boot the setting is skipped unless something loads that module"
                )
                path = ("profiles", name, *setting.path)
                yield Finding(path, message, "check the spelling", at_key=True)


def check_sysctl_arg_module(inventory: Inventory) -> Iterator[Finding]:
    """fs/proc/proc_sysctl.c, do_sysctl_args(): before the first process, so before any module."""
    for name, profile in inventory.profiles.items():
        for setting in sysctls_of(profile):
            module = sysctl_module(setting.key)
            if module is not None and setting.path[0] == "kernel-args":
                message = (
                    f"the kernel sets {setting.key} before it loads any module, and {module} "
                    "brings it: this would set nothing"
                )
                hint = (
                    f"use sysctl: {{{setting.key}: {setting.value}}}, for which the node loads "
                    f"{module}"
                )
                yield Finding(("profiles", name, *setting.path), message, hint)


RULES: tuple[Rule[Inventory], ...] = (
    Rule(
        "kernel-args-derived",
        "error",
        "Kernel arguments that are derived from other keys are not set by hand.",
        each(pairs, check_args_derived),
    ),
    Rule(
        "kernel-args-keep-cpus",
        "either",
        "Kernel arguments do not change which CPUs and NUMA nodes exist.",
        each(pairs, check_args_keep_cpus),
    ),
    Rule(
        "kernel-args-of-image",
        "error",
        "Kernel arguments do not set what the image and each node set themselves, nor where the "
        "boot ends.",
        check_args_of_image,
    ),
    Rule(
        "kernel-args-effect",
        "warning",
        "No kernel argument is for patched kernels only, or takes away the effect of a planned one.",
        check_args_effect,
    ),
    Rule(
        "kernel-args-crashkernel",
        "error",
        "`crashkernel` keeps memory on the machine it is for.",
        each(pairs, check_crash_kernel),
    ),
    Rule("kernel-args-once", "warning", "A kernel argument is given only once.", check_args_once),
    Rule(
        "sysctl-hugepages",
        "error",
        "The number of hugepages is set under `hugepages`, not by sysctl.",
        check_sysctl_hugepages,
    ),
    Rule(
        "sysctl-known",
        "warning",
        "The first parts of a sysctl tell what brings it: the kernel, or a module the node then loads.",
        check_sysctl_known,
    ),
    Rule(
        "sysctl-arg-module",
        "error",
        "A sysctl of a module is not set on the kernel command line, which is read before.",
        check_sysctl_arg_module,
    ),
)
