# SPDX-License-Identifier: Apache-2.0
"""What a PF says about each of its VFs: MAC, VLAN, trust, spoof check, link state, rates."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rackwright_node import Machine, NodeError, Pf, Status, Vf, attempt
from rackwright_pci import netdevs, use_of
from rackwright_uplink import has_link, run_ip, uplink

VF_TIMEOUT_S = 10.0
LINK_TIMEOUT_S = 10.0

Settings = Mapping[str, str | int | bool | None]


def check_mac(machine: Machine, vf: Vf, stand_in: bool, status: Status) -> None:
    """The VF's interface has the MAC the PF was told, so the PF has answered it.

    QEMU's igb does not: its VFs keep the MAC they made up ("PF still in reset state").
    """

    def read_macs() -> list[str | None]:
        names = netdevs(machine, vf.pci)
        return [machine.read(f"sys/class/net/{name}/address") for name in names]

    wait_s = 0.0 if stand_in else VF_TIMEOUT_S
    if vf.mac is None or machine.wait(lambda: vf.mac in read_macs(), wait_s):
        return
    found = ", ".join(mac or "none" for mac in read_macs()) or "none"
    if not stand_in:
        raise NodeError(f"{vf.pci}: its MAC is {found}, the plan has {vf.mac}")
    status.step(vf.pci, f"left its MAC {found}", "a stand-in's PF does not answer its VFs")


def set_attributes(machine: Machine, pf: Pf, vf: Vf, stand_in: bool, status: Status) -> None:
    """MAC, VLAN, trust, spoof check, link state: the PF's to say, before a driver has the VF.

    A VF without an admin MAC has another one after each boot.
    """
    wanted: Settings = {
        "mac": vf.mac,
        "vlan": vf.vlan,
        "trust": vf.trust,
        "spoofchk": vf.spoofchk,
        "state": vf.link_state,
    }
    if stand_in and vf.link_state not in (None, "auto"):
        # igb_netdev_ops has no ndo_set_vf_link_state (drivers/net/ethernet/intel/igb/igb_main.c).
        why = "a stand-in has no such setting"
        status.step(vf.pci, f"left out link state {vf.link_state}", why)
        wanted = {**wanted, "state": None}
    words = _words_to_set(machine, pf, vf, wanted)
    if not words:
        return
    use = use_of(machine, vf.pci)
    if use is not None:
        # A pod's network plugin has set it for the pod, and sets it back afterwards.
        status.step(vf.pci, "left its settings alone", use)
        return
    _set(machine, pf, vf, words, status)


def set_rates(
    machine: Machine,
    pf: Pf,
    vfs: Sequence[Vf],
    ours: Collection[str],
    stand_in: bool,
    status: Status,
) -> None:
    """Rates, each VF by itself; a VF without its rate is given to its driver all the same.

    igb and ixgbe take a rate only while the port has a link, and none above its speed
    (igb_ndo_set_vf_bw, ixgbe_ndo_set_vf_bw): a refusal counts only once there is one.
    ours: VFs that are ports of Open vSwitch, which may be set while it has them.
    """
    late: list[tuple[Vf, list[str]]] = []
    for vf in vfs:
        wanted: Settings = {"max_tx_rate": vf.max_tx_rate, "min_tx_rate": vf.min_tx_rate}
        try:
            words = _words_to_set(machine, pf, vf, wanted)
        except NodeError as fault:
            status.error(str(fault))
            continue
        use = use_of(machine, vf.pci) if words and vf.pci not in ours else None
        if use is not None:
            status.step(vf.pci, "left its rates alone", use)
        elif words:
            try:
                _set(machine, pf, vf, words, status)
            except NodeError:
                late.append((vf, words))
    if late:
        machine.wait(lambda: has_link(machine, pf), LINK_TIMEOUT_S)
    for vf, words in late:
        attempt(status, _set_rate_again, machine, pf, vf, words, stand_in, status)


def _set_rate_again(
    machine: Machine, pf: Pf, vf: Vf, words: list[str], stand_in: bool, status: Status
) -> None:
    try:
        _set(machine, pf, vf, words, status)
    except NodeError as fault:
        if stand_in:
            why = f"the stand-in refuses it: {fault}"
            status.step(vf.pci, f"left out {' '.join(words)}", why)
            return
        if has_link(machine, pf):
            raise
        raise NodeError(
            f"{fault}; {pf.name} has no link, and some drivers take a rate only while it has one: "
            "restart rackwright-nics.service when it has"
        ) from fault


def _words_to_set(machine: Machine, pf: Pf, vf: Vf, settings: Settings) -> list[str]:
    """The words of `ip link set` for what is not as planned; None is not planned."""
    wanted = {key: value for key, value in settings.items() if value is not None}
    if not wanted:
        return []
    if not machine.wait(lambda: uplink(machine, pf) is not None, VF_TIMEOUT_S):
        raise NodeError(
            f"{vf.pci}: {', '.join(wanted)} cannot be set: {pf.name} ({pf.pci}) has no interface"
        )
    present = _read_attributes(machine, pf, vf)
    words: list[str] = []
    for key, value in wanted.items():
        if present.get(key) != value:
            words += [key, _word(value)]
    return words


def _set(machine: Machine, pf: Pf, vf: Vf, words: list[str], status: Status) -> None:
    run_ip(machine, pf, vf.pci, ["link", "set", "dev"], ["vf", str(vf.index), *words])
    status.step(vf.pci, f"set {' '.join(words)}", f"VF {vf.index} of {pf.name}")


def _word(value: str | int | bool | None) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def _read_attributes(machine: Machine, pf: Pf, vf: Vf) -> Settings:
    """What the PF says about the VF now, in the words of `ip link set`."""
    done = run_ip(machine, pf, vf.pci, ["-json", "link", "show", "dev"], [])
    entries = json.loads(done.out)[0].get("vfinfo_list", [])
    # Any: a JSON object of iproute2 (print_vfinfo, ip/ipaddress.c).
    found: dict[str, Any] = next((entry for entry in entries if entry.get("vf") == vf.index), {})
    vlans = found.get("vlan_list") or [found]
    rate = found.get("rate") or {}
    return {
        "mac": found.get("address", ""),
        "vlan": vlans[0].get("vlan", 0),
        "trust": found.get("trust", False),
        "spoofchk": found.get("spoofchk", False),
        "state": found.get("link_state", "auto"),
        "max_tx_rate": rate.get("max_tx", 0),
        "min_tx_rate": rate.get("min_tx", 0),
    }
