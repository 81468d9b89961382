"""The SR-IOV capability as a device's configuration space has it.

Standard library only, as `builder.discover.system_files`. PCI Express Base Specification, "SR-IOV
Extended Capability"; include/uapi/linux/pci_regs.h, PCI_SRIOV_*.
"""

from __future__ import annotations

from dataclasses import dataclass

FIRST_EXTENDED = 0x100
SRIOV = 0x10
# PCI_SRIOV_VF_OFFSET, PCI_SRIOV_VF_STRIDE, PCI_SRIOV_VF_DID
OFFSET, STRIDE, VF_DEVICE = 0x14, 0x16, 0x1A


@dataclass(frozen=True, slots=True)
class SriovCapability:
    """First VF offset, VF stride and VF device id."""

    offset: int
    stride: int
    vf_device: int


def find_sriov_capability(config: bytes) -> SriovCapability | None:
    """None: the device has none, or only the first 64 or 256 bytes are there, as for other users
    than root.
    """
    start, seen = FIRST_EXTENDED, set[int]()
    while start >= FIRST_EXTENDED and start not in seen and start + VF_DEVICE + 2 <= len(config):
        seen.add(start)
        header = int.from_bytes(config[start : start + 4], "little")
        if header & 0xFFFF == SRIOV:
            return SriovCapability(
                *(_word(config, start + place) for place in (OFFSET, STRIDE, VF_DEVICE))
            )
        start = header >> 20 & 0xFFC
    return None


def _word(config: bytes, place: int) -> int:
    return int.from_bytes(config[place : place + 2], "little")
