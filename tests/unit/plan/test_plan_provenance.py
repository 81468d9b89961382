"""Reasons are words: which keys they name, and in what order, decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from builder.catalog.releases import RELEASES
from builder.catalog.versions import Version
from builder.diagnostics import Location
from builder.inventory.loader import parse_inventory
from builder.model.validate import examine
from builder.plan.checks import check_plan
from builder.plan.host import plan_hosts
from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.why import Origin, Why
from tests.errors.cases import CASES, inventory_of

ELSEWHERE = Why("for another reason", (Origin(("image", "name"), Location("other.yaml", 1, 1)),))


def with_other_reasons(value: Any) -> Any:
    """A plan whose every reason is another one, of another place."""
    if isinstance(value, Why):
        return ELSEWHERE
    if isinstance(value, Version):
        return value
    if isinstance(value, tuple):
        return tuple(map(with_other_reasons, value))
    if isinstance(value, Mapping):
        return {key: with_other_reasons(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
        return replace(value, **{name: with_other_reasons(part) for name, part in parts.items()})
    return value


def test_findings_do_not_rest_on_reasons() -> None:
    """In all plans of tests/errors; a message may repeat a reason, its place is its own."""
    found = 0
    for case in CASES:
        loaded = parse_inventory(inventory_of(case).decode(errors="replace"), "inventory.yaml")
        inventory, report = examine(loaded)
        if inventory is None or report.is_fatal:
            continue
        release = RELEASES.get(inventory.image.os, RELEASES["debian-13"])
        for plan in plan_hosts(inventory, loaded.marks, inventory.hosts, release):
            other: HostPlan = with_other_reasons(plan)
            before, after = check_plan(plan, loaded.marks), check_plan(other, loaded.marks)
            assert [(d.rule, d.path, d.hint) for d in after] == [
                (d.rule, d.path, d.hint) for d in before
            ]
            found += len(before)
    assert found > len(CASES) / 4
