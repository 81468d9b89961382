"""`rackwright diff`: what a change of the inventory changes on nodes, and what they need for it."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from builder.changes.fleet import compare_fleets
from builder.changes.report import report, to_json
from builder.errors import BuilderError
from builder.phrases import format_names
from builder.plan.nouns.host import HostPlan
from builder.prepare import all_hosts, host_if_there, no_host, prepare
from builder.resources import read_texts
from builder.verbs import inputs


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("before", type=Path, metavar="INV_A", help="old inventory")
    parser.add_argument("after", type=Path, metavar="INV_B", help="new inventory")
    parser.add_argument("--host", metavar="H", help="compare this host only")
    inputs.add_os(parser)
    parser.add_argument("--json", action="store_true", help="print the differences as JSON")
    parser.add_argument(
        "--exit-code", action="store_true", help="exit with 1 if anything differs, as git diff does"
    )


def run(args: Namespace) -> int:
    before, after = read_both(args.before, args.after, args.host, args.os)
    if args.host is not None and not (before or after):
        there = prepare(args.after, no_host).inventory.hosts
        raise BuilderError(
            f"neither {args.before} nor {args.after} has a host {args.host!r}",
            hint=f"hosts of {args.after}: {format_names(there)}",
        )
    found = compare_fleets(before, after, read_texts("templates"), read_texts("systemd"))
    print(json.dumps(to_json(found), indent=2) if args.json else report(found).rstrip("\n"))
    return 1 if args.exit_code and not found.is_empty else 0


def read_both(
    before: Path, after: Path, host: str | None, os: str | None
) -> list[dict[str, HostPlan]]:
    """Plans before and after. What is wrong with either is told, whether or not the other is right."""
    read, faults = [], []
    for path in (before, after):
        try:
            read.append(read_plans(path, host, os))
        except BuilderError as fault:
            faults.append(fault)
    for told in faults[:-1]:
        print(told.as_text(), file=sys.stderr)
    if faults:
        raise faults[-1]
    return read


def read_plans(path: Path, host: str | None, os: str | None) -> dict[str, HostPlan]:
    """Plans of an inventory's hosts by name."""
    choose = host_if_there(host) if host is not None else all_hosts
    plans = inputs.prepare_aloud(path, choose, os).plans
    return {plan.hostname: plan for plan in plans}
