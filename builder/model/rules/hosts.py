"""Rules on hosts: what they name exists, and nothing that is one machine's is also another's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from builder.diagnostics import Diagnostic, KeyPath, Marks
from builder.model.inventory import Host, Inventory
from builder.model.rules.findings import at, error, warning
from builder.model.values import count_text
from builder.model.wording import suggest


def check_hardware_known(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for name, host in inventory.hosts.items():
        if host.hardware not in inventory.hardware:
            path = ("hosts", name, "hardware")
            message = f"there is no hardware class {host.hardware}"
            yield error(marks, path, message, suggest(host.hardware, inventory.hardware))


def check_profile_known(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for name, host in inventory.hosts.items():
        if host.profile not in inventory.profiles:
            path = ("hosts", name, "profile")
            message = f"there is no profile {host.profile}"
            yield error(marks, path, message, suggest(host.profile, inventory.profiles))


def check_hardware_used(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    used = {host.hardware for host in inventory.hosts.values()}
    if used - set(inventory.hardware):
        return  # one of them is meant by a host that has its name wrong
    for name in inventory.hardware:
        if name not in used:
            message = "no host is of this hardware class"
            yield warning(marks, ("hardware", name), message, at_key=True)


def check_profile_used(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    used = {host.profile for host in inventory.hosts.values()}
    if used - set(inventory.profiles):
        return  # one of them is meant by a host that has its name wrong
    for name in inventory.profiles:
        if name not in used:
            message = "no host has this profile, most of it is not checked"
            yield warning(marks, ("profiles", name), message, at_key=True)


def check_rack_known(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """Racks are listed or not; once one is, a host in another one has its name wrong."""
    for name, host in inventory.hosts.items():
        if inventory.racks and host.rack is not None and host.rack not in inventory.racks:
            path = ("hosts", name, "rack")
            message = f"there is no rack {host.rack}"
            yield error(marks, path, message, suggest(host.rack, inventory.racks))


def check_rack_used(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    used = {host.rack for host in inventory.hosts.values()}
    for name in inventory.racks:
        if name not in used:
            yield warning(marks, ("racks", name), "no host stands in this rack", at_key=True)


def check_interface_known(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    names = {
        class_name: [nic.name for nic in hardware.nics]
        for class_name, hardware in inventory.hardware.items()
    }
    for host_name, host in inventory.hosts.items():
        known = names.get(host.hardware)
        for name in host.interfaces if known is not None else ():
            if known is not None and name not in known:
                path = ("hosts", host_name, "interfaces", name)
                message = f"hardware class {host.hardware} has no NIC of this name"
                yield error(marks, path, message, suggest(name, known), at_key=True)


def check_management(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for name, host in inventory.hosts.items():
        if not any(nic.role == "management" for nic in host.interfaces.values()):
            message = "this host has no management interface: Kubernetes and ssh cannot reach it"
            hint = "interfaces: {<nic>: {role: management, dhcp4: true}}"
            yield warning(marks, ("hosts", name), message, hint, at_key=True)


def check_boot_mac(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """When the MAC of every interface is known, the boot MAC is one of them."""
    for name, host in inventory.hosts.items():
        macs = [nic.mac for nic in host.interfaces.values()]
        if host.boot_mac is None or not macs or None in macs or host.boot_mac in macs:
            continue
        message = f"{host.boot_mac} is the MAC of none of the interfaces below"
        hint = "right only if the host boots from a port that is not listed"
        yield warning(marks, ("hosts", name, "boot-mac"), message, hint)


def check_identity_unique(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    seen: dict[tuple[str, str], tuple[str, KeyPath]] = {}
    for name, host in inventory.hosts.items():
        for kind, value, path in _identities(name, host):
            owner, first = seen.setdefault((kind, value), (name, path))
            boots_from_it = owner == name and first[-1] == "boot-mac" and path[-1] == "mac"
            if first != path and not boots_from_it:
                yield error(marks, path, f"{kind} {value} is also at {at(marks, first)}")


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


def check_vf_mac_unique(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
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
                    message = f"MAC {vf.mac} is also at {at(marks, first[vf.mac])}"
                    yield error(marks, path, message)
                elif len(users) > 1:
                    message = (
                        f"MAC {vf.mac} would be on {count_text(len(users), 'host')}, "
                        f"{users[0]} and {users[1]} among them"
                    )
                    hint = "a profile with a MAC is for one host; without one the driver picks it"
                    yield error(marks, path, message, hint)


def check_vf_mac_own(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
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
                    message = f"MAC {vf.mac} is that of a port: {at(marks, ports[vf.mac])}"
                    yield error(marks, path, message)
