"""Where the program starts: `rackwright`, `python -m builder`."""

from __future__ import annotations

import gc
import signal
import sys


def main() -> int:
    """Load the program and run it; returns the exit code."""
    # Nothing has begun yet: Ctrl-C may simply end a program that is still being loaded. Python's
    # own handler would raise in the middle of an import, and that has no caller who could know.
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # What is loaded stays. To look for garbage in it, while it loads and once more when the program
    # ends, took a fifth of the time of `check`.
    gc.disable()
    from builder.cli import call, parse  # noqa: PLC0415 -- what takes the time to load

    args = parse(sys.argv[1:])  # loads the verb
    gc.freeze()
    gc.enable()
    signal.signal(signal.SIGINT, before)
    return call(args)


if __name__ == "__main__":
    sys.exit(main())
