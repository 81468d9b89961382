"""What is set of a VF through its port, and what of it the port's kernel driver can set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal

from builder.catalog.nics import NicType

VfValue = str | int | bool


@dataclass(frozen=True, slots=True)
class VfSettings:
    """How a PF's kernel driver sets up one of its VFs; None: as it is by itself."""

    mac: str | None = None
    # 0: none.
    vlan: int | None = None
    trust: bool | None = None
    spoofchk: bool | None = None
    # Mbit/s; 0: no limit, nothing promised.
    max_tx_rate: int | None = field(default=None, metadata={"unit": "Mbit/s"})
    min_tx_rate: int | None = field(default=None, metadata={"unit": "Mbit/s"})
    # auto: the port's; enable: always up; disable: always down.
    link_state: str | None = None

    def by_name(self) -> dict[VfSetting, VfValue | None]:
        """All of them, as the inventory names them: `max-tx-rate`."""
        return {name: getattr(self, part) for name, part in VF_SETTINGS.items()}

    def given(self) -> dict[VfSetting, VfValue]:
        """Those that are not left as they are."""
        return {name: value for name, value in self.by_name().items() if value is not None}


# The name of one in the inventory.
VfSetting = str
VF_SETTINGS: Mapping[VfSetting, str] = {
    part.name.replace("_", "-"): part.name for part in fields(VfSettings)
}
UNITS: Mapping[VfSetting, str] = {
    part.name.replace("_", "-"): part.metadata["unit"]
    for part in fields(VfSettings)
    if "unit" in part.metadata
}
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
