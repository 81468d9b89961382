"""The command line: parses arguments, calls a verb, turns faults into messages and exit codes."""

from __future__ import annotations

import argparse
import errno
import io
import os
import platform
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

from builder import __version__
from builder.errors import BuilderError
from builder.verbs.parser import build_parser

# The exit codes are part of the contract with scripts (README, "Exit codes").
EXIT_OK, EXIT_FAULT, EXIT_USAGE, EXIT_BUG, EXIT_INTERRUPTED = 0, 1, 2, 3, 130


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments, with the verb to call as `run`; wrong ones end the program."""
    _print_anything()
    try:
        return build_parser(wanted=argv).parse_args(argv)
    except OSError as fault:
        # Help goes to stdout, which may be a full disk or a reader that went away.
        _abandon_stdout()
        sys.exit(EXIT_FAULT if isinstance(fault, BrokenPipeError) else _tell_os(fault))


def call(args: argparse.Namespace) -> int:
    """Call the verb; whatever it ends in becomes a message and an exit code."""
    run: Callable[[argparse.Namespace], int] = args.run
    # A service manager stops a build with SIGTERM: clean up as for Ctrl-C.
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        _refuse_no_directory()
        missing = tuple(_missing_parents(args))
        code = run(args)
        for made in filter(os.path.isdir, missing):
            print(f"made the directory {made}", file=sys.stderr)
        sys.stdout.flush()
    except BuilderError as fault:
        print(fault.as_text(), file=sys.stderr)
        return EXIT_FAULT
    except BrokenPipeError:
        # The reader of our output (head, less) went away: not our fault, nothing to say.
        _abandon_stdout()
        return EXIT_FAULT
    except KeyboardInterrupt:
        print("rackwright: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except OSError as fault:
        _abandon_stdout()
        return _tell_os(fault)
    except Exception:  # noqa: BLE001 -- the outermost frame: every bug ends in a report
        return _report_bug()
    finally:
        signal.signal(signal.SIGTERM, before)
    return code


def _refuse_no_directory() -> None:
    """Relative paths and the programs we run need one."""
    try:
        os.getcwd()  # noqa: PTH109 -- pathlib says the same
    except FileNotFoundError:
        raise BuilderError(
            "the current directory no longer exists", hint="change to another one"
        ) from None


def _missing_parents(args: argparse.Namespace) -> Iterator[Path]:
    """The topmost missing directory on the way to each path, so that a misspelt one is noticed."""
    for path in (value for value in vars(args).values() if isinstance(value, Path)):
        # Path.exists() raises for a directory that we may not look into.
        missing = [parent for parent in path.parents if not os.path.exists(parent)]  # noqa: PTH110
        yield from missing[-1:]


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _print_anything() -> None:
    """A terminal that lacks a character of ours, or of a file's name, gets it escaped.

    Python has no stdout or stderr when the caller closed them: then nobody reads what we print.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            nobody = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 -- until we end
            setattr(sys, name, nobody)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _abandon_stdout() -> None:
    """What could not be written must not fail once more, with a traceback, when Python ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell_os(fault: OSError) -> int:
    name = f"{fault.filename}: " if fault.filename else ""
    hint = _OS_HINTS.get(fault.errno or 0)
    said = BuilderError(f"{name}{fault.strerror or fault}", hint=hint)
    print(said.as_text(), file=sys.stderr)
    return EXIT_FAULT


_OS_HINTS = {
    errno.ENOSPC: "free some space, or write to another disk",
    errno.EACCES: "choose a directory that you can write to, or use sudo",
    errno.EROFS: "choose a directory that is writable",
    errno.EEXIST: "part of the path is a file: choose a directory",
    errno.ENOTDIR: "part of the path is a file: choose a directory",
}


def _report_bug() -> int:
    system = os.uname()  # platform.platform() would run uname(1)
    text = (
        f"rackwright {__version__}, Python {platform.python_version()}, "
        f"{system.sysname} {system.release} {system.machine}\n{traceback.format_exc()}"
    )
    last = text.rstrip().splitlines()[-1]
    try:
        handle, path = tempfile.mkstemp(prefix="rackwright-bug-", suffix=".log")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as log:
            log.write(text)
        hint = f"please report it with {path}"
    except OSError as fault:
        hint = f"please report it with the lines above; no log: {fault.strerror}"
        print(text, end="", file=sys.stderr)
    print(f"rackwright: bug: {last}\n  hint: {hint}", file=sys.stderr)
    return EXIT_BUG
