"""Words of the kernel's command line: how the kernel reads them, and what some of them do.

Source, where none is named: Documentation/admin-guide/kernel-parameters.txt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# lib/cmdline.c, memparse(): the power of two that a unit of memory stands for.
UNIT_BITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40, "P": 50, "E": 60}


@dataclass(frozen=True, slots=True)
class Word:
    """name: as the kernel knows it (`arg_name`). value: None of a word without `=`."""

    text: str
    name: str
    value: str | None

    @property
    def parts(self) -> tuple[str, ...]:
        """What the value lists, separated by commas."""
        return tuple(part for part in (self.value or "").split(",") if part)

    @property
    def plain(self) -> str:
        """The word with the name as the kernel knows it."""
        return self.name if self.value is None else f"{self.name}={self.value}"


def read_word(text: str) -> Word:
    name, equals, value = text.partition("=")
    return Word(text, arg_name(name), value if equals else None)


def arg_name(text: str) -> str:
    """What the kernel knows a word by: `-` and `_` are one to it (kernel/params.c, parameq())."""
    return text.partition("=")[0].replace("-", "_")


def truth(value: str | None) -> bool | None:
    """A value as kstrtobool() of lib/kstrtox.c reads it; a bare word is true, None: it is neither."""
    if value is None:
        return True
    match = re.match(r"(?i)(on|[eyt1])|(of|[dnf0])", value)
    return None if match is None else match[1] is not None


# fs/proc/proc_sysctl.c, sysctl_aliases: words that were there before `sysctl.`.
SYSCTL_ALIASES = {
    name.rpartition(".")[2]: name
    for name in (
        "kernel.hardlockup_all_cpu_backtrace",
        "kernel.hung_task_panic",
        "kernel.softlockup_all_cpu_backtrace",
        "vm.numa_zonelist_order",
    )
}
# Words that set at boot what a sysctl can still change: kernel/watchdog.c, mm/mempolicy.c.
_SYSCTL_WORDS = {"nmi_watchdog": "kernel.nmi_watchdog", "numa_balancing": "kernel.numa_balancing"}
_SYSCTL_VALUES = {"enable": "1", "disable": "0"}


def sysctl_of(word: Word) -> tuple[str, str] | None:
    """(dotted key, value) of a word that sets a sysctl: process_sysctl_arg() takes `.` and `/`."""
    if not word.value:
        return None
    name = word.text.partition("=")[0]
    match = re.fullmatch(r"sysctl[./](.+)", name)
    if match is not None:
        return match[1].replace("/", "."), word.value
    if name in SYSCTL_ALIASES:
        return SYSCTL_ALIASES[name], word.value
    if word.name in _SYSCTL_WORDS:
        return _SYSCTL_WORDS[word.name], _SYSCTL_VALUES.get(word.value, word.value)
    return None


def option_of(word: Word) -> tuple[str, str, str] | None:
    """(module, parameter, value) of `module.parameter=value`; modprobe takes it after the
    options of modprobe.d (kmod, libkmod-config.c, kmod_config_parse_kcmdline()).
    """
    module, dot, parameter = word.name.partition(".")
    return (module, parameter, word.value) if dot and word.value else None


# What keeps modules from loading: kernel/module/main.c, blacklisted(); modprobe.d(5), for udev
# and systemd-modules-load; dracut.cmdline(7), in the initrd.
_BLOCKS_MODULES = ("module_blacklist", "modprobe.blacklist", "rd.driver.blacklist", "rdblacklist")
# init/main.c, initcall_blacklisted(), looks at the init functions of modules too. Those of most
# drivers are called after the module; these are not.
_INITCALLS = {
    "dp_init": "openvswitch",
    "e1000_init_module": "e1000e",
    "mlx4_init": "mlx4_core",
    "mlx5_init": "mlx5_core",
    "bnxt_init": "bnxt_en",
    "igbuio_pci_init_module": "igb_uio",
}
_INITCALL = re.compile(r"(\w+?)_(?:init_module|module_init|driver_init|pci_driver_init|init)")


def blocked_by(word: Word) -> tuple[tuple[str, str], ...]:
    """(part of the word, module) of modules it keeps from loading."""
    if word.name in _BLOCKS_MODULES:
        return tuple((part, part) for part in word.parts)
    if word.name != "initcall_blacklist":
        return ()
    matches = [(name, _INITCALL.fullmatch(name)) for name in word.parts]
    return tuple((name, _INITCALLS.get(name) or (m[1] if m else name)) for name, m in matches)


# What binds every device of an id: drivers/pci/pci-stub.c, drivers/vfio/pci/vfio_pci.c.
STUBS = {"vfio_pci.ids": "vfio-pci", "pci_stub.ids": "pci-stub"}


def device_ids(value: str) -> tuple[str, ...]:
    """`vendor:device` as lspci has it, of each of a driver's `ids`: vendor:device[:...],..."""
    matches = (
        re.match(r"(?:0[xX])?([0-9a-fA-F]+):(?:0[xX])?([0-9a-fA-F]+)", part)
        for part in value.split(",")
    )
    return tuple(f"{int(m[1], 16):04x}:{int(m[2], 16):04x}" for m in matches if m)


