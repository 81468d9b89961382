"""One inventory through everything that is pure: a diagnostic is an answer, an exception is not."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from builder.catalog.releases import RELEASES
from builder.diagnostics import Report, format_report
from builder.inventory.loader import load
from builder.model.validate import examine
from builder.page.document import plan_page
from builder.plan.checks import check_plan, check_plans
from builder.plan.explain import explain, summary
from builder.plan.host import plan_hosts
from builder.render import cmdline, render_hosts
from builder.render.parse import parse_back
from builder.resources import read_texts

Outcome = Literal["refused", "refused by the plan", "rendered"]
HOST_RELEASE = "debian-13"
TEMPLATES, PROGRAMS = read_texts("templates"), read_texts("systemd")


def drive(path: Path) -> Outcome:
    """Check, plan, explain, render and parse back. Raises what is a fault of ours."""
    loaded = load(path)
    inventory, report = examine(loaded)
    format_report(report, loaded.marks.lines)
    if report.is_fatal:
        if inventory is not None:
            check_plans(inventory, loaded.marks, RELEASES[HOST_RELEASE], report.items)
        return "refused"
    assert inventory is not None, "refused without a reason"
    release = RELEASES[HOST_RELEASE if inventory.image.os == "host" else inventory.image.os]
    hosts = tuple(inventory.hosts)[:3]
    for plan in plan_hosts(inventory, loaded.marks, hosts, release):
        faults = Report().plus(check_plan(plan, loaded.marks))
        format_report(faults, loaded.marks.lines)
        explain(plan)
        summary(plan)
        plan_page(plan, TEMPLATES)
        if faults.is_fatal:
            return "refused by the plan"
        for tree in render_hosts([plan], TEMPLATES, PROGRAMS):
            broken = parse_back(tree, cmdline(plan.image))
            assert broken == (), broken
    return "rendered"
