"""Changing files of a finished disk in place: one run of debugfs, no mount.

debugfs(8) reads a script; whatever it prints on stderr but its banner is a fault, since
its exit status does not tell.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from builder.command import Command, Runner
from builder.errors import BuilderError, CommandFailed
from builder.targets.image import ext4
from builder.targets.image.installed import DIRECTORY, LINK, Listing
from builder.targets.image.request import ImageFile

_BANNER = re.compile(rb"^debugfs \d+\.\d+.*\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """Commands for debugfs and the contents they read, by name in the staging directory."""

    lines: tuple[str, ...]
    contents: tuple[tuple[str, bytes], ...]


def plan_patch(files: Sequence[ImageFile], listing: Listing, staging: str) -> Script:
    """The script that writes `files` over the tree of `listing`.

    staging: directory, as debugfs will see it, the contents are going to be in.
    """
    known = dict(listing.kinds)
    lines: list[str] = []
    contents: list[tuple[str, bytes]] = []
    for file in _placed(files, listing):
        _add_parents(file.path, known, lines)
        kind = stat.S_IFMT(file.mode) or stat.S_IFREG
        if kind == stat.S_IFDIR:
            _add_directory(file.path, known, lines)
        else:
            _remove(file.path, known, lines)
        if kind == stat.S_IFLNK:
            target = file.content.decode()
            lines.append(f"symlink {debugfs_quote(file.path)} {debugfs_quote(target)}")
            known[file.path] = LINK + target
        elif kind == stat.S_IFREG:
            name = f"{len(contents):06d}"
            contents.append((name, file.content))
            lines.append(f"write {debugfs_quote(f'{staging}/{name}')} {debugfs_quote(file.path)}")
            known[file.path] = "f"
        elif kind != stat.S_IFDIR:
            raise BuilderError(f"{file.path}: mode {file.mode:o} is not a file, directory or link")
        lines += _attributes(file, kind)
    return Script(tuple(lines), tuple(contents))


def apply_patch(
    script: Script, disk: Path, offset: int, staging: Path, epoch: int, runner: Runner
) -> None:
    """Run `script` on the file system at `offset` of `disk` and check what it left."""
    staging.mkdir()
    for name, content in script.contents:
        (staging / name).write_bytes(content)
    commands = staging / "commands"
    commands.write_text("".join(f"{line}\n" for line in script.lines), encoding="utf-8")
    argv = ("debugfs", "-w", "-f", str(commands), f"{disk}?offset={offset}")
    result = runner.run(Command(argv, ext4.fake_time(epoch)))
    faults = _BANNER.sub(b"", result.stderr).decode(errors="replace").strip()
    if faults:
        full = "Could not allocate block" in faults
        raise BuilderError(
            "the rendered files do not fit into the image"
            if full
            else "the rendered files could not be written into the image",
            hint="report this with the lines above" if not full else None,
            detail=faults,
        )
    try:
        runner.run(ext4.e2fsck(disk, offset))
    except CommandFailed as fault:
        raise BuilderError(
            "the file system of the image is damaged after patching", detail=fault.detail
        ) from None


def debugfs_quote(path: str) -> str:
    """One word for the command reader of debugfs (libss): doubled quotes in quotes."""
    if any(ord(character) < 0x20 for character in path):
        raise BuilderError(f"path {path!r} has a control character")
    return '"' + path.replace('"', '""') + '"'


def _placed(files: Sequence[ImageFile], listing: Listing) -> list[ImageFile]:
    """`files` at their resolved paths, each path once, directories before what is in them."""
    placed: dict[str, ImageFile] = {}
    for file in files:
        path = _checked(file.path, listing)
        if path in placed:
            raise BuilderError(f"{file.path} is written twice (as {path} in the image)")
        placed[path] = file._replace(path=path)
    return [placed[path] for path in sorted(placed)]


def _checked(path: str, listing: Listing) -> str:
    parts = PurePosixPath(path).parts
    if not path.startswith("/") or ".." in parts or len(parts) < 2:
        raise BuilderError(f"path {path!r} is not an absolute path below /")
    return listing.resolve(path)


def _add_parents(path: str, known: dict[str, str], lines: list[str]) -> None:
    for parent in reversed(PurePosixPath(path).parents[:-1]):
        _add_directory(str(parent), known, lines)


def _add_directory(path: str, known: dict[str, str], lines: list[str]) -> None:
    kind = known.get(path)
    if kind == DIRECTORY:
        return
    if kind is not None:
        raise BuilderError(f"{path} must be a directory, but is a file in the image")
    # A new directory must not keep its maker's umask.
    lines.append(f"mkdir {debugfs_quote(path)}")
    lines.append(f"set_inode_field {debugfs_quote(path)} mode 0{stat.S_IFDIR | 0o755:o}")
    known[path] = DIRECTORY


def _remove(path: str, known: dict[str, str], lines: list[str]) -> None:
    kind = known.pop(path, None)
    if kind == DIRECTORY:
        raise BuilderError(f"{path} is a directory in the image and is not replaced")
    if kind is not None:
        lines.append(f"rm {debugfs_quote(path)}")


def _attributes(file: ImageFile, kind: int) -> list[str]:
    mode = kind | (0o777 if kind == stat.S_IFLNK else stat.S_IMODE(file.mode))
    fields = (("mode", f"0{mode:o}"), ("uid", str(file.uid)), ("gid", str(file.gid)))
    return [f"set_inode_field {debugfs_quote(file.path)} {name} {value}" for name, value in fields]
