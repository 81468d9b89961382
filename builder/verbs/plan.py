"""`rackwright plan`: the derived values of a host, on demand with reasons and origins."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from builder.plan.explain import explain, summary, to_json
from builder.verbs import inputs


def add_arguments(parser: ArgumentParser) -> None:
    inputs.add_inventory(parser)
    inputs.add_host(parser)
    inputs.add_os(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--explain", action="store_true", help="each value with reason and origin")
    form.add_argument("--json", action="store_true", help="the plan as JSON")


def run(args: Namespace) -> int:
    plan = inputs.plan_from(args)
    if args.json:
        print(json.dumps(to_json(plan), indent=2))
    else:
        print(explain(plan) if args.explain else summary(plan), end="")
    return 0
