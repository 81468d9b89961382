"""Rules on the settings of VFs: the PF's driver can do them, and they do not contradict."""

from __future__ import annotations

from collections.abc import Iterator

from builder.catalog.nic_types import NicType
from builder.catalog.vf_settings import UPLINK, VfSetting, setting_text
from builder.diagnostics import KeyPath
from builder.model.inventory import Inventory
from builder.model.ports import dpdk_ports
from builder.model.rules.pairs import Pair, pairs
from builder.model.rules.sriov import UsedPf, used_pfs
from builder.model.sriov import Vf
from builder.rule import SEE, Finding, Rule, each


def _vfs(inventory: Inventory) -> Iterator[tuple[UsedPf, KeyPath, Vf]]:
    """Every listed VF of a PF that is there, with its place."""
    for pf in used_pfs(inventory):
        for number, vf in enumerate(pf.policy.vfs):
            yield pf, (*pf.path, "vfs", number), vf


def check_rates(inventory: Inventory) -> Iterator[Finding]:
    """rtnetlink.c, do_setvfinfo(): a min_tx_rate over the max_tx_rate is -EINVAL."""
    for _, path, vf in _vfs(inventory):
        if vf.max_tx_rate and vf.min_tx_rate and vf.min_tx_rate > vf.max_tx_rate:
            message = f"min-tx-rate is {vf.min_tx_rate} Mbit/s, but max-tx-rate is {vf.max_tx_rate}"
            hint = f"see {SEE}"
            yield Finding((*path, "min-tx-rate"), message, hint, see=(*path, "max-tx-rate"))


def _settings(
    inventory: Inventory,
) -> Iterator[tuple[UsedPf, NicType, KeyPath, Vf, VfSetting]]:
    """Every setting of a VF whose PF has a driver of which we know what it sets."""
    for pf, path, vf in _vfs(inventory):
        for setting in vf.settings.given() if pf.kind.settings is not None else ():
            yield pf, pf.kind, (*path, setting), vf, setting


def check_driver_can(inventory: Inventory) -> Iterator[Finding]:
    """A setting the driver has no call for is EOPNOTSUPP at boot."""
    for pf, kind, path, vf, setting in _settings(inventory):
        nothing = setting == "min-tx-rate" and vf.min_tx_rate == 0
        if setting not in (kind.settings or {}) and not nothing:
            message = (
                f"driver {kind.driver.name} of {pf.nic.name} ({kind.name}) cannot set {setting} "
                "of a VF"
            )
            yield Finding(path, message, "remove it")


def check_value(inventory: Inventory) -> Iterator[Finding]:
    """A value the driver refuses, or takes for another one."""
    for pf, kind, path, vf, setting in _settings(inventory):
        driver = kind.driver
        if setting not in (kind.settings or {}):
            continue
        if setting == "link-state" and vf.link_state not in driver.link_states:
            message = (
                f"{driver.name}, the driver of {pf.nic.name}, ignores {vf.link_state}: the link "
                "of a VF follows the port or is down"
            )
            yield Finding(path, message, f"link-state: {' or '.join(driver.link_states)}")
        elif setting == "max-tx-rate" and driver.tx_rates is not None and vf.max_tx_rate:
            least, most = driver.tx_rates
            if not least <= vf.max_tx_rate <= most:
                message = (
                    f"{driver.name}, the driver of {pf.nic.name}, accepts {least} to {most} "
                    "Mbit/s, or 0 for no limit"
                )
                yield Finding(path, message)


def check_switchdev(pf: UsedPf) -> Iterator[Finding]:
    # Of a port without VFs that is said, and that is enough.
    if pf.policy.eswitch != "switchdev" or not (pf.kind.is_listed or pf.kind.total_vfs):
        return
    driver = pf.kind.driver
    if driver.switchdev is None:
        message = (
            f"{pf.nic.name} ({pf.kind.name}, driver {driver.name}) does not support switchdev mode"
        )
        yield Finding((*pf.path, "eswitch"), message, "eswitch: legacy")
    elif pf.whole_port is not None and pf.pair.profile.ovs is not None:
        port = pf.whole_port
        message = (
            f"the kernel driver {driver.name} puts {pf.nic.name} into switchdev mode, but does "
            f"not drive it: it is port {port.name} itself, on {pf.pair.profile.ovs.driver}, "
            f"{SEE}"
        )
        yield Finding(
            (*pf.path, "eswitch"),
            message,
            "eswitch: legacy",
            see=(*pf.pair.path, *port.path, "nic"),
        )


