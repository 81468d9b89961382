"""An initramfs archive as bytes: cpio "newc" as the kernel reads it.

Format: Documentation/driver-api/early-userspace/buffer-format.rst of the kernel, which
also lets several archives follow one another.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import PurePosixPath

BLOCK = 512


def newc(files: Mapping[str, bytes]) -> bytes:
    """An archive of regular files, mode 0644 and owner root, and of their directories.

    Paths are relative to the root. The same files give the same bytes.
    """
    modes: dict[str, int] = {}
    for path in files:
        for parent in PurePosixPath(path).parents:
            if str(parent) != ".":
                modes[str(parent)] = stat.S_IFDIR | 0o755
        modes[path] = stat.S_IFREG | 0o644
    parts = [
        _entry(inode, name, modes[name], files.get(name, b""))
        for inode, name in enumerate(sorted(modes), start=1)
    ]
    archive = b"".join([*parts, _entry(0, "TRAILER!!!", 0, b"")])
    return archive.ljust(-(-len(archive) // BLOCK) * BLOCK, b"\0")


def _entry(inode: int, name: str, mode: int, content: bytes) -> bytes:
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (inode, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(name.encode()) + 1, 0)
    head = b"070701" + "".join(f"{field:08x}" for field in fields).encode()
    return _pad(head + name.encode() + b"\0") + _pad(content)


def _pad(data: bytes) -> bytes:
    return data.ljust(-(-len(data) // 4) * 4, b"\0")
