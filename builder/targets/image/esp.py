"""The EFI system partition: a FAT file system made with mtools, without mounting anything."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from builder.command import Command

# The FAT of mtools takes its dates from the clock; this is the variable it reads instead.
_EPOCH = "SOURCE_DATE_EPOCH"
# Bytes into a boot sector of FAT32 (Microsoft's FAT specification): BPB_BkBootSec, BS_VolID.
COPY_SECTOR, SERIAL = 0x32, 0x43


def esp_commands(
    image: Path, size: int, serial: int, files: tuple[tuple[str, Path], ...], epoch: int
) -> tuple[Command, ...]:
    """Commands that fill `image`, an empty file of `size` bytes, as FAT32 with `files`.

    files: (path on the ESP, file to copy). serial: the 32-bit volume number.
    """
    env = {_EPOCH: str(epoch), "MTOOLS_SKIP_CHECK": "1", "TZ": "UTC"}
    directories = sorted(
        {str(parent) for path, _ in files for parent in PurePosixPath(path).parents} - {"."},
        key=lambda path: (path.count("/"), path),
    )
    drive = ("-i", str(image))
    mformat = ("mformat", *drive, "-F", "-c", "1", "-T", str(size // 512))
    commands = [
        Command((*mformat, "-h", "64", "-s", "32", "-v", "ESP", "-N", f"{serial:08x}", "::"), env)
    ]
    if directories:
        commands.append(Command(("mmd", *drive, *(f"::{path}" for path in directories)), env))
    commands += [
        Command(("mcopy", *drive, str(source), f"::{path}"), env) for path, source in sorted(files)
    ]
    return tuple(commands)
