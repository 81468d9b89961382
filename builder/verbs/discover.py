"""`rackwright discover`: what this machine is, as part of an inventory or against one."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from builder.discover.compare import class_to_compare, compare_machine
from builder.discover.description import Description, describe_machine, to_data
from builder.discover.emit import to_yaml
from builder.discover.machine import read_machine
from builder.discover.report import to_json, to_text
from builder.discover.system_files import Tree, record
from builder.errors import BuilderError
from builder.execute import new_directory, write_new_file
from builder.model.inventory import HostName, Name
from builder.prepare import no_host
from builder.verbs import inputs


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--root",
        type=Path,
        default=Path("/"),
        metavar="DIR",
        help="copy of another machine's /sys and /proc to read instead of this machine's",
    )
    parser.add_argument(
        "--class",
        dest="class_name",
        type=inputs.named("--class", Name),
        metavar="NAME",
        help="name for the hardware class (default: from the product or the CPU)",
    )
    parser.add_argument(
        "--host",
        type=inputs.named("--host", HostName),
        metavar="H",
        help="name for the host (default: the machine's own); with --compare, a host in INV",
    )
    parser.add_argument(
        "--profile",
        type=inputs.named("--profile", Name),
        default="nfv",
        metavar="P",
        help="profile to give the host (default %(default)s)",
    )
    parser.add_argument(
        "-o", dest="out", type=Path, metavar="FILE", help="write the YAML to FILE, not to stdout"
    )
    act = parser.add_mutually_exclusive_group()
    act.add_argument(
        "--compare",
        type=Path,
        metavar="INV",
        help="list how the machine differs from --host or --hardware in this inventory; exit with "
        "1 if it does",
    )
    act.add_argument(
        "--record",
        type=Path,
        metavar="DIR",
        help="copy the files this verb reads to DIR, for use elsewhere with --root",
    )
    parser.add_argument("--hardware", metavar="CLASS", help="the hardware class to --compare with")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(refuse=parser.error)  # argparse knows no "only with"


def run(args: Namespace) -> int:
    if args.hardware is not None and args.compare is None:
        args.refuse("--hardware goes with --compare; --class names a new class")
    if args.compare is not None and args.host is None and args.hardware is None:
        args.refuse("at least one of the arguments --host --hardware is required with --compare")
    if not args.root.is_dir():
        raise BuilderError(
            f"--root {args.root} is not a directory", hint="it must contain sys/ and proc/"
        )
    tree = Tree(args.root)
    machine = read_machine(tree)
    if args.record is not None:
        return run_record(tree, args.record)
    found = describe_machine(machine, args.class_name, args.host, args.profile)
    if args.compare is not None:
        return run_compare(found, args)
    text = json.dumps(to_data(found), indent=2) + "\n" if args.json else to_yaml(found)
    if args.out is not None:
        write_new_file(args.out, text.encode())
    else:
        print(text, end="")
    return 0


def run_record(tree: Tree, out: Path) -> int:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BuilderError(f"{out} already exists", hint="choose a new directory")
    with new_directory(out) as staging:
        count = record(tree, staging)
    print(f"{out}: {count} files, with serial number, host name, MAC addresses and routes")
    if tree.faults:
        print("not read:", file=sys.stderr)
    for path, fault in sorted(tree.faults.items()):
        print(f"  {path}: {fault}", file=sys.stderr)
    return 0


def run_compare(found: Description, args: Namespace) -> int:
    prepared = inputs.prepare_aloud(args.compare, no_host)
    inventory, marks = prepared.inventory, prepared.marks
    name = class_to_compare(inventory, marks.file, args.hardware, args.host)
    differences = compare_machine(found, inventory, marks, name, args.host)
    if args.json:
        print(json.dumps(to_json(differences), indent=2))
    else:
        print(to_text(differences, name, args.host))
    return 1 if any(not item.is_note for item in differences) else 0
