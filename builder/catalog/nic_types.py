"""What a row of the NIC table holds: a model, its virtual functions, and its driver's row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from builder.catalog.driver_types import PortDriver
from builder.catalog.versions import DpdkVersion, Version
from builder.catalog.vf_settings import VfSetting


@dataclass(frozen=True, slots=True)
class VfType:
    """A model of virtual functions, with what is not so of all VFs of the port's driver.

    queues: most receive queues DPDK has of one; None: as the port's driver gives them.
    settings: those the port's driver has of this model alone, as `PortDriver.settings`.
    jumbo_needs_pf: it receives nothing with an MTU above Ethernet's, unless the PF's is, too.
    """

    device_id: str
    driver: str
    queues: int | None = None
    settings: Mapping[VfSetting, Version] = field(default_factory=dict)
    jumbo_needs_pf: bool = False


@dataclass(frozen=True, slots=True)
class NicType:
    """One PCI vendor:device and what follows from it.

    vf: None: it has no VFs, or of a port that is not listed they are not known.
    total_vfs: most VFs one port can have; 0: the model has no SR-IOV.
    vf_offset, vf_stride: the SR-IOV capability's "VF offset" and "VF stride" of function 0;
    offset 0: behind the last port, however many there are.
    vf_pool: VFs of the whole device, shared out evenly over its ports, one block after the
    other. vf_block: the same, with as many for each port. Both 0: the offset is the same for
    every port, so that the ports' VFs interleave.
    card_ports: how many ports cards with this model have; (): not known.
    layout_of: the family whose layout of VFs is assumed, as the model's own was never seen.
    vfs_in_card: how many VFs there are is a setting of the card; pool or block is its default.
    queues: most receive queues DPDK has of a whole port, beyond which Open vSwitch takes fewer
    in silence (netdev-dpdk.c, dpdk_eth_dev_init()); None: more than anybody asks for, or not
    known.
    kernel_since, dpdk_since: the first whose driver knows the id; None: those of all releases do.
    is_listed: False for a port whose id is not in the table.
    """

    device_id: str
    name: str
    driver: PortDriver
    vf: VfType | None = None
    total_vfs: int = 0
    vf_offset: int = 0
    vf_stride: int = 0
    vf_pool: int = 0
    vf_block: int = 0
    card_ports: tuple[int, ...] = ()
    layout_of: str | None = None
    vfs_in_card: bool = False
    queues: int | None = None
    kernel_since: Version | None = None
    dpdk_since: DpdkVersion | None = None
    is_listed: bool = True

    @property
    def vf_driver(self) -> str | None:
        """The kernel driver of its VFs."""
        return None if self.vf is None else self.vf.driver

    @property
    def settings(self) -> Mapping[VfSetting, Version] | None:
        """What can be set of its VFs, and since which kernel; None: not known."""
        if self.driver.settings is None:
            return None
        return {**self.driver.settings, **(self.vf.settings if self.vf is not None else {})}

    @property
    def vf_jumbo_needs_pf(self) -> bool:
        return self.vf is not None and self.vf.jumbo_needs_pf

    def most_vf_queues(self, num_vfs: int) -> int | None:
        """Receive queues DPDK has of a VF, made with `num_vfs - 1` others; None: no limit known."""
        if self.vf is not None and self.vf.queues is not None:
            return self.vf.queues
        return self.driver.most_vf_queues(num_vfs)

    def likely_ports(self, at_least: int) -> tuple[int, ...]:
        """How many ports the card may have, of which so many are known; the first is likeliest."""
        return tuple(ports for ports in self.card_ports if ports >= at_least) or (at_least,)

    @property
    def has_blocks(self) -> bool:
        """Whether the VFs of a port lie in one block, not between those of the others."""
        return self.vf_pool > 0 or self.vf_block > 0

    def block(self, ports: int) -> int:
        """VFs a port of a card with `ports` ports has room for, as the card is delivered."""
        return self.vf_block or (self.vf_pool // ports if self.vf_pool else self.total_vfs)

    def most_vfs(self, ports: int) -> int:
        """Most VFs of one port of a card with `ports` ports."""
        return self.total_vfs if self.vfs_in_card else min(self.total_vfs, self.block(ports))

    def first_vf_offset(self, function: int, ports: int, wanted: int = 0) -> int:
        """Distance of VF 0 from the port that is `function` of a card with `ports` ports.

        wanted: most VFs of any of its ports, for which the card is set when it has fewer.
        """
        if not self.has_blocks:
            return self.vf_offset
        block = self.block(ports)
        if self.vfs_in_card and self.vf_block:
            block = max(block, wanted)
        return (self.vf_offset or ports) + function * (block - 1)
