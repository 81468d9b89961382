"""Processes that are killed (SIGKILL) before one of their steps on disk."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator

# Audit events (docs.python.org/3/library/audit_events.html) before which a process may die.
STEPS = frozenset({
    *("open", "os.chmod", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink"),
    *("os.truncate", "fcntl.flock", "ctypes.dlsym"),
})  # fmt: skip


def killed_before_each_step(
    action: Callable[[], object], prepare: Callable[[], object]
) -> Iterator[int]:
    """Run `action` in a process of its own, killed before its first step, its second, and so on.

    Yields the number of the step after each kill; ends with the run that needs no more steps.
    `prepare` sets up what each run finds.
    """
    step = 1
    while True:
        prepare()
        if not _is_killed(action, step):
            return
        yield step
        step += 1


def _is_killed(action: Callable[[], object], step: int) -> bool:
    child = os.fork()
    if child == 0:
        _run(action, step)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def _run(action: Callable[[], object], step: int) -> None:
    seen = 0

    def count(event: str, _: object) -> None:
        nonlocal seen
        if event not in STEPS:
            return
        seen += 1
        if seen == step:
            os.kill(os.getpid(), signal.SIGKILL)

    status = 1
    try:
        sys.addaudithook(count)
        action()
        status = 0
    finally:
        if status:
            traceback.print_exc()
        os._exit(status)
