"""Kernel interfaces of a host, as netplan sets them up."""

from __future__ import annotations

from builder.diagnostics import Marks
from builder.model.inventory import Inventory
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
        where = origin(marks, ("hosts", hostname, "interfaces", name))
        plans.append(
            InterfacePlan(
                name=name,
                pci=nic.pci,
                role=interface.role,
                dhcp4=interface.dhcp4,
                dhcp6=interface.dhcp6,
                addresses=tuple(str(address) for address in interface.addresses),
                gateway=None if interface.gateway is None else str(interface.gateway),
                nameservers=tuple(str(server) for server in interface.nameservers),
                mtu=interface.mtu,
                mac=interface.mac,
                why=Why(
                    f"{interface.role} interface of {hostname}, as the inventory has it", (where,)
                ),
            )
        )
    return tuple(plans)
