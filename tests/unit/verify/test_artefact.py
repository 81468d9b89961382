"""A disk image is looked at before it is booted."""

from __future__ import annotations

from pathlib import Path

import pytest
from recording import RecordingRunner

from builder.command import Command, Result
from builder.errors import BuilderError
from builder.verify.artefact import DiskImage, inspect_image

AGAIN = "build it again with `rackwright image`"
SECTORS = 16


def gpt(*, size: int = SECTORS, backup: int = SECTORS - 1, last: int = SECTORS - 2) -> bytes:
    """A disk of `size` sectors, its GPT header and the copy of it in sector `backup`."""
    header = b"EFI PART".ljust(32, b"\0") + backup.to_bytes(8, "little") + bytes(8)
    header = (header + last.to_bytes(8, "little")).ljust(512, b"\0")
    disk = bytearray(SECTORS * 512)
    disk[512:1024] = header
    if backup < SECTORS:
        disk[backup * 512 : backup * 512 + 512] = header
    return bytes(disk[: size * 512])


class Img:
    """qemu-img that finds `status`."""

    def __init__(self, status: int, stderr: bytes = b"") -> None:
        self.status = status
        self.stderr = stderr

    def run(self, command: Command) -> Result:
        if command.argv[1] == "check":
            assert self.status in command.accept
            return Result(self.status, b"{}", self.stderr)
        return Result(0, b'{"virtual-size": 4096}')


def test_a_whole_raw_image(tmp_path: Path) -> None:
    path = tmp_path / "node.raw"
    path.write_bytes(gpt())
    assert inspect_image(path, RecordingRunner()) == DiskImage(path, "raw", SECTORS * 512)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a disk image: it has no partition table (GPT) in sector 1"),
        (bytes(8192), "is not a disk image: it has no partition table (GPT) in sector 1"),
        (
            gpt(size=SECTORS - 1),
            "is truncated: its partition table says 8192 bytes, it has 7680",
        ),
        (
            gpt(backup=SECTORS - 1)[:-512] + bytes(512),
            "is damaged: the copy of its partition table in sector 15 is missing",
        ),
        (
            gpt(last=SECTORS),
            "is damaged: its partitions may reach sector 16, past sector 15",
        ),
    ],
)
def test_a_raw_image_that_is_not_whole(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "node.raw"
    path.write_bytes(content)
    with pytest.raises(BuilderError) as caught:
        inspect_image(path, RecordingRunner())
    assert (caught.value.message, caught.value.hint) == (f"{path} {message}", AGAIN)


def test_a_missing_image(tmp_path: Path) -> None:
    with pytest.raises(BuilderError) as caught:
        inspect_image(tmp_path / "none.raw", RecordingRunner())
    assert caught.value.message == f"{tmp_path}/none.raw does not exist"
    assert caught.value.hint == "build it with `rackwright image`"


def test_a_compressed_image(tmp_path: Path) -> None:
    path = tmp_path / "node.raw.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd more")
    with pytest.raises(BuilderError) as caught:
        inspect_image(path, RecordingRunner())
    assert caught.value.message == f"{path} is compressed"
    assert caught.value.hint == f"unpack it with `unzstd {path}`"


@pytest.mark.parametrize("status", [0, 3])
def test_a_whole_qcow2(tmp_path: Path, status: int) -> None:
    path = tmp_path / "node.qcow2"
    path.write_bytes(b"QFI\xfb")
    assert inspect_image(path, Img(status)) == DiskImage(path, "qcow2", 4096)


@pytest.mark.parametrize("status", [1, 2])
def test_a_qcow2_that_is_not_whole(tmp_path: Path, status: int) -> None:
    path = tmp_path / "node.qcow2"
    path.write_bytes(b"QFI\xfb")
    with pytest.raises(BuilderError) as caught:
        inspect_image(path, Img(status, b"ERROR one\nERROR two\nERROR three\nERROR four\n"))
    assert caught.value.message == (f"{path} is truncated or damaged: `qemu-img check` fails")
    assert caught.value.hint == AGAIN
    assert caught.value.detail == "ERROR one\nERROR two\nERROR three"
