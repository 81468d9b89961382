"""Progress: the library tells a monitor what it does; the CLI chooses how that looks."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO


class Monitor(Protocol):
    """Receives the steps of a build as they begin, end or fail."""

    def begin(self, step: str) -> None: ...
    def end(self, step: str, seconds: float, note: str) -> None: ...
    def fail(self, step: str, seconds: float) -> None: ...
    def log(self, line: str) -> None: ...


class TextMonitor:
    """One line a step on stderr; on a terminal the running step shows until it ends."""

    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out if out is not None else sys.stderr
        self.live = self.out.isatty()
        self.running = ""

    def begin(self, step: str) -> None:
        self.running = step
        self._show_running()

    def end(self, step: str, seconds: float, note: str) -> None:
        self._line("✓", step, seconds, note)

    def fail(self, step: str, seconds: float) -> None:
        self._line("✗", step, seconds, "")

    def log(self, line: str) -> None:
        self.out.write(f"{self._start}    {line}\n")
        self._show_running()
        self.out.flush()

    @property
    def _start(self) -> str:
        """Clears the line of the running step."""
        return "\r\x1b[K" if self.live else ""

    def _show_running(self) -> None:
        if self.live and self.running:
            self.out.write(f"  … {self.running}")
            self.out.flush()

    def _line(self, mark: str, step: str, seconds: float, note: str) -> None:
        self.running = ""
        tail = f"  {note}" if note else ""
        self.out.write(f"{self._start}  {mark} {step:<44} {seconds:6.1f} s{tail}\n")
        self.out.flush()


class Step:
    """The running step; `note` is shown beside it when it ends."""

    def __init__(self) -> None:
        self.note = ""


@contextmanager
def step(monitor: Monitor, name: str) -> Iterator[Step]:
    """Report `name` as one step of `monitor`, timed, failed if the block raises."""
    started = time.monotonic()
    monitor.begin(name)
    handle = Step()
    try:
        yield handle
    except BaseException:
        monitor.fail(name, time.monotonic() - started)
        raise
    monitor.end(name, time.monotonic() - started, handle.note)
