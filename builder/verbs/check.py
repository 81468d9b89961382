"""`rackwright check`: every diagnostic of an inventory at once."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from builder.diagnostics import Diagnostic, format_path
from builder.inventory.loader import load
from builder.model.validate import examine
from builder.plan.checks import check_plans
from builder.verbs.inputs import add_inventory, add_os, release_of, tell


def add_arguments(parser: ArgumentParser) -> None:
    add_inventory(parser)
    add_os(parser)
    parser.add_argument("--json", action="store_true", help="diagnostics as JSON on stdout")


def run(args: Namespace) -> int:
    loaded = load(args.inventory)
    inventory, report = examine(loaded)
    # Of which release the numbers would be, a faulty image does not say.
    faulty = {item.path[:1] for item in report.items if item.severity == "error"}
    if inventory is not None and ("image",) not in faulty:
        release = release_of(inventory, args.os)
        report = report.plus(check_plans(inventory, loaded.marks, release, report.items))
    if args.json:
        print(json.dumps([_as_json(item) for item in report.items], indent=2))
    else:
        tell(report, loaded.marks)
        if not report.is_fatal and inventory is not None:
            count = len(inventory.hosts)
            print(f"{args.inventory}: {count} host{'s' if count != 1 else ''}, no errors")
    return 1 if report.is_fatal else 0


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