# Each of these adds to those before it; of all others the last counts.
ADDING = (
    "amd_iommu", "cgroup_disable", "cgroup_enable", "cgroup_no_v1", "console", "crashkernel",
    "dyndbg", "earlycon", "earlyprintk", "efi", "initcall_blacklist", "intel_iommu", "iommu",
    "memmap", "module_blacklist", "modprobe.blacklist", "modules_load", "pci", "rd.break",
    "rd.driver.blacklist", "systemd.mask", "systemd.setenv", "systemd.wants", "usbcore.quirks",
)  # fmt: skip
# Another way to say a word: drivers/iommu/iommu.c, iommu_set_def_domain_type().
_SYNONYMS = {"iommu.passthrough": ("iommu", {True: "pt", False: "nopt"})}


def usual(word: Word) -> Word:
    """The word in the form the plan has it, where there are two."""
    name, values = _SYNONYMS.get(word.name, (word.name, {}))
    value = values.get(truth(word.value) or False, word.value)
    return Word(word.text, name, value)


# With these words the IOMMU is not there, or VFIO does not take it.
NO_IOMMU = {
    "iommu=off": "it disables the IOMMU",
    "intel_iommu=off": "it disables the IOMMU",
    "amd_iommu=off": "it disables the IOMMU",
    "acpi=off": "the kernel finds the IOMMU through ACPI (tables DMAR and IVRS)",
}
# vfio_iommu_type1.c, vfio_iommu_type1_attach_group(): "No interrupt remapping support" is EPERM.
# noapic: arch/x86/kernel/apic/apic.c, enable_IR_x2apic(): "Not enabling interrupt remapping".
NO_REMAPPING = dict.fromkeys(
    ("intremap=off", "nointremap"), "VFIO requires interrupt remapping"
) | {"noapic": "VFIO requires interrupt remapping, which the kernel leaves off without an IO-APIC"}


@dataclass(frozen=True, slots=True)
class MemoryWord:
    """Memory that a word takes from the kernel.

    limit: bytes above which it uses none; taken: bytes of a region it does not use as memory.
    mark: the character that says what the region becomes.
    """

    limit: int | None = None
    taken: int = 0
    mark: str = ""


# arch/x86/kernel/e820.c, parse_memmap_one(): what each makes of a region. "#" and "$" cannot be
# in a word here.
REGION_MARKS = {"!": "persistent memory", "%": "another kind of memory"}
_SIZE = r"(0[xX][0-9a-fA-F]+|[0-9]+)([kKmMgGtTpPeE]?)"
_REGION = re.compile(rf"{_SIZE}(?:([@!%]){_SIZE}(?:-(\w+))?(?:\+(\w+))?)?")
_E820_RAM = "1"


def memory_of(word: Word) -> tuple[MemoryWord, ...]:
    """What `mem=` and `memmap=` take; nothing of words that take none."""
    if word.name not in ("mem", "memmap"):
        return ()
    if word.name == "mem":
        match = re.match(_SIZE, word.value or "")
        limit = _bytes(match[1], match[2]) if match else 0
        return (MemoryWord(limit),) if limit else ()
    return tuple(found for part in word.parts for found in _region(part))


def _region(part: str) -> tuple[MemoryWord, ...]:
    match = _REGION.match(part)
    if match is None or match[3] == "@":
        return ()
    size, mark = _bytes(match[1], match[2]), match[3]
    if mark is None:
        return (MemoryWord(limit=size),) if size else ()
    is_other_kind = mark == "%" and (match[6] not in (None, _E820_RAM) or match[7] == _E820_RAM)
    return () if is_other_kind else (MemoryWord(taken=size, mark=mark),)


