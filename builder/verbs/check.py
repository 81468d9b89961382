"""`rackwright check`: every diagnostic of an inventory at once."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from builder.diagnostics import Diagnostic, Refused, format_path
from builder.phrases import count_text
from builder.prepare import one_of_each_pair, prepare
from builder.verbs import inputs


def add_arguments(parser: ArgumentParser) -> None:
    inputs.add_inventory(parser)
    inputs.add_os(parser)
    parser.add_argument("--json", action="store_true", help="print the diagnostics as JSON")


def run(args: Namespace) -> int:
    if args.json:
        return run_json(args)
    prepared = inputs.prepare_aloud(args.inventory, one_of_each_pair, args.os)
    count = len(prepared.inventory.hosts)
    print(f"{args.inventory}: {count_text(count, 'host')}, no errors")
    return 0


def run_json(args: Namespace) -> int:
    try:
        report = prepare(args.inventory, one_of_each_pair, args.os).report
    except Refused as refused:
        report = refused.report
    print(json.dumps([as_json(item) for item in report.items], indent=2))
    return 1 if report.is_fatal else 0


def as_json(item: Diagnostic) -> dict[str, object]:
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
