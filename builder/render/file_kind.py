"""One kind of rendered file: everything the stages have to know of it, as one row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from itertools import chain, zip_longest
from typing import Generic, Literal, TypeVar

from builder.plan.nouns.image import Scope
from builder.render.effect import Effect
from builder.render.templates import ROOTFS, Sources
from builder.render.tree import RenderedFile

# What the files of a kind are made of: ImagePlan, HostPlan, or the tree of all others.
Basis = TypeVar("Basis")
# (path, text) -> faults, by the grammar of whoever reads the file on the node.
ReadBack = Callable[[str, str], Iterable[str]]
# Programs of the distribution that read files of ours in a throw-away root (builder/accept.py).
Acceptor = Literal["systemd-analyze", "netplan", "sh", "modprobe"]
# Changes that are judged by both contents (builder/changes/file_effects.py).
Judge = Literal["modules", "sysctl keys", "sections of node.json"]

_PLACE = re.compile(r"[A-Z]{2,}")
_NAME = r"[A-Za-z0-9_.@:\\-]+"


@dataclass(frozen=True, slots=True)
class FileKind(Generic[Basis]):
    """A kind of file.

    path: absolute on the node; a word in capitals stands for a name. A template of the kind has
    the same path below templates/rootfs. render: makes the files; kinds made together share it.
    accepted_by: None where no program of the distribution can be asked. needs: of a running
    node, when such a file comes, goes or changes. check: the first part of the names of `verify`
    that see on a booted node what the file does; `files` compares the bytes of every file.
    comments: whether lines that begin with # are for people only, so that a change of nothing
    else needs nothing. initramfs: whether what runs there reads it, so that it has to be there too.
    """

    path: str
    render: Callable[[Basis, Sources], Iterable[RenderedFile]]
    read_back: ReadBack
    accepted_by: Acceptor | None
    needs: Effect | Judge
    check: str
    scope: Scope = "image"
    mode: int = 0o644
    comments: bool = False
    initramfs: bool = False

    def matches(self, path: str) -> bool:
        return _pattern(self.path).fullmatch(path) is not None

    def file(self, content: bytes, *names: str) -> RenderedFile:
        """One file of the kind; names: what the words in capitals stand for, in order.

        Raises ValueError for names that make no path of this form.
        """
        parts = _PLACE.split(self.path)
        if len(parts) != len(names) + 1:
            raise ValueError(f"{self.path} is not made of {len(names)} names")
        path = "".join(chain.from_iterable(zip_longest(parts, names, fillvalue="")))
        if not self.matches(path):
            raise ValueError(f"{path!r} is not of the form {self.path}")
        return RenderedFile(path, content, self.mode, scope=self.scope)

    def fill(self, sources: Sources, *names: str, **values: object) -> RenderedFile:
        """One file of the kind from its template."""
        return self.file(sources.fill(f"{ROOTFS}{self.path}", **values).encode(), *names)


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(_PLACE.sub(lambda _: _NAME, re.escape(path)))
