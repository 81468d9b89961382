"""What a node makes for itself: names of packages, and the identifiers of its disk."""

from __future__ import annotations

import importlib.util
import json
import struct
import uuid
import zlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import rackwright_disk as disk
from fake_kernel import FakeKernel
from rackwright_node import Finished, NodeError, Status

from builder.catalog.identities import IDENTITIES
from builder.resources import data_dir
from builder.targets.image import esp, gpt
from builder.targets.image.disk import DiskPlan

PLAN = DiskPlan(uuid.UUID(int=1), 0, 2**20)
ROOT = disk.Root("sda3", "sda", 512)
ROW = {
    "path": "/etc/iscsi/name", "tool": "/usr/sbin/tool", "command": ["tool", "-x"],
    "prefix": "Name=", "placeholder": "Generate=yes\n",
}  # fmt: skip


@pytest.fixture
def program() -> ModuleType:
    path = data_dir("systemd") / "rackwright-identity.py"
    spec = importlib.util.spec_from_file_location("identity", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answering(kernel: FakeKernel, monkeypatch: pytest.MonkeyPatch, answer: Finished) -> list[Any]:
    ran: list[Any] = []

    def run(argv: Any, timeout_s: float = 0) -> Finished:
        ran.append(list(argv))
        return answer

    monkeypatch.setattr(kernel, "run", run)
    return ran


@pytest.mark.parametrize("before", [None, "", "Generate=yes\n"])
def test_a_name_is_made_where_the_image_has_none(
    program: ModuleType,
    kernel: FakeKernel,
    status: Status,
    monkeypatch: pytest.MonkeyPatch,
    before: str | None,
) -> None:
    kernel.put("usr/sbin/tool", "")
    if before is not None:
        kernel.put("etc/iscsi/name", before)
    ran = answering(kernel, monkeypatch, Finished(0, "iqn.a:1\n", ""))
    program.make(kernel, ROW, status)
    program.make(kernel, ROW, status)
    assert ran == [["tool", "-x"]]
    assert kernel.path("etc/iscsi/name").read_text() == "Name=iqn.a:1\n"
    assert [step["did"] for step in status.steps] == ["made", "left as it is"]


def test_nothing_is_made_of_a_package_that_is_not_there(
    program: ModuleType, kernel: FakeKernel, status: Status
) -> None:
    program.make(kernel, ROW, status)
    assert (status.steps, kernel.exists("etc/iscsi")) == ([], False)


def test_a_program_that_fails_leaves_no_name(
    program: ModuleType, kernel: FakeKernel, status: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel.put("usr/sbin/tool", "")
    answering(kernel, monkeypatch, Finished(1, "", "broken"))
    with pytest.raises(NodeError, match="/etc/iscsi/name: tool: broken"):
        program.make(kernel, ROW, status)
    assert not kernel.exists("etc/iscsi/name")


def test_every_row_has_a_place_of_its_own() -> None:
    assert len({row.path for row in IDENTITIES}) == len(IDENTITIES)
    assert all(row.path.startswith("/") and row.tool.startswith("/") for row in IDENTITIES)
    assert all(row.placeholder.endswith("\n") for row in IDENTITIES if row.placeholder)


@pytest.fixture
def device(kernel: FakeKernel) -> Path:
    """/dev/sda as the image builder partitions a disk, with what is changed of its ESP."""
    path = kernel.path("dev/sda")
    path.parent.mkdir(parents=True, exist_ok=True)
    start = PLAN.table.partitions[1].offset
    with path.open("wb") as file:
        file.truncate(PLAN.table.size)
        file.seek(512)
        file.write(gpt.primary_table(PLAN.table))
        file.seek((PLAN.table.sectors - gpt.BACKUP_SECTORS) * 512)
        file.write(gpt.backup_table(PLAN.table))
        for offset, content in ((0x52, b"FAT32   "), (esp.COPY_SECTOR, b"\6\0")):
            file.seek(start + offset)
            file.write(content)
    return path


def table_at(raw: bytes, sector: int) -> tuple[uuid.UUID, list[bytes]]:
    """GUID of the disk and the entries, of a copy whose checksums are right."""
    header = raw[sector * 512 : sector * 512 + 92]
    assert zlib.crc32(header[:16] + bytes(4) + header[20:]) == struct.unpack("<I", header[16:20])[0]
    own, first = struct.unpack("<Q", header[24:32])[0], struct.unpack("<Q", header[72:80])[0]
    entries = raw[first * 512 : first * 512 + 128 * 128]
    assert (own, zlib.crc32(entries)) == (sector, struct.unpack("<I", header[88:92])[0])
    return uuid.UUID(bytes_le=header[56:72]), [
        entries[at : at + 128] for at in range(0, 3 * 128, 128)
    ]


def test_both_copies_of_the_table_get_the_same_new_ids(kernel: FakeKernel, device: Path) -> None:
    before = device.read_bytes()
    last = PLAN.table.sectors - 1
    old_guid, old = table_at(before, 1)
    disk.renew_table(kernel, ROOT, uuid.uuid4, b"")
    after = device.read_bytes()
    assert table_at(after, 1) == table_at(after, last)
    guid, entries = table_at(after, 1)
    assert guid != old_guid
    assert all(new[16:32] != was[16:32] for new, was in zip(entries, old, strict=True))
    # The places, types and names of partitions stay.
    assert [e[:16] + e[32:] for e in entries] == [e[:16] + e[32:] for e in old]


def test_an_esp_that_the_firmware_knows_by_its_guid_keeps_it(
    kernel: FakeKernel, device: Path
) -> None:
    kept = PLAN.table.partitions[1].guid.bytes_le
    entry = kernel.path("sys/firmware/efi/efivars/Boot0003-8be4df61")
    entry.parent.mkdir(parents=True)
    entry.write_bytes(b"....HD(2,GPT," + kept)
    disk.renew_table(kernel, ROOT, uuid.uuid4, disk.named_by_firmware(kernel))
    _, (bios, efi, root) = table_at(device.read_bytes(), 1)
    old = [part.guid.bytes_le for part in PLAN.table.partitions]
    assert [one[16:32] == was for one, was in zip((bios, efi, root), old, strict=True)] == [
        False, True, False,
    ]  # fmt: skip


class PowerCutError(Exception):
    """The power is off."""


@pytest.mark.parametrize("writes", range(6))
def test_a_power_cut_leaves_the_table_whole(
    kernel: FakeKernel, device: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """Of what is being written, whole sectors may have arrived."""
    whole, done = disk.os.pwrite, []

    def pwrite(number: int, content: bytes, offset: int) -> int:
        if len(done) == writes:
            if len(content) > 512:
                whole(number, content[:512], offset)
            raise PowerCutError
        done.append(offset)
        return int(whole(number, content, offset))

    monkeypatch.setattr(disk.os, "pwrite", pwrite)
    with pytest.raises(PowerCutError):
        disk.renew_table(kernel, ROOT, uuid.uuid4, b"")
    _, entries = table_at(device.read_bytes(), 1)
    assert [e[32:48] for e in entries] == [
        struct.pack("<QQ", part.first, part.last) for part in PLAN.table.partitions
    ]
    monkeypatch.undo()
    disk.renew_table(kernel, ROOT, uuid.uuid4, b"")
    raw = device.read_bytes()
    assert table_at(raw, 1) == table_at(raw, PLAN.table.sectors - 1)
    assert struct.unpack_from("<Q", raw, 512 + 72) == (disk.ENTRIES,)


def test_entries_are_written_over_no_partition(kernel: FakeKernel, device: Path) -> None:
    table = PLAN.table
    first = replace(table.partitions[0], first=65)
    with device.open("r+b") as file:
        file.seek(512)
        file.write(gpt.primary_table(replace(table, partitions=(first, *table.partitions[1:]))))
    with pytest.raises(NodeError, match="begins right behind"):
        disk.renew_table(kernel, ROOT, uuid.uuid4, b"")


def test_both_boot_sectors_of_the_esp_get_the_number(kernel: FakeKernel, device: Path) -> None:
    disk.renew_esp(kernel, ROOT, 0x01020304)
    raw, start = device.read_bytes(), PLAN.table.partitions[1].offset
    for sector in (0, 6):
        at = start + sector * 512 + esp.SERIAL
        assert raw[at : at + 4] == b"\4\3\2\1"


def test_only_a_disk_with_the_shared_uuid_is_renewed(
    program: ModuleType,
    kernel: FakeKernel,
    device: Path,
    status: Status,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared = str(PLAN.root_uuid)
    kernel.path("dev/sda3").write_bytes(bytes(disk.EXT_UUID) + PLAN.root_uuid.bytes)
    monkeypatch.setattr(program.disk, "find_root", lambda _: ROOT)
    ran = answering(kernel, monkeypatch, Finished(0, "", ""))
    kernel.put("etc/rackwright/shared-root", str(uuid.uuid4()))
    before = device.read_bytes()
    program.work(kernel, None, status)
    assert (device.read_bytes(), ran) == (before, [])
    kernel.put("etc/rackwright/shared-root", shared)
    kernel.put("boot/grub/grub.cfg", f"search --fs-uuid --set=root {shared}\n")
    program.work(kernel, None, status)
    assert (device.read_bytes(), ran) == (before, [])
    kernel.put("boot/grub/grub.cfg", "probe --set=root_uuid --fs-uuid ($root)\n")
    kernel.put("etc/rackwright/identities.json", json.dumps([ROW]))
    program.work(kernel, None, status)
    assert device.read_bytes() != before
    # The last of all tells that all is new.
    assert [argv[:3] for argv in ran] == [
        ["tune2fs", "-U", "random"],
        ["udevadm", "trigger", "--action=change"],
    ]
    assert [step["did"] for step in status.steps] == [
        "left as it is",
        "left as it is",
        "ids made anew",
    ]
