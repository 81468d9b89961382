"""Rules on the addresses of hosts' interfaces."""

from __future__ import annotations

from collections.abc import Iterator

from builder.diagnostics import KeyPath
from builder.model.inventory import Inventory
from builder.model.racks import gateway_interface, gateway_of
from builder.model.rules.hosts import interfaces
from builder.rule import SEE, Finding, Rule


def check_dhcp_or_fixed(inventory: Inventory) -> Iterator[Finding]:
    for path, interface in interfaces(inventory):
        for version, dhcp in ((4, interface.dhcp4), (6, interface.dhcp6)):
            fixed = [a for a in interface.addresses if a.version == version]
            if dhcp and fixed:
                message = f"both dhcp{version} and the fixed address {fixed[0]} are set"
                hint = (
                    "remove one of them: with two addresses it is not clear which one the node uses"
                )
                yield Finding((*path, f"dhcp{version}"), message, hint)
            gateway = interface.gateway
            if dhcp and not fixed and gateway is not None and gateway.version == version:
                message = (
                    f"both dhcp{version} and the gateway {gateway} are set: there would be two "
                    "default routes"
                )
                yield Finding((*path, "gateway"), message, "remove it: DHCP provides the gateway")


def check_gateway(inventory: Inventory) -> Iterator[Finding]:
    for path, interface in interfaces(inventory):
        gateway = interface.gateway
        if gateway is None or (gateway.version == 6 and gateway.is_link_local):
            continue
        if interface.dhcp4 if gateway.version == 4 else interface.dhcp6:
            continue  # said by dhcp-or-fixed
        where = (*path, "gateway")
        networks = [a.network for a in interface.addresses if a.version == gateway.version]
        if any(gateway == address.ip for address in interface.addresses):
            yield Finding(where, f"{gateway} is the address of this interface")
        elif not networks:
            message = (
                f"{gateway} cannot be reached: the interface has no address of the same IP version"
            )
            yield Finding(where, message)
        elif not any(gateway in network for network in networks):
            listed = " or ".join(map(str, networks))
            yield Finding(where, f"{gateway} cannot be reached: it is not in {listed}")


def check_one_gateway(inventory: Inventory) -> Iterator[Finding]:
    for host_name, host in inventory.hosts.items():
        first: dict[int, KeyPath] = {}
        for name, interface in host.interfaces.items():
            if interface.gateway is None:
                continue
            path = ("hosts", host_name, "interfaces", name, "gateway")
            other = first.setdefault(interface.gateway.version, path)
            if other != path:
                message = f"this is a second default route: the first is {SEE}"
                yield Finding(path, message, see=other)


def check_rack_gateway(inventory: Inventory) -> Iterator[Finding]:
    """A rack's gateway, seen from each host that would get it."""
    for host_name, host in inventory.hosts.items():
        rack, name = inventory.racks.get(host.rack or ""), gateway_interface(inventory, host)
        if rack is None or rack.gateway is None or name is None:
            continue
        if gateway_of(inventory, host, name) != rack.gateway or host.interfaces[name].gateway:
            continue
        addresses = host.interfaces[name].addresses
        networks = [address.network for address in addresses]
        path = ("hosts", host_name, "interfaces", name, "addresses")
        where = ("racks", str(host.rack), "gateway")
        if any(rack.gateway == address.ip for address in addresses):
            message = f"{rack.gateway} is the gateway of rack {host.rack}: {SEE}"
            yield Finding(path, message, see=where)
        elif not any(rack.gateway in network for network in networks):
            message = (
                f"{rack.gateway}, the gateway of rack {host.rack}, is not in "
                f"{' or '.join(map(str, networks))}: {SEE}"
            )
            yield Finding(path, message, f"give {name} its own gateway", see=where)


RULES: tuple[Rule[Inventory], ...] = (
    Rule(
        "host-dhcp-or-fixed",
        "error",
        "An interface has either DHCP or a fixed address and `gateway`, not both.",
        check_dhcp_or_fixed,
    ),
    Rule(
        "host-gateway",
        "error",
        "A gateway is in the interface's own network and is not the interface's own address.",
        check_gateway,
    ),
    Rule(
        "host-rack-gateway",
        "error",
        "A rack's gateway is in the network of each host that uses it.",
        check_rack_gateway,
    ),
    Rule(
        "host-one-gateway",
        "error",
        "A host has at most one gateway for IPv4 and one for IPv6.",
        check_one_gateway,
    ),
)