def check_switchdev_settings(inventory: Inventory) -> Iterator[Finding]:
    """What the driver refuses in switchdev mode; VLAN 0, none, is nothing to set."""
    for pf, kind, path, vf, setting in _settings(inventory):
        nothing = setting == "vlan" and vf.vlan == 0
        if (
            pf.policy.eswitch != "switchdev"
            or setting not in kind.driver.not_in_switchdev
            or nothing
        ):
            continue
        other = (*pf.path, "eswitch")
        message = (
            f"in switchdev mode {kind.driver.name} does not set {setting} of a VF, flows on its "
            f"representor control it: {SEE}"
        )
        yield Finding(path, message, "remove it, or eswitch: legacy", see=other)


def check_eswitch_on_userspace(inventory: Inventory) -> Iterator[Finding]:
    """VFs that OVS-DPDK has by their own address do not go through the embedded switch's flows."""
    for pf, path, vf in _vfs(inventory):
        if pf.policy.eswitch == "switchdev" and vf.use == "ovs-dpdk":
            message = (
                f"VF {vf.index} of {pf.nic.name} is an Open vSwitch port: in switchdev mode "
                "nothing forwards its frames until there are flows on its representor"
            )
            yield Finding((*path, "use"), message, "eswitch: legacy")


def check_uplink(inventory: Inventory) -> Iterator[Finding]:
    """A VF of a bridge port that is set to drop the frames of those behind the bridge."""
    for pf, path, vf in _vfs(inventory):
        given = vf.settings.given() if vf.use == "ovs-dpdk" else {}
        for setting, need in UPLINK.items():
            if setting in given and given[setting] != need.value:
                message = (
                    f"VF {vf.index} of {pf.nic.name} is for a bridge, which carries frames of pods "
                    f"and guests: with {setting} {setting_text(given[setting])} {need.without}"
                )
                hint = f"remove it, then {setting} is {setting_text(need.value)}"
                yield Finding((*path, setting), message, hint)


def check_mtu(pair: Pair) -> Iterator[Finding]:
    """dev_validate_mtu(): over netdev->max_mtu is EINVAL, and the interface keeps 1500."""
    for port in dpdk_ports(pair.hardware, pair.profile):
        most = port.nic.model.driver.max_mtu
        if most is not None and port.port.mtu > most:
            message = (
                f"MTU {port.port.mtu} is too large: {port.nic.name} "
                f"({port.nic.model.driver.name}) supports at most {most}"
            )
            yield Finding((*pair.path, *port.path, "mtu"), message)


RULES: tuple[Rule[Inventory], ...] = (
    Rule("vf-rates", "error", "A VF's minimum rate does not exceed its maximum rate.", check_rates),
    Rule(
        "vf-driver-can",
        "error",
        "The driver of the PF supports the VF setting.",
        check_driver_can,
    ),
    Rule(
        "vf-value",
        "error",
        "The driver accepts the value of the VF setting unchanged.",
        check_value,
    ),
    Rule(
        "vf-switchdev",
        "error",
        "In switchdev mode, VF settings that flows on the representor control are not set.",
        check_switchdev_settings,
    ),
    Rule(
        "vf-switchdev-ovs",
        "warning",
        "The PF of a VF that is a DPDK port is in legacy mode; switchdev mode needs flows.",
        check_eswitch_on_userspace,
    ),
    Rule(
        "vf-uplink",
        "warning",
        "A VF for Open vSwitch is trusted, and its source MACs are not checked.",
        check_uplink,
    ),
    Rule(
        "sriov-switchdev",
        "error",
        "Switchdev mode is used only on devices whose driver supports it.",
        each(used_pfs, check_switchdev),
    ),
    Rule(
        "ovs-mtu",
        "error",
        "The MTU of an Open vSwitch port is within the limits of its device.",
        each(pairs, check_mtu),
    ),
)
