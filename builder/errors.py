"""The faults a user can mend: one exception, carrying what to do next."""

from __future__ import annotations


class BuilderError(Exception):
    """A fault outside the program: `message` says what, `hint` what to do about it.

    The CLI prints both and exits 1. Faults in an inventory are not raised but
    collected as diagnostics (see `builder.diagnostics`), so that all are seen at once.
    """

    def __init__(self, message: str, *, hint: str | None = None, detail: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail


class CommandFailed(BuilderError):
    """A program we ran exited with a status we do not accept."""


class ToolMissing(BuilderError):
    """A program we need is not installed; the hint names the package that has it."""
