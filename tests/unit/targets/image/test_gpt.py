"""The table's bytes against the fields the UEFI specification names."""

from __future__ import annotations

import struct
import uuid
import zlib

from builder.targets.image import gpt

DISK = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
PART = gpt.Partition("root", gpt.ROOT_X86_64, DISK, 4096, 8191)
TABLE = gpt.PartitionTable(DISK, 10240, (PART,))


def header(table: bytes, start: int) -> tuple[object, ...]:
    return struct.unpack("<8sIIIIQQQQ16sQIII", table[start : start + 92])


def test_sizes_follow_from_the_sectors() -> None:
    assert (PART.offset, PART.size, TABLE.size) == (2 * 2**20, 2 * 2**20, 5 * 2**20)


def test_primary_header() -> None:
    data = gpt.primary_table(TABLE)
    fields = header(data, 0)
    assert len(data) == 33 * 512
    assert fields[0:3] == (b"EFI PART", 0x10000, 92)
    assert fields[5:9] == (1, 10239, 34, 10206)
    assert fields[9] == DISK.bytes_le
    assert fields[10:13] == (2, 128, 128)
    assert fields[13] == zlib.crc32(data[512:])
    blank = data[:16] + bytes(4) + data[20:92]
    assert fields[3] == zlib.crc32(blank)


def test_backup_header_is_the_last_sector_and_names_its_own_entries() -> None:
    data = gpt.backup_table(TABLE)
    fields = header(data, 32 * 512)
    assert len(data) == 33 * 512
    assert (fields[5], fields[6], fields[10]) == (10239, 1, 10207)
    assert data[: 32 * 512] == gpt.primary_table(TABLE)[512:]


def test_entry() -> None:
    kind, guid, first, last, attributes, name = struct.unpack(
        "<16s16sQQQ72s", gpt.primary_table(TABLE)[512:640]
    )
    assert kind == gpt.ROOT_X86_64.bytes_le
    assert guid == DISK.bytes_le
    assert (first, last, attributes) == (4096, 8191, 0)
    assert name.decode("utf-16-le").rstrip("\0") == "root"


def test_protective_mbr_keeps_the_boot_code_and_covers_the_disk() -> None:
    mbr = gpt.protective_mbr(10240, b"\xeb" * 512)
    assert len(mbr) == 512
    assert mbr[:440] == b"\xeb" * 440
    assert mbr[440:446] == bytes(6)
    assert mbr[446:462] == bytes.fromhex("00000200eeffffff01000000ff270000")
    assert mbr[510:] == b"\x55\xaa"


def test_protective_mbr_of_a_disk_beyond_its_reach() -> None:
    assert gpt.protective_mbr(2**33, b"")[458:462] == b"\xff\xff\xff\xff"
