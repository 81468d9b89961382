"""What is known of a port: the NIC table's row of its device id, and what the inventory says."""

from __future__ import annotations

from dataclasses import replace

from builder.catalog.nics import NicType, find_nic_type
from builder.model.hardware import Nic


def nic_type_of(nic: Nic) -> NicType | None:
    """The table's row with the inventory's own VF layout in it; None when neither knows VFs."""
    known = find_nic_type(nic.id)
    own = nic.sriov
    if own is None:
        return known
    base = known or NicType(nic.id, "not in the NIC table", nic.driver)
    return replace(
        base,
        vf_id=own.vf_id or base.vf_id,
        vf_driver=own.vf_driver or base.vf_driver,
        total_vfs=own.total_vfs,
        vf_offset=own.vf_offset,
        vf_stride=own.vf_stride,
        vf_pool=0,
        vf_block=0,
        vfs_in_card=False,
    )
