"""Rules on hosts: what they name exists, and what is described has hosts."""

from __future__ import annotations

from collections.abc import Iterator

from builder.diagnostics import KeyPath, Severity
from builder.model.inventory import Host, Interface, Inventory
from builder.model.ports import is_bifurcated
from builder.model.racks import takes_gateway
from builder.model.rules.ovs import used_ports
from builder.model.rules.pairs import pairs
from builder.model.wording import suggest
from builder.rule import SEE, Finding, Rule


def interfaces(inventory: Inventory) -> Iterator[tuple[KeyPath, Interface]]:
    for host_name, host in inventory.hosts.items():
        for name, interface in host.interfaces.items():
            yield ("hosts", host_name, "interfaces", name), interface


def check_hardware_known(inventory: Inventory) -> Iterator[Finding]:
    for name, host in inventory.hosts.items():
        if host.hardware not in inventory.hardware:
            path = ("hosts", name, "hardware")
            message = f"there is no hardware class {host.hardware}"
            yield Finding(path, message, suggest(host.hardware, inventory.hardware))


def check_profile_known(inventory: Inventory) -> Iterator[Finding]:
    for name, host in inventory.hosts.items():
        if host.profile not in inventory.profiles:
            path = ("hosts", name, "profile")
            message = f"there is no profile {host.profile}"
            yield Finding(path, message, suggest(host.profile, inventory.profiles))


def check_hardware_used(inventory: Inventory) -> Iterator[Finding]:
    used = {host.hardware for host in inventory.hosts.values()}
    if used - set(inventory.hardware):
        return  # one of them is meant by a host that has its name wrong
    for name in inventory.hardware:
        if name not in used:
            message = "no host uses this hardware class"
            yield Finding(("hardware", name), message, at_key=True)


def check_profile_used(inventory: Inventory) -> Iterator[Finding]:
    used = {host.profile for host in inventory.hosts.values()}
    if used - set(inventory.profiles):
        return  # one of them is meant by a host that has its name wrong
    for name in inventory.profiles:
        if name not in used:
            message = "no host uses this profile, so most of it is not checked"
            yield Finding(("profiles", name), message, at_key=True)


def check_interface_known(inventory: Inventory) -> Iterator[Finding]:
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
                yield Finding(path, message, suggest(name, known), at_key=True)


def check_interface_not_in_ovs(inventory: Inventory) -> Iterator[Finding]:
    """A host's interface is the kernel's; a port of OVS is on a userspace driver.

    A bifurcated port keeps its interface, and DPDK takes its frames (drivers/net/mlx5/mlx5_trigger.c,
    mlx5_traffic_enable(): all of them on a promiscuous port, as Open vSwitch's are).
    """
    given = {
        (pair.class_name, pair.profile_name): {
            nic.name: (path, is_bifurcated(nic))
            for path, port in used_ports(pair)
            if (nic := pair.hardware.nic(port.nic or "")) is not None
        }
        for pair in pairs(inventory)
    }
    for name, host in inventory.hosts.items():
        ports = given.get((host.hardware, host.profile), {})
        for nic_name, interface in host.interfaces.items():
            see, keeps = ports.get(nic_name, (None, False))
            if see is None or (keeps and not interface.has_address):
                continue
            path = ("hosts", name, "interfaces", nic_name)
            why = (
                "DPDK takes all frames that arrive there, so the host receives none"
                if keeps
                else "the kernel gives it up, so the host has no such interface"
            )
            message = f"{nic_name} is an Open vSwitch port ({SEE}): {why}"
            hint = "give the host an interface of its own" if keeps else None
            severity: Severity = "warning" if keeps else "error"
            yield Finding(path, message, hint, severity=severity, at_key=True, see=see)


def check_interface_mtu(inventory: Inventory) -> Iterator[Finding]:
    """dev_validate_mtu(): as for ports of Open vSwitch (`ovs-mtu`)."""
    most = {
        (name, nic.name): nic.model.driver.max_mtu
        for name, hardware in inventory.hardware.items()
        for nic in hardware.nics
    }
    for host_name, host in inventory.hosts.items():
        for name, interface in host.interfaces.items():
            limit = most.get((host.hardware, name))
            if interface.mtu is not None and limit is not None and interface.mtu > limit:
                path = ("hosts", host_name, "interfaces", name, "mtu")
                yield Finding(
                    path, (f"MTU {interface.mtu} is too large: {name} supports at most {limit}")
                )


