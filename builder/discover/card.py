"""The SR-IOV capability of a port beside what the NIC table says of its model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.catalog.nic_types import NicType
from builder.catalog.nics import described_vf
from builder.discover.functions import DEVICES, Function, Sriov
from builder.discover.interfaces import MODULE, fits
from builder.discover.vfs import vf_id_of
from builder.model.values import PciAddress
from builder.phrases import count_text

# What an inventory's `sriov` takes; offset and stride have 16 bits.
MOST_VFS = 256
FURTHEST = 65535


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a port's VFs are, as `sriov` of an inventory says it."""

    total: int
    offset: int
    stride: int


@dataclass(frozen=True, slots=True)
class Card:
    """A port with what its SR-IOV hangs on. ports: how many the card has; functions: all of the
    machine; is_virtual: whether the machine is a virtual one.
    """

    function: Function
    model: NicType
    ports: int
    functions: Sequence[Function]
    is_virtual: bool


@dataclass(frozen=True, slots=True)
class FoundSriov:
    """`sriov` of a port that the NIC table does not describe as it is."""

    layout: Layout
    vf_id: str | None
    vf_driver: str | None


def real_layout(sriov: Sriov) -> Layout | None:
    """What the kernel tells; None: no VFs, or not all of it is told."""
    if not sriov.total or not sriov.offset or not sriov.stride:
        return None
    if max(sriov.offset, sriov.stride) > FURTHEST or min(sriov.offset, sriov.stride) < 0:
        return None
    return Layout(min(sriov.total, MOST_VFS), sriov.offset, sriov.stride)


def planned_layout(model: NicType, function: int, ports: int, wanted: int = 0) -> Layout:
    """What is planned with for this port of a card with `ports` ports. wanted: most VFs of any of
    them, for which a card that is set to fewer must be set.
    """
    total = model.most_vfs(ports)
    if model.vfs_in_card:
        total = max(min(model.block(ports), model.total_vfs), wanted)
    offset = model.first_vf_offset(function, ports, wanted)
    return Layout(total, offset, model.vf_stride)


def within_driver(model: NicType, real: Layout, planned: Layout) -> Layout:
    """What the port's own driver makes of it: igb and ixgbe keep a share of the card's for the PF
    (pci_sriov_set_totalvfs()), and with another driver sriov_totalvfs is the card's.
    """
    if model.driver.max_vfs and real.total > planned.total:
        return Layout(planned.total, real.offset, real.stride)
    return real


def find_sriov(card: Card, notes: list[str]) -> FoundSriov | None:
    """What an inventory must say of the port's VFs; None: what the table says is right."""
    function, model = card.function, card.model
    if not function.sriov.total:
        _note_none(card, notes)
        return None
    number = PciAddress.parse(function.pci).function
    planned = planned_layout(model, number, card.ports) if model.is_listed else None
    real = real_layout(function.sriov)
    if real is None:
        _note_unknown(card, planned, notes)
        return None
    if planned is not None:
        real = within_driver(model, real, planned)
    vf_id = vf_id_of(function.id, function.sriov)
    differs = _differs(model, planned, real, vf_id)
    if not differs:
        return None
    notes.append("sriov is as the machine has it: " + "; ".join(differs))
    if model.vfs_in_card:
        notes.append("the number of VFs is a setting of the card: discover again if you change it")
    known_id = model.vf.device_id if model.vf is not None else None
    told = None if vf_id == known_id else vf_id
    return FoundSriov(real, told, _vf_driver(card, told, notes))


def _differs(
    model: NicType, planned: Layout | None, real: Layout, vf_id: str | None
) -> tuple[str, ...]:
    """In what the table is not right."""
    if planned is None:
        return ("the NIC table does not have the port",)
    found: list[str] = []
    if real.total != planned.total:
        of = "a card as delivered" if model.vfs_in_card else "the NIC table"
        found.append(f"sriov_totalvfs is {real.total}, that of {of} {planned.total}")
    if (real.offset, real.stride) != (planned.offset, planned.stride):
        found.append(
            f"sriov_offset is {real.offset} and sriov_stride {real.stride}, which by the NIC table "
            f"would be {planned.offset} and {planned.stride}"
        )
    if model.layout_of is not None and not found:
        found.append(f"the NIC table has the VFs of an {model.layout_of} for {model.name}")
    if vf_id is not None and model.vf is not None and vf_id != model.vf.device_id:
        found.append(f"its VFs are {vf_id}, those of the NIC table {model.vf.device_id}")
    return tuple(found)


def _vf_driver(card: Card, vf_id: str | None, notes: list[str]) -> str | None:
    """The kernel driver of its VFs, where the tables do not know it."""
    if described_vf(card.model, vf_id, None) is not None:
        return None
    drivers = {vf.driver for vf in card.functions if vf.pci in card.function.vfs}
    kernel = sorted({fits(MODULE, driver) or "" for driver in drivers} - {"", *DPDK_DRIVERS})
    if vf_id is None:
        notes.append("the id of its VFs is not recorded (sriov_vf_device): add vf-id to use them")
    if not kernel and card.model.driver.vf_driver is None:
        notes.append("the kernel driver of its VFs is not known: add vf-driver to use them")
    return kernel[0] if kernel else None


def _note_unknown(card: Card, planned: Layout | None, notes: list[str]) -> None:
    total = card.function.sriov.total or 0
    said = ""
    if planned is not None:
        if within_driver(card.model, Layout(total, 0, 0), planned).total == planned.total:
            return
        said = f", which by the NIC table would be {planned.total}"
    notes.append(
        f"sriov_totalvfs is {total}{said}, but where the VFs are is not recorded: copy "
        f"sriov_offset and sriov_stride of /{DEVICES}/{card.function.pci}, too, or add sriov "
        "(lspci -vvv)"
    )


def _note_none(card: Card, notes: list[str]) -> None:
    model, total = card.model, card.function.sriov.total
    if not model.total_vfs:
        return
    can = f"{model.name} can have {count_text(model.total_vfs, 'VF')}"
    if total is None and not card.function.tells_sriov:
        notes.append(
            f"whether SR-IOV is on is not recorded (sriov_totalvfs, since Linux 3.8): {can}"
        )
        return
    said = "has no sriov_totalvfs" if total is None else "sriov_totalvfs is 0"
    why = "SR-IOV is off in the firmware of the machine or of the card"
    if card.is_virtual:
        why = "this is a virtual machine, which the host gives no SR-IOV"
    notes.append(f"{said}, though {can}: {why}")
