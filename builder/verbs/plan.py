"""`rackwright plan`: the derived values of a host, on demand with reasons and origins."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from builder.execute import write_new_file
from builder.plan.explain import explain, summary, to_json
from builder.prepare import host_named
from builder.resources import read_texts
from builder.verbs import inputs


def add_arguments(parser: ArgumentParser) -> None:
    inputs.add_inventory(parser)
    inputs.add_host(parser)
    inputs.add_os(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--explain", action="store_true", help="show each value with its reason and origin"
    )
    form.add_argument("--json", action="store_true", help="print the plan as JSON")
    form.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="write the plan as an HTML page, with a drawing of the machine",
    )


def run(args: Namespace) -> int:
    plan = inputs.prepare_aloud(args.inventory, host_named(args.host), args.os).plan
    if args.html is not None:
        from builder.page.document import plan_page  # noqa: PLC0415 -- others need no drawing

        page = plan_page(plan, read_texts("templates")).encode()
        write_new_file(args.html, page, ours=page.partition(b"\n")[0])
        print(f"the plan of {args.host} is in {args.html}", file=sys.stderr)
    elif args.json:
        print(json.dumps(to_json(plan), indent=2))
    else:
        print(explain(plan) if args.explain else summary(plan), end="")
    return 0
