# SPDX-License-Identifier: Apache-2.0
"""The disk a node runs from: its partition table (UEFI 2.10, chapter 5) and identifiers on it."""

from __future__ import annotations

import os
import struct
import uuid
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rackwright_node import Machine, NodeError

EFI_SYSTEM = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
# Header of a GPT up to the CRC of its entries, and where in it each part is.
HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
MAGIC = b"EFI PART"
# The first sector of the entries, behind the protective MBR and the header.
ENTRIES = 2
EXT_UUID = 1024 + 0x68
# Offsets in the first sector of FAT32: of the copy's sector, and of the volume's number.
FAT_COPY, FAT_SERIAL, FAT32 = 0x32, 0x43, (0x52, b"FAT32   ")


@dataclass(frozen=True, slots=True)
class Root:
    """Names below /dev of the root file system's partition and its disk; bytes of a sector."""

    partition: str
    disk: str
    sector: int


@dataclass(frozen=True, slots=True)
class Table:
    """One of the two copies of a partition table."""

    fields: tuple[int | bytes, ...]
    entries: bytes

    def part(self, index: int) -> int:
        value = self.fields[index]
        assert isinstance(value, int)
        return value


def find_root(machine: Machine) -> Root:
    device = machine.root.stat().st_dev
    block = f"sys/dev/block/{os.major(device)}:{os.minor(device)}"
    link = machine.target(block)
    if link is None or not machine.exists(f"{block}/partition"):
        raise NodeError("the root file system is not on a partition of a disk")
    disk, partition = link.rstrip("/").split("/")[-2:]
    sector = machine.read(f"sys/block/{disk}/queue/logical_block_size")
    return Root(partition, disk, int(sector or 512))


def read_uuid(machine: Machine, root: Root) -> str:
    with machine.path(f"dev/{root.partition}").open("rb") as device:
        device.seek(EXT_UUID)
        return str(uuid.UUID(bytes=device.read(16)))


def named_by_firmware(machine: Machine) -> bytes:
    """Boot entries of UEFI: an installer's names a disk's ESP by the GUID of its partition."""
    folder = "sys/firmware/efi/efivars"
    names = [name for name in machine.names(folder) if name.startswith("Boot0")]
    return b"".join(machine.path(f"{folder}/{name}").read_bytes() for name in names)


def renew_table(machine: Machine, root: Root, make: Callable[[], uuid.UUID], kept: bytes) -> None:
    """New GUIDs of the disk and its partitions, but for those in `kept`; the copy first.

    Linux reads the copy only if told to (block/partitions/efi.c, find_valid_gpt()), so the table
    itself is whole at every moment: its entries are written beside the old ones, and one sector,
    its header, leads to them.
    """
    with _open(machine, root.disk) as device:
        primary = _read(device, root.sector, 1)
        entries = _renewed(primary, make, kept)
        guid = make().bytes_le
        last = primary.part(6)
        copy = _read(device, root.sector, last)
        _write(device, root.sector, copy, last, guid, entries, copy.part(10))
        for place in _places(primary, root.sector):
            _write(device, root.sector, primary, 1, guid, entries, place)


def _places(table: Table, sector: int) -> tuple[int, ...]:
    """Where the entries are written one after the other, never over those the header leads to."""
    if table.part(10) != ENTRIES:
        return (ENTRIES,)  # the power was cut after the first of two
    length = len(table.entries) // sector
    parts = range(0, len(table.entries), table.part(12))
    used = [struct.unpack_from("<Q", table.entries, at + 32)[0] for at in parts]
    if min(filter(None, used), default=0) < ENTRIES + 2 * length:
        raise NodeError("a partition begins right behind the partition table")
    return (ENTRIES + length, ENTRIES)


def _renewed(table: Table, make: Callable[[], uuid.UUID], kept: bytes) -> bytes:
    size, out = table.part(12), bytearray(table.entries)
    for start in range(0, len(out), size):
        old = bytes(out[start + 16 : start + 32])
        if any(out[start : start + 16]) and not (kept and old in kept):
            out[start + 16 : start + 32] = make().bytes_le
    return bytes(out)


def _read(device: int, sector: int, number: int) -> Table:
    raw = os.pread(device, sector, number * sector)
    fields = HEADER.unpack_from(raw)
    table = Table(fields, b"")
    if fields[0] != MAGIC:
        raise NodeError(f"sector {number} has no partition table")
    entries = os.pread(device, table.part(11) * table.part(12), table.part(10) * sector)
    return Table(fields, entries)


def _write(
    device: int, sector: int, table: Table, own: int, guid: bytes, entries: bytes, place: int
) -> None:
    fields = list(table.fields)
    fields[3], fields[5], fields[9], fields[10] = 0, own, guid, place
    fields[13] = zlib.crc32(entries)
    fields[3] = zlib.crc32(HEADER.pack(*fields))
    os.pwrite(device, entries, place * sector)
    os.fsync(device)
    os.pwrite(device, HEADER.pack(*fields).ljust(sector, b"\0"), own * sector)
    os.fsync(device)


def renew_esp(machine: Machine, root: Root, serial: int) -> None:
    """The volume number of the ESP, which nothing has mounted."""
    with _open(machine, root.disk) as device:
        table = _read(device, root.sector, 1)
        for start in range(0, len(table.entries), table.part(12)):
            entry = table.entries[start : start + table.part(12)]
            if entry[:16] == EFI_SYSTEM.bytes_le:
                first = struct.unpack_from("<Q", entry, 32)[0]
                _renumber(device, first * root.sector, root.sector, serial)
        os.fsync(device)


def _renumber(device: int, start: int, sector: int, serial: int) -> None:
    boot = os.pread(device, sector, start)
    where, name = FAT32
    if boot[where : where + len(name)] != name:
        return
    copy = struct.unpack_from("<H", boot, FAT_COPY)[0]
    for number in (copy, 0):
        os.pwrite(device, struct.pack("<I", serial), start + number * sector + FAT_SERIAL)


@contextmanager
def _open(machine: Machine, name: str) -> Iterator[int]:
    device = os.open(machine.path(f"dev/{name}"), os.O_RDWR | os.O_CLOEXEC)
    try:
        yield device
    finally:
        os.close(device)
