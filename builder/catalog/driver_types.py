"""What a row of the table of kernel drivers holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from builder.catalog.releases import Family
from builder.catalog.versions import DpdkVersion, Version
from builder.catalog.vf_settings import VfSetting

LinkState = Literal["auto", "enable", "disable"]
# What DPDK's driver makes of a port that has VFs. none: it has nothing that answers VFs; no-rss:
# it refuses the RSS Open vSwitch asks for; pools: its queues are one VF's share; any: no limit.
VfHost = Literal["none", "no-rss", "pools", "any"]
# Older than any DPDK of a release we know.
LONG_DPDK = DpdkVersion(20, 11)


@dataclass(frozen=True, slots=True)
class PortDriver:
    """A kernel network driver.

    is_known: whether there is a row of it; without one, nothing below is known.
    bifurcated: DPDK works through the kernel driver, the port is never unbound.
    pmd_packages: packages with DPDK's driver for the port and its VFs, without ABI suffix.
    dpdk_since: first DPDK whose packages have that driver; None: none has.
    firmware: packages with firmware the driver asks for, by family of the release.
    vf_driver: the kernel driver of its VFs.
    vf_queues: receive queues DPDK can have of a VF: of as many VFs and more, so many; none: more
    than anybody asks for, or not known. vf_queues_power_of_two: only such numbers.
    dpdk_vf_host: None: not known.
    max_vfs: whether it has this parameter: one number in-tree, in Intel's own build a list.
    needs_pf_up: while the port is down it takes sriov_numvfs, says nothing and makes no VFs.
    set_in_card: how a card is set to {num_vfs} VFs of the port {pci}; None: it has no such setting,
    or none that is known.
    max_mtu: largest MTU (netdev->max_mtu); None: not known. settings: VF setting -> first kernel
    whose driver has it; None: not known. switchdev: first kernel with devlink's eswitch mode switchdev; None:
    none has. not_in_switchdev: settings it refuses in that mode. tx_rates: least and most Mbit/s
    of a max-tx-rate that is not 0; None: the port's speed decides. link_states: those with an
    effect.
    """

    name: str
    is_known: bool = True
    bifurcated: bool = False
    pmd_packages: tuple[str, ...] = ()
    dpdk_since: DpdkVersion | None = LONG_DPDK
    firmware: Mapping[Family, tuple[str, ...]] = field(default_factory=dict)
    vf_driver: str | None = None
    vf_queues: tuple[tuple[int, int], ...] = ()
    vf_queues_power_of_two: bool = False
    dpdk_vf_host: VfHost | None = None
    max_vfs: bool = False
    needs_pf_up: bool = False
    set_in_card: str | None = None
    max_mtu: int | None = None
    settings: Mapping[VfSetting, Version] | None = None
    switchdev: Version | None = None
    not_in_switchdev: tuple[VfSetting, ...] = ()
    tx_rates: tuple[int, int] | None = None
    link_states: tuple[LinkState, ...] = ("auto", "enable", "disable")

    def dpdk_has_none(self, dpdk: DpdkVersion) -> bool:
        """Whether this DPDK is known to have no driver for its ports."""
        return self.is_known and (self.dpdk_since is None or self.dpdk_since > dpdk)

    def most_vf_queues(self, num_vfs: int) -> int | None:
        """Of a VF, made with `num_vfs - 1` others; None: no limit is known."""
        return next((most for vfs, most in reversed(self.vf_queues) if vfs <= num_vfs), None)
