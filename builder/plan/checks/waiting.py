"""What a boot waits for in vain, by the release."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from builder.catalog.releases import OsRelease
from builder.catalog.versions import Version
from builder.model.inventory import Host, Inventory
from builder.model.racks import nameservers_of
from builder.rule import Finding, Rule

# netplan 1.2, src/networkd.c: systemd-networkd-wait-online --any --dns -o routable.
WAITS_FOR_DNS = Version(1, 2)


@dataclass(frozen=True, slots=True)
class Fleet:
    """All hosts, and the release their images are of."""

    inventory: Inventory
    release: OsRelease


def check_name_servers(fleet: Fleet) -> Iterator[Finding]:
    """Systemd's --dns is content with one that is set or came by DHCP (networkd-wait-online)."""
    if fleet.release.netplan < WAITS_FOR_DNS:
        return
    for name, host in fleet.inventory.hosts.items():
        waited_for = _management(host)
        if not waited_for or any(_has_dns(fleet.inventory, host, port) for port in waited_for):
            continue
        message = (
            f"no management interface of {name} has a name server: netplan "
            f"{fleet.release.netplan} of {fleet.release.id} waits for one, so each boot takes two "
            "minutes longer and ends with a failed unit"
        )
        hint = "add nameservers, to the interface or to its rack"
        yield Finding(("hosts", name, "interfaces", waited_for[0]), message, hint, at_key=True)


def _management(host: Host) -> list[str]:
    """The interfaces a boot waits for; the others are optional."""
    return [name for name, port in host.interfaces.items() if port.role == "management"]


def _has_dns(inventory: Inventory, host: Host, name: str) -> bool:
    return host.interfaces[name].uses_dhcp or bool(nameservers_of(inventory, host, name))


RULES: tuple[Rule[Fleet], ...] = (
    Rule(
        "plan-name-servers",
        "warning",
        "A host has a name server where its boot waits for one.",
        check_name_servers,
    ),
)
