"""What the kernel driver of a port can set of its VFs, and the largest frames it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from builder.catalog.nics import NicType

VfSetting = Literal["mac", "vlan", "trust", "spoofchk", "max-tx-rate", "min-tx-rate", "link-state"]
LinkState = Literal["auto", "enable", "disable"]
Kernel = tuple[int, int]


@dataclass(frozen=True, slots=True)
class PortDriver:
    """A kernel network driver.

    max_mtu: largest MTU (netdev->max_mtu). settings: VF setting -> first kernel whose driver
    has it. switchdev: first kernel with devlink's eswitch mode switchdev; None: none has.
    not_in_switchdev: settings it refuses in that mode. tx_rates: least and most Mbit/s of a
    max-tx-rate that is not 0; None: the port's speed decides. link_states: those with an effect.
    """

    name: str
    max_mtu: int
    settings: dict[VfSetting, Kernel]
    switchdev: Kernel | None = None
    not_in_switchdev: tuple[VfSetting, ...] = ()
    tx_rates: tuple[int, int] | None = None
    link_states: tuple[LinkState, ...] = ("auto", "enable", "disable")


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
    # igb_main.c: no ndo_set_vf_link_state; MAX_STD_JUMBO_FRAME_SIZE 9216; igb_ndo_set_vf_bw()
    # takes no more than the link's speed, 1 Gbit/s.
    PortDriver("igb", 9216, _BASE, tx_rates=(1, 1000)),
    # ixgbe_sriov.c: ixgbe_ndo_set_vf_link_state() since 5.19, where "enable" is logged as not
    # supported and 0 returned; ixgbe_ndo_set_vf_bw(): a link of 10 Gbit/s only, over 10 Mbit/s;
    # IXGBE_MAX_JUMBO_FRAME_SIZE 9728.
    PortDriver(
        "ixgbe",
        9710,
        {**_BASE, "link-state": (5, 19)},
        tx_rates=(11, 10000),
        link_states=("auto", "disable"),
    ),
    # i40e_virtchnl_pf.c: "Invalid min tx rate (greater than 0)" of any other than 0; i40e_main.c,
    # i40e_set_bw_limit(): "Setting max tx rate to minimum usable value of 50Mbps", and no more
    # than the link's speed, 40 Gbit/s; I40E_MAX_RXBUFFER 9728.
    PortDriver("i40e", 9702, {**_BASE, "link-state": _LONG}, tx_rates=(50, 40000)),
    # ice_sriov.c: ice_set_vf_bw() since 5.16; ice_set_vf_trust(): "Trusted VF is forbidden in
    # switchdev mode", the other calls do not ask for the mode. ice_eswitch.c since 5.16.
    PortDriver(
        "ice",
        9702,
        {**_BASE, "max-tx-rate": (5, 16), "min-tx-rate": (5, 16), "link-state": _LONG},
        switchdev=(5, 16),
        not_in_switchdev=("trust",),
    ),
    # mlx5/core/esw/legacy.c: mlx5_eswitch_set_vport_{vlan,spoofchk,trust}() are -EOPNOTSUPP
    # when the mode is not MLX5_ESWITCH_LEGACY, _set_vport_rate() is not.
    PortDriver(
        "mlx5_core",
        9978,
        {**_BASE, "min-tx-rate": _LONG, "link-state": _LONG},
        switchdev=_LONG,
        not_in_switchdev=("vlan", "trust", "spoofchk"),
    ),
    # bnxt_sriov.c: bnxt_vf_ndo_prep() does not ask for the mode.
    PortDriver(
        "bnxt_en",
        9500,
        {**_BASE, "min-tx-rate": _LONG, "link-state": _LONG},
        switchdev=_LONG,
    ),
)

PORT_DRIVERS: dict[str, PortDriver] = {driver.name: driver for driver in _ALL}

# igb_main.c, igb_ndo_set_vf_bw(): -EOPNOTSUPP when the MAC is not e1000_82576.
_IGB_WITH_RATES = "8086:10ca"


def has_setting(driver: PortDriver, nic: NicType, setting: VfSetting) -> bool:
    """Whether `driver` can set it of a VF of `nic`, in the newest kernel we know."""
    if driver.name == "igb" and setting == "max-tx-rate":
        return nic.vf_id == _IGB_WITH_RATES
    return setting in driver.settings
