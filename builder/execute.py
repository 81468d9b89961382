"""Writing results to disk: under a temporary name, then renamed, so nothing is half-written."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from builder.command import is_root
from builder.errors import BuilderError
from builder.jsonfile import JsonRecord, decode, encode
from builder.phrases import format_names
from builder.plan.nouns.image import Scope
from builder.render.tree import SYMLINK, FileTree, RenderedFile
from builder.workdir import OLD, PREFIX, work_dir

# Beside the files: mode, owner and scope of each, which a directory written without root
# cannot hold; also the sign that the directory is ours to replace.
RECORD = ".rackwright.json"

# The paths in a record of the kind of directory that is to be written; raises ValueError for a
# record of another kind.
Listed = Callable[[bytes], Iterable[str]]

# linux/fcntl.h and linux/fs.h
_AT_FDCWD = -100
_RENAME_EXCHANGE = 1 << 1


@dataclass(frozen=True, slots=True)
class _Entry(JsonRecord):
    """A file in the listing. mode: octal digits, or `link`."""

    path: str
    mode: str
    owner: str
    scope: Scope


@contextmanager
def replacing_directory(out: Path, listed: Listed) -> Iterator[Path]:
    """A new directory that takes the place of `out` when the block ends well.

    Refuses to replace a directory we did not write, one with files that its record does not list,
    and the one the user is in.
    """
    _refuse_other_files(out, listed)
    out = out.resolve()
    if Path.cwd().is_relative_to(out):
        raise BuilderError(
            f"{out} would be replaced, and the current directory is in it",
            hint="choose another directory with -o",
        )
    if out.exists() and not out.is_dir():
        raise BuilderError(f"{out} is a file", hint="name a directory with -o")
    if out.exists() and any(out.iterdir()) and not (out / RECORD).is_file():
        raise BuilderError(
            f"{out} is not empty and was not written by rackwright",
            hint="choose another directory with -o, or remove it",
        )
    with new_directory(out) as staging:
        yield staging


@contextmanager
def new_directory(out: Path) -> Iterator[Path]:
    """A directory that becomes `out`, which is not there yet or empty, when the block ends well."""
    target = out.resolve()
    try:
        with work_dir(target.parent) as work:
            staging = work / target.name
            staging.mkdir()
            staging.chmod(0o755)
            yield staging
            _swap(staging, target, work / OLD)
    except OSError as fault:
        if not _is_about(fault, target):
            raise
        raise _named(fault, out) from None


def _is_about(fault: OSError, target: Path) -> bool:
    """Whether `fault` names no file, or one of the way to `target`, temporary ones included."""
    if not isinstance(fault.filename, str):
        return True
    named = Path(fault.filename)
    return target.is_relative_to(named) or fault.filename.startswith(str(target.parent / PREFIX))


def _swap(staging: Path, out: Path, old: Path) -> None:
    """Put `staging` in the place of `out`, in one step where the file system can exchange two.

    Elsewhere `out` is moved to `old` first, from where a work directory puts back what it
    has: when the second step fails, and after a kill between the two on the next run.
    """
    if not out.exists() or not any(out.iterdir()):
        staging.rename(out)
    elif not _exchange(staging, out):
        old.mkdir()
        out.rename(old / out.name)
        staging.rename(out)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two paths by renameat2(2), which Python has no call for; false where it cannot be done."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    fault = ctypes.get_errno()
    if fault in {errno.EINVAL, errno.ENOSYS}:
        return False
    raise OSError(fault, os.strerror(fault), str(other))


def _named(fault: OSError, path: Path) -> OSError:
    """`fault` of `path`: the kernel names no file (write(2) on a full disk), or a temporary one."""
    if fault.errno is None:
        return fault
    return OSError(fault.errno, fault.strerror, str(path))


def write_new_file(path: Path, content: bytes, *, ours: bytes | None = None) -> None:
    """Write `path`, which is not there yet, or begins with `ours`, as what we wrote before does."""
    if path.is_file() and (ours is None or not path.read_bytes().startswith(ours)):
        raise BuilderError(f"{path} already exists", hint="choose another file, or remove this one")
    write_file(path, content)


def write_file(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Replace `path` in one step: a reader sees the old bytes or the new ones."""
    if path.is_dir():
        raise BuilderError(f"{path} is a directory", hint="name a file in it")
    try:
        with work_dir(path.parent) as work:
            staging = work / path.name
            staging.write_bytes(content)
            staging.chmod(mode)
            staging.replace(path)
    except OSError as fault:
        raise _named(fault, path) from None


def write_private(path: Path, content: bytes) -> None:
    """A new file only its owner may read, from its first byte on."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(content)


def write_tree(tree: FileTree, out: Path) -> None:
    """Write `tree` as directory `out`; owners are set only as root.

    Refuses to replace a tree with files beside ours, which would be lost.
    """
    with replacing_directory(out, _listed) as staging:
        for file in tree:
            _write_rendered(staging, file)
        listing = [encode(_Entry(f.path, f.mode_text, f.owner, f.scope)) for f in tree]
        (staging / RECORD).write_text(json.dumps(listing, indent=1) + "\n", encoding="utf-8")


def _refuse_other_files(out: Path, listed: Listed) -> None:
    if not (out / RECORD).is_file():
        return
    try:
        ours = {RECORD, *listed((out / RECORD).read_bytes())}
    except ValueError:
        raise BuilderError(
            f"{out} holds something else that rackwright wrote",
            hint="choose another directory with -o",
        ) from None
    there = (path for path in out.rglob("*") if path.is_symlink() or not path.is_dir())
    names = sorted(str(path.relative_to(out)) for path in there)
    others = [name for name in names if name not in ours]
    if others:
        raise BuilderError(
            f"{out} has files that rackwright did not write: {format_names(others, 3)}",
            hint="move them elsewhere, or choose another directory with -o",
        )


def _listed(record: bytes) -> list[str]:
    return [entry.path.lstrip("/") for entry in _entries(record)]


def _entries(record: bytes) -> tuple[_Entry, ...]:
    return decode(tuple[_Entry, ...], record)


def _write_rendered(base: Path, file: RenderedFile) -> None:
    target = base / file.path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.is_symlink:
        target.symlink_to(file.content.decode())
        return
    target.write_bytes(file.content)
    target.chmod(file.mode)
    if is_root():
        user, group = file.owner.split(":")
        # A user of the node that this machine does not have stands in the record only.
        with contextlib.suppress(LookupError):
            shutil.chown(target, user, group)


def read_tree(base: Path) -> FileTree:
    """Read back what `write_tree` wrote; raises BuilderError when `base` is no such tree."""
    try:
        listing = _entries((base / RECORD).read_bytes())
        return FileTree(tuple(_read_rendered(base, entry) for entry in listing))
    except PermissionError as fault:
        raise BuilderError(
            f"{fault.filename} is not readable", hint="read the tree as the user who wrote it"
        ) from None
    except (OSError, ValueError):
        raise BuilderError(
            f"{base} is not a tree written by rackwright", hint=f"write one with: render -o {base}"
        ) from None


def _read_rendered(base: Path, entry: _Entry) -> RenderedFile:
    path = base / entry.path.lstrip("/")
    is_link = entry.mode == "link"
    return RenderedFile(
        path=entry.path,
        content=str(path.readlink()).encode() if is_link else path.read_bytes(),
        mode=SYMLINK if is_link else int(entry.mode, 8),
        owner=entry.owner,
        scope=entry.scope,
    )
