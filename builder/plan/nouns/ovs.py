"""Open vSwitch: options, bridges, ports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from builder.diagnostics import KeyPath
from builder.model.fields import VfRef
from builder.model.values import PciAddress
from builder.plan.nouns.json_form import HIDDEN
from builder.plan.nouns.why import Why


@dataclass(frozen=True, slots=True)
class OtherConfig:
    """One Open_vSwitch other_config key."""

    key: str
    value: str
    why: Why
    # Whether the inventory sets it itself.
    is_own: bool = field(default=False, metadata=HIDDEN)


@dataclass(frozen=True, slots=True)
class OvsPortPlan:
    """A DPDK port. options, other_config: columns of its row in Open vSwitch's Interface table."""

    JSON: ClassVar = ("name", "type", "options", "mtu", "pci", "numa", "why", "other_config")

    name: str
    pci: PciAddress
    numa: int | None
    mtu: int
    # Receive queues.
    rxq: int
    why: Why
    # Of the port.
    key: KeyPath = field(metadata=HIDDEN)
    # The VF it is; None: a whole NIC port.
    vf: VfRef | None = field(default=None, metadata=HIDDEN)
    # Descriptors of a queue; None: as many as Open vSwitch takes by itself.
    rxd: int | None = None
    txd: int | None = None
    # Receive queue -> CPU of the PMD thread that polls it.
    affinity: Mapping[int, int] = field(default_factory=dict)

    @property
    def type(self) -> Literal["dpdk"]:
        return "dpdk"

    @property
    def options(self) -> Mapping[str, str]:
        """Interface options (vswitch.xml, Interface, "DPDK")."""
        given = {"n_rxq_desc": self.rxd, "n_txq_desc": self.txd}
        return {
            "dpdk-devargs": str(self.pci),
            "n_rxq": str(self.rxq),
            **{name: str(number) for name, number in given.items() if number is not None},
        }

    @property
    def other_config(self) -> Mapping[str, str]:
        """other_config of the Interface: `0:2,1:18`, queue and CPU."""
        if not self.affinity:
            return {}
        pairs = sorted(self.affinity.items())
        return {"pmd-rxq-affinity": ",".join(f"{queue}:{cpu}" for queue, cpu in pairs)}


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
    # MiB of dpdk-socket-mem by NUMA node; () where the inventory's own text is no such list.
    socket_mem: tuple[int, ...] = field(default=(), metadata=HIDDEN)
