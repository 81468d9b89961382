"""What a host's management interface takes from its rack."""

from __future__ import annotations

from builder.model.addresses import IpAddress
from builder.model.inventory import Host, Inventory


def gateways_of(inventory: Inventory, host: Host, name: str) -> tuple[IpAddress, ...]:
    """The interface's own gateways; and its rack's, where the host has none of that IP version.

    A rack's gateway is for the first management interface with a fixed address of its kind:
    DHCP brings its own.
    """
    rack = inventory.racks.get(host.rack or "")
    given = () if rack is None else rack.gateway
    inherited = tuple(g for g in given if takes_gateway(host, g) == name)
    return (*host.interfaces[name].gateway, *inherited)


def takes_gateway(host: Host, gateway: IpAddress) -> str | None:
    """The interface that gets this gateway of its rack."""
    own = (g for interface in host.interfaces.values() for g in interface.gateway)
    if any(g.version == gateway.version for g in own):
        return None
    for name, interface in host.interfaces.items():
        kinds = {address.version for address in interface.addresses}
        if interface.role == "management" and gateway.version in kinds:
            return name
    return None


def nameservers_of(inventory: Inventory, host: Host, name: str) -> tuple[IpAddress, ...]:
    """The interface's own, else those of the rack for a management interface."""
    interface = host.interfaces[name]
    rack = inventory.racks.get(host.rack or "")
    if interface.nameservers or rack is None or interface.role != "management":
        return interface.nameservers
    return rack.nameservers
