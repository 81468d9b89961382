"""Many fuzzed inventories on all cores; those that break something are kept.

    python -m tests.fuzz.run COUNT [FIRST]

Cases are numbered: the same number is always the same file. A case that raises is written to
tests/fuzz/found/<number>.yaml, where the tests read it ever after. Exit 1 when there was one.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from tests.fuzz.drive import drive
from tests.fuzz.mutate import make_case

FOUND = Path(__file__).resolve().parent / "found"
SECONDS = 10  # of the CPU: no inventory of this size may take longer


def run_case(number: int) -> tuple[int, str, str]:
    """(number, outcome, traceback or empty)."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "inventory.yaml"
        path.write_bytes(make_case(number))
        start = time.process_time()
        try:
            outcome: str = drive(path)
        except Exception:  # noqa: BLE001 -- every kind of exception is what is looked for
            return number, "raised", traceback.format_exc()
        took = time.process_time() - start
        return (number, outcome, "") if took < SECONDS else (number, "slow", f"{took:.1f} CPU-s")


def main() -> int:
    """Run the cases the arguments name."""
    count, first = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    outcomes: Counter[str] = Counter()
    start = time.monotonic()
    with multiprocessing.Pool() as pool:
        for number, outcome, trace in pool.imap_unordered(
            run_case, range(first, first + count), chunksize=50
        ):
            outcomes[outcome] += 1
            if trace:
                (FOUND / f"{number}.yaml").write_bytes(make_case(number))
                print(f"case {number}: {outcome}\n{trace}", flush=True)
    took = time.monotonic() - start
    print(f"{count} cases in {took:.0f} s: " + ", ".join(f"{n} {o}" for o, n in outcomes.items()))
    return 1 if outcomes["raised"] or outcomes["slow"] else 0


if __name__ == "__main__":
    sys.exit(main())