def _bytes(digits: str, unit: str) -> int:
    """lib/cmdline.c, memparse(): hexadecimal and octal as in C."""
    is_octal = digits.startswith("0") and digits.isdigit() and len(digits) > 1
    return int(digits, 8 if is_octal else 0) << UNIT_BITS[unit.upper()]


# Parts of pci= (drivers/pci/pci.c, arch/x86/pci/common.c) that change the addresses of ports.
PCI_ADDRESSES = {
    "assign-busses": "numbers all PCI buses anew",
    "nodomains": "puts all devices in domain 0",
    "off": "hides all PCI devices",
}
# Without MMCONFIG the extended configuration space cannot be read, where the SR-IOV capability
# is (PCI Express specification): what turns it off or takes something else.
PCI_NO_EXTENDED = ("nommconf", "conf1", "conf2", "bios")

# What does not do what is hoped of it, or undoes what is planned. Movable: mm/gup.c,
# check_and_migrate_movable_folios(), and no page of 1 GiB can be migrated. net.ifnames=0: systemd's
# src/udev/net/link-config.c leaves out NamePolicy=, not Name=.
_MOVABLE = "hugepages that lie in the movable zone cannot be pinned for a port's DMA by VFIO"
NO_EFFECT: Mapping[str, str] = {
    "pcie_acs_override": (
        "only patched kernels know this argument, those of Debian and Ubuntu do not: devices stay "
        "in the IOMMU groups they are in"
    ),
    "pcie": "the kernel has no argument pcie, only pci",
    "amd_iommu=on": "amd_iommu has no value on: AMD's IOMMU is on by itself",
    "intel_iommu=pt": "intel_iommu has no value pt: iommu=pt is meant",
    "tuned.non_isolcpus": "only tuned's hook for dracut reads this argument",
    "movablecore": _MOVABLE,
    "kernelcore": _MOVABLE,
    "net.ifnames=0": (
        "ports keep the names they have here, but VFs and other ports become eth0, eth1, ... in the "
        "order they are found"
    ),
    "nohz=off": "with it no CPU stops its timer tick, and the planned nohz_full has no effect",
}


def no_effect(word: Word) -> str | None:
    """What is wrong with having the word; None: nothing is known."""
    texts = (word.name, *(f"{word.name}={part}" for part in word.parts))
    return next((NO_EFFECT[text] for text in texts if text in NO_EFFECT), None)


# What kubeadm's preflight requires of cgroup v2 (kubernetes/system-validators); hugetlb is what
# counts the hugepages of a pod.
KUBELET_CGROUPS = ("cpu", "cpuset", "memory", "pids", "hugetlb")
# systemd.unit(5) and kernel-command-line(7): what is started instead of the default target
# (src/basic/runlevel and proc-cmdline.c, runlevel_to_target()).
_TARGETS = {
    **dict.fromkeys(("single", "s", "S", "1", "rescue"), "rescue.target"),
    **dict.fromkeys(("emergency", "_b"), "emergency.target"),
}
_FULL_TARGETS = ("multi-user.target", "graphical.target", "default.target")


def boot_target(word: Word) -> str | None:
    """The target the machine stops at, short of that of all services."""
    if word.name == "systemd.unit" and word.value and word.value not in _FULL_TARGETS:
        return word.value
    return _TARGETS.get(word.name) if word.value is None else None


# Words of what an image sets up by itself.
OF_IMAGE = {
    **dict.fromkeys(
        ("root", "ro", "rw", "init", "rdinit", "initrd", "noinitrd", "nfsroot", "BOOT_IMAGE"),
        "the image sets {name} itself and would not boot with another value",
    ),
    "systemd.machine_id": "every node of this profile would have the same machine id",
    "systemd.hostname": "every node of this profile would have the same host name",
    "ip": "every node of this profile would have this network, not that of its own interfaces",
}

# Units that set a node up, beside our own (rackwright-*).
_UNITS = (
    "openvswitch-switch", "ovsdb-server", "ovs-vswitchd", "systemd-modules-load", "systemd-networkd",
    "systemd-sysctl", "systemd-udevd", "systemd-udev-trigger",
)  # fmt: skip


def masked_unit(word: Word) -> str | None:
    """A unit we need that `systemd.mask=` keeps from starting (systemd-debug-generator(8))."""
    name = (word.value or "").removesuffix(".service")
    is_needed = name in _UNITS or name.startswith("rackwright-")
    return f"{name}.service" if word.name == "systemd.mask" and is_needed else None
