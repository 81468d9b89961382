"""What runs on this machine and what is mounted, for tests of what a killed program leaves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path


def mounts_below(path: Path) -> list[str]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [line for line in lines if str(path) in line]


def programs_below(path: Path) -> list[str]:
    """Command lines of the programs that work in `path` or have it among their arguments."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            inside = str((process / "root").readlink()) + str((process / "cwd").readlink())
        except OSError:
            continue
        if str(path) in line + inside:
            found.append(line)
    return found


def descendants(ancestor: int) -> dict[int, str]:
    """Process id -> name of all that `ancestor` started, and what these did."""
    names, parents = {}, {}
    for pid, name, parent in _processes():
        names[pid], parents[pid] = name, parent
    return {pid: name for pid, name in names.items() if ancestor in _ancestors(pid, parents)}


def wait_for(condition: Callable[[], bool], seconds: float, every_s: float = 0.2) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(every_s)
    return False


def _processes() -> Iterator[tuple[int, str, int]]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        name, _, rest = text.partition("(")[2].rpartition(")")
        yield int(path.parent.name), name, int(rest.split()[1])


def _ancestors(pid: int, parents: dict[int, int]) -> Iterator[int]:
    while (pid := parents.get(pid, 0)) > 0:
        yield pid
