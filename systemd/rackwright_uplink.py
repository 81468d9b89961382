# SPDX-License-Identifier: Apache-2.0
"""A PF through its own interface: found, set up, and spoken to by `ip`."""

from __future__ import annotations

import re

from rackwright_node import Finished, Machine, NodeError, Pf, Status
from rackwright_pci import netdevs, write

NAME_TIMEOUT_S = 10.0
RENAMES = 5
# include/uapi/linux/if.h
IFF_UP = 1
# phys_port_name of a port that stands for a function behind the switch of a NIC
# (devlink_port_phys_port_name_get(), net/devlink).
REPRESENTOR = re.compile(r"(c\d+)?pf\d+((vf|sf)\d+)?")


def uplink(machine: Machine, pf: Pf) -> str | None:
    """The PF's own interface; None when it has none.

    In switchdev mode the interfaces that stand for its VFs are in the same directory.
    """
    names = netdevs(machine, pf.pci)
    if pf.name in names:
        return pf.name
    own = [name for name in names if not _is_representor(machine, name)]
    return own[0] if own else None


def _is_representor(machine: Machine, name: str) -> bool:
    # EOPNOTSUPP from a driver without port names.
    label = machine.read(f"sys/class/net/{name}/phys_port_name")
    return label is not None and REPRESENTOR.fullmatch(label) is not None


def set_up(machine: Machine, pf: Pf, mtu: int, status: Status) -> None:
    """The PF up, with the MTU its VFs ask for, before any driver starts on a VF; `up_first`:
    before there are VFs.

    A VF asks its PF for a reset and for its MAC, and a PF that is down does not answer: a
    network driver then makes a MAC up, DPDK's ixgbe gives up. networkd sets the PF up too,
    but at its own time, beside ovs-vswitchd. An 82599 turns a VF off that wants longer
    frames than its PF (ixgbe_set_vf_lpe, drivers/net/ethernet/intel/ixgbe/ixgbe_sriov.c).
    """
    # Before 6.2 an interface that is up cannot be renamed: udev comes first.
    machine.wait(lambda: uplink(machine, pf) == pf.name, NAME_TIMEOUT_S)
    name = uplink(machine, pf)
    if name is None:
        raise NodeError(f"{pf.pci}: {pf.name} has no interface to set its VFs up through")
    words: list[str] = []
    if mtu > int(machine.read(f"sys/class/net/{name}/mtu") or 0):
        words += ["mtu", str(mtu)]
    if not _is_up(machine, name):
        words.append("up")
        # Until networkd has its own settings in place the kernel is not to take addresses.
        for key, value in (("addr_gen_mode", "1"), ("accept_ra", "0")):
            path = f"proc/sys/net/ipv6/conf/{name}/{key}"
            if machine.exists(path):
                write(machine, path, f"{value}\n", pf.pci)
    if words:
        run_ip(machine, pf, pf.pci, ["link", "set", "dev"], words)
        why = "a VF starts only while its PF is up"
        if pf.up_first:
            why = f"{pf.driver} makes VFs only while their PF is up"
        status.step(pf.pci, f"set {' '.join(words)}", why)


def is_down(machine: Machine, pf: Pf) -> bool:
    name = uplink(machine, pf)
    return name is None or not _is_up(machine, name)


def _is_up(machine: Machine, name: str) -> bool:
    return bool(int(machine.read(f"sys/class/net/{name}/flags") or "0", 16) & IFF_UP)


def has_link(machine: Machine, pf: Pf) -> bool:
    return machine.read(f"sys/class/net/{uplink(machine, pf)}/carrier") == "1"


def run_ip(machine: Machine, pf: Pf, what: str, before: list[str], after: list[str]) -> Finished:
    """Run `ip BEFORE INTERFACE AFTER`; again only when udev renamed the interface meanwhile."""
    for _ in range(RENAMES):
        name = uplink(machine, pf)
        if name is None:
            raise NodeError(f"{what}: {pf.name} ({pf.pci}) has no interface")
        done = machine.run(["ip", *before, name, *after])
        if done.status == 0 or name == uplink(machine, pf):
            break
    if done.status != 0:
        words = [*before, name or pf.name, *after]
        raise NodeError(f"{what}: ip {' '.join(words)}: {done.err}")
    return done
