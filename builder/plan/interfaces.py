"""Kernel interfaces of a host, as netplan sets them up."""

from __future__ import annotations

from builder.diagnostics import KeyPath, Marks
from builder.model.addresses import IpAddress
from builder.model.inventory import Host, Interface, Inventory
from builder.model.racks import gateways_of, nameservers_of
from builder.plan.inputs import origin
from builder.plan.nouns.host import InterfacePlan
from builder.plan.nouns.why import Why

# After all others.
LAST_METRIC = 2000


def plan_interfaces(inventory: Inventory, marks: Marks, hostname: str) -> tuple[InterfacePlan, ...]:
    """Interfaces in inventory order; one the class has no NIC for is the rules' matter."""
    host = inventory.hosts[hostname]
    routed = _routed(inventory, host)
    has_dns = any(host.interfaces[n].dhcp4 or nameservers_of(inventory, host, n) for n in routed)
    hardware = inventory.hardware[host.hardware]
    plans: list[InterfacePlan] = []
    for name, interface in host.interfaces.items():
        nic = hardware.nic(name)
        if nic is None:
            continue
        gateways = gateways_of(inventory, host, name)
        used = not routed or name in routed or interface.role == "management"
        servers = nameservers_of(inventory, host, name)
        plans.append(
            InterfacePlan(
                name=name,
                pci=nic.pci,
                role=interface.role,
                dhcp4=interface.dhcp4,
                dhcp6=interface.dhcp6,
                addresses=tuple(str(address) for address in interface.addresses),
                gateways=tuple(str(gateway) for gateway in gateways),
                nameservers=tuple(str(server) for server in servers),
                mtu=interface.mtu,
                mac=interface.mac,
                why=_explain(
                    marks, hostname, host, name, _inherited(interface, gateways, servers), routed
                ),
                routes=used,
                metric=_metric(routed, name, interface),
                dns=used or not has_dns,
            )
        )
    return tuple(plans)


def _routed(inventory: Inventory, host: Host) -> tuple[str, ...]:
    """Interfaces that give the host its default routes, the one that comes first before others.

    Those for management; of a host whose management has none, the first interface that could.
    """
    able = [
        name
        for name, interface in host.interfaces.items()
        if interface.uses_dhcp or gateways_of(inventory, host, name)
    ]
    management = [name for name in able if host.interfaces[name].role == "management"]
    return tuple(management or able[:1])


def _metric(routed: tuple[str, ...], name: str, interface: Interface) -> int | None:
    """In order of the inventory; netplan gives all that is learnt by DHCP the same, 100."""
    if name not in routed:
        # Of a router's announcements, which DHCPv6 needs, the route cannot be left out.
        return LAST_METRIC if interface.dhcp6 else None
    return 100 * (routed.index(name) + 1) if len(routed) > 1 else None


def _inherited(
    interface: Interface, gateways: tuple[IpAddress, ...], servers: tuple[IpAddress, ...]
) -> tuple[str, ...]:
    """What the interface has, but not by its own keys: names of the rack's keys."""
    return (
        *(("gateway",) if gateways != interface.gateway else ()),
        *(("nameservers",) if servers != interface.nameservers else ()),
    )


def _explain(
    marks: Marks,
    hostname: str,
    host: Host,
    name: str,
    inherited: tuple[str, ...],
    routed: tuple[str, ...],
) -> Why:
    interface = host.interfaces[name]
    reason = f"{interface.role} interface of {hostname}, as the inventory has it"
    paths: list[KeyPath] = [("hosts", hostname, "interfaces", name)]
    if inherited and host.rack is not None:
        reason += f"; {' and '.join(inherited)} of rack {host.rack}"
        paths += [("racks", host.rack, key) for key in inherited]
    if routed and name not in routed and interface.uses_dhcp:
        reason += f"; {routed[0]} has the default route, so no route of DHCP is used here"
    if len(routed) > 1 and name in routed:
        order = "first" if name == routed[0] else f"after {routed[0]}, in order of the inventory"
        reason += f"; its default route comes {order}"
    return Why(reason, tuple(origin(marks, path) for path in paths))
