"""Rules on the addresses of hosts' interfaces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from builder.diagnostics import Diagnostic, KeyPath, Marks
from builder.model.inventory import Interface, Inventory
from builder.model.racks import gateway_of, heir_of
from builder.model.rules.findings import at, error, warning


def _interfaces(inventory: Inventory) -> Iterator[tuple[KeyPath, Interface]]:
    for host_name, host in inventory.hosts.items():
        for name, interface in host.interfaces.items():
            yield ("hosts", host_name, "interfaces", name), interface


def check_dhcp_or_fixed(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for path, interface in _interfaces(inventory):
        for version, dhcp in ((4, interface.dhcp4), (6, interface.dhcp6)):
            fixed = [a for a in interface.addresses if a.version == version]
            if dhcp and fixed:
                message = f"both dhcp{version} and the fixed address {fixed[0]}"
                hint = "keep one: two addresses of one kind make the node's own address uncertain"
                yield error(marks, (*path, f"dhcp{version}"), message, hint)
            gateway = interface.gateway
            if dhcp and not fixed and gateway is not None and gateway.version == version:
                message = f"both dhcp{version} and the gateway {gateway}: two default routes"
                yield error(marks, (*path, "gateway"), message, "DHCP brings the gateway")


def check_gateway(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for path, interface in _interfaces(inventory):
        gateway = interface.gateway
        if gateway is None or (gateway.version == 6 and gateway.is_link_local):
            continue
        if interface.dhcp4 if gateway.version == 4 else interface.dhcp6:
            continue  # said by dhcp-or-fixed
        where = (*path, "gateway")
        networks = [a.network for a in interface.addresses if a.version == gateway.version]
        if any(gateway == address.ip for address in interface.addresses):
            yield error(marks, where, f"{gateway} is the address of this interface itself")
        elif not networks:
            message = f"{gateway} cannot be reached: the interface has no address of its kind"
            yield error(marks, where, message)
        elif not any(gateway in network for network in networks):
            listed = " or ".join(map(str, networks))
            yield error(marks, where, f"{gateway} is not in {listed}, it cannot be reached")


def check_one_gateway(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for host_name, host in inventory.hosts.items():
        first: dict[int, KeyPath] = {}
        for name, interface in host.interfaces.items():
            if interface.gateway is None:
                continue
            path = ("hosts", host_name, "interfaces", name, "gateway")
            other = first.setdefault(interface.gateway.version, path)
            if other != path:
                message = f"a second default route: there is {at(marks, other)}"
                yield error(marks, path, message)


def check_management_address(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for path, interface in _interfaces(inventory):
        has_address = interface.dhcp4 or interface.dhcp6 or interface.addresses
        if interface.role == "management" and not has_address:
            message = "a management interface without an address"
            yield error(marks, path, message, "add dhcp4: true, or addresses", at_key=True)


def check_rack_gateway(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """A rack's gateway, seen from each host that would get it."""
    for host_name, host in inventory.hosts.items():
        rack, heir = inventory.racks.get(host.rack or ""), heir_of(inventory, host)
        if rack is None or rack.gateway is None or heir is None:
            continue
        if gateway_of(inventory, host, heir) != rack.gateway or host.interfaces[heir].gateway:
            continue
        addresses = host.interfaces[heir].addresses
        networks = [address.network for address in addresses]
        path = ("hosts", host_name, "interfaces", heir, "addresses")
        where = at(marks, ("racks", str(host.rack), "gateway"))
        if any(rack.gateway == address.ip for address in addresses):
            message = f"{rack.gateway} is the gateway of rack {host.rack}: {where}"
            yield error(marks, path, message)
        elif not any(rack.gateway in network for network in networks):
            message = (
                f"{rack.gateway}, the gateway of rack {host.rack}, is not in "
                f"{' or '.join(map(str, networks))}: {where}"
            )
            yield error(marks, path, message, f"give {heir} a gateway of its own")


def check_rack_gateway_used(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """A gateway nobody gets: the hosts have their own, or take it from DHCP."""
    hosts: dict[str | None, bool] = {}
    for host in inventory.hosts.values():
        heir = heir_of(inventory, host)
        gets_it = heir is not None and not any(nic.gateway for nic in host.interfaces.values())
        hosts[host.rack] = hosts.get(host.rack, False) or gets_it
    for name, rack in inventory.racks.items():
        if rack.gateway is not None and hosts.get(name) is False:
            path = ("racks", name, "gateway")
            message = (
                f"no host of this rack gets {rack.gateway}: it is for management interfaces with "
                f"a fixed IPv{rack.gateway.version} address, on hosts without a gateway of their own"
            )
            yield warning(marks, path, message)
