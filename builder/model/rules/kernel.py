"""Rules on kernel arguments and sysctls: nothing is set twice in two ways."""

from __future__ import annotations

from collections.abc import Iterator

from builder.catalog.sysctls import is_known_sysctl, sysctl_module
from builder.diagnostics import KeyPath, format_path
from builder.model.fields import arg_name
from builder.model.hardware import HardwareClass
from builder.model.inventory import Inventory
from builder.model.rules.pairs import Pair, pairs
from builder.phrases import count_text
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
# Fewer CPUs or other nodes, whatever the value.
_CHANGES_CPUS = ("nolapic", "nosmp", "numa")
# As many CPUs as the value says; below the machine's they take some away.
_LIMITS_CPUS = ("maxcpus", "nr_cpus", "possible_cpus")
# Mitigations that turn SMT off where the CPU is vulnerable (hw-vuln/l1tf.rst, mds.rst).
_TURNS_SMT_OFF = ("l1tf=full", "l1tf=full,force")
# Documentation/admin-guide/kernel-parameters.rst: later words win, these are read once only
# or by the boot loader and the initramfs.
_OF_IMAGE = ("root", "ro", "rw", "init", "initrd", "BOOT_IMAGE")


# Each of these adds to those before it (kernel-parameters.txt); of all others the last counts.
_ADDING = (
    "console", "crashkernel", "dyndbg", "earlycon", "earlyprintk", "efi", "initcall_blacklist",
    "memmap", "module_blacklist", "modprobe.blacklist", "pci", "rd.break", "systemd.mask",
    "systemd.setenv", "systemd.wants", "usbcore.quirks", "vfio_pci.ids",
)  # fmt: skip


def check_args_derived(pair: Pair) -> Iterator[Finding]:
    for index, text in enumerate(pair.profile.kernel_args):
        name = arg_name(text)
        if name in _FROM_PROFILE:
            source = (*pair.path, *_FROM_PROFILE[name])
            message = f"{name} is derived from {SEE}; set here, it would override that value"
            path = (*pair.path, "kernel-args", index)
            yield Finding(path, message, "change it there", see=source)


def check_args_keep_cpus(pair: Pair) -> Iterator[Finding]:
    for index, text in enumerate(pair.profile.kernel_args):
        turns_smt_off = _turns_smt_off(text, pair.hardware)
        if not turns_smt_off and not _takes_cpus(text, pair.hardware):
            continue
        path = (*pair.path, "kernel-args", index)
        source = (*pair.class_path, "numa")
        message = f"with {text} the machine has other CPUs or nodes than in {SEE}"
        hint = "describe the machine as it is with this argument"
        if turns_smt_off:
            key = f"{format_path(pair.path)}.cpu.smt"
            hint = f"remove it: {key}: false takes the siblings offline"
        yield Finding(path, message, hint, see=source)


def _takes_cpus(text: str, hardware: HardwareClass) -> bool:
    """kernel/smp.c: maxcpus= and nr_cpus= take the CPUs of the lowest numbers."""
    name, value = arg_name(text), text.partition("=")[2]
    if name in _LIMITS_CPUS and value.isdecimal():
        return any(cpu >= int(value) for cpu in hardware.cpus)
    return name in (*_CHANGES_CPUS, *_LIMITS_CPUS)


def _turns_smt_off(text: str, hardware: HardwareClass) -> bool:
    """`nosmt`, and mitigations that end in it; no matter to a machine without siblings."""
    has_siblings = any(len(core) > 1 for core in hardware.cores)
    words = text.replace("=", ",").split(",")
    return has_siblings and ("nosmt" in words or text in _TURNS_SMT_OFF)


def check_args_of_image(inventory: Inventory) -> Iterator[Finding]:
    for name, profile in inventory.profiles.items():
        for index, text in enumerate(profile.kernel_args):
            if arg_name(text) in _OF_IMAGE:
                path = ("profiles", name, "kernel-args", index)
                message = (
                    f"the image sets {arg_name(text)} itself and would not boot with another value"
                )
                yield Finding(path, message, "remove it")


