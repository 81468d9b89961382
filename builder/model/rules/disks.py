"""Rules on the disk of a machine."""

from __future__ import annotations

from collections.abc import Iterator

from builder.model.inventory import Inventory
from builder.rule import Finding, Rule

# Of the partition table an image has (targets/image/gpt.py).
IMAGE_SECTOR = 512
KINDS = {4096: " (4Kn)"}


def check_sector_size(inventory: Inventory) -> Iterator[Finding]:
    """UEFI 2.10, 5.3.1: a partition table stands in and counts in the disk's logical sectors."""
    for name, hardware in inventory.hardware.items():
        size = hardware.disk.sector_size
        if size != IMAGE_SECTOR:
            message = (
                f"images have a partition table for sectors of {IMAGE_SECTOR} bytes: on a disk "
                f"with sectors of {size}{KINDS.get(size, '')} neither firmware nor kernel finds it"
            )
            hint = (
                "set the disk to sectors of 512 bytes (nvme format --lbaf, sg_format --size=512), or "
                "use one that shows such sectors (512e)"
            )
            yield Finding(("hardware", name, "disk", "sector-size"), message, hint)


RULES: tuple[Rule[Inventory], ...] = (
    Rule(
        "disk-sector-size",
        "error",
        "The disk of a machine has the sectors that images are made for.",
        check_sector_size,
    ),
)
