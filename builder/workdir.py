"""Temporary directories that a killed process cannot leave behind for good."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

PREFIX = ".rackwright-"
LOCK = "owner.lock"
# Its name until it is held, so that nobody finds it free before.
NEW_LOCK = "owner.lock.new"
# What was moved out of the way of something new; it goes back if nothing took its place.
OLD = "old"
# Between the making of a directory and its lock; only a kill in between leaves it unlocked.
UNLOCKED_AGE_S = 60.0

_NAME = re.compile(re.escape(PREFIX) + r"\d+-[a-z0-9_]{8}")


@contextmanager
def work_dir(parent: Path) -> Iterator[Path]:
    """A new directory in `parent`, gone with the block; stale ones are removed first.

    The name has our process id for the reader. Whether the owner lives is told by a lock
    the kernel drops with it, which holds across PID namespaces and for reused ids too.
    """
    with _made(parent):
        sweep(parent)
        path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
        with (path / NEW_LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (path / NEW_LOCK).rename(path / LOCK)
            try:
                yield path
            finally:
                _remove(path)


@contextmanager
def _made(directory: Path) -> Iterator[None]:
    """`directory` is there; if it was made for this and nothing is in it in the end, it goes."""
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for path in missing:
            with suppress(OSError):
                path.rmdir()


def scratch_dir() -> AbstractContextManager[Path]:
    """A work directory where the system keeps temporary files."""
    return work_dir(Path(tempfile.gettempdir()))


def sweep(parent: Path) -> tuple[Path, ...]:
    """Remove the work directories in `parent` whose owner died; returns them."""
    removed = []
    named = (path for path in sorted(parent.glob(f"{PREFIX}*")) if _NAME.fullmatch(path.name))
    for path in named:
        with _claimed(path) as is_stale:
            if is_stale:
                _remove(path)
                removed.append(path)
    return tuple(removed)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path` alone, waiting for it as long as another build needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def locked_directory(path: Path) -> Iterator[None]:
    """Hold the directory `path` itself alone, which leaves no lock file in it."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


@contextmanager
def _claimed(path: Path) -> Iterator[bool]:
    """Whether nobody holds its lock; if so it is held here, as other runs sweep too.

    A directory of another user (/tmp has them) is not ours.
    """
    with ExitStack() as held:
        try:
            status = path.lstat()
            is_stale = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
            if is_stale:
                lock = held.enter_context((path / LOCK).open("r+"))
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # No link: it was opened just before another run removed it with the directory.
                is_stale = os.fstat(lock.fileno()).st_nlink > 0
        except BlockingIOError:
            is_stale = False
        except FileNotFoundError:
            is_stale = _age_s(path) > UNLOCKED_AGE_S and not _contents(path)
        yield is_stale


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _remove(path: Path) -> None:
    """The lock goes last: without one, a directory that is not empty is nobody's to sweep."""
    for kept in path.glob(f"{OLD}/*"):
        if not os.path.lexists(path.parent / kept.name):
            kept.rename(path.parent / kept.name)
    for entry in _contents(path):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            with suppress(OSError):
                entry.unlink()
    if not _contents(path):
        shutil.rmtree(path, ignore_errors=True)


def _contents(path: Path) -> list[Path]:
    return [entry for entry in path.glob("*") if entry.name not in {LOCK, NEW_LOCK}]
