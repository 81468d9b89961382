"""Rules on kernel arguments that change the machine an inventory describes, or what nodes need."""

from __future__ import annotations

from collections.abc import Iterator

from builder.catalog.kernel_words import (
    KUBELET_CGROUPS,
    PCI_ADDRESSES,
    PCI_NO_EXTENDED,
    REGION_MARKS,
    Word,
    memory_of,
    truth,
)
from builder.diagnostics import KeyPath, Severity
from builder.model.inventory import Host, Inventory
from builder.model.rules.pairs import Pair, pairs
from builder.model.sizes import mib_text
from builder.model.words import Sysctl, options_of, sysctls_of, words_of
from builder.phrases import all_names, plural
from builder.rule import SEE, Finding, Rule, each

_MIB = 1 << 20


def check_args_keep_memory(pair: Pair) -> Iterator[Finding]:
    """The pages, and what is left for pods, are planned from the memory of the class."""
    total = sum(node.memory for node in pair.hardware.numa)
    source = (*pair.class_path, "numa")
    for path, word in words_of(pair.profile):
        severity: Severity
        for memory in memory_of(word):
            if memory.limit is None:
                message = (
                    f'{word.text}: the "{memory.mark}" turns {mib_text(memory.taken // _MIB)} into '
                    f"{REGION_MARKS[memory.mark]}, and the plan counts on all of the "
                    f"{mib_text(total)} in {SEE}"
                )
                severity = "warning"
            elif memory.limit // _MIB < total:
                message = (
                    f"with {word.text} the kernel uses no memory above "
                    f"{mib_text(memory.limit // _MIB)}, and the plan is made for the "
                    f"{mib_text(total)} in {SEE}"
                )
                severity = "error"
            else:
                continue
            hint = "remove it, or describe the memory that is left with it"
            yield Finding((*pair.path, *path), message, hint, see=source, severity=severity)
        if word.plain == "memmap=exactmap":
            message = f"with {word.text} the machine has other memory than in {SEE}"
            yield Finding((*pair.path, *path), message, "remove it", see=source)


def check_args_keep_pci(pair: Pair) -> Iterator[Finding]:
    """Every port is known by its PCI address, and VFs by where their port's SR-IOV has them."""
    for path, word in words_of(pair.profile):
        if word.name != "pci":
            continue
        for part in word.parts:
            for message, hint, source in _pci_faults(pair, part):
                yield Finding((*pair.path, *path), f"pci={part} {message}", hint, see=source)


def _pci_faults(pair: Pair, part: str) -> Iterator[tuple[str, str, KeyPath]]:
    """(message, hint, the key in conflict)."""
    nics = (*pair.class_path, "nics")
    other_domain = any(nic.pci.domain for nic in pair.hardware.nics)
    if part in PCI_ADDRESSES and (part != "nodomains" or other_domain):
        message = f"{PCI_ADDRESSES[part]}: the addresses in {SEE} are those without it"
        yield message, "remove it", nics
    elif part in PCI_NO_EXTENDED and pair.profile.sriov:
        message = (
            "leaves the kernel without extended configuration space, where a port says that it "
            f"has VFs: none of those in {SEE} can be made"
        )
        yield message, f"remove {part}", (*pair.path, "sriov")
    elif part == "noari":
        for index, policy in enumerate(pair.profile.sriov):
            nic = pair.hardware.nic(policy.pf)
            if nic is not None and nic.model.total_vfs and nic.sriov is None:
                message = (
                    f"turns ARI off: the VFs of {nic.name} ({SEE}) are then at other addresses "
                    "than planned"
                )
                hint = (
                    f"remove it, or give {nic.name} the sriov: that lspci -vvv -s {nic.pci} shows "
                    "with this argument"
                )
                yield message, hint, (*pair.path, "sriov", index, "pf")


