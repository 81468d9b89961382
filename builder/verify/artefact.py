"""Whether a disk image is whole before it is booted: a truncated one fails in odd ways later."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from builder.command import Command, Runner
from builder.errors import BuilderError
from builder.targets.image.gpt import SECTOR

_QCOW2_MAGIC = b"QFI\xfb"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_GPT_MAGIC = b"EFI PART"


@dataclass(frozen=True, slots=True)
class DiskImage:
    """A whole disk image. size: of the disk it holds, in bytes."""

    path: Path
    format: Literal["raw", "qcow2"]
    size: int


def inspect_image(path: Path, runner: Runner) -> DiskImage:
    """The image at `path`; raises BuilderError when it is missing, truncated or no disk image."""
    again = "build it again with `rackwright image`"
    if not path.is_file():
        raise BuilderError(f"{path} does not exist", hint="build it with `rackwright image`")
    with path.open("rb") as image:
        magic = image.read(4)
        if magic == _ZSTD_MAGIC:
            raise BuilderError(f"{path} is compressed", hint=f"unpack it with `unzstd {path}`")
        if magic == _QCOW2_MAGIC:
            return DiskImage(path, "qcow2", _qcow2_size(path, runner, again))
        fault = _find_raw_fault(image, path.stat().st_size)
    if fault is not None:
        raise BuilderError(f"{path} {fault}", hint=again)
    return DiskImage(path, "raw", path.stat().st_size)


def _find_raw_fault(image: BinaryIO, size: int) -> str | None:
    """What is wrong with a raw image: its GPT has a copy at the very end (UEFI 2.10, 5.3.2)."""
    header = _read_sector(image, 1)
    if not header.startswith(_GPT_MAGIC):
        return "is not a disk image: it has no partition table (GPT) in sector 1"
    backup, last_usable = struct.unpack("<Q8xQ", header[32:56])
    needed = (backup + 1) * SECTOR
    if size < needed:
        return f"is truncated: its partition table says {needed} bytes, it has {size}"
    if not _read_sector(image, backup).startswith(_GPT_MAGIC):
        return f"is damaged: the copy of its partition table in sector {backup} is missing"
    if last_usable >= backup:
        return f"is damaged: its partitions may reach sector {last_usable}, past sector {backup}"
    return None


def _read_sector(image: BinaryIO, number: int) -> bytes:
    image.seek(number * SECTOR)
    return image.read(SECTOR)


def _qcow2_size(path: Path, runner: Runner, hint: str) -> int:
    """Size of the disk in a qcow2 file. qemu-img check: 2 = corrupt, 3 = only leaked clusters."""
    check = runner.run(
        Command(
            ("qemu-img", "check", "--output=json", "-f", "qcow2", str(path)),
            accept=(0, 1, 2, 3),
        )
    )
    if check.status in {1, 2}:
        said = check.stderr.decode(errors="replace").strip().splitlines()
        raise BuilderError(
            f"{path} is truncated or damaged: `qemu-img check` fails",
            hint=hint,
            detail="\n".join(said[:3]),
        )
    info = runner.run(Command(("qemu-img", "info", "--output=json", "-f", "qcow2", str(path))))
    return int(json.loads(info.stdout)["virtual-size"])
