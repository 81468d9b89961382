"""The faults a user can mend: one exception, carrying what to do next."""

from __future__ import annotations


class BuilderError(Exception):
    """A fault outside the program: `message` says what, `hint` what to do about it.

    The CLI prints both and exits 1. Faults in an inventory are collected as diagnostics, so that
    all are seen at once, and then raised together (`builder.diagnostics.Refused`).
    """

    def __init__(self, message: str, *, hint: str | None = None, detail: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail

    def as_text(self) -> str:
        """What the user reads: message, detail and hint, a line or more each."""
        lines = [f"rackwright: error: {self.message}"]
        lines += [f"    {line}" for line in (self.detail or "").splitlines()]
        lines += [f"  hint: {self.hint}"] if self.hint else []
        return "\n".join(lines)


class CommandFailed(BuilderError):
    """A program we ran exited with a status we do not accept."""


class ToolMissing(BuilderError):
    """A program we need is not installed; the hint names the package that has it."""
