"""A rule on names of interfaces: none is somebody else's."""

from __future__ import annotations

from collections.abc import Iterator

from builder.catalog.interface_names import find_taken_name
from builder.diagnostics import KeyPath, Severity
from builder.model.hardware import HardwareClass, Nic
from builder.model.inventory import Inventory
from builder.model.naming import path_name
from builder.phrases import format_names
from builder.rule import Finding, Rule


def check_name_free(inventory: Inventory) -> Iterator[Finding]:
    for name, hardware in inventory.hardware.items():
        yield from _check_nics(("hardware", name, "nics"), hardware)
    for name, profile in inventory.profiles.items():
        base = ("profiles", name, "ovs", "bridges")
        for bridge_name, bridge in profile.ovs.bridges.items() if profile.ovs else ():
            yield from _check_key((*base, bridge_name), "br0")
            for port in bridge.ports:
                # A DPDK port is no interface of the kernel's: only Open vSwitch has the name.
                yield from _check_key((*base, bridge_name, "ports", port), "dpdk0", races=False)


def _check_nics(path: KeyPath, hardware: HardwareClass) -> Iterator[Finding]:
    """One warning for all ports of a class whose names have the same reason."""
    racing: dict[str, list[tuple[int, Nic]]] = {}
    for index, nic in enumerate(hardware.nics):
        taken = find_taken_name(nic.name)
        if taken is not None and taken.is_refused:
            message, hint = f"{nic.name} is a name that {taken.why}", "use another name: lan0"
            yield Finding((*path, index, "name"), message, hint)
        elif taken is not None:
            racing.setdefault(taken.why, []).append((index, nic))
    addresses = [nic.pci for nic in hardware.nics]
    for why, nics in racing.items():
        names = [nic.name for _, nic in nics]
        others = format_names(f"{nic.name}: {path_name(nic.pci, addresses)}" for _, nic in nics)
        yield Finding(
            (*path, nics[0][0], "name"),
            f"{format_names(names)} {'is a name' if len(names) == 1 else 'are names'} that {why}: "
            "whether a .link file is in time to give it depends on the order of a boot",
            f"use another prefix, such as lan0, or the name by address ({others})",
            severity="warning",
        )


def _check_key(path: KeyPath, example: str, *, races: bool = True) -> Iterator[Finding]:
    name = str(path[-1])
    taken = find_taken_name(name)
    if taken is not None and (taken.is_refused or races):
        message, hint = f"{name} is a name that {taken.why}", f"use another name: {example}"
        severity: Severity = "error" if taken.is_refused else "warning"
        yield Finding(path, message, hint, at_key=True, severity=severity)


RULES: tuple[Rule[Inventory], ...] = (
    Rule(
        "interface-name-free",
        "either",
        "Names of NICs and bridges are not ones that the kernel, Open vSwitch or the network of "
        "containers gives, and Open vSwitch can use the names of its ports.",
        check_name_free,
    ),
)
