"""Rendered files read back, each by the grammar of its kind."""

from __future__ import annotations

from collections.abc import Iterable

import yaml

from builder.errors import BuilderError
from builder.render.files import kind_of
from builder.render.grub import GRUB, read_grub_cmdline
from builder.render.tree import FileTree, RenderedFile


def parse_back(tree: FileTree, expected_cmdline: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Every fault of every file; none for a tree that is fit for a node.

    expected_cmdline: the plan's words, which GRUB's settings must come to.
    """
    faults = [f"{file.path}: {fault}" for file in tree for fault in _faults_of(file)]
    faults += _dangling(tree)
    if expected_cmdline is not None:
        faults += _wrong_cmdline(tree, expected_cmdline)
    return tuple(faults)


def _faults_of(file: RenderedFile) -> list[str]:
    kind = kind_of(file.path)
    if kind is None:
        return ["no parser knows this file"]
    try:
        if not file.is_symlink and not file.text.endswith("\n"):
            return ["does not end in a line end"]
        return list(kind.read_back(file.path, file.text))
    except (BuilderError, ValueError, SyntaxError, KeyError, TypeError, yaml.YAMLError) as fault:
        return [" ".join(str(fault).split()) or type(fault).__name__]


def _dangling(tree: FileTree) -> Iterable[str]:
    """Links to units of ours that the tree does not hold."""
    for file in tree:
        target = file.content.decode() if file.is_symlink else ""
        if "rackwright" in target and tree.get(target) is None:
            yield f"{file.path}: points to {target}, which is not in the tree"


def _wrong_cmdline(tree: FileTree, expected: tuple[str, ...]) -> Iterable[str]:
    file = tree.get(GRUB.path)
    try:
        found = read_grub_cmdline(file.text) if file is not None else ()
    except (ValueError, KeyError):
        return  # reported by the file's own parser
    if found != expected:
        yield f"{GRUB.path}: comes to {' '.join(found)!r}, the plan has {' '.join(expected)!r}"
