"""What most verbs begin with: an inventory file becomes a validated value and its plans."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, field
from pathlib import Path

from builder import build_host
from builder.accept import accept_tree
from builder.catalog.releases import RELEASES, OsRelease
from builder.command import Runner
from builder.diagnostics import Marks, Report, format_report
from builder.errors import BuilderError
from builder.inventory.loader import load
from builder.model.inventory import Inventory
from builder.model.validate import validate
from builder.plan.checks import check_plan
from builder.plan.host import plan_host
from builder.plan.types import HostPlan, ImagePlan
from builder.render import cmdline, render_host, render_image
from builder.render.parse import parse_back
from builder.render.tree import FileTree
from builder.resources import read_texts
from builder.workdir import scratch_dir


@dataclass(frozen=True, slots=True)
class Checked:
    """An inventory without errors, where its keys stand, and the warnings it gave."""

    inventory: Inventory
    marks: Marks
    report: Report = field(default_factory=Report)


def add_inventory(parser: ArgumentParser) -> None:
    parser.add_argument("inventory", type=Path, metavar="INV", help="inventory file")


def add_host(parser: ArgumentParser) -> None:
    parser.add_argument("--host", required=True, metavar="H", help="host of the inventory")


def add_os(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--os", metavar="OS", help="release to build for, instead of the inventory's image.os"
    )


def read_inventory(path: Path) -> Checked:
    """Load and validate `path`; errors are told and end the verb, warnings wait for the plan's."""
    loaded = load(path)
    inventory, report = validate(loaded)
    if inventory is None or report.is_fatal:
        tell(report, loaded.marks)
        raise BuilderError("")
    return Checked(inventory, loaded.marks, report)


def tell(report: Report, marks: Marks) -> None:
    """Print diagnostics, if there are any, as people read them."""
    text = format_report(report, marks.lines)
    if text:
        print(text, file=sys.stderr)


def release_of(inventory: Inventory, override: str | None = None) -> OsRelease:
    """The release an image is made of; `host` is resolved by this machine's family."""
    wanted = override or inventory.image.os
    if wanted == "host":
        family = build_host.read_build_host().id
        newest = [r for r in RELEASES.values() if r.family == family]
        if not newest:
            raise BuilderError(
                f"image.os is 'host', but this machine runs {family}, which no image is made of",
                hint=f"name a release with --os: {', '.join(RELEASES)}",
            )
        return newest[-1]
    if wanted not in RELEASES:
        raise BuilderError(
            f"there is no release {wanted!r}", hint=f"releases: {', '.join(RELEASES)}"
        )
    return RELEASES[wanted]


def plan_of_host(checked: Checked, hostname: str, release: OsRelease) -> HostPlan:
    """The plan of one host; tells all diagnostics, and an error in the numbers ends the verb."""
    inventory, marks = checked.inventory, checked.marks
    if hostname not in inventory.hosts:
        raise BuilderError(
            f"{marks.file} has no host {hostname!r}",
            hint=f"hosts: {listed(tuple(inventory.hosts))}",
        )
    plan = plan_host(inventory, marks, hostname, release)
    report = checked.report.plus(check_plan(plan, marks))
    tell(report, marks)
    if report.is_fatal:
        raise BuilderError("")
    return plan


def host_of_profile(checked: Checked, profile: str) -> str:
    """A host that stands for all of `profile`: they must be of one hardware class."""
    inventory = checked.inventory
    if profile not in inventory.profiles:
        raise BuilderError(
            f"{checked.marks.file} has no profile {profile!r}",
            hint=f"profiles: {listed(tuple(inventory.profiles))}",
        )
    users = [name for name, host in inventory.hosts.items() if host.profile == profile]
    if not users:
        raise BuilderError(f"no host uses profile {profile!r}", hint="name one with --host")
    classes = sorted({inventory.hosts[name].hardware for name in users})
    if len(classes) > 1:
        raise BuilderError(
            f"profile {profile!r} is used on several hardware classes: {', '.join(classes)}",
            hint="an image is for one class: name a host of it with --host",
        )
    return users[0]


def listed(names: tuple[str, ...], limit: int = 10) -> str:
    """`a, b, c`, cut after `limit` with the number left out."""
    more = f", and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def tree_of_host(plan: HostPlan) -> FileTree:
    return render_host(plan, read_texts("templates"), read_texts("systemd"))


def tree_of_image(plan: ImagePlan) -> FileTree:
    return render_image(plan, read_texts("templates"), read_texts("systemd"))


def plan_from(args: Namespace) -> HostPlan:
    """The plan the arguments INV, --host and --os ask for."""
    checked = read_inventory(args.inventory)
    return plan_of_host(checked, args.host, release_of(checked.inventory, args.os))


def refuse_faults(tree: FileTree, plan: ImagePlan, runner: Runner) -> None:
    """Parse a rendered tree back, with our own parsers and the distribution's.

    A fault here is ours, not the user's: it names the file, and nothing is written.
    """
    faults = parse_back(tree, cmdline(plan))
    if not faults:
        with scratch_dir() as work:
            faults = accept_tree(tree, runner, work)
    if faults:
        raise BuilderError(
            "the rendered files do not parse back",
            detail="\n".join(faults),
            hint="this is a fault of rackwright: please report it with the inventory",
        )
