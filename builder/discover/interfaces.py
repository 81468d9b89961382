"""The interface of a port: which one is its own, what it is called, and its address."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from pydantic import TypeAdapter, ValidationError

from builder.catalog.interface_names import find_taken_name
from builder.discover.functions import ARPHRD_INFINIBAND, Function, Netdev
from builder.model.hardware import IfName, ModuleName
from builder.model.naming import ETHERNET, INFINIBAND, path_name
from builder.model.values import Mac, PciAddress
from builder.phrases import count_text, format_names, quote

# PCI Code and ID Assignment: InfiniBand controller.
INFINIBAND_KIND = "0x0207"
# net/core/net-sysfs.c, NET_ADDR_PERM.
PERMANENT = 0
# phys_port_name of a port that stands for a function behind the switch of a NIC
# (devlink_port_phys_port_name_get(), net/devlink).
REPRESENTOR = re.compile(r"(c\d+)?pf\d+((vf|sf)\d+)?")
MODULE: TypeAdapter[str] = TypeAdapter(ModuleName)
_IF_NAME: TypeAdapter[str] = TypeAdapter(IfName)
_MAC: TypeAdapter[str] = TypeAdapter(Mac)


def fits(adapter: TypeAdapter[str], value: str | None) -> str | None:
    """The value as the inventory takes it; None when it does not."""
    try:
        return adapter.validate_python(value)
    except ValidationError:
        return None


def own_netdevs(function: Function) -> tuple[Netdev, ...]:
    """The interfaces of the function's own ports, the first port's first: with switchdev its VFs'
    representors stand beside them.
    """
    own = (dev for dev in function.netdevs if not REPRESENTOR.fullmatch(dev.port_name or ""))
    return tuple(sorted(own, key=lambda dev: (dev.port, dev.name)))


def note_others(netdevs: Sequence[Netdev], notes: list[str]) -> None:
    """mlx4 and cxgb4: one function for all ports of a card. A .link file is for the function."""
    if len(netdevs) > 1:
        names = [dev.name for dev in netdevs]
        notes.append(
            f"has {count_text(len(names), 'interface')} ({format_names(names)}), and an inventory "
            f"can describe one port for each PCI function: {names[0]}; the node must not use "
            f"{'the other' if len(names) == 2 else 'the others'}"
        )


def is_infiniband(function: Function, netdev: Netdev | None) -> bool:
    if netdev is not None and netdev.kind is not None:
        return netdev.kind == ARPHRD_INFINIBAND
    return function.kind.startswith(INFINIBAND_KIND)


def name_port(
    function: Function,
    netdev: Netdev | None,
    ports: Sequence[Function],
    taken: Collection[str],
    notes: list[str],
) -> str:
    """What it is called now, if nothing speaks against it."""
    now = None if netdev is None else fits(_IF_NAME, netdev.name)
    given = None if now is None else find_taken_name(now)
    if now is not None and given is None and now not in taken:
        return now
    addresses = [PciAddress.parse(port.pci) for port in ports]
    prefix = INFINIBAND if is_infiniband(function, netdev) else ETHERNET
    name = path_name(PciAddress.parse(function.pci), addresses, prefix)
    if name in taken:  # an interface has the name that another's address would give
        name = f"p{function.pci[:4]}{function.pci[5:].replace(':', '').replace('.', '')}"
    why = "has no interface here now"
    if given is not None:
        why = f"its interface is {now} now, a name that {given.why}"
    elif function.has_net:
        why = "has its interface in another network namespace"
    elif not function.is_whole:
        why = "its interface is not recorded"
    notes.append(f"{why}: named by its address, as systemd-udevd does")
    return name


def permanent_mac(netdev: Netdev | None, notes: list[str]) -> str | None:
    """The card's own address."""
    if netdev is None or netdev.kind == ARPHRD_INFINIBAND:  # 20 bytes, and no MAC address
        return None
    if netdev.permanent is not None:
        return fits(_MAC, netdev.permanent)
    if netdev.assigned != PERMANENT:
        seen = "is not recorded" if netdev.assigned is None else f"is {netdev.assigned}"
        notes.append(
            f"its MAC address is left out: {quote(netdev.address or '')} may not be the card's own "
            f"(addr_assign_type {seen}); ethtool -P {netdev.name} shows that"
        )
        return None
    return fits(_MAC, netdev.address)
