"""What is set of the VF of a bridge port, which carries frames of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.catalog.nic_types import NicType
from builder.catalog.releases import OsRelease
from builder.catalog.vf_settings import UPLINK, VF_SETTINGS, VfSetting, VfSettings, setting_text
from builder.model.sriov import SriovPolicy, Vf
from builder.plan.nouns.why import Why


def uplink_settings(
    release: OsRelease, policy: SriovPolicy, vf: Vf, model: NicType, pf_driver: str
) -> Mapping[VfSetting, bool]:
    """What the VF needs, is not asked for, and can be set of it: the PF's kernel driver does it."""
    if pf_driver in DPDK_DRIVERS:
        return {}
    left = model.driver.not_in_switchdev if policy.eswitch == "switchdev" else ()
    given, can = vf.settings.given(), model.settings or {}
    return {
        name: need.value
        for name, need in UPLINK.items()
        if name not in given and name not in left and name in can and can[name] <= release.kernel
    }


def with_settings(asked: VfSettings, more: Mapping[VfSetting, bool]) -> VfSettings:
    """The inventory's settings, and those it leaves to us."""
    # Any: each setting has a type of its own.
    values: dict[str, Any] = {VF_SETTINGS[name]: value for name, value in more.items()}
    return replace(asked, **values)


def explain_uplink(why: Why, more: Mapping[VfSetting, bool]) -> Why:
    """Why the VF is as it is, and why it has `more`."""
    reasons = (
        f"{name} {setting_text(value)}, {UPLINK[name].reason}" for name, value in more.items()
    )
    return Why("; ".join((why.reason, *reasons)), why.origins)
