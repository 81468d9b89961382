"""A tree as a plain directory, for review: what differs from an earlier one, as text."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from builder.render.tree import FileTree, RenderedFile, diff_trees


def diff_text(before: FileTree, after: FileTree) -> str:
    """A unified diff that `patch` and reviewers can read; empty when the trees are alike."""
    found = diff_trees(before, after)
    pairs: list[tuple[RenderedFile | None, RenderedFile | None]] = [
        *((None, file) for file in found.added),
        *((file, None) for file in found.removed),
        *found.changed,
    ]
    ordered = sorted(pairs, key=lambda pair: _path(*pair))
    return "".join(line for old, new in ordered for line in _file_diff(old, new))


def _path(old: RenderedFile | None, new: RenderedFile | None) -> str:
    file = new or old
    return file.path if file is not None else ""


def _file_diff(old: RenderedFile | None, new: RenderedFile | None) -> Iterable[str]:
    path = _path(old, new)
    yield f"diff {path}\n"
    if old is None and new is not None:
        yield f"new file {_attributes(new)}\n"
    elif new is None and old is not None:
        yield f"deleted file {_attributes(old)}\n"
    elif old is not None and new is not None and _attributes(old) != _attributes(new):
        yield f"{_attributes(old)} -> {_attributes(new)}\n"
    lines = difflib.unified_diff(
        _lines(old),
        _lines(new),
        fromfile=f"a{path}" if old is not None else "/dev/null",
        tofile=f"b{path}" if new is not None else "/dev/null",
    )
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _attributes(file: RenderedFile) -> str:
    return f"{file.mode_text} {file.owner}"


def _lines(file: RenderedFile | None) -> list[str]:
    """Lines with their line ends; of a symlink, its target as one line."""
    if file is None:
        return []
    text = file.content.decode("utf-8", errors="backslashreplace")
    return f"-> {text}\n".splitlines(True) if file.is_symlink else text.splitlines(keepends=True)
