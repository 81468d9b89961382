"""Reading /sys and /proc, live or copied, and remembering what was read and what could not be.

Standard library only: a machine that is to be recorded may have nothing else.
"""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass, field
from pathlib import Path

# A CPU of /proc/cpuinfo is about 1.5 kB, an efivars variable or a sysfs file 4 kB at most.
MAX_BYTES = 1024 * 1024
BLANK = " \t\r\n\0"
# PATH_MAX of Linux.
MAX_TARGET = 4096


@dataclass(slots=True)
class Tree:
    """Files below `root`; paths are relative to it.

    files, links, folders: what was read, so what a copy needs to be read alike.
    faults: path -> why the file there could not be read, in the system's words.
    moved: directories that are reached by a link which the copy has as a file.
    """

    root: Path
    files: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    faults: dict[str, str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)

    def read_bytes(self, path: str) -> bytes | None:
        """The content of a file; None when it cannot be read, which `faults` then tells of."""
        full = self._full(path)
        try:
            if full.exists() and not full.is_file():  # a pipe would never end
                self.faults[path] = "not a file"
                return None
            with full.open("rb") as stream:
                content = stream.read(MAX_BYTES)
        except (OSError, ValueError) as fault:
            self.faults[path] = _words(fault)
            return None
        self.files[path] = content
        return content

    def read(self, path: str) -> str | None:
        """The text of a file without surrounding white space, and without the NUL that some
        kernels end lists of CPUs with.
        """
        content = self.read_bytes(path)
        return None if content is None else content.decode("utf-8", "replace").strip(BLANK)

    def read_paragraph(self, path: str) -> str | None:
        """The text up to the first empty line: of /proc/cpuinfo the first CPU."""
        content = self.read_bytes(path)
        if content is None:
            return None
        first = content.strip(b"\n").partition(b"\n\n")[0] + b"\n"
        self.files[path] = first
        return first.decode("utf-8", "replace").strip()

    def read_number(self, path: str) -> int | None:
        text = self.read(path)
        digits = (text or "").removeprefix("-")
        return int(text or "") if digits.isascii() and digits.isdigit() else None

    def names(self, path: str) -> list[str]:
        """What is in a directory, sorted; nothing when there is none."""
        try:
            found = sorted(os.listdir(self._full(path)))  # noqa: PTH208 -- names, not paths
        except (FileNotFoundError, NotADirectoryError):
            return []
        except (OSError, ValueError) as fault:
            self.faults[path] = _words(fault)
            return []
        self.folders.add(path)
        return found

    def link(self, path: str) -> str | None:
        """The last part of a symbolic link's target, which need not exist."""
        target = self._target(path)
        if target is None:
            return None
        self.links[path] = target
        return target.rstrip("/").rpartition("/")[2]

    def follow(self, path: str) -> bool:
        """Whether there is a directory at `path`, if only by a link that the copy has as a file:
        from then on everything below is read where that leads.
        """
        if _is_dir(self._full(path)):
            return True
        target = self._target(path)
        if target is None:
            return False
        there = posixpath.normpath(posixpath.join("/", posixpath.dirname(path), target))[1:]
        if _is_dir(self.root / there):
            self.moved[path] = there
        return path in self.moved

    def has(self, path: str) -> bool:
        """Whether there is something at `path`, if only a link that leads nowhere."""
        full = self._full(path)
        if not os.path.lexists(full):
            return False
        if full.is_symlink():
            self.links[path] = str(full.readlink())
        elif full.is_dir():
            self.folders.add(path)
        return True

    def has_link(self, path: str) -> bool:
        """Whether sysfs has a link at `path`: a copy may have a file there, or what it leads to."""
        if self.link(path) is not None:
            return True
        return self.read_bytes(path) is not None if self._full(path).is_file() else self.has(path)

    def _target(self, path: str) -> str | None:
        """Where a link leads. Archives and file systems without links keep that as the content
        of a file, and where sysfs has a link it has no file.
        """
        full = self._full(path)
        try:
            if full.is_symlink():
                return str(full.readlink())
            if not full.is_file():
                return None
            with full.open("rb") as stream:
                text = stream.read(MAX_TARGET).decode("utf-8", "replace").strip()
        except (OSError, ValueError):
            return None
        return text if text and text.isprintable() else None

    def _full(self, path: str) -> Path:
        for start, there in self.moved.items():
            if path == start or path.startswith(f"{start}/"):
                return self.root / (there + path.removeprefix(start))
        return self.root / path


def _is_dir(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 -- Path.is_dir() raises where it may not look


def _words(fault: OSError | ValueError) -> str:
    reason = fault.strerror if isinstance(fault, OSError) else None
    return (reason or str(fault)).lower()


def record(tree: Tree, out: Path) -> int:
    """Write what `tree` has read below `out`; returns how many files and links there are.

    A directory that sysfs links to from elsewhere becomes a plain one.
    """
    for folder in sorted(tree.folders):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for path, content in sorted(tree.files.items()):
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(content)
    for path, target in sorted(tree.links.items()):
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).symlink_to(target)
    return len(tree.files) + len(tree.links)
