"""Hosts of the seed's machine as plans."""

from __future__ import annotations

from pathlib import Path

import pytest
from seed_plans import Plans

from builder.plan.nouns.host import HostPlan
from tests.plans import SEED, plans_of


@pytest.fixture
def plans(tmp_path: Path) -> Plans:
    """Plans of all hosts of the seed's inventory, edited; it must be sound then."""

    def make(*edits: tuple[str, str]) -> list[HostPlan]:
        text = SEED.read_text(encoding="utf-8")
        for old, new in edits:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return plans_of(text)

    return make
