"""The archive as the kernel's own description of the format has it."""

from __future__ import annotations

from builder.targets.image import cpio


def entries(archive: bytes) -> list[tuple[str, int, int, bytes]]:
    """(name, mode, links, content) of each entry, read independently of the writer."""
    found, at = [], 0
    while True:
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        mode, links, size, name_size = fields[1], fields[4], fields[6], fields[11]
        assert archive[at + 110 + name_size - 1] == 0
        name = archive[at + 110 : at + 110 + name_size - 1].decode()
        at = -(-(at + 110 + name_size) // 4) * 4
        content = archive[at : at + size]
        at = -(-(at + size) // 4) * 4
        if name == "TRAILER!!!":
            return found
        found.append((name, mode, links, content))


def test_files_follow_their_directories() -> None:
    archive = cpio.newc({"etc/modprobe.d/b.conf": b"bb\n", "etc/modprobe.d/a.conf": b"a"})
    assert entries(archive) == [
        ("etc", 0o40755, 2, b""),
        ("etc/modprobe.d", 0o40755, 2, b""),
        ("etc/modprobe.d/a.conf", 0o100644, 1, b"a"),
        ("etc/modprobe.d/b.conf", 0o100644, 1, b"bb\n"),
    ]
    assert len(archive) % 512 == 0


def test_same_files_same_bytes() -> None:
    one = cpio.newc({"a": b"1", "b": b"2"})
    assert one == cpio.newc({"b": b"2", "a": b"1"})
