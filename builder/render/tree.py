"""A rendered tree: exact files, as values, before anything is written."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from builder.plan.nouns.image import Scope

SYMLINK = stat.S_IFLNK | 0o777


@dataclass(frozen=True, slots=True, order=True)
class RenderedFile:
    """One file of a node.

    path: absolute on the node. content: the bytes, or the target of a symlink.
    mode: permission bits, or `SYMLINK`. owner: `user:group` by name.
    """

    path: str
    content: bytes
    mode: int = 0o644
    owner: str = "root:root"
    scope: Scope = "image"

    def __post_init__(self) -> None:
        parts = self.path.split("/")
        if parts[0] != "" or "" in parts[1:] or ".." in parts or "." in parts:
            raise ValueError(f"not an absolute, normal path: {self.path!r}")

    @property
    def is_symlink(self) -> bool:
        return stat.S_ISLNK(self.mode)

    @property
    def text(self) -> str:
        return self.content.decode("utf-8")

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def mode_text(self) -> str:
        """`0644`, or `link`."""
        return "link" if self.is_symlink else f"{self.mode:04o}"


@dataclass(frozen=True, slots=True)
class FileTree:
    """Files of one node by path; no path twice."""

    files: tuple[RenderedFile, ...] = ()

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.files))
        paths = [file.path for file in ordered]
        twice = sorted({a for a, b in pairwise(paths) if a == b})
        if twice:
            raise ValueError(f"rendered twice: {', '.join(twice)}")
        object.__setattr__(self, "files", ordered)

    def __iter__(self) -> Iterator[RenderedFile]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def get(self, path: str) -> RenderedFile | None:
        return next((file for file in self.files if file.path == path), None)

    def plus(self, more: Iterable[RenderedFile]) -> FileTree:
        return FileTree((*self.files, *more))

    @property
    def digest(self) -> str:
        """sha256 over path, mode, owner and content of every file."""
        total = hashlib.sha256()
        for file in self.files:
            total.update(f"{file.path}\0{file.mode:o}\0{file.owner}\0{file.sha256}\n".encode())
        return total.hexdigest()


@dataclass(frozen=True, slots=True)
class TreeDiff:
    """What turns one tree into another. changed: (before, after)."""

    added: tuple[RenderedFile, ...]
    removed: tuple[RenderedFile, ...]
    changed: tuple[tuple[RenderedFile, RenderedFile], ...]


def diff_trees(before: FileTree, after: FileTree) -> TreeDiff:
    """Files added, removed, and changed in mode, owner or content."""
    old = {file.path: file for file in before}
    new = {file.path: file for file in after}
    return TreeDiff(
        added=tuple(new[p] for p in sorted(new.keys() - old.keys())),
        removed=tuple(old[p] for p in sorted(old.keys() - new.keys())),
        changed=tuple(
            (old[p], new[p])
            for p in sorted(old.keys() & new.keys())
            if (old[p].content, old[p].mode, old[p].owner)
            != (new[p].content, new[p].mode, new[p].owner)
        ),
    )
