"""What is set of a VF through its port."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

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


def setting_text(value: VfValue) -> str:
    """As `ip link` spells it."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True)
class UplinkNeed:
    """What the VF of a bridge port needs of a setting.

    reason: why; without: what happens to a VF that has the other value.
    """

    value: bool
    reason: str
    without: str


# A bridge sends and receives frames of pods and guests, with their MACs. Without trust the PF's
# drivers refuse a VF promiscuous mode (i40e_vc_config_promiscuous_mode_msg(),
# ice_vc_cfg_promiscuous_mode_msg(), ixgbe_update_vf_xcast_mode(), esw_update_vport_rx_mode() of
# mlx5, bnxt_promisc_ok()); the check of source MACs, which Intel's drivers start with, drops
# what a VF sends for others.
UPLINK: Mapping[VfSetting, UplinkNeed] = {
    "trust": UplinkNeed(
        True,
        "so that the bridge receives frames for MACs other than the VF's",
        "it is refused promiscuous mode, and receives no frames for other MACs than its own",
    ),
    "spoofchk": UplinkNeed(
        False,
        "so that the bridge sends frames of MACs other than the VF's",
        "the port drops what it sends from other MACs than its own",
    ),
}
