"""`rackwright image`: a golden image of a profile, or the image of one host."""

from __future__ import annotations

import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from builder.command import SubprocessRunner, is_root
from builder.errors import BuilderError
from builder.monitor import TextMonitor
from builder.phrases import format_names
from builder.prepare import host_named, host_of_profile
from builder.targets.image.build import build_image, check_request
from builder.targets.image.from_plan import preview, request_for
from builder.targets.image.request import Artefacts
from builder.targets.registry import TARGETS
from builder.trees import refuse_faults, tree_of
from builder.verbs import inputs

IMAGE_FORMATS = TARGETS["image"].forms


def add_arguments(parser: ArgumentParser) -> None:
    inputs.add_inventory(parser)
    subject = parser.add_mutually_exclusive_group(required=True)
    subject.add_argument(
        "--host", metavar="H", help="build the image of this host, with its identity"
    )
    subject.add_argument(
        "--profile", metavar="P", help="build the golden image for all hosts of this profile"
    )
    inputs.add_os(parser)
    parser.add_argument(
        "-o",
        dest="out",
        type=Path,
        metavar="DIR",
        required=True,
        help="directory for the artefacts; the files of an earlier build there are removed",
    )
    parser.add_argument(
        "--format",
        type=formats_of,
        default="raw,qcow2",
        metavar="LIST",
        help=f"comma-separated list of {', '.join(IMAGE_FORMATS)} (default raw,qcow2)",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="package and base image cache "
        "(default /var/cache/rackwright for root, else ~/.cache/rackwright)",
    )
    parser.add_argument(
        "--refresh",
        action="store_true",
        help="look for newer packages on the mirror now, rather than once a day",
    )
    parser.add_argument("--dry-run", action="store_true", help="print what would be built and stop")


def default_cache() -> Path:
    """Where caches go: /var/cache for root, else the user's own cache directory."""
    if is_root():
        return Path("/var/cache/rackwright")
    named = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(named or Path.home() / ".cache") / "rackwright"
    except RuntimeError:
        raise BuilderError(
            "there is no home directory to cache in", hint="name a directory with --cache"
        ) from None


def run(args: Namespace) -> int:
    choose = host_named(args.host) if args.host else host_of_profile(args.profile)
    prepared = inputs.prepare_aloud(args.inventory, choose, args.os, for_login=bool(args.host))
    plan = prepared.plan if args.host else prepared.plan.image
    tree = tree_of(plan)
    request = request_for(
        plan,
        tree,
        args.format,
        args.out,
        args.cache or default_cache(),
        mirror=prepared.inventory.image.mirror,
        refresh=args.refresh,
    )
    if args.dry_run:
        print(preview(request, tree))
        return 0
    check_request(request)
    runner = SubprocessRunner()
    refuse_faults(tree, prepared.plan.image, runner)
    print(summary(build_image(request, runner, TextMonitor())))
    return 0


def formats_of(text: str) -> tuple[str, ...]:
    """The formats a comma-separated list names, each once."""
    formats = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    unknown = [repr(name) for name in formats if name not in IMAGE_FORMATS]
    if unknown:
        raise ArgumentTypeError(
            f"unknown image format {', '.join(unknown)} (choose from {', '.join(IMAGE_FORMATS)})"
        )
    return formats


def summary(artefacts: Artefacts) -> str:
    """The artefacts with sizes and digests, and where the manifest is."""
    lines = [
        f"{item.size / 1e6:9.1f} MB  {item.sha256[:16]}…  {item.path}"
        for item in artefacts.files.values()
    ]
    if artefacts.replaced:
        lines.append(f"removed, of the build before: {format_names(artefacts.replaced)}")
    return "\n".join([*lines, f"manifest: {artefacts.manifest}"])
