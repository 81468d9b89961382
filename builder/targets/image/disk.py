"""A disk assembled offline: partition table, boot sectors, ESP and root in one sparse file.

Nothing is mounted and no loop device is used, so it works in any container and leaves
nothing behind when killed.
"""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass
from pathlib import Path

from builder.command import Runner
from builder.targets.image import esp, ext4, gpt, grub

MIB = 1024 * 1024
BIOS_BOOT_SIZE = 1 * MIB
# FAT32 needs 65525 clusters (Microsoft's FAT specification); the files need 8 MiB.
ESP_SIZE = 40 * MIB


@dataclass(frozen=True, slots=True)
class BootFiles:
    """The boot loader's files; `efi` maps paths on the ESP to files of the tree."""

    boot_img: Path
    core_img: Path
    efi: tuple[tuple[str, Path], ...]


@dataclass(frozen=True, slots=True)
class DiskPlan:
    """Everything that fixes the bytes of a disk besides the tree that fills it.

    seed: names the disk; all GUIDs follow from it. epoch: the time written everywhere.
    csum_seed: whether the root file system can get another UUID while it is mounted.
    """

    seed: uuid.UUID
    epoch: int
    root_size: int
    csum_seed: bool = True

    def guid(self, name: str) -> uuid.UUID:
        """The identifier of one part of the disk."""
        return uuid.uuid5(self.seed, name)

    @property
    def root_uuid(self) -> uuid.UUID:
        """UUID of the root file system, which boot loader and kernel look for."""
        return self.guid("root file system")

    @property
    def table(self) -> gpt.PartitionTable:
        """BIOS boot partition, ESP, root: root last, so that it can grow on the node."""
        parts: list[gpt.Partition] = []
        first = gpt.MIB_SECTORS
        for name, kind, size in (
            ("bios", gpt.BIOS_BOOT, BIOS_BOOT_SIZE),
            ("esp", gpt.EFI_SYSTEM, ESP_SIZE),
            ("root", gpt.ROOT_X86_64, self.root_size),
        ):
            last = first + size // gpt.SECTOR - 1
            parts.append(gpt.Partition(name, kind, self.guid(name), first, last))
            first = last + 1
        return gpt.PartitionTable(self.guid("disk"), first + gpt.MIB_SECTORS, tuple(parts))


def assemble(plan: DiskPlan, tree: Path, boot: BootFiles, out: Path, runner: Runner) -> None:
    """Write the disk `out` from `tree`; `out` must not exist yet."""
    bios, efi, root = plan.table.partitions
    core = grub.patch_core_img(boot.core_img.read_bytes(), bios.first, bios.size)
    boot_img = grub.patch_boot_img(boot.boot_img.read_bytes(), bios.first)
    with out.open("xb") as disk:
        disk.truncate(plan.table.size)
        disk.write(gpt.protective_mbr(plan.table.sectors, boot_img))
        disk.write(gpt.primary_table(plan.table))
        disk.seek(bios.offset)
        disk.write(core)
        disk.seek((plan.table.sectors - gpt.BACKUP_SECTORS) * gpt.SECTOR)
        disk.write(gpt.backup_table(plan.table))
    runner.run(
        ext4.mke2fs(
            out, root.offset, root.size, tree, plan.root_uuid, plan.epoch, csum_seed=plan.csum_seed
        )
    )
    _write_esp(plan, boot, efi, out, runner)


def _write_esp(
    plan: DiskPlan, boot: BootFiles, part: gpt.Partition, out: Path, runner: Runner
) -> None:
    """Make the ESP beside the disk, then copy what is not zero into its place."""
    image = out.with_name(out.name + ".esp")
    try:
        with image.open("xb") as file:
            file.truncate(part.size)
        serial = plan.guid("esp file system").int & 0xFFFFFFFF
        for command in esp.esp_commands(image, part.size, serial, boot.efi, plan.epoch):
            runner.run(command)
        with image.open("rb") as source, out.open("r+b") as disk:
            for index in range(0, part.size, MIB):
                block = source.read(MIB)
                if block.strip(b"\0"):
                    disk.seek(part.offset + index)
                    disk.write(block)
    finally:
        image.unlink(missing_ok=True)


def identify(plan: DiskPlan, out: Path, runner: Runner) -> None:
    """Give the disk `out`, made by a plan of the same sizes, the identifiers of `plan`."""
    _, efi, root = plan.table.partitions
    serial = struct.pack("<I", plan.guid("esp file system").int & 0xFFFFFFFF)
    with out.open("r+b") as disk:
        disk.seek(gpt.SECTOR)
        disk.write(gpt.primary_table(plan.table))
        disk.seek((plan.table.sectors - gpt.BACKUP_SECTORS) * gpt.SECTOR)
        disk.write(gpt.backup_table(plan.table))
        disk.seek(efi.offset + esp.COPY_SECTOR)
        (copy,) = struct.unpack("<H", disk.read(2))
        for sector in (0, copy):
            disk.seek(efi.offset + sector * gpt.SECTOR + esp.SERIAL)
            disk.write(serial)
    runner.run(ext4.tune2fs(out, root.offset, plan.root_uuid, plan.epoch))
