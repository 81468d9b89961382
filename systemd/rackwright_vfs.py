# SPDX-License-Identifier: Apache-2.0
"""The VFs of a PF: how many there are, and where."""

from __future__ import annotations

from dataclasses import replace

from rackwright_node import Machine, NodeError, Pf, Status, Vf
from rackwright_pci import DEVICES, device_id, use_of, write, write_vf_count
from rackwright_uplink import is_down

VF_TIMEOUT_S = 10.0
IN_BIOS = "it is disabled in the BIOS or in the card's own settings"


def vf_count(machine: Machine, pf: Pf) -> int:
    text = machine.read(f"{DEVICES}/{pf.pci}/sriov_numvfs")
    if text is None:
        raise NodeError(f"{pf.pci}: the device has no SR-IOV; {pf.set_in_card or IN_BIOS}")
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
        how = f"; {pf.set_in_card}" if pf.set_in_card else ""
        raise NodeError(
            f"{pf.pci}: the plan has {pf.num_vfs} VFs, the device can have {total}{how}"
        )
    set_autoprobe(machine, pf, "0")
    try:
        write_vf_count(machine, pf.pci, pf.num_vfs)
        _check_made(machine, pf)
    except NodeError as fault:
        set_autoprobe(machine, pf, "1")
        raise NodeError(f"{fault}{_cause(machine, pf)}") from fault


def _check_made(machine: Machine, pf: Pf) -> None:
    """Seen on XXV710: fewer than asked for, and no error. So does a driver that wants its PF up
    while that is down: bnxt_sriov_configure() (drivers/net/ethernet/broadcom/bnxt/bnxt_sriov.c)
    returns 0.
    """
    made = vf_count(machine, pf)
    if made == pf.num_vfs:
        return
    raise NodeError(f"{pf.pci}: asked for {pf.num_vfs} VFs, got {made}")


def _cause(machine: Machine, pf: Pf) -> str:
    """bnx2x says EINVAL while it is down."""
    if pf.up_first and is_down(machine, pf):
        return f"; {pf.driver} makes none while {pf.name} is down"
    if pf.set_in_card:
        return f"; {pf.set_in_card}"
    return ""


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
