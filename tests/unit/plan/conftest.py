"""The seed's machine, and what becomes of it when its inventory is edited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from builder.catalog.releases import RELEASES
from builder.diagnostics import Marks
from builder.model.inventory import Inventory
from builder.plan.inputs import Inputs
from builder.plan.nouns.host import HostPlan
from tests.plans import SEED, plan_inventory

Edit = Callable[[dict[str, Any]], None]
Planner = Callable[..., HostPlan]


@pytest.fixture(scope="session")
def seed_text() -> str:
    return SEED.read_text(encoding="utf-8")


@pytest.fixture
def seed_inventory(seed_text: str) -> Callable[[Edit | None], Inventory]:
    """The seed, its data edited before it is validated."""

    def build(edit: Edit | None = None) -> Inventory:
        data = yaml.safe_load(seed_text)
        if edit is not None:
            edit(data)
        return Inventory.model_validate(data)

    return build


@pytest.fixture
def plan_seed(seed_inventory: Callable[[Edit | None], Inventory]) -> Planner:
    """Plan of nfv1, of the seed as it is or edited."""

    def plan(edit: Edit | None = None, release: str = "debian-13") -> HostPlan:
        return plan_inventory(seed_inventory(edit), release=RELEASES[release])

    return plan


@pytest.fixture
def seed_inputs(seed_inventory: Callable[[Edit | None], Inventory]) -> Callable[..., Inputs]:
    def build(edit: Edit | None = None, release: str = "debian-13") -> Inputs:
        marks = Marks("inventory.yaml")
        return Inputs(seed_inventory(edit), marks, "e5-2620v4", "nfv", RELEASES[release])

    return build
