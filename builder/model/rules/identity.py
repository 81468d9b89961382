"""Rules on what is one machine's: no MAC, serial number or address is also another's."""

from __future__ import annotations

from collections.abc import Iterator

from builder.diagnostics import KeyPath
from builder.model.inventory import Host, Inventory
from builder.phrases import count_text
from builder.rule import SEE, Finding, Rule


def check_boot_mac(inventory: Inventory) -> Iterator[Finding]:
    """When the MAC of every interface is known, the boot MAC is one of them."""
    for name, host in inventory.hosts.items():
        macs = [nic.mac for nic in host.interfaces.values()]
        if host.boot_mac is None or not macs or None in macs or host.boot_mac in macs:
            continue
        message = f"{host.boot_mac} is not the MAC of any interface below"
        hint = "this is correct only if the host boots from a port that is not listed"
        yield Finding(("hosts", name, "boot-mac"), message, hint)


def check_identity_unique(inventory: Inventory) -> Iterator[Finding]:
    seen: dict[tuple[str, str], tuple[str, KeyPath]] = {}
    for name, host in inventory.hosts.items():
        for kind, value, path in _identities(name, host):
            owner, first = seen.setdefault((kind, value), (name, path))
            boots_from_it = owner == name and first[-1] == "boot-mac" and path[-1] == "mac"
            if first != path and not boots_from_it:
                yield Finding(path, f"{kind} {value} is also at {SEE}", see=first)


def _identities(name: str, host: Host) -> Iterator[tuple[str, str, KeyPath]]:
    base = ("hosts", name)
    if host.serial is not None:
        yield "serial number", host.serial, (*base, "serial")
    if host.boot_mac is not None:
        yield "MAC", host.boot_mac, (*base, "boot-mac")
    for nic, interface in host.interfaces.items():
        path = (*base, "interfaces", nic)
        if interface.mac is not None:
            yield "MAC", interface.mac, (*path, "mac")
        for index, address in enumerate(interface.addresses):
            yield "address", str(address.ip), (*path, "addresses", index)


def check_vf_mac_unique(inventory: Inventory) -> Iterator[Finding]:
    """A profile gives its VF MACs to each of its hosts."""
    hosts: dict[str, list[str]] = {}
    for name, host in inventory.hosts.items():
        hosts.setdefault(host.profile, []).append(name)
    first: dict[str, KeyPath] = {}
    for name, profile in inventory.profiles.items():
        users = hosts.get(name, [])
        for number, policy in enumerate(profile.sriov):
            for index, vf in enumerate(policy.vfs):
                if vf.mac is None:
                    continue
                path = ("profiles", name, "sriov", number, "vfs", index, "mac")
                if first.setdefault(vf.mac, path) != path:
                    message = f"MAC {vf.mac} is also at {SEE}"
                    yield Finding(path, message, see=first[vf.mac])
                elif len(users) > 1:
                    message = (
                        f"MAC {vf.mac} would be on {count_text(len(users), 'host')}, including "
                        f"{users[0]} and {users[1]}"
                    )
                    hint = (
                        "a profile with a VF MAC can have only one host; without mac, the "
                        "driver chooses one"
                    )
                    yield Finding(path, message, hint)


def check_vf_mac_own(inventory: Inventory) -> Iterator[Finding]:
    """A VF with the MAC of a port: frames for the one end at the other."""
    ports = {
        value: path
        for name, host in inventory.hosts.items()
        for kind, value, path in _identities(name, host)
        if kind == "MAC"
    }
    for name, profile in inventory.profiles.items():
        for number, policy in enumerate(profile.sriov):
            for index, vf in enumerate(policy.vfs):
                if vf.mac in ports:
                    path = ("profiles", name, "sriov", number, "vfs", index, "mac")
                    message = f"MAC {vf.mac} is also the MAC of a port: {SEE}"
                    yield Finding(path, message, see=ports[vf.mac])


RULES: tuple[Rule[Inventory], ...] = (
    Rule(
        "host-boot-mac",
        "warning",
        "The boot MAC belongs to one of the interfaces, if the MACs of all interfaces are given.",
        check_boot_mac,
    ),
    Rule(
        "host-identity-once",
        "error",
        "MACs, serial numbers and addresses are unique to one host.",
        check_identity_unique,
    ),
    Rule(
        "host-vf-mac-once",
        "error",
        "A profile that sets VF MACs is used by one host only.",
        check_vf_mac_unique,
    ),
    Rule(
        "host-vf-mac-own",
        "error",
        "A VF's MAC differs from the MACs of all ports.",
        check_vf_mac_own,
    ),
)
