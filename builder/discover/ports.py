"""The network ports of a machine as an inventory has them, and what could not be read of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.catalog.interface_names import find_taken_name
from builder.catalog.modules import module_name
from builder.catalog.nic_types import NicType
from builder.catalog.nics import find_nic_type
from builder.discover.machine import DEVICES, Function, Machine, Netdev
from builder.errors import BuilderError
from builder.model.hardware import DeviceId, IfName, ModuleName
from builder.model.naming import ETHERNET, INFINIBAND, path_name
from builder.model.values import Mac, PciAddress
from builder.phrases import count_text, quote

# PCI Code and ID Assignment: 02 00 Ethernet, 02 07 InfiniBand; 02 80 is also wireless.
INFINIBAND_KIND = "0x0207"
PORT_KINDS = ("0x0200", INFINIBAND_KIND)
# net/core/net-sysfs.c, NET_ADDR_PERM.
PERMANENT = 0
# phys_port_name of a port that stands for a function behind the switch of a NIC
# (devlink_port_phys_port_name_get(), net/devlink).
REPRESENTOR = re.compile(r"(c\d+)?pf\d+((vf|sf)\d+)?")
_IF_NAME: TypeAdapter[str] = TypeAdapter(IfName)
_MODULE: TypeAdapter[str] = TypeAdapter(ModuleName)
_DEVICE_ID: TypeAdapter[str] = TypeAdapter(DeviceId)
_MAC: TypeAdapter[str] = TypeAdapter(Mac)


@dataclass(frozen=True, slots=True)
class FoundNic:
    """A port. kernel_name, bound: interface and driver it has now; mac: its permanent address.

    notes: what was assumed.
    """

    pci: str
    id: str
    driver: str
    name: str
    numa: int | None
    kernel_name: str | None = None
    bound: str | None = None
    mac: str | None = None
    master: str | None = None
    notes: tuple[str, ...] = ()


def fits(adapter: TypeAdapter[str], value: str | None) -> str | None:
    """The value as the inventory takes it; None when it does not."""
    try:
        return adapter.validate_python(value)
    except ValidationError:
        return None


def find_nics(machine: Machine, nodes: int) -> tuple[tuple[FoundNic, ...], tuple[str, ...]]:
    """Ports in order of their address, and what was left out of them."""
    notes: list[str] = []
    ports = [function for function in machine.functions if _is_port(function, notes)]
    if not ports:
        raise BuilderError(
            f"{DEVICES} has no network port, and an inventory needs one",
            hint="class 0x0200 or 0x0207; does a driver or a firmware setting hide them?",
        )
    vfs = sum(function.is_vf for function in machine.functions)
    if vfs:
        notes.append(f"left out: {count_text(vfs, 'VF')}, which a profile creates")
    names: set[str] = set()
    found: list[FoundNic] = []
    for function in sorted(ports, key=lambda port: PciAddress.parse(port.pci)):
        nic = _find_nic(function, ports, nodes, names)
        names.add(nic.name)
        found.append(nic)
    return tuple(found), tuple(notes)


def _is_port(function: Function, notes: list[str]) -> bool:
    if function.is_vf:
        return False
    try:
        PciAddress.parse(function.pci)
    except ValueError as fault:
        notes.append(f"left out: {fault}")
        return False
    if not function.kind.startswith(PORT_KINDS):
        notes.append(
            f"{function.pci} is left out: class {quote(function.kind)} is not a wired port"
        )
        return False
    if fits(_DEVICE_ID, function.id) is None:
        notes.append(f"{function.pci} is left out: its vendor and device could not be read")
        return False
    return True


def _find_nic(
    function: Function, ports: Sequence[Function], nodes: int, taken: set[str]
) -> FoundNic:
    notes: list[str] = []
    device_id = fits(_DEVICE_ID, function.id) or ""
    kind = find_nic_type(device_id)
    netdev = _own_netdev(function)
    _note_vfs(function, kind, notes)
    return FoundNic(
        pci=function.pci,
        id=device_id,
        driver=_driver(function, kind, notes),
        name=_name(function, netdev, ports, taken, notes),
        numa=_numa(function, nodes, notes),
        kernel_name=None if netdev is None else netdev.name,
        bound=function.driver,
        mac=_mac(netdev, notes),
        master=None if netdev is None else netdev.master,
        notes=tuple(notes),
    )


def _own_netdev(function: Function) -> Netdev | None:
    """The port's own interface: with switchdev its VFs' representors stand beside it."""
    return next(
        (dev for dev in function.netdevs if not REPRESENTOR.fullmatch(dev.port_name or "")), None
    )


def _driver(function: Function, kind: NicType | None, notes: list[str]) -> str:
    bound = None if function.driver in DPDK_DRIVERS else fits(_MODULE, function.driver)
    if kind is not None:
        if function.driver is None:
            notes.append(f"it has no driver now; the driver of {kind.name} is {kind.driver.name}")
        elif bound is None:
            notes.append(
                f"bound to {function.driver} now; the driver of {kind.name} is {kind.driver.name}"
            )
        elif module_name(bound) != module_name(kind.driver.name):
            notes.append(
                f"bound to {bound} now, not to {kind.driver.name}, the driver of {kind.name}"
            )
        return kind.driver.name
    if bound is not None:
        return bound
    notes.append(
        f"its kernel driver is not known ({function.driver or 'no driver'} has it, and "
        f"{function.id} is not in the NIC table): replace `unknown`, modinfo and "
        f"/{DEVICES}/{function.pci}/modalias help to find it"
    )
    return "unknown"


def _name(
    function: Function,
    netdev: Netdev | None,
    ports: Sequence[Function],
    taken: set[str],
    notes: list[str],
) -> str:
    now = None if netdev is None else fits(_IF_NAME, netdev.name)
    given = None if now is None else find_taken_name(now)
    if now is not None and given is None and now not in taken:
        return now
    addresses = [PciAddress.parse(port.pci) for port in ports]
    prefix = INFINIBAND if function.kind.startswith(INFINIBAND_KIND) else ETHERNET
    name = path_name(PciAddress.parse(function.pci), addresses, prefix)
    if name in taken:  # an interface has the name that another's address would give
        name = f"p{function.pci[:4]}{function.pci[5:].replace(':', '').replace('.', '')}"
    why = "has no interface here now"
    if given is not None:
        why = f"its interface is {now} now, a name that {given.why}"
    elif function.has_net:
        why = "has its interface in another network namespace"
    notes.append(f"{why}: named by its address, as systemd-udevd does")
    return name


def _numa(function: Function, nodes: int, notes: list[str]) -> int | None:
    numa = function.numa
    if numa is not None and 0 <= numa < nodes:
        return numa
    if nodes > 1:
        said = "not readable" if numa is None else numa
        notes.append(
            f"its NUMA node is not known (numa_node is {said}): the manual of the board says "
            "which socket its slot belongs to"
        )
    return None


def _mac(netdev: Netdev | None, notes: list[str]) -> str | None:
    if netdev is None:
        return None
    if netdev.permanent is not None:
        return fits(_MAC, netdev.permanent)
    if netdev.assigned != PERMANENT:
        notes.append(
            f"its MAC address is left out: {quote(netdev.address or '')} may not be the card's own "
            f"(addr_assign_type is {netdev.assigned}); ethtool -P {netdev.name} shows that"
        )
        return None
    return fits(_MAC, netdev.address)


def _note_vfs(function: Function, kind: NicType | None, notes: list[str]) -> None:
    if kind is None or not kind.total_vfs or function.total_vfs:
        return
    said = "has no sriov_totalvfs" if function.total_vfs is None else "sriov_totalvfs is 0"
    notes.append(
        f"{said}, though {kind.name} can have {kind.total_vfs} VFs: SR-IOV is off in the firmware "
        "of the machine or of the card"
    )
