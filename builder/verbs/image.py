"""`rackwright image`: a golden image of a profile, or the image of one host."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from builder.build_host import keyring_for, mirrors_for, proxy_variables, read_build_host
from builder.command import SubprocessRunner, is_root
from builder.errors import BuilderError
from builder.monitor import TextMonitor
from builder.plan.types import HostPlan, ImagePlan
from builder.render import cmdline, os_release_fields
from builder.render.tree import FileTree, RenderedFile
from builder.targets.image.build import build_image, check_request
from builder.targets.image.request import FORMATS, Artefacts, ImageFile, ImageRequest
from builder.verbs import inputs


def add_arguments(parser: ArgumentParser) -> None:
    inputs.add_inventory(parser)
    subject = parser.add_mutually_exclusive_group(required=True)
    subject.add_argument("--host", metavar="H", help="image of this host, its identity included")
    subject.add_argument(
        "--profile", metavar="P", help="golden image for all hosts of this profile"
    )
    inputs.add_os(parser)
    parser.add_argument(
        "-o",
        dest="out",
        type=Path,
        metavar="DIR",
        required=True,
        help="directory for the artefacts",
    )
    parser.add_argument(
        "--format",
        default="raw,qcow2",
        metavar="LIST",
        help=f"comma-separated list of {', '.join(FORMATS)} (default raw,qcow2)",
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
        help="ask the mirror for newer packages now, not once a day",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be built, and stop")


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
    checked = inputs.read_inventory(args.inventory)
    release = inputs.release_of(checked.inventory, args.os)
    hostname = args.host or inputs.host_of_profile(checked, args.profile)
    plan = inputs.plan_of_host(checked, hostname, release)
    tree = inputs.tree_of_host(plan) if args.host else inputs.tree_of_image(plan.image)
    request = request_for(args, plan, tree, checked.inventory.image.mirror)
    if args.dry_run:
        print(preview(request, tree))
        return 0
    check_request(request)
    runner = SubprocessRunner()
    inputs.refuse_faults(tree, plan.image, runner)
    artefacts = build_image(request, runner, TextMonitor())
    print(summary(artefacts))
    return 0


def request_for(
    args: Namespace, plan: HostPlan, tree: FileTree, mirror: str | None
) -> ImageRequest:
    """The image as a value: packages, files, command line, formats, where to."""
    image = plan.image
    return ImageRequest(
        name=f"{image.image_name}-{args.host}" if args.host else image.image_name,
        release=image.release,
        packages=tuple(package.name for package in image.packages),
        files=tuple(image_file(file) for file in tree),
        cmdline=cmdline(image),
        formats=formats_of(args.format),
        out_dir=args.out.absolute(),
        cache_dir=(args.cache or default_cache()).absolute(),
        plan_id=plan.plan_id if args.host else image.plan_id,
        host=args.host,
        os_release=os_release_fields(image),
        mirrors=mirrors_for(image.release, read_build_host(), mirror),
        keyring=keyring_for(image.release),
        elements=elements_for(image),
        refresh=args.refresh,
        proxy=proxy_variables(os.environ),
    )


def formats_of(text: str) -> tuple[str, ...]:
    """The formats a comma-separated list names, each once."""
    formats = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    unknown = [repr(name) for name in formats if name not in FORMATS]
    if unknown:
        raise BuilderError(
            f"there is no image format {', '.join(unknown)}", hint=f"formats: {', '.join(FORMATS)}"
        )
    return formats


def elements_for(image: ImagePlan) -> tuple[str, ...]:
    """The elements to ask for; those they depend on come with them."""
    return ("rackwright-ovs-dpdk",) if image.ovs is not None else ("rackwright-node",)


def image_file(file: RenderedFile) -> ImageFile:
    """A rendered file as the image builder takes it; only root owns what we render."""
    if file.owner != "root:root":
        raise ValueError(f"{file.path}: no uid is known for owner {file.owner}")
    return ImageFile(file.path, file.mode, 0, 0, file.content)


def preview(request: ImageRequest, tree: FileTree) -> str:
    """What a build would do, for `--dry-run`."""
    lines = [
        f"image       {request.name} ({request.release.id}) -> {request.out_dir}",
        f"formats     {', '.join(request.formats)}",
        f"plan        {request.plan_id}",
        f"cmdline     {' '.join(request.cmdline)}",
        f"packages    {' '.join(request.packages)}",
        *(f"file        {file.mode_text} {file.owner} {file.path}" for file in tree),
    ]
    return "\n".join(lines)


def summary(artefacts: Artefacts) -> str:
    """The artefacts with sizes and digests, and where the manifest is."""
    lines = [
        f"{item.size / 1e6:9.1f} MB  {item.sha256[:16]}…  {item.path}"
        for item in artefacts.files.values()
    ]
    return "\n".join([*lines, f"manifest: {artefacts.manifest}"])
