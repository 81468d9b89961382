"""The network ports of a machine as an inventory has them, and what could not be read of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.catalog.modules import module_name
from builder.catalog.nic_types import NicType
from builder.catalog.nics import find_nic_type, passed_through, unlisted_nic_type
from builder.catalog.port_drivers import port_driver
from builder.discover.card import Card, FoundSriov, find_sriov
from builder.discover.cpu_sets import parse_list
from builder.discover.functions import DEVICES, Function, Sriov
from builder.discover.interfaces import (
    INFINIBAND_KIND,
    MODULE,
    fits,
    is_infiniband,
    name_port,
    note_others,
    own_netdevs,
    permanent_mac,
)
from builder.discover.machine import Machine
from builder.discover.vfs import FoundVfs, find_vfs, line_for
from builder.errors import BuilderError
from builder.model.hardware import UNKNOWN_DRIVER, DeviceId
from builder.model.values import CpuSet, PciAddress
from builder.phrases import count_text, format_names, quote

# PCI Code and ID Assignment: 02 00 Ethernet; 02 80 is mostly wireless, but also mlx4 and others
# whose ports are either Ethernet or InfiniBand.
PORT_KINDS = ("0x0200", INFINIBAND_KIND)
OTHER_KIND = "0x0280"
_DEVICE_ID: TypeAdapter[str] = TypeAdapter(DeviceId)


@dataclass(frozen=True, slots=True)
class FoundNic:
    """A port. kernel_name, bound: interface and driver it has now; mac: its permanent address.

    others: further interfaces of the same function. card_ports: how many ports its card has, where
    cards of the model differ in that and VFs depend on it. sriov: what the inventory must say of its VFs;
    capability: what the kernel does, with total 0 for none. notes: what was assumed.
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
    others: tuple[str, ...] = ()
    card_ports: int | None = None
    sriov: FoundSriov | None = None
    capability: Sriov = field(default_factory=Sriov)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """What the description of one port takes from its machine."""

    ports: Sequence[Function]
    functions: Sequence[Function]
    nodes: Sequence[CpuSet]
    is_virtual: bool


def find_nics(
    machine: Machine, nodes: Sequence[CpuSet], *, is_virtual: bool = False
) -> tuple[tuple[FoundNic, ...], tuple[str, ...]]:
    """Ports in order of their address, and what was left out of them. nodes: CPUs of the
    machine's NUMA nodes; is_virtual: whether it is a virtual one.
    """
    notes: list[str] = []
    vfs = find_vfs(machine.functions)
    # In a virtual machine a VF is a port like any other, and nothing else would make it.
    left_out = vfs.own if is_virtual else (*vfs.own, *vfs.given)
    ports = [
        function
        for function in machine.functions
        if function not in left_out and _is_port(function, notes)
    ]
    if not ports:
        raise _no_port(machine, vfs)
    notes += _notes_left_out(machine, vfs, is_virtual=is_virtual)
    place = _Place(ports, machine.functions, nodes, is_virtual)
    names: set[str] = set()
    found: list[FoundNic] = []
    for function in sorted(ports, key=lambda port: PciAddress.parse(port.pci)):
        nic = _find_nic(function, place, names)
        names.add(nic.name)
        found.append(nic)
    return tuple(found), tuple(notes)


def _no_port(machine: Machine, vfs: FoundVfs) -> BuilderError:
    message = f"{DEVICES} has no network port, and an inventory needs one"
    hint = "class 0x0200 or 0x0207; does a driver or a firmware setting hide them?"
    fault = machine.faults.get(DEVICES)
    if fault is not None:
        message = f"{DEVICES} cannot be read ({fault}), and an inventory needs a network port"
        hint = "copy it too"
    elif vfs.given:
        message += f": {_given_text(vfs)}"
        hint = (
            "a virtual machine that was given VFs; describe the machine that has their PF, or, to "
            f"use them as ports, write nics: [{', '.join(line_for(vf) for vf in vfs.given)}]"
        )
    elif machine.lost:
        hint = f"{_lost_text(machine)}; copy what the links there lead to, too (cp -rL)"
    return BuilderError(message, hint=hint)


def _given_text(vfs: FoundVfs) -> str:
    names = format_names(f"{vf.pci} ({vf.id})" for vf in vfs.given)
    return f"{names} {'is a VF' if len(vfs.given) == 1 else 'are VFs'} whose PF is not there"


def _lost_text(machine: Machine) -> str:
    return f"{count_text(len(machine.lost), 'device')} cannot be read: {format_names(machine.lost)}"


def _notes_left_out(machine: Machine, vfs: FoundVfs, *, is_virtual: bool) -> list[str]:
    notes: list[str] = []
    if vfs.own:
        notes.append(f"left out: {count_text(len(vfs.own), 'VF')}, which a profile creates")
    if vfs.given and is_virtual:
        notes.append(f"{_given_text(vfs)}: of the host of this virtual machine, taken as a port")
    elif vfs.given:
        notes.append(f"left out: {_given_text(vfs)}; to use it as a port of this machine, add:")
        notes += [f"- {line_for(vf)}" for vf in vfs.given]
    if machine.lost:
        notes.append(f"left out: {_lost_text(machine)}")
    return notes


