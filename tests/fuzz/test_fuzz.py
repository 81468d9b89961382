"""Fuzzed inventories: what once broke something, and a fresh sample on every run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz.drive import drive
from tests.fuzz.mutate import make_case

FOUND = sorted((Path(__file__).resolve().parent / "found").glob("*.yaml"))
# The long run is `make fuzz`; these are its first.
SAMPLE = 600


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.stem)
def test_found(path: Path) -> None:
    drive(path)


def test_a_sample(tmp_path: Path) -> None:
    path = tmp_path / "inventory.yaml"
    outcomes: Counter[str] = Counter()
    for number in range(SAMPLE):
        path.write_bytes(make_case(number))
        outcomes[drive(path)] += 1
    # A fuzzer whose cases all stop at the schema would prove nothing.
    assert outcomes["rendered"] > SAMPLE / 20
    assert outcomes["refused"] > SAMPLE / 4


def test_a_case_is_its_number() -> None:
    assert make_case(7) == make_case(7)
    assert len({make_case(number) for number in range(60)}) > 50