def check_args_once(inventory: Inventory) -> Iterator[Finding]:
    for name, profile in inventory.profiles.items():
        first: dict[str, int] = {}
        for index, text in enumerate(profile.kernel_args):
            word = arg_name(text)
            earlier = first.setdefault(text if word in _ADDING else word, index)
            if earlier == index:
                continue
            path = ("profiles", name, "kernel-args", index)
            other = ("profiles", name, "kernel-args", earlier)
            if profile.kernel_args[earlier] == text:
                yield Finding(path, f"{text} is a duplicate: {SEE}", see=other)
            else:
                message = f"{word} is already set, to a different value: {SEE}"
                yield Finding(path, message, "the kernel uses the last one", see=other)


def check_sysctl_hugepages(inventory: Inventory) -> Iterator[Finding]:
    """Documentation/admin-guide/mm/hugetlbpage.rst: nr_hugepages is the default size's pool,
    and writing it spreads the pages anew over all nodes.
    """
    for name, profile in inventory.profiles.items():
        for key in ("vm.nr_hugepages", "vm.nr_hugepages_mempolicy"):
            if key in profile.sysctl:
                path = ("profiles", name, "sysctl", key)
                pages = profile.hugepages.count
                total = sum(pages.values()) if isinstance(pages, dict) else pages
                which = "hugepages" if total is None else count_text(total, "hugepage")
                message = (
                    f"the kernel command line reserves the {which} of {SEE}: this would move "
                    "them to other nodes"
                )
                yield Finding(path, message, "remove it", at_key=True, see=(*path[:2], "hugepages"))


def check_sysctl_known(inventory: Inventory) -> Iterator[Finding]:
    """systemd-sysctl only logs a key that is not there: "Couldn't write ... ignoring"."""
    for name, profile in inventory.profiles.items():
        for key in profile.sysctl:
            if not is_known_sysctl(key):
                start = ".".join(key.split(".")[:2])
                message = (
                    f"the kernel has no {start} by itself, and which module brings it is not "
                    "known: at boot the setting is skipped unless something loads that module"
                )
                path = ("profiles", name, "sysctl", key)
                yield Finding(path, message, "check the spelling", at_key=True)


def check_sysctl_arg_module(inventory: Inventory) -> Iterator[Finding]:
    """fs/proc/proc_sysctl.c, do_sysctl_args(): before the first process, so before any module."""
    for name, profile in inventory.profiles.items():
        for index, text in enumerate(profile.kernel_args):
            word, _, value = text.partition("=")
            key = word.removeprefix("sysctl.")
            module = sysctl_module(key) if word.startswith("sysctl.") else None
            if module is not None:
                message = (
                    f"the kernel sets {key} before it loads any module, and {module} brings it: "
                    "this would set nothing"
                )
                hint = f"use sysctl: {{{key}: {value}}}, for which the node loads {module}"
                yield Finding(("profiles", name, "kernel-args", index), message, hint)


RULES: tuple[Rule[Inventory], ...] = (
    Rule(
        "kernel-args-derived",
        "error",
        "Kernel arguments that are derived from other keys are not set by hand.",
        each(pairs, check_args_derived),
    ),
    Rule(
        "kernel-args-keep-cpus",
        "error",
        "Kernel arguments do not change which CPUs and NUMA nodes exist.",
        each(pairs, check_args_keep_cpus),
    ),
    Rule(
        "kernel-args-of-image",
        "error",
        "Kernel arguments that the image sets in order to boot are not set by hand.",
        check_args_of_image,
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
        "A sysctl is one of the kernel, or of a module that the node then loads.",
        check_sysctl_known,
    ),
    Rule(
        "sysctl-arg-module",
        "error",
        "A sysctl of a module is not set on the kernel command line, which is read before.",
        check_sysctl_arg_module,
    ),
)
