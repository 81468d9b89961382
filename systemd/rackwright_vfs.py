# SPDX-License-Identifier: Apache-2.0
"""The VFs of a PF: how many, where, and what the PF says about each."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from rackwright_node import Finished, Machine, NodeError, Pf, Status, Vf
from rackwright_pci import DEVICES, device_id, netdevs, use_of, write, write_vf_count

VF_TIMEOUT_S = 10.0
RENAMES = 5
# include/uapi/linux/if.h
IFF_UP = 1


def vf_count(machine: Machine, pf: Pf) -> int:
    text = machine.read(f"{DEVICES}/{pf.pci}/sriov_numvfs")
    if text is None:
        raise NodeError(f"{pf.pci}: the device has no SR-IOV; is it disabled in the BIOS?")
    return int(text)


def within_stand_in(machine: Machine, pf: Pf, status: Status) -> Pf:
    """The plan of a PF, less the VFs that what stands in for it on a twin cannot have."""
    total = int(machine.read(f"{DEVICES}/{pf.pci}/sriov_totalvfs") or 0)
    if pf.num_vfs <= total:
        return pf
    status.step(pf.pci, f"left out VFs {total}-{pf.num_vfs - 1}", f"the stand-in can have {total}")
    return replace(pf, num_vfs=total, vfs=tuple(vf for vf in pf.vfs if vf.index < total))


def present_vfs(machine: Machine, pf: Pf) -> dict[int, str]:
    """Index -> address of the VFs there are."""
    links = (name for name in machine.names(f"{DEVICES}/{pf.pci}") if name.startswith("virtfn"))
    found = {int(name[6:]): machine.link(f"{DEVICES}/{pf.pci}/{name}") for name in links}
    return {index: pci for index, pci in found.items() if pci is not None}


def ensure_vfs(machine: Machine, pf: Pf, stand_in: bool, status: Status) -> None:
    """As many VFs as planned. VFs that are right are never made anew: pods may use them."""
    by_parameter = pf.mode == "module-parameter" and not stand_in
    if by_parameter:
        machine.wait(lambda: vf_count(machine, pf) == pf.num_vfs, VF_TIMEOUT_S)
    count = vf_count(machine, pf)
    if count == pf.num_vfs:
        status.step(pf.pci, f"left its {count} VFs alone", "there are as many as planned")
        return
    if by_parameter:
        raise NodeError(
            f"{pf.pci}: has {count} VFs, the plan has {pf.num_vfs} by a parameter of "
            f"{pf.driver}; is its file in modprobe.d also in the initramfs?"
        )
    if count:
        _remove_vfs(machine, pf, count)
    _create_vfs(machine, pf)
    why = f"there were {count}"
    if pf.mode == "module-parameter":
        why = f"a stand-in's driver does not know the parameter of {pf.driver}"
    status.step(pf.pci, f"created {pf.num_vfs} VFs", why)


def _remove_vfs(machine: Machine, pf: Pf, count: int) -> None:
    """Back to none: from one count to another the kernel says EBUSY."""
    for pci in present_vfs(machine, pf).values():
        use = use_of(machine, pci)
        if use is not None:
            raise NodeError(
                f"{pf.pci}: has {count} VFs, the plan has {pf.num_vfs}; left alone: {pci}: {use}"
            )
    write_vf_count(machine, pf.pci, 0)


def _create_vfs(machine: Machine, pf: Pf) -> None:
    total = int(machine.read(f"{DEVICES}/{pf.pci}/sriov_totalvfs") or 0)
    if pf.num_vfs > total:
        raise NodeError(f"{pf.pci}: the plan has {pf.num_vfs} VFs, the device can have {total}")
    set_autoprobe(machine, pf, "0")
    try:
        write_vf_count(machine, pf.pci, pf.num_vfs)
        _check_made(machine, pf)
    except NodeError:
        set_autoprobe(machine, pf, "1")
        raise


def _check_made(machine: Machine, pf: Pf) -> None:
    """Seen on XXV710: fewer than asked for, and no error."""
    made = vf_count(machine, pf)
    if made != pf.num_vfs:
        raise NodeError(f"{pf.pci}: asked for {pf.num_vfs} VFs, got {made}")


def set_autoprobe(machine: Machine, pf: Pf, value: str) -> None:
    """Whether a VF goes to its network driver as soon as both are there."""
    path = f"{DEVICES}/{pf.pci}/sriov_drivers_autoprobe"
    if machine.read(path) not in (None, value):
        write(machine, path, f"{value}\n", pf.pci)


def check_vf(machine: Machine, pf: Pf, vf: Vf, stand_in: bool) -> None:
    """The VF is at the planned address, and is what it should be."""
    pci = present_vfs(machine, pf).get(vf.index)
    if pci != vf.pci:
        raise NodeError(
            f"{pf.pci}: VF {vf.index} is at {pci or 'no address'}, the plan has {vf.pci}; "
            "left alone"
        )
    found = device_id(machine, vf.pci)
    if found != pf.vf_id and not stand_in:
        raise NodeError(
            f"{vf.pci}: found {found}, the plan has {pf.vf_id} (VF {vf.index} of {pf.name}); "
            "left alone"
        )


def set_up(machine: Machine, pf: Pf, mtu: int, status: Status) -> None:
    """The PF up, with the MTU its VFs ask for, before any driver starts on a VF.

    A VF asks its PF for a reset and for its MAC, and a PF that is down does not answer: a
    network driver then makes a MAC up, DPDK's ixgbe gives up. networkd sets the PF up too,
    but at its own time, beside ovs-vswitchd. An 82599 turns a VF off that wants longer
    frames than its PF (ixgbe_set_vf_lpe, drivers/net/ethernet/intel/ixgbe/ixgbe_sriov.c).
    """
    # Before 6.2 an interface that is up cannot be renamed: udev comes first.
    machine.wait(lambda: pf.name in netdevs(machine, pf.pci), VF_TIMEOUT_S)
    names = netdevs(machine, pf.pci)
    if not names:
        raise NodeError(f"{pf.pci}: {pf.name} has no interface to set its VFs up through")
    words: list[str] = []
    if mtu > int(machine.read(f"sys/class/net/{names[0]}/mtu") or 0):
        words += ["mtu", str(mtu)]
    if not int(machine.read(f"sys/class/net/{names[0]}/flags") or "0", 16) & IFF_UP:
        words.append("up")
        # Until networkd has its own settings in place the kernel is not to take addresses.
        for key, value in (("addr_gen_mode", "1"), ("accept_ra", "0")):
            path = f"proc/sys/net/ipv6/conf/{names[0]}/{key}"
            if machine.exists(path):
                write(machine, path, f"{value}\n", pf.pci)
    if words:
        _ip(machine, pf, pf.pci, ["link", "set", "dev"], words)
        status.step(pf.pci, f"set {' '.join(words)}", "a VF starts only while its PF is up")


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


def set_attributes(machine: Machine, pf: Pf, vf: Vf, status: Status) -> None:
    """MAC, VLAN, trust, spoof check: the PF's to say, before a driver has the VF.

    A VF without an admin MAC has another one after each boot.
    """
    wanted = {"mac": vf.mac, "vlan": vf.vlan, "trust": vf.trust, "spoofchk": vf.spoofchk}
    wanted = {key: value for key, value in wanted.items() if value is not None}
    if not wanted:
        return
    if not machine.wait(lambda: bool(netdevs(machine, pf.pci)), VF_TIMEOUT_S):
        raise NodeError(
            f"{vf.pci}: {', '.join(wanted)} cannot be set: {pf.name} ({pf.pci}) has no interface"
        )
    present = _read_attributes(machine, pf, vf)
    words: list[str] = []
    for key, value in wanted.items():
        if present.get(key) != value:
            words += [key, _word(value)]
    if not words:
        return
    use = use_of(machine, vf.pci)
    if use is not None:
        # A pod's network plugin has set it for the pod, and sets it back afterwards.
        status.step(vf.pci, "left its settings alone", use)
        return
    _ip(machine, pf, vf.pci, ["link", "set", "dev"], ["vf", str(vf.index), *words])
    status.step(vf.pci, f"set {' '.join(words)}", f"VF {vf.index} of {pf.name}")


def _word(value: str | int | bool | None) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def _read_attributes(machine: Machine, pf: Pf, vf: Vf) -> dict[str, str | int | bool]:
    """What the PF says about the VF now, in the words of `ip link set`."""
    done = _ip(machine, pf, vf.pci, ["-json", "link", "show", "dev"], [])
    entries = json.loads(done.out)[0].get("vfinfo_list", [])
    found: dict[str, Any] = next((entry for entry in entries if entry.get("vf") == vf.index), {})
    vlans = found.get("vlan_list") or [found]
    return {
        "mac": found.get("address", ""),
        "vlan": vlans[0].get("vlan", 0),
        "trust": found.get("trust", False),
        "spoofchk": found.get("spoofchk", False),
    }


def _ip(machine: Machine, pf: Pf, what: str, before: list[str], after: list[str]) -> Finished:
    """Run `ip BEFORE INTERFACE AFTER`; again only when udev renamed the interface meanwhile."""
    for _ in range(RENAMES):
        name = netdevs(machine, pf.pci)[0]
        done = machine.run(["ip", *before, name, *after])
        if done.status == 0 or [name] == netdevs(machine, pf.pci):
            break
    if done.status != 0:
        raise NodeError(f"{what}: ip {' '.join([*before, name, *after])}: {done.err}")
    return done
