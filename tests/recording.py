"""A runner that runs nothing and a monitor that says nothing."""

from __future__ import annotations

from builder.command import Command, Result


class RecordingRunner:
    """Writes commands down instead of running them."""

    def __init__(self) -> None:
        self.commands: list[Command] = []

    def run(self, command: Command) -> Result:
        self.commands.append(command)
        return Result(0)


class NullMonitor:
    def begin(self, step: str) -> None: ...
    def end(self, step: str, seconds: float, note: str) -> None: ...
    def fail(self, step: str, seconds: float) -> None: ...
    def log(self, line: str) -> None: ...
