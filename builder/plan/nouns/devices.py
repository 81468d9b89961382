"""PCI functions, and the drivers they are bound to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.catalog.nic_types import NicType
from builder.catalog.vf_settings import VfSettings
from builder.diagnostics import KeyPath
from builder.model.values import PciAddress
from builder.plan.nouns.json_form import HIDDEN, INLINE
from builder.plan.nouns.why import Why

VfMode = Literal["sysfs", "module-parameter"]


@dataclass(frozen=True, slots=True)
class VfPlan:
    """One virtual function. driver None: its kernel network driver."""

    index: int
    pci: PciAddress
    driver: str | None
    use: Literal["ovs-dpdk", "pods"]
    pool: str | None
    why: Why
    # Of the VF where it is listed, else of its policy.
    key: KeyPath = field(metadata=HIDDEN)
    settings: VfSettings = field(default=VfSettings(), metadata=INLINE)


@dataclass(frozen=True, slots=True)
class PfPlan:
    """A physical function and the VFs made on it.

    driver: its kernel driver, or the DPDK driver the PF itself is bound to before its
    VFs are made (the how-to's literal form).
    """

    name: str
    pci: PciAddress
    device_id: str
    vf_id: str
    driver: str
    numa: int | None
    mode: VfMode
    num_vfs: int
    vfs: tuple[VfPlan, ...]
    why: Why
    model: NicType = field(metadata=HIDDEN)
    # Of its policy.
    key: KeyPath = field(metadata=HIDDEN)
    eswitch: Literal["legacy", "switchdev"] = "legacy"
    # How its card is set to as many VFs; None: nothing is known to set.
    set_in_card: str | None = field(default=None, metadata=HIDDEN)

    @property
    def up_first(self) -> bool:
        """Whether it is to be up before its VFs are made. On a DPDK driver it has no interface."""
        return self.model.driver.needs_pf_up and self.driver not in DPDK_DRIVERS


@dataclass(frozen=True, slots=True)
class Binding:
    """A whole NIC port given to a userspace driver."""

    name: str
    pci: PciAddress
    device_id: str
    driver: str
    numa: int | None
    why: Why
    model: NicType = field(metadata=HIDDEN)
    # `nic` of the bridge's port it is.
    key: KeyPath = field(metadata=HIDDEN)


@dataclass(frozen=True, slots=True)
class NicPlan:
    """A port the kernel keeps: gets its name by a .link file keyed by PCI path."""

    name: str
    pci: PciAddress
    device_id: str
    driver: str
    numa: int | None
    why: Why
    model: NicType = field(metadata=HIDDEN)


PhysicalPort = PfPlan | Binding | NicPlan