def check_args_keep_cgroups(inventory: Inventory) -> Iterator[Finding]:
    for name, profile in inventory.profiles.items():
        severity: Severity = "warning" if profile.kubernetes is None else "error"
        for path, word in words_of(profile):
            message = _cgroup_fault(word)
            if message is not None:
                yield Finding(("profiles", name, *path), message, "remove it", severity=severity)


def _cgroup_fault(word: Word) -> str | None:
    missing = [part for part in word.parts if part in KUBELET_CGROUPS]
    if word.name == "cgroup_disable" and missing:
        controllers = plural("cgroup controller", len(missing))
        return f"{word.text}: the kubelet needs the {controllers} {all_names(missing)}"
    legacy = {
        "systemd.unified_cgroup_hierarchy": False,
        "systemd.legacy_systemd_cgroup_controller": True,
    }
    if word.name in legacy and truth(word.value) is legacy[word.name]:
        return f"{word.text} chooses cgroup v1, with which a kubelet from 1.35 on does not start"
    return None


def check_ipv6_used(inventory: Inventory) -> Iterator[Finding]:
    """Documentation/networking/ipv6.rst: with disable=1 or disable_ipv6=1 no interface has an
    IPv6 address.
    """
    off = {name: list(_ipv6_off(inventory, name)) for name in inventory.profiles}
    told: set[KeyPath] = set()
    for host_name, host in inventory.hosts.items():
        for path, text, which in off.get(host.profile, ()):
            see = _ipv6_key(host, which)
            if see is not None and path not in told:
                told.add(path)
                message = f"{text} turns IPv6 off, and {SEE} is IPv6"
                yield Finding(
                    path, message, "remove one of the two", see=("hosts", host_name, *see)
                )


def _ipv6_off(inventory: Inventory, name: str) -> Iterator[tuple[KeyPath, str, str | None]]:
    """(place, the setting, the interface or None for all) of what turns IPv6 off."""
    profile = inventory.profiles[name]
    for option in options_of(profile, "ipv6"):
        if option.name in ("disable", "disable_ipv6") and truth(option.value):
            yield ("profiles", name, *option.path), f"ipv6.{option.name}={option.value}", None
    for setting in sysctls_of(profile):
        which = _interface_without_ipv6(setting)
        if which is not None:
            text = f"{setting.key}={setting.value}"
            everywhere = which in ("all", "default")
            yield ("profiles", name, *setting.path), text, None if everywhere else which


def _interface_without_ipv6(setting: Sysctl) -> str | None:
    parts = setting.key.split(".")
    is_switch = parts[:3] == ["net", "ipv6", "conf"] and parts[-1] == "disable_ipv6"
    return ".".join(parts[3:-1]) if is_switch and setting.value != "0" else None


def _ipv6_key(host: Host, which: str | None) -> KeyPath | None:
    """Where a host asks for IPv6, below the host."""
    for name, interface in host.interfaces.items():
        if which not in (None, name):
            continue
        if interface.dhcp6:
            return ("interfaces", name, "dhcp6")
        for index, address in enumerate(interface.addresses):
            if address.version == 6:
                return ("interfaces", name, "addresses", index)
    return None


RULES: tuple[Rule[Inventory], ...] = (
    Rule(
        "kernel-args-keep-memory",
        "either",
        "Kernel arguments do not take memory away that the hardware class has.",
        each(pairs, check_args_keep_memory),
    ),
    Rule(
        "kernel-args-keep-pci",
        "error",
        "Kernel arguments do not change the PCI addresses of ports and VFs.",
        each(pairs, check_args_keep_pci),
    ),
    Rule(
        "kernel-args-keep-cgroups",
        "either",
        "Kernel arguments leave the kubelet the cgroup controllers it needs.",
        check_args_keep_cgroups,
    ),
    Rule(
        "ipv6-used",
        "error",
        "IPv6 is not turned off by a kernel argument or sysctl where hosts have IPv6 addresses.",
        check_ipv6_used,
    ),
)
