"""The layout of the disk and the commands that fill it."""

from __future__ import annotations

import uuid
from pathlib import Path

from recording import RecordingRunner

from builder.targets.image import disk, esp, ext4, gpt

PLAN = disk.DiskPlan(uuid.UUID(int=1), 1_700_000_000, 300 * 2**20)


def test_partitions_are_aligned_adjacent_and_root_is_last() -> None:
    bios, efi, root = PLAN.table.partitions
    assert [part.name for part in (bios, efi, root)] == ["bios", "esp", "root"]
    assert [part.type_guid for part in (bios, efi, root)] == [
        gpt.BIOS_BOOT,
        gpt.EFI_SYSTEM,
        gpt.ROOT_X86_64,
    ]
    assert all(part.offset % 2**20 == 0 for part in (bios, efi, root))
    assert (bios.last + 1, efi.last + 1) == (efi.first, root.first)
    assert root.size == PLAN.root_size
    assert PLAN.table.sectors - root.last > gpt.BACKUP_SECTORS


def test_identifiers_follow_from_the_seed() -> None:
    other = disk.DiskPlan(uuid.UUID(int=2), 1_700_000_000, 300 * 2**20)
    names = ("disk", "bios", "esp", "root", "root file system")
    assert len({plan.guid(name) for plan in (PLAN, other) for name in names}) == 10
    assert PLAN.root_uuid == disk.DiskPlan(PLAN.seed, 0, 0).root_uuid


def test_mke2fs_takes_nothing_from_clock_or_host() -> None:
    command = ext4.mke2fs(Path("/d"), 4096, 2**20, Path("/t"), PLAN.root_uuid, 7)
    assert command.env["MKE2FS_CONFIG"] == "/dev/null"
    assert command.env["E2FSPROGS_FAKE_TIME"] == "7"
    text = " ".join(command.argv)
    assert f"-U {PLAN.root_uuid}" in text
    assert f"offset=4096,hash_seed={PLAN.root_uuid},root_owner=0:0" in text
    assert text.endswith("-d /t /d 1024k")


def test_fs_size_is_whole_mib_and_larger_than_what_goes_in() -> None:
    size = ext4.fs_size(450 * 2**20, 16000, 96 * 2**20)
    assert size % 2**20 == 0
    assert 546 * 2**20 < size < 700 * 2**20


def test_esp_makes_directories_before_files() -> None:
    commands = esp.esp_commands(
        Path("/e"), 40 * 2**20, 0xAB, (("EFI/BOOT/B", Path("/b")), ("EFI/d/g", Path("/g"))), 7
    )
    assert [command.argv[0] for command in commands] == ["mformat", "mmd", "mcopy", "mcopy"]
    assert commands[0].argv[-3:] == ("-N", "000000ab", "::")
    assert commands[1].argv[3:] == ("::EFI", "::EFI/BOOT", "::EFI/d")
    assert all(command.env["SOURCE_DATE_EPOCH"] == "7" for command in commands)


def test_only_the_identifiers_of_a_disk_change(tmp_path: Path) -> None:
    """Of a disk as `assemble` leaves it, but for the root file system, which tune2fs changes."""
    own = disk.DiskPlan(uuid.UUID(int=2), PLAN.epoch, PLAN.root_size)
    out, runner = tmp_path / "disk.raw", RecordingRunner()
    esp_offset = PLAN.table.partitions[1].offset
    for path, plan in ((out, PLAN), (tmp_path / "other.raw", own)):
        serial = (plan.guid("esp file system").int & 0xFFFFFFFF).to_bytes(4, "little")
        with path.open("wb") as file:
            file.truncate(plan.table.size)
            for offset, content in (
                (512, gpt.primary_table(plan.table)),
                ((plan.table.sectors - gpt.BACKUP_SECTORS) * 512, gpt.backup_table(plan.table)),
                (esp_offset + esp.COPY_SECTOR, b"\6\0"),
                (esp_offset + esp.SERIAL, serial),
                (esp_offset + 6 * 512 + esp.SERIAL, serial),
            ):
                file.seek(offset)
                file.write(content)
    disk.identify(own, out, runner)
    assert out.read_bytes() == (tmp_path / "other.raw").read_bytes()
    where = f"{out}?offset={own.table.partitions[2].offset}"
    assert [c.argv for c in runner.commands] == [("tune2fs", "-U", str(own.root_uuid), where)]


def test_checksums_rest_on_the_uuid_only_where_grub_reads_no_other() -> None:
    made = [
        ext4.mke2fs(Path("/d"), 0, 2**20, Path("/t"), PLAN.root_uuid, 7, csum_seed=has_seed).argv
        for has_seed in (True, False)
    ]
    assert [any("metadata_csum_seed" in word for word in argv) for argv in made] == [True, False]
