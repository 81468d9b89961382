"""The partition table as bytes: protective MBR and both copies of the GPT.

Layout of header and entries: UEFI specification 2.10, chapter 5.
"""

from __future__ import annotations

import struct
import uuid
import zlib
from dataclasses import dataclass

SECTOR = 512
MIB_SECTORS = 1024 * 1024 // SECTOR
ENTRY_COUNT = 128
ENTRY_SIZE = 128
TABLE_SECTORS = ENTRY_COUNT * ENTRY_SIZE // SECTOR
# Header and entries at either end of the disk; the front has the protective MBR too.
BACKUP_SECTORS = TABLE_SECTORS + 1
PRIMARY_SECTORS = BACKUP_SECTORS + 1

BIOS_BOOT = uuid.UUID("21686148-6449-6e6f-744e-656564454649")
EFI_SYSTEM = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
# Discoverable Partitions Specification, "Root Partition (amd64/x86_64)": the type
# systemd-repart looks for when it grows the root partition.
ROOT_X86_64 = uuid.UUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709")


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition; both sector numbers are inclusive, as in the table itself."""

    name: str
    type_guid: uuid.UUID
    guid: uuid.UUID
    first: int
    last: int

    @property
    def offset(self) -> int:
        """Byte at which the partition starts."""
        return self.first * SECTOR

    @property
    def size(self) -> int:
        """Length of the partition in bytes."""
        return (self.last - self.first + 1) * SECTOR


@dataclass(frozen=True, slots=True)
class PartitionTable:
    """A whole partition table of a disk of `sectors` sectors."""

    disk_guid: uuid.UUID
    sectors: int
    partitions: tuple[Partition, ...]

    @property
    def size(self) -> int:
        """Length of the disk in bytes."""
        return self.sectors * SECTOR


def protective_mbr(sectors: int, boot_code: bytes) -> bytes:
    """Sector 0: 440 bytes of boot code and one partition of type 0xEE over the disk."""
    span = min(sectors - 1, 0xFFFFFFFF)
    entry = struct.pack("<B3sB3sII", 0, b"\x00\x02\x00", 0xEE, b"\xff\xff\xff", 1, span)
    return boot_code[:440].ljust(446, b"\0") + entry.ljust(64, b"\0") + b"\x55\xaa"


def primary_table(table: PartitionTable) -> bytes:
    """Sectors 1 to 33: header, then entries."""
    return _header(table, own=1, other=table.sectors - 1, entries=2) + _entries(table)


def backup_table(table: PartitionTable) -> bytes:
    """The last 33 sectors: entries, then header."""
    own = table.sectors - 1
    return _entries(table) + _header(table, own=own, other=1, entries=own - TABLE_SECTORS)


def _entries(table: PartitionTable) -> bytes:
    packed = b"".join(
        struct.pack(
            "<16s16sQQQ72s",
            part.type_guid.bytes_le,
            part.guid.bytes_le,
            part.first,
            part.last,
            0,
            part.name.encode("utf-16-le"),
        )
        for part in table.partitions
    )
    return packed.ljust(ENTRY_COUNT * ENTRY_SIZE, b"\0")


def _header(table: PartitionTable, *, own: int, other: int, entries: int) -> bytes:
    def pack(crc: int) -> bytes:
        return struct.pack(
            "<8sIIIIQQQQ16sQIII",
            b"EFI PART",
            0x00010000,
            92,
            crc,
            0,
            own,
            other,
            PRIMARY_SECTORS,
            table.sectors - 1 - BACKUP_SECTORS,
            table.disk_guid.bytes_le,
            entries,
            ENTRY_COUNT,
            ENTRY_SIZE,
            zlib.crc32(_entries(table)),
        )

    return pack(zlib.crc32(pack(0))).ljust(SECTOR, b"\0")
