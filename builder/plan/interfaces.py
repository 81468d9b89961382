"""Kernel interfaces of a host, as netplan sets them up."""

from __future__ import annotations

from builder.diagnostics import KeyPath, Marks
from builder.model.inventory import Host, Interface, Inventory
from builder.model.racks import gateway_of, nameservers_of
from builder.plan.inputs import origin
from builder.plan.types import InterfacePlan
from builder.plan.why import Why


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
                why=_explain(marks, hostname, host, name),
            )
        )
    return tuple(plans)


def _explain(marks: Marks, hostname: str, host: Host, name: str) -> Why:
    interface = host.interfaces[name]
    reason = f"{interface.role} interface of {hostname}, as the inventory has it"
    paths: list[KeyPath] = [("hosts", hostname, "interfaces", name)]
    if host.rack is not None and _could_inherit(interface):
        reason += f"; what it leaves out is that of rack {host.rack}"
        paths.append(("racks", host.rack))
    return Why(reason, tuple(origin(marks, path) for path in paths if path in marks.keys))


def _could_inherit(interface: Interface) -> bool:
    return interface.role == "management" and not (interface.gateway and interface.nameservers)
