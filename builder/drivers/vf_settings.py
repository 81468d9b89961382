"""What the kernel driver of a port can set of its VFs, and the largest frames it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VfSetting = Literal["mac", "vlan", "trust", "spoofchk", "max-tx-rate", "min-tx-rate", "link-state"]
Kernel = tuple[int, int]


@dataclass(frozen=True, slots=True)
class PortDriver:
    """A kernel network driver. settings: VF setting -> first kernel whose driver has it.

    max_mtu: largest MTU (netdev->max_mtu). switchdev: devlink's eswitch mode switchdev.
    """

    name: str
    max_mtu: int
    settings: dict[VfSetting, Kernel]
    switchdev: bool = False


# Older than any kernel of a release we know.
_LONG: Kernel = (3, 0)
_BASE: dict[VfSetting, Kernel] = {
    "mac": _LONG,
    "vlan": _LONG,
    "spoofchk": _LONG,
    "trust": _LONG,
    "max-tx-rate": _LONG,
}

# net_device_ops of each driver in drivers/net/ethernet: ndo_set_vf_mac, _vlan, _spoofchk,
# _trust, _rate, _link_state; a min_tx_rate other than 0 is -EINVAL in igb, ixgbe and i40e.
_ALL = (
    # igb_main.c: no ndo_set_vf_link_state; MAX_STD_JUMBO_FRAME_SIZE 9216.
    PortDriver("igb", 9216, _BASE),
    # ixgbe_sriov.c: ixgbe_ndo_set_vf_link_state() since 5.19; IXGBE_MAX_JUMBO_FRAME_SIZE 9728.
    PortDriver("ixgbe", 9710, {**_BASE, "link-state": (5, 19)}),
    # i40e_virtchnl_pf.c: "Invalid min tx rate (greater than 0)"; I40E_MAX_RXBUFFER 9728.
    PortDriver("i40e", 9702, {**_BASE, "link-state": _LONG}),
    # ice_sriov.c: ice_set_vf_bw() since 5.16.
    PortDriver(
        "ice",
        9702,
        {**_BASE, "max-tx-rate": (5, 16), "min-tx-rate": (5, 16), "link-state": _LONG},
        switchdev=True,
    ),
    PortDriver(
        "mlx5_core",
        9978,
        {**_BASE, "min-tx-rate": _LONG, "link-state": _LONG},
        switchdev=True,
    ),
    # bnxt_sriov.c.
    PortDriver(
        "bnxt_en",
        9500,
        {**_BASE, "min-tx-rate": _LONG, "link-state": _LONG},
        switchdev=True,
    ),
)

PORT_DRIVERS: dict[str, PortDriver] = {driver.name: driver for driver in _ALL}

# In switchdev mode these go by flows of the representors: mlx5 (esw/legacy.c) and ice
# (ice_set_vf_trust(), ice_set_vf_port_vlan()) refuse the legacy calls with -EOPNOTSUPP.
LEGACY_ONLY: tuple[VfSetting, ...] = ("vlan", "trust", "spoofchk")
