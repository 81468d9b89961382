"""Which functions of a machine are virtual ones: those of its own ports, and those it was given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from builder.catalog.nics import VF_TYPES, find_nic_type
from builder.catalog.virtual_functions import is_virtual_function
from builder.discover.functions import Function, Sriov
from builder.phrases import one_line


@dataclass(frozen=True, slots=True)
class FoundVfs:
    """own: of PFs of this machine; given: their PFs are not here, as in a virtual machine."""

    own: tuple[Function, ...]
    given: tuple[Function, ...]


def find_vfs(functions: Sequence[Function]) -> FoundVfs:
    """By the kernel's links between PF and VF, or, where a copy lacks them, by what they are."""
    linked = {pci for function in functions for pci in function.vfs}
    told = {vf_id_of(function.id, function.sriov) for function in functions} - {None}
    own: list[Function] = []
    given: list[Function] = []
    for function in functions:
        if function.is_vf or function.pci in linked or function.id in told:
            own.append(function)
        elif is_virtual_function(function.id or "", function.driver):
            has_pf = any(_can_have(port, function) for port in functions)
            (own if has_pf else given).append(function)
    return FoundVfs(tuple(own), tuple(given))


def vf_id_of(port_id: str | None, sriov: Sriov) -> str | None:
    """vendor:device of a port's VFs, where sriov_vf_device says it and it is not the port's own id:
    a VF has its PF's vendor (PCIe, SR-IOV capability, "VF Device ID").
    """
    device = (sriov.vf_device or "").lower().removeprefix("0x")
    if port_id is None or not sriov.total or re.fullmatch("[0-9a-f]{1,4}", device) is None:
        return None
    vf_id = f"{port_id[:4]}:{device.zfill(4)}"
    return None if vf_id == port_id else vf_id


def _can_have(port: Function, vf: Function) -> bool:
    kind = find_nic_type(port.id or "")
    return kind is not None and kind.vf is not None and kind.vf.device_id == vf.id


def line_for(vf: Function) -> str:
    """The line under `nics` that would make it a port after all."""
    known = VF_TYPES.get(vf.id or "")
    driver = known.driver if known is not None else vf.driver or "…"
    name = vf.netdevs[0].name if vf.netdevs else "vf0"
    return one_line(f'{{pci: "{vf.pci}", id: "{vf.id}", driver: {driver}, name: {name}}}')
