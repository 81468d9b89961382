"""What a twin is made from: the hardware class, reduced to what QEMU needs to know of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from builder.catalog.nic_types import NicType
from builder.model.hardware import HardwareClass
from builder.model.values import PciAddress
from builder.plan.nouns.devices import PfPlan
from builder.plan.nouns.host import HostPlan
from builder.verify.emulated_nics import E1000E, EMULATED_NICS, IGB
from builder.verify.topology import ISA_BRIDGE, find_impossible

Firmware = Literal["bios", "uefi", "uefi-secure-boot"]

# The link of an igb in QEMU; its driver takes no rate of a VF over it (igb_ndo_set_vf_bw).
TWIN_MBIT_S = 1000


@dataclass(frozen=True, slots=True)
class VfWishes:
    """What the plan sets of a port and its VFs that a stand-in may not be able to.

    rate: the highest max-tx-rate of a VF in Mbit/s, 0: none. floor, link_state: whether some VF
    has a min-tx-rate, or a link state of its own.
    """

    switchdev: bool = False
    rate: int = 0
    floor: bool = False
    link_state: bool = False


@dataclass(frozen=True, slots=True)
class TwinNic:
    """A NIC port of the class. num_vfs: of the plan."""

    pci: PciAddress
    model: NicType
    numa: int | None
    num_vfs: int
    mac: str | None = None
    wishes: VfWishes = VfWishes()

    @property
    def device_id(self) -> str:
        """`8086:10fb`"""
        return self.model.device_id


@dataclass(frozen=True, slots=True)
class TwinNode:
    cpus: tuple[int, ...]
    memory_mib: int


@dataclass(frozen=True, slots=True)
class TwinSpec:
    """What the twin is made from. smt: some of the class's CPUs are siblings on one core.

    idle_poll: the kernel is not to let idle CPUs sleep (idle=poll).
    """

    nodes: tuple[TwinNode, ...]
    nics: tuple[TwinNic, ...]
    firmware: Firmware
    vendor: Literal["intel", "amd"] = "intel"
    pdpe1gb: bool = True
    smt: bool = False
    idle_poll: bool = False


def spec_of(hardware: HardwareClass, plan: HostPlan, firmware: Firmware) -> TwinSpec:
    """The hardware class as the twin planner takes it."""
    vfs = {pf.pci: pf.num_vfs for pf in plan.image.pfs}
    wishes = {pf.pci: _wishes_of(pf) for pf in plan.image.pfs}
    macs = {interface.name: interface.mac for interface in plan.interfaces}
    return TwinSpec(
        nodes=tuple(TwinNode(tuple(node.cpus), node.memory) for node in hardware.numa),
        nics=tuple(
            TwinNic(
                pci=nic.pci,
                model=nic.model,
                numa=nic.numa,
                num_vfs=vfs.get(nic.pci, 0),
                mac=macs.get(nic.name),
                wishes=wishes.get(nic.pci, VfWishes()),
            )
            for nic in hardware.nics
        ),
        firmware=firmware,
        vendor=hardware.cpu.vendor,
        pdpe1gb=hardware.cpu.pdpe1gb,
        smt=any(len(core) > 1 for core in plan.image.cpus.cores),
        idle_poll=any(str(arg) == "idle=poll" for arg in plan.image.kernel_args),
    )


def _wishes_of(pf: PfPlan) -> VfWishes:
    return VfWishes(
        switchdev=pf.eswitch == "switchdev",
        rate=max((vf.settings.max_tx_rate or 0 for vf in pf.vfs), default=0),
        floor=any(vf.settings.min_tx_rate for vf in pf.vfs),
        link_state=any(vf.settings.link_state not in (None, "auto") for vf in pf.vfs),
    )


def find_absent(nics: Sequence[TwinNic]) -> Mapping[PciAddress, str]:
    """Ports QEMU cannot have, by PCI address, and why."""
    with_vfs = {nic.device_id for nic in nics if nic.num_vfs}
    absent: dict[PciAddress, str] = {}
    for nic in nics:
        why = find_impossible(nic.pci)
        if why is None and nic.pci.function > 1 and nic.device_id in with_vfs:
            why = "VFs of an igb at function 2 or more would be where function 0 or 1 has its own"
        if why is not None:
            absent[nic.pci] = why
    return absent


def add_first_functions(nics: Sequence[TwinNic]) -> tuple[TwinNic, ...]:
    """Ports at function 0 for devices of which the class names others only: without it a PCI
    device is not found. Device 1f of bus 0 has one, the ISA bridge.
    """
    taken = {nic.pci for nic in nics}
    added: dict[PciAddress, TwinNic] = {}
    for nic in nics:
        first = replace(nic.pci, function=0)
        if first not in taken and (first.bus, first.device) != (0, ISA_BRIDGE):
            added[first] = TwinNic(first, nic.model, nic.numa, 0)
    return tuple(added.values())


def choose_models(nics: Sequence[TwinNic]) -> Mapping[str, str]:
    """For each device id of the class the id its ports have in the twin, one for all of them."""
    chosen: dict[str, str] = {}
    for nic in nics:
        twin = nic.device_id if nic.device_id in EMULATED_NICS else IGB.device_id
        if twin == IGB.device_id and not _can_be_igb(nic.pci):
            twin = E1000E.device_id
        if chosen.get(nic.device_id) != E1000E.device_id:
            chosen[nic.device_id] = twin
    return chosen


def _can_be_igb(pci: PciAddress) -> bool:
    """QEMU refuses VFs on the next bus, and VFs where those of another function are."""
    next_bus = pci.vf(IGB.vf_offset, IGB.vf_stride, IGB.total_vfs).bus != pci.bus
    return pci.function < IGB.vf_stride and not next_bus
