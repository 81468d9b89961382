"""A bundle for a stock image whose machine loses its power again and again."""

from __future__ import annotations

from pathlib import Path

import pytest
from cloud_node import STOCK_S, bundle, check_stock_node, machine_of, plan_of
from cloud_twin import cloud_twin
from stock_image import build_stock

PLACES = (
    "running 'init' at",
    "Unpacking openvswitch-switch-dpdk",
    "rackwright: update-initramfs",
)


@pytest.mark.timeout(2 * STOCK_S)
def test_a_stock_image_cut_off_in_the_middle_ends_the_same(
    cloud: Path, tmp_path: Path, cache: Path
) -> None:
    """Power goes while cloud-init writes files, while dpkg unpacks, and while the initramfs is made."""
    plan = plan_of(cloud)
    image, seed = build_stock(plan, tmp_path / "stock", cache), bundle(cloud, tmp_path, "stock")
    with cloud_twin(machine_of(cloud), image, seed, tmp_path / "twin") as twin:
        for place in PLACES:
            twin.cut(lambda found=place: found in twin.console, STOCK_S)  # type: ignore[misc]
        facts = twin.run_to_facts(STOCK_S)
        check_stock_node(twin, plan, facts)