def check_rack_known(inventory: Inventory) -> Iterator[Finding]:
    """Racks are listed or not; once one is, a host in another one has its name wrong."""
    for name, host in inventory.hosts.items():
        if inventory.racks and host.rack is not None and host.rack not in inventory.racks:
            path = ("hosts", name, "rack")
            message = f"there is no rack {host.rack}"
            yield Finding(path, message, suggest(host.rack, inventory.racks))


def check_rack_used(inventory: Inventory) -> Iterator[Finding]:
    used = {host.rack for host in inventory.hosts.values()}
    for name in inventory.racks:
        if name not in used:
            yield Finding(("racks", name), "no host is in this rack", at_key=True)


def check_rack_gateway_used(inventory: Inventory) -> Iterator[Finding]:
    """A gateway nobody gets: the hosts have their own, or take it from DHCP."""
    hosts: dict[str | None, list[Host]] = {}
    for host in inventory.hosts.values():
        hosts.setdefault(host.rack, []).append(host)
    for name, rack in inventory.racks.items():
        for gateway in rack.gateway:
            there = hosts.get(name)
            if there and all(takes_gateway(host, gateway) is None for host in there):
                message = (
                    f"no host of this rack uses {gateway}: it applies to management interfaces "
                    f"with a fixed IPv{gateway.version} address, on hosts without their own "
                    "gateway"
                )
                yield Finding(("racks", name, "gateway"), message)


def check_management(inventory: Inventory) -> Iterator[Finding]:
    for name, host in inventory.hosts.items():
        if not any(nic.role == "management" for nic in host.interfaces.values()):
            message = "this host has no management interface: Kubernetes and ssh cannot reach it"
            hint = "interfaces: {<nic>: {role: management, dhcp4: true}}"
            yield Finding(("hosts", name), message, hint, at_key=True)


def check_management_address(inventory: Inventory) -> Iterator[Finding]:
    for path, interface in interfaces(inventory):
        if interface.role == "management" and not interface.has_address:
            message = "this management interface has no address"
            yield Finding(path, message, "add dhcp4: true, or addresses", at_key=True)


RULES: tuple[Rule[Inventory], ...] = (
    Rule(
        "hardware-used",
        "warning",
        "A hardware class is used by a host.",
        check_hardware_used,
        whole_file=True,
    ),
    Rule(
        "profile-used",
        "warning",
        "A profile is used by a host: without one, most of the profile cannot be checked.",
        check_profile_used,
        whole_file=True,
    ),
    Rule(
        "host-hardware-known",
        "error",
        "A host's hardware class is defined.",
        check_hardware_known,
    ),
    Rule("host-profile-known", "error", "A host's profile is defined.", check_profile_known),
    Rule(
        "host-interface-known",
        "error",
        "A host's interface is a port of its hardware class.",
        check_interface_known,
    ),
    Rule(
        "host-interface-not-in-ovs",
        "either",
        "A host's interface is not used by Open vSwitch.",
        check_interface_not_in_ovs,
    ),
    Rule(
        "host-interface-mtu",
        "error",
        "The MTU of an interface is within the limits of its device.",
        check_interface_mtu,
    ),
    Rule(
        "host-rack-known",
        "error",
        "A host's rack is listed in `racks`, if there is such a list.",
        check_rack_known,
    ),
    Rule("rack-used", "warning", "A rack is used by a host.", check_rack_used, whole_file=True),
    Rule(
        "rack-gateway-used",
        "warning",
        "A rack's gateway is used by at least one of its hosts.",
        check_rack_gateway_used,
        whole_file=True,
    ),
    Rule("host-management", "warning", "A host has a management interface.", check_management),
    Rule(
        "host-management-address",
        "error",
        "A management interface has an address.",
        check_management_address,
    ),
)
