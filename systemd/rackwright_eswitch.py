# SPDX-License-Identifier: Apache-2.0
"""The switch inside a NIC: put into switchdev mode by devlink, beside the making of its VFs."""

from __future__ import annotations

import json

from rackwright_node import Machine, NodeError, Pf, Status

SWITCHDEV = "switchdev"


def read_eswitch(machine: Machine, pci: str) -> str | None:
    """`legacy` or `switchdev`; None when the driver knows no modes or devlink is not there."""
    done = machine.run(["devlink", "-j", "dev", "eswitch", "show", f"pci/{pci}"])
    if done.status != 0 or not done.out.strip():
        return None
    mode = json.loads(done.out).get("dev", {}).get(f"pci/{pci}", {}).get("mode")
    return mode if isinstance(mode, str) else None


def set_eswitch(machine: Machine, pf: Pf, stand_in: bool, status: Status, *, last: bool) -> bool:
    """Switchdev mode where the plan has it; legacy is what a NIC starts with. False: not yet.

    Tried before the VFs are made and, when that fails, after: ice changes its mode only without
    VFs (ice_eswitch_mode_set()), bnxt before 6.10 only with VFs (bnxt_dl_eswitch_mode_set()),
    mlx5 while no driver has them. So a refusal is an error only the second time (`last`).
    """
    if pf.eswitch != SWITCHDEV:
        return True
    if stand_in:
        status.step(pf.pci, "left out switchdev mode", "a stand-in has no switch of that kind")
        return True
    mode = read_eswitch(machine, pf.pci)
    if mode == SWITCHDEV:
        status.step(pf.pci, "left in switchdev mode", "as planned")
        return True
    argv = ["devlink", "dev", "eswitch", "set", f"pci/{pf.pci}", "mode", SWITCHDEV]
    done = machine.run(argv)
    if read_eswitch(machine, pf.pci) == SWITCHDEV:
        status.step(pf.pci, "put into switchdev mode", f"was in {mode or 'no'} mode")
        return True
    if last:
        raise NodeError(f"{pf.pci}: {' '.join(argv)}: {done.err or 'it had no effect'}")
    return False
