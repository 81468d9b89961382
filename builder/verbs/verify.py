"""`rackwright verify`: boot an image in a twin of its machine, compare it with the plan."""

from __future__ import annotations

import math
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import get_args

from builder.monitor import TextMonitor
from builder.prepare import host_named
from builder.verbs import inputs
from builder.verify.judge import judge_boot, judge_facts
from builder.verify.report import to_text
from builder.verify.spec import Firmware, spec_of
from builder.verify.twin import plan_twin
from builder.verify.verified_image import find_image, refuse_other_host

BOOT_TIMEOUT_S = 900


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "image",
        type=Path,
        metavar="IMAGE",
        help="raw or qcow2 image, its manifest.json, or the directory they are in",
    )
    inputs.add_inventory(parser)
    inputs.add_host(parser)
    inputs.add_os(parser)
    parser.add_argument(
        "--firmware",
        choices=get_args(Firmware),
        default="bios",
        help="firmware the twin boots with (default %(default)s)",
    )
    parser.add_argument(
        "-o",
        dest="out",
        type=Path,
        metavar="DIR",
        help="directory for report.json, facts.json and console.log",
    )
    parser.add_argument(
        "--facts",
        type=Path,
        metavar="FILE",
        help="check the facts of an earlier boot instead of booting",
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=BOOT_TIMEOUT_S,
        metavar="SECONDS",
        help="give up if the twin has not reported by then (default %(default)s)",
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="list the passed checks one by one"
    )


def seconds(text: str) -> float:
    """A time to wait, from the command line."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds")
    return number


def run(args: Namespace) -> int:
    verified = find_image(args.image)
    release = args.os or verified.release
    prepared = inputs.prepare_aloud(args.inventory, host_named(args.host), release)
    refuse_other_host(verified, args.host)
    plan = prepared.plan
    twin = plan_twin(spec_of(prepared.hardware, plan, args.firmware))
    if args.facts is not None:
        verdict = judge_facts(plan, verified, twin, args.out, args.facts)
    else:
        monitor = TextMonitor()
        verdict = judge_boot(
            plan, verified, twin, args.out, timeout_s=args.timeout, monitor=monitor
        )
    print(to_text(verdict, verbose=args.verbose, colour=sys.stdout.isatty()))
    return verdict.exit_code
