"""Descriptions of made machines."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from made import Made, describe, write

from builder.discover.description import Description

Discover = Callable[[Made], Description]


@pytest.fixture
def discover(tmp_path: Path) -> Discover:
    """Writes a machine's tree and describes it."""
    numbers = count()

    def discover(made: Made) -> Description:
        return describe(write(made, tmp_path / f"machine{next(numbers)}"))

    return discover
