"""`python3 -m builder.discover DIR`: what `rackwright discover --record DIR` does, without rackwright.

Standard library only: a checkout and Python are enough on the machine.
"""

from __future__ import annotations

import sys
from pathlib import Path

from builder.discover.machine import read_machine
from builder.discover.system_files import Tree, record

USAGE = (
    "usage: python3 -m builder.discover DIR\n  copies the files that `discover --root DIR` "
    "reads to the new directory DIR\n"
)


def main(argv: list[str]) -> int:
    """Record the machine this runs on; returns the exit code."""
    if len(argv) != 1 or argv[0].startswith("-"):
        sys.stderr.write(USAGE)
        return 2
    out = Path(argv[0])
    if out.exists():
        sys.stderr.write(f"{out} already exists: choose a new directory\n")
        return 1
    tree = Tree(Path("/"))
    read_machine(tree)
    sys.stdout.write(f"{out}: {record(tree, out)} files\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
