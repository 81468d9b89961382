"""`rackwright check`: every diagnostic of an inventory at once."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from builder.diagnostics import Diagnostic, format_path
from builder.inventory.loader import load
from builder.model.inventory import Inventory
from builder.model.validate import validate
from builder.plan.checks import check_plan
from builder.plan.host import plan_host
from builder.verbs.inputs import add_inventory, add_os, release_of, tell


def add_arguments(parser: ArgumentParser) -> None:
    add_inventory(parser)
    add_os(parser)
    parser.add_argument("--json", action="store_true", help="diagnostics as JSON on stdout")


def run(args: Namespace) -> int:
    loaded = load(args.inventory)
    inventory, report = validate(loaded)
    if inventory is not None and not report.is_fatal:
        release = release_of(inventory, args.os)
        # Derived numbers depend on class and profile only: one host of each pair is enough.
        for hostname in representatives(inventory):
            plan = plan_host(inventory, loaded.marks, hostname, release)
            report = report.plus(check_plan(plan, loaded.marks))
    if args.json:
        print(json.dumps([_as_json(item) for item in report.items], indent=2))
    else:
        tell(report, loaded.marks)
        if not report.is_fatal and inventory is not None:
            count = len(inventory.hosts)
            print(f"{args.inventory}: {count} host{'s' if count != 1 else ''}, no errors")
    return 1 if report.is_fatal else 0


def representatives(inventory: Inventory) -> tuple[str, ...]:
    """The first host of each pair of hardware class and profile."""
    first: dict[tuple[str, str], str] = {}
    for name, host in inventory.hosts.items():
        first.setdefault((host.hardware, host.profile), name)
    return tuple(first.values())


def _as_json(item: Diagnostic) -> dict[str, object]:
    return {
        "severity": item.severity,
        "rule": item.rule,
        "file": item.where.file,
        "line": item.where.line,
        "column": item.where.column,
        "path": format_path(item.path),
        "message": item.message,
        "hint": item.hint,
    }
