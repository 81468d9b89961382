"""Rules on the addresses of hosts' interfaces."""

from __future__ import annotations

from collections.abc import Iterator

from builder.diagnostics import KeyPath
from builder.model.addresses import IpAddress
from builder.model.inventory import Host, Interface, Inventory
from builder.model.racks import gateways_of, takes_gateway
from builder.model.rules.hosts import interfaces
from builder.rule import SEE, Finding, Rule

VERSIONS = (4, 6)


def check_dhcp_or_fixed(inventory: Inventory) -> Iterator[Finding]:
    for path, interface in interfaces(inventory):
        for version in VERSIONS:
            dhcp = interface.has_dhcp(version)
            fixed = [a for a in interface.addresses if a.version == version]
            if dhcp and fixed:
                message = f"both dhcp{version} and the fixed address {fixed[0]} are set"
                hint = (
                    "remove one of them: with two addresses it is not clear which one the node uses"
                )
                yield Finding((*path, f"dhcp{version}"), message, hint)
            for gateway in interface.gateway:
                if dhcp and not fixed and gateway.version == version:
                    message = (
                        f"both dhcp{version} and the gateway {gateway} are set: there would be two "
                        "default routes"
                    )
                    hint = "remove it: DHCP provides the gateway"
                    yield Finding((*path, "gateway"), message, hint)


def check_gateway(inventory: Inventory) -> Iterator[Finding]:
    for path, interface in interfaces(inventory):
        for gateway in interface.gateway:
            # DHCP beside a gateway is said by dhcp-or-fixed.
            if not _is_link_local(gateway) and not interface.has_dhcp(gateway.version):
                yield from _unreachable((*path, "gateway"), interface, gateway)


def _is_link_local(gateway: IpAddress) -> bool:
    """Such an IPv6 gateway is in no network of an address, and on every link."""
    return gateway.version == 6 and gateway.is_link_local


def _unreachable(where: KeyPath, interface: Interface, gateway: IpAddress) -> Iterator[Finding]:
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
            path = ("hosts", host_name, "interfaces", name, "gateway")
            for gateway in interface.gateway:
                other = first.setdefault(gateway.version, path)
                learnt = _learnt_route(host, gateway.version)
                if other != path:
                    message = f"this is a second default route: the first is {SEE}"
                    yield Finding(path, message, see=other)
                elif interface.role != "management" and learnt is not None:
                    message = f"this is a second default route: DHCP gives the first ({SEE})"
                    see = ("hosts", host_name, "interfaces", learnt, f"dhcp{gateway.version}")
                    hint = "remove it: management interfaces have the default route"
                    yield Finding(path, message, hint, see=see)


def _learnt_route(host: Host, version: int) -> str | None:
    """The first management interface that gets its default route by DHCP."""
    for name, interface in host.interfaces.items():
        if interface.role == "management" and interface.has_dhcp(version):
            return name
    return None


def check_rack_gateway(inventory: Inventory) -> Iterator[Finding]:
    """A rack's gateway, seen from each host that would get it."""
    for host_name, host in inventory.hosts.items():
        rack = inventory.racks.get(host.rack or "")
        for gateway in rack.gateway if rack is not None else ():
            name = takes_gateway(host, gateway)
            if name is None:
                continue
            addresses = host.interfaces[name].addresses
            networks = [address.network for address in addresses]
            path = ("hosts", host_name, "interfaces", name, "addresses")
            where = ("racks", str(host.rack), "gateway")
            if any(gateway == address.ip for address in addresses):
                message = f"{gateway} is the gateway of rack {host.rack}: {SEE}"
                yield Finding(path, message, see=where)
            elif not _is_link_local(gateway) and not any(gateway in net for net in networks):
                message = (
                    f"{gateway}, the gateway of rack {host.rack}, is not in "
                    f"{' or '.join(map(str, networks))}: {SEE}"
                )
                yield Finding(path, message, f"give {name} its own gateway", see=where)


def check_default_route(inventory: Inventory) -> Iterator[Finding]:
    """A management interface with a fixed address of one IP version, and routes of the other only."""
    for host_name, host in inventory.hosts.items():
        routed = {
            v for v in VERSIONS if any(_routes(inventory, host, n, v) for n in host.interfaces)
        }
        for name, interface in host.interfaces.items():
            fixed = {a.version: a for a in interface.addresses}
            for version in sorted(fixed.keys() - routed) if interface.role == "management" else ():
                if routed:
                    path = ("hosts", host_name, "interfaces", name)
                    said = ", unless a router announces itself" if version == 6 else ""
                    message = (
                        f"{fixed[version]} reaches its own network only: the host has no default "
                        f"route for IPv{version}{said}"
                    )
                    hint = "add its gateway; with one of each version: gateway: [<IPv4>, <IPv6>]"
                    yield Finding((*path, "addresses"), message, hint)


def _routes(inventory: Inventory, host: Host, name: str, version: int) -> bool:
    gateways = gateways_of(inventory, host, name)
    return host.interfaces[name].has_dhcp(version) or any(g.version == version for g in gateways)


def check_networks_apart(inventory: Inventory) -> Iterator[Finding]:
    """Linux sends to a network through one interface, and answers ARP on all (ip-sysctl, arp_filter)."""
    for host_name, host in inventory.hosts.items():
        seen: list[tuple[str, int]] = []
        for name, interface in host.interfaces.items():
            for place, address in enumerate(interface.addresses):
                for other, index in seen:
                    there = host.interfaces[other].addresses[index].network
                    if (
                        other != name
                        and there.version == address.version
                        and (there.overlaps(address.network))
                    ):
                        base: KeyPath = ("hosts", host_name, "interfaces")
                        message = (
                            f"{address.network} is also reached through {other} ({SEE}): the node "
                            "answers through one of the two, whichever it was asked through"
                        )
                        hint = "give each interface a network of its own"
                        yield Finding(
                            (*base, name, "addresses", place), message, hint,
                            see=(*base, other, "addresses", index),
                        )  # fmt: skip
                seen.append((name, place))


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
        "A host has at most one gateway for IPv4 and one for IPv6, beside those DHCP gives to its "
        "management interfaces.",
        check_one_gateway,
    ),
    Rule(
        "host-default-route",
        "warning",
        "A host with addresses of both IP versions has default routes of both.",
        check_default_route,
    ),
    Rule(
        "host-networks-apart",
        "warning",
        "Two interfaces of a host have no network in common.",
        check_networks_apart,
    ),
)
