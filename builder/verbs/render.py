"""`rackwright render`: the exact file tree of a host, written out or compared."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from builder.command import SubprocessRunner
from builder.execute import read_tree, write_tree
from builder.prepare import host_named
from builder.render.tree_diff import diff_text
from builder.trees import refuse_faults, tree_of
from builder.verbs import inputs


def add_arguments(parser: ArgumentParser) -> None:
    inputs.add_inventory(parser)
    inputs.add_host(parser)
    inputs.add_os(parser)
    parser.add_argument(
        "-o", dest="out", type=Path, metavar="DIR", help="directory to write the files to"
    )
    parser.add_argument(
        "--diff",
        type=Path,
        metavar="DIR",
        help="show how the files differ from a tree rendered earlier",
    )
    # argparse knows no "at least one of": this ends in usage and exit code 2 as its own checks do.
    parser.set_defaults(refuse=parser.error)


def run(args: Namespace) -> int:
    if args.out is None and args.diff is None:
        args.refuse("at least one of the arguments -o --diff is required")
    plan = inputs.prepare_aloud(args.inventory, host_named(args.host), args.os).plan
    tree = tree_of(plan)
    refuse_faults(tree, plan.image, SubprocessRunner())
    if args.diff is not None:
        print(diff_text(read_tree(args.diff), tree), end="")
    if args.out is not None:
        write_tree(tree, args.out)
        print(f"{len(tree)} files in {args.out}", file=sys.stderr)
    return 0
