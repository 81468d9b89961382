"""A bundle for a stock image, with the distribution's own cloud-init."""

from __future__ import annotations

from pathlib import Path

import pytest
from cloud_node import STOCK_S, bundle, check_stock_node, machine_of, plan_of
from cloud_twin import cloud_twin
from stock_image import build_stock


@pytest.mark.timeout(STOCK_S)
def test_a_stock_image_is_ready_after_one_reboot(cloud: Path, tmp_path: Path, cache: Path) -> None:
    plan = plan_of(cloud)
    image, seed = build_stock(plan, tmp_path / "stock", cache), bundle(cloud, tmp_path, "stock")
    with cloud_twin(machine_of(cloud), image, seed, tmp_path / "twin") as twin:
        facts = twin.run_to_facts(STOCK_S)
        check_stock_node(twin, plan, facts)
