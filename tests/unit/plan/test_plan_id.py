"""Plan ids: the same for the same plan, whatever the file looks like."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.catalog.releases import RELEASES
from builder.diagnostics import Marks
from builder.inventory.loader import parse_inventory
from builder.model.inventory import Inventory
from builder.plan.checks import check_plan
from builder.plan.encode import plan_data
from builder.plan.nouns.host import HostPlan
from tests.plans import FILE, plan_inventory


def plan_text(text: str) -> HostPlan:
    marks = parse_inventory(text, "inventory.yaml").marks
    inventory = Inventory.model_validate(yaml.safe_load(text))
    return plan_inventory(inventory, marks)


def test_ids_are_sha256(plan_seed: Callable[..., HostPlan]) -> None:
    plan = plan_seed()
    for text in (plan.plan_id, plan.image.plan_id):
        assert re.fullmatch("[0-9a-f]{64}", text)
    assert plan.plan_id != plan.image.plan_id


def test_a_comment_changes_reasons_places_only(seed_text: str) -> None:
    before = plan_text(seed_text)
    after = plan_text("# one more line\n" + seed_text.replace("hosts:", "\nhosts:  # all"))
    assert after.plan_id == before.plan_id
    assert after.image.plan_id == before.image.plan_id
    lines = [
        {arg.why.origins[0].where.line for arg in plan.image.kernel_args}
        for plan in (before, after)
    ]
    assert lines[1] == {line + 1 for line in lines[0]}


def test_values_change_the_ids_they_are_in(plan_seed: Callable[..., HostPlan]) -> None:
    def dhcp6(data: dict[str, Any]) -> None:
        data["hosts"]["nfv1"]["interfaces"]["enp8s0"]["dhcp6"] = True

    def pages(data: dict[str, Any]) -> None:
        data["profiles"]["nfv"]["hugepages"]["count"] = 10

    seed, other_host, other_image = plan_seed(), plan_seed(dhcp6), plan_seed(pages)
    assert other_host.image.plan_id == seed.image.plan_id
    assert other_host.plan_id != seed.plan_id
    assert other_image.image.plan_id != seed.image.plan_id
    assert other_image.plan_id != seed.plan_id


def test_a_driver_file_without_options_is_part_of_the_plan(
    plan_seed: Callable[..., HostPlan],
) -> None:
    assert plan_data(plan_seed().image, reasons=False)["module-files"] == {"ixgbe": None}


def test_another_release_is_another_plan(plan_seed: Callable[..., HostPlan]) -> None:
    ids = {plan_seed(release=release).image.plan_id for release in RELEASES}
    assert len(ids) == len(RELEASES)


@settings(deadline=None)
@given(order=st.permutations(["version", "image", "hardware", "profiles", "hosts"]))
def test_order_of_sections_is_nothing(seed_text: str, order: list[str]) -> None:
    data = yaml.safe_load(seed_text)
    shuffled = Inventory.model_validate({key: data[key] for key in order})
    straight = Inventory.model_validate(data)
    plans = [plan_inventory(inventory) for inventory in (straight, shuffled)]
    assert plans[0] == plans[1]


@settings(deadline=None)
@given(pages=st.integers(0, 90), mtu=st.integers(68, 9702), ports=st.sets(st.sampled_from([0, 1])))
def test_no_plan_exceeds_its_node_unnoticed(
    seed_text: str, pages: int, mtu: int, ports: set[int]
) -> None:
    """Either dpdk-socket-mem fits the pages of each node, or a check says that it does not."""
    data = yaml.safe_load(seed_text)
    data["profiles"]["nfv"]["hugepages"]["count"] = {0: pages // 2, 1: pages - pages // 2}
    data["profiles"]["nfv"]["ovs"]["bridges"]["br0"]["ports"]["dpdk0"]["mtu"] = mtu
    for place in ports:
        data["hardware"]["e5-2620v4"]["nics"][place]["numa"] = 1
    plan = plan_inventory(Inventory.model_validate(data))
    memory = {s.key: s.value for s in plan.image.ovs.other_config}["dpdk-socket-mem"]
    there = {pool.node: pool.count * 1024 for pool in plan.image.hugepages}
    fits = all(int(mib) <= there.get(node, 0) for node, mib in enumerate(memory.split(",")))
    found = {item.rule for item in check_plan(plan, Marks(FILE))}
    assert ("plan-socket-mem" in found) is not fits
