"""An inventory with every key, and a small one to change a line of."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parent / "data"


@pytest.fixture(scope="session")
def full() -> str:
    return (DATA / "full.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def base() -> str:
    return (DATA / "base.yaml").read_text(encoding="utf-8")
