"""The nouns of a plan that are PCI functions, their drivers, and the switch made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from builder.catalog.nics import NicType
from builder.model.values import PciAddress
from builder.plan.why import Why

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
    mac: str | None = None
    vlan: int | None = None
    trust: bool | None = None
    spoofchk: bool | None = None
    # Mbit/s; 0: no limit, nothing promised.
    max_tx_rate: int | None = None
    min_tx_rate: int | None = None
    link_state: Literal["auto", "enable", "disable"] | None = None


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
    model: NicType
    eswitch: Literal["legacy", "switchdev"] = "legacy"


@dataclass(frozen=True, slots=True)
class Binding:
    """A whole NIC port given to a userspace driver."""

    name: str
    pci: PciAddress
    device_id: str
    driver: str
    numa: int | None
    why: Why
    model: NicType


@dataclass(frozen=True, slots=True)
class NicPlan:
    """A port the kernel keeps: gets its name by a .link file keyed by PCI path."""

    name: str
    pci: PciAddress
    device_id: str
    driver: str
    numa: int | None
    why: Why
    model: NicType


PhysicalPort = PfPlan | Binding | NicPlan


@dataclass(frozen=True, slots=True)
class OtherConfig:
    """One Open_vSwitch other_config key."""

    key: str
    value: str
    why: Why


@dataclass(frozen=True, slots=True)
class OvsPortPlan:
    """A DPDK port.

    options: Interface options, dpdk-devargs among them; other_config: those of the Interface
    (pmd-rxq-affinity).
    """

    name: str
    type: Literal["dpdk"]
    options: Mapping[str, str]
    mtu: int
    pci: PciAddress
    numa: int | None
    why: Why
    other_config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OvsBridgePlan:
    """A bridge with its ports, in inventory order."""

    name: str
    datapath_type: str
    fail_mode: str
    ports: tuple[OvsPortPlan, ...]
    why: Why


@dataclass(frozen=True, slots=True)
class OvsPlan:
    """Open vSwitch: options written before ovs-vswitchd starts, then bridges and ports."""

    other_config: tuple[OtherConfig, ...]
    bridges: tuple[OvsBridgePlan, ...]
