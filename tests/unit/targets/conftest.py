"""Hosts of the seed's machine as plans."""

from __future__ import annotations

from pathlib import Path

import pytest
from seed_plans import SEED, Plans

from builder.catalog.releases import RELEASES
from builder.inventory.loader import load
from builder.model.validate import validate
from builder.plan.host import plan_hosts
from builder.plan.nouns.host import HostPlan


@pytest.fixture
def plans(tmp_path: Path) -> Plans:
    """Plans of all hosts of the seed's inventory, edited; it must be sound then."""

    def make(*edits: tuple[str, str]) -> list[HostPlan]:
        text = SEED.read_text(encoding="utf-8")
        for old, new in edits:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path = tmp_path / "inventory.yaml"
        path.write_text(text, encoding="utf-8")
        loaded = load(path)
        inventory, report = validate(loaded)
        assert inventory is not None, report
        release = RELEASES["debian-13"]
        return list(plan_hosts(inventory, loaded.marks, tuple(inventory.hosts), release))

    return make
