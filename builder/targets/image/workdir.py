"""Temporary directories that a killed build cannot leave behind for good."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = ".rackwright-"
LOCK = "owner.lock"
# Between the making of a directory and its lock; only a kill in between leaves it unlocked.
UNLOCKED_AGE_S = 60.0


@contextmanager
def work_dir(parent: Path) -> Iterator[Path]:
    """A new directory in `parent`, gone with the block; stale ones are removed first.

    The name has our process id for the reader. Whether the owner lives is told by a lock
    the kernel drops with it, which holds across PID namespaces and for reused ids too.
    """
    parent.mkdir(parents=True, exist_ok=True)
    sweep(parent)
    path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
    with (path / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


def sweep(parent: Path) -> tuple[Path, ...]:
    """Remove the work directories in `parent` whose owner died; returns them."""
    removed = []
    for path in sorted(parent.glob(f"{PREFIX}*")):
        if path.is_dir() and _is_stale(path):
            shutil.rmtree(path, ignore_errors=True)
            removed.append(path)
    return tuple(removed)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path` alone, waiting for it as long as another build needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_stale(path: Path) -> bool:
    try:
        with (path / LOCK).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except FileNotFoundError:
        return _age_s(path) > UNLOCKED_AGE_S
    except BlockingIOError:
        return False


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
