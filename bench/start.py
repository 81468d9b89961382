"""How long the program takes to start: CPU and wall time of whole calls, of many runs in turn.

    python bench/start.py [RUNS]

CPU seconds are user and system time of the process, which other work on the machine moves far
less than wall seconds; on a busy machine they still grow by a quarter, as caches are shared. The
calls take turns, so that a busy minute falls on all of them. The first two are what no program
of Python's and no program with pydantic goes below.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

SEED = str(Path(__file__).resolve().parents[1] / "examples/seed/inventory.yaml")
PROGRAM = ("-m", "builder")
CALLS = {
    "python, nothing": ("-c", "pass"),
    "python, import of pydantic's BaseModel": ("-c", "from pydantic import BaseModel"),
    "--version": (*PROGRAM, "--version"),
    "--help": (*PROGRAM, "--help"),
    "check of one host": (*PROGRAM, "check", SEED),
    "plan of one host": (*PROGRAM, "plan", SEED, "--host", "nfv1"),
}
RUNS = 40


def run(argv: tuple[str, ...]) -> tuple[float, float]:
    """CPU and wall seconds of one run of Python, with what it prints thrown away."""
    nowhere = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_WRONLY, 0) for stream in (1, 2)]
    started = time.perf_counter()
    pid = os.posix_spawn(sys.executable, (sys.executable, *argv), os.environ, file_actions=nowhere)
    _, status, used = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{' '.join(argv)} ended with {os.waitstatus_to_exitcode(status)}")
    return used.ru_utime + used.ru_stime, time.perf_counter() - started


def main() -> None:
    """Print a line for each call: median and least CPU seconds, median wall seconds."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in CALLS}
    for _ in range(runs):
        for name, argv in CALLS.items():
            taken[name].append(run(argv))
    for name, times in taken.items():
        cpu, wall = zip(*times, strict=True)
        print(
            f"{name:40} CPU {statistics.median(cpu):.3f} s, at least {min(cpu):.3f} s, "
            f"wall {statistics.median(wall):.3f} s"
        )


if __name__ == "__main__":
    main()