def _is_port(function: Function, notes: list[str]) -> bool:
    try:
        PciAddress.parse(function.pci)
    except ValueError as fault:
        notes.append(f"left out: {fault}")
        return False
    if not _is_wired(function):
        notes.append(
            f"{function.pci} is left out: class {quote(function.kind)} is not a wired port"
        )
        return False
    if fits(_DEVICE_ID, function.id) is None:
        notes.append(f"{function.pci} is left out: its vendor and device could not be read")
        return False
    return True


def _is_wired(function: Function) -> bool:
    if function.kind.startswith(OTHER_KIND):
        known = port_driver(function.driver or "").is_known
        return known or find_nic_type(function.id or "") is not None
    return function.kind.startswith(PORT_KINDS)


def _find_nic(function: Function, place: _Place, taken: set[str]) -> FoundNic:
    notes: list[str] = []
    device_id = fits(_DEVICE_ID, function.id) or ""
    netdevs = own_netdevs(function)
    netdev = netdevs[0] if netdevs else None
    known = find_nic_type(device_id) or passed_through(device_id)
    driver = _driver(function, known, notes)
    model = known or unlisted_nic_type(device_id, driver)
    count = _count_ports(function, place.ports)
    card = Card(function, model, count, place.functions, place.is_virtual)
    sriov = find_sriov(card, notes)
    if is_infiniband(function, netdev):
        notes.append(
            "InfiniBand now: Open vSwitch with DPDK needs Ethernet, which the card may be set to "
            f"(mlxconfig -d {function.pci} set LINK_TYPE_P1=2)"
        )
    note_others(netdevs, notes)
    return FoundNic(
        pci=function.pci,
        id=device_id,
        driver=driver,
        name=name_port(function, netdev, place.ports, taken, notes),
        numa=_numa(function, place.nodes, notes),
        kernel_name=None if netdev is None else netdev.name,
        bound=function.driver,
        mac=permanent_mac(netdev, notes),
        master=None if netdev is None else netdev.master,
        others=tuple(dev.name for dev in netdevs[1:]),
        card_ports=count if sriov is None and _depends_on_ports(model, count) else None,
        sriov=sriov,
        capability=_capability(function),
        notes=tuple(notes),
    )


def _depends_on_ports(model: NicType, count: int) -> bool:
    """Whether an inventory would not be sure how many ports the card has, and must be. Where there
    are fewer than any such card has, some are not shown, as in a virtual machine.
    """
    likely = model.likely_ports(count)
    return model.total_vfs > 0 and model.has_blocks and count in likely and len(likely) > 1


def _capability(function: Function) -> Sriov:
    """Total 0: none; None: it is not recorded."""
    if function.sriov.total is None and function.tells_sriov:
        return replace(function.sriov, total=0)
    return function.sriov


def _count_ports(function: Function, ports: Sequence[Function]) -> int:
    """As `count_card_ports` does for an inventory with these ports."""
    highest = max(
        PciAddress.parse(port.pci).function for port in ports if port.pci[:-1] == function.pci[:-1]
    )
    return int(1 << highest.bit_length())


def _driver(function: Function, kind: NicType | None, notes: list[str]) -> str:
    bound = None if function.driver in DPDK_DRIVERS else fits(MODULE, function.driver)
    if kind is not None:
        own = f"the driver of {kind.name} is {kind.driver.name}"
        if function.driver is None:
            has = "it has no driver now" if function.is_whole else "its driver now is not recorded"
            notes.append(f"{has}; {own}")
        elif bound is None:
            notes.append(f"bound to {function.driver} now; {own}")
        elif module_name(bound) != module_name(kind.driver.name):
            notes.append(
                f"bound to {bound} now, not to {kind.driver.name}, the driver of {kind.name}"
            )
        return kind.driver.name
    if bound is not None:
        return bound
    has = f"{function.driver or 'no driver'} has it"
    if function.driver is None and not function.is_whole:
        has = "it is not recorded"
    notes.append(
        f"its kernel driver is not known ({has}, and "
        f"{function.id} is not in the NIC table): replace `unknown`, modinfo and "
        f"/{DEVICES}/{function.pci}/modalias help to find it; check refuses it until then"
    )
    return UNKNOWN_DRIVER


def _numa(function: Function, nodes: Sequence[CpuSet], notes: list[str]) -> int | None:
    numa = function.numa
    if numa is None:
        local = parse_list(function.local_cpus, f"{DEVICES}/{function.pci}/local_cpulist")
        numa = nodes.index(local) if local and local in nodes else None
    if numa is not None and 0 <= numa < len(nodes):
        return numa
    if len(nodes) > 1 or (numa is not None and numa > 0):
        said = "not readable" if numa is None else numa
        notes.append(
            f"its NUMA node is not known (numa_node is {said}): the manual of the board says "
            "which socket its slot belongs to"
        )
    return None
