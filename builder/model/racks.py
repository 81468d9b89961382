"""What a host's management interface takes from its rack."""

from __future__ import annotations

from builder.model.addresses import IpAddress
from builder.model.inventory import Host, Inventory


def gateway_of(inventory: Inventory, host: Host, name: str) -> IpAddress | None:
    """The interface's own gateway; else, when the host has none at all, its rack's.

    A rack's gateway is for the first management interface with a fixed address of its kind:
    DHCP brings its own.
    """
    own = host.interfaces[name].gateway
    rack = inventory.racks.get(host.rack or "")
    if own is not None or rack is None or rack.gateway is None:
        return own
    if any(interface.gateway is not None for interface in host.interfaces.values()):
        return None
    return rack.gateway if name == gateway_interface(inventory, host) else None


def gateway_interface(inventory: Inventory, host: Host) -> str | None:
    """The interface that gets the rack's gateway."""
    rack = inventory.racks.get(host.rack or "")
    if rack is None or rack.gateway is None:
        return None
    for name, interface in host.interfaces.items():
        kinds = {address.version for address in interface.addresses}
        if interface.role == "management" and rack.gateway.version in kinds:
            return name
    return None


def nameservers_of(inventory: Inventory, host: Host, name: str) -> tuple[IpAddress, ...]:
    """The interface's own, else those of the rack for a management interface."""
    interface = host.interfaces[name]
    rack = inventory.racks.get(host.rack or "")
    if interface.nameservers or rack is None or interface.role != "management":
        return interface.nameservers
    return rack.nameservers
