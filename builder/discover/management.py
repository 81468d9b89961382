"""Which port is the management port: the one under the routes the machine has now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from builder.discover.machine import Machine
from builder.discover.ports import FoundNic
from builder.discover.routes import ROUTES, Layer
from builder.phrases import one_line


def find_management(machine: Machine, nics: Sequence[FoundNic], notes: list[str]) -> FoundNic:
    for interface in machine.routes:
        nic = _find_port(interface, machine.layers, nics)
        if nic is not None:
            notes.append(_told(interface, nic, machine))
            return nic
    first = next((nic for nic in nics if nic.kernel_name is not None), nics[0])
    why = "no port has an IPv4 route"
    if ROUTES in machine.faults:
        why = f"the routes are not known ({ROUTES}: {machine.faults[ROUTES]})"
    elif machine.routes:
        why = f"no port is known to be under {one_line(machine.routes[0])}, which has the routes"
    notes.append(f"{why}: {first.name} is assumed to be the management port, with DHCP")
    return first


def _find_port(
    interface: str, layers: Mapping[str, Layer], nics: Sequence[FoundNic]
) -> FoundNic | None:
    """The first port the interface stands on, by what is told above and below."""
    under = [interface, *_below(interface, layers)]
    for name in under:
        for nic in nics:
            if name in {nic.kernel_name, *nic.others} - {None}:
                return nic
    return next((nic for nic in nics if nic.master in under), None)


def _below(
    interface: str, layers: Mapping[str, Layer], above: tuple[str, ...] = ()
) -> Iterator[str]:
    """above: those on it; a damaged copy may have a circle."""
    layer = layers.get(interface)
    for lower in layer.lowers if layer is not None else ():
        if lower not in above:
            yield lower
            yield from _below(lower, layers, (*above, interface))


def _told(interface: str, nic: FoundNic, machine: Machine) -> str:
    routes = "IPv6 routes" if machine.ipv6 else "routes"
    if interface == nic.kernel_name:
        return f"{nic.name} has the {routes} now: assumed to be the management port, with DHCP"
    if interface in nic.others:
        return (
            f"{interface} has the {routes} now, which is not the first interface of {nic.pci} and "
            f"so cannot be described: {nic.name} is assumed to be the management port, with DHCP"
        )
    stack = _stack(interface, machine.layers) or f"{interface} on {nic.kernel_name}"
    return one_line(
        f"the {routes} are on {stack} now, and an inventory describes no such interfaces: "
        f"{nic.name}, which is under it, is assumed to be the management port, with DHCP"
    )


def _stack(interface: str, layers: Mapping[str, Layer], above: tuple[str, ...] = ()) -> str:
    """`VLAN bond0.100 on bond bond0 on enp1s0f0 and enp1s0f1`; empty: nothing is known."""
    layer = layers.get(interface)
    if layer is None or interface in above:
        return ""
    lowers = [_stack(lower, layers, (*above, interface)) or lower for lower in layer.lowers]
    return f"{layer.kind} {interface}" + (f" on {' and '.join(lowers)}" if lowers else "")
