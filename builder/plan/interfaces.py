"""Kernel interfaces of a host, as netplan sets them up."""

from __future__ import annotations

from builder.diagnostics import KeyPath, Marks
from builder.model.addresses import IpAddress
from builder.model.inventory import Host, Interface, Inventory
from builder.model.racks import gateway_of, nameservers_of
from builder.plan.inputs import origin
from builder.plan.nouns.host import InterfacePlan
from builder.plan.nouns.why import Why


def plan_interfaces(inventory: Inventory, marks: Marks, hostname: str) -> tuple[InterfacePlan, ...]:
    """Interfaces in inventory order; one the class has no NIC for is the rules' matter."""
    host = inventory.hosts[hostname]
    hardware = inventory.hardware[host.hardware]
    plans: list[InterfacePlan] = []
    for name, interface in host.interfaces.items():
        nic = hardware.nic(name)
        if nic is None:
            continue
        gateway = gateway_of(inventory, host, name)
        servers = nameservers_of(inventory, host, name)
        plans.append(
            InterfacePlan(
                name=name,
                pci=nic.pci,
                role=interface.role,
                dhcp4=interface.dhcp4,
                dhcp6=interface.dhcp6,
                addresses=tuple(str(address) for address in interface.addresses),
                gateway=None if gateway is None else str(gateway),
                nameservers=tuple(str(server) for server in servers),
                mtu=interface.mtu,
                mac=interface.mac,
                why=_explain(marks, hostname, host, name, _inherited(interface, gateway, servers)),
            )
        )
    return tuple(plans)


def _inherited(
    interface: Interface, gateway: IpAddress | None, servers: tuple[IpAddress, ...]
) -> tuple[str, ...]:
    """What the interface has, but not by its own keys: names of the rack's keys."""
    return (
        *(("gateway",) if gateway != interface.gateway else ()),
        *(("nameservers",) if servers != interface.nameservers else ()),
    )


def _explain(marks: Marks, hostname: str, host: Host, name: str, inherited: tuple[str, ...]) -> Why:
    interface = host.interfaces[name]
    reason = f"{interface.role} interface of {hostname}, as the inventory has it"
    paths: list[KeyPath] = [("hosts", hostname, "interfaces", name)]
    if inherited and host.rack is not None:
        reason += f"; {' and '.join(inherited)} of rack {host.rack}"
        paths += [("racks", host.rack, key) for key in inherited]
    return Why(reason, tuple(origin(marks, path) for path in paths))
