"""From an inventory file to the plans a verb works on: loaded, checked and planned once, or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from builder import build_host
from builder.catalog.releases import RELEASES, OsRelease
from builder.diagnostics import Diagnostic, Marks, Refused, Report
from builder.errors import BuilderError
from builder.inventory.loader import load
from builder.model.hardware import HardwareClass
from builder.model.inventory import Inventory
from builder.model.validate import examine
from builder.phrases import format_names
from builder.plan.checks import check_fleet, check_images, check_plans, hosts_to_check
from builder.plan.host import plan_hosts
from builder.plan.nouns.host import HostPlan

# The hosts to plan: of an inventory, and the name of its file for what a wrong choice ends in.
Choice = Callable[[Inventory, str], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A sound inventory, where its keys stand, and the plans of the hosts chosen.

    report: warnings, of the inventory and of the numbers of these plans.
    """

    inventory: Inventory
    marks: Marks
    plans: tuple[HostPlan, ...]
    report: Report

    @property
    def plan(self) -> HostPlan:
        """The plan, where one host was chosen."""
        (plan,) = self.plans
        return plan

    @property
    def hardware(self) -> HardwareClass:
        """The class of the one host."""
        return self.inventory.hardware[self.plan.image.hardware]


def prepare(path: Path, choose: Choice, os: str | None = None) -> Prepared:
    """Load, check and plan. os: a release instead of the inventory's `image.os`.

    Raises Refused with everything that is wrong at once, the numbers of sound parts included.
    """
    loaded = load(path)
    marks = loaded.marks
    inventory, report = examine(loaded)
    if inventory is None or report.is_fatal:
        raise Refused(report.plus(_faults_beside(inventory, marks, os, report)), marks)
    release = release_of(inventory, os)
    plans = tuple(plan_hosts(inventory, marks, choose(inventory, marks.file), release))
    report = report.plus(check_images(plans, marks)).plus(check_fleet(inventory, release, marks))
    if report.is_fatal:
        raise Refused(report, marks)
    return Prepared(inventory, marks, plans, report)


def _faults_beside(
    inventory: Inventory | None, marks: Marks, os: str | None, report: Report
) -> tuple[Diagnostic, ...]:
    """What is wrong with the numbers of what no error is about."""
    # Of which release the numbers would be, a faulty image.os does not say.
    errors = {item.path for item in report.items if item.severity == "error"}
    is_image_faulty = not errors.isdisjoint({("image",), ("image", "os"), ("image", "kernel")})
    if inventory is not None and not is_image_faulty:
        # A machine that no image is made for is the next thing to say, not one instead.
        with suppress(BuilderError):
            return check_plans(inventory, marks, release_of(inventory, os), report.items)
    return ()


def release_of(inventory: Inventory, os: str | None = None) -> OsRelease:
    """The release an image is made of; `host` is resolved by this machine's family."""
    wanted = os or inventory.image.os
    if wanted == "host":
        family = build_host.read_os_release().get("ID", "")
        newest = [r for r in RELEASES.values() if r.family == family]
        if not newest:
            raise BuilderError(
                (
                    f"image.os is 'host', but this machine runs {family}, for which rackwright "
                    "builds no images"
                ),
                hint=f"choose a release with --os: {', '.join(RELEASES)}",
            )
        return newest[-1]
    if wanted not in RELEASES:
        raise BuilderError(
            f"there is no release {wanted!r}", hint=f"releases: {', '.join(RELEASES)}"
        )
    return RELEASES[wanted]


def no_host(_inventory: Inventory, _file: str) -> Iterable[str]:
    """For what is about the inventory itself."""
    return ()


def all_hosts(inventory: Inventory, _file: str) -> Iterable[str]:
    return inventory.hosts


def one_of_each_pair(inventory: Inventory, _file: str) -> Iterable[str]:
    """As many as have different numbers: one host for each class with each of its profiles."""
    return hosts_to_check(inventory)


def host_named(name: str) -> Choice:
    """The host of this name; an inventory without it is refused."""

    def choose(inventory: Inventory, file: str) -> Iterable[str]:
        if name not in inventory.hosts:
            raise BuilderError(
                f"{file} has no host {name!r}", hint=f"hosts: {format_names(inventory.hosts)}"
            )
        return (name,)

    return choose


def host_if_there(name: str) -> Choice:
    """The host of this name, or none."""
    return lambda inventory, _file: [host for host in inventory.hosts if host == name]


def host_of_profile(profile: str) -> Choice:
    """A host that stands for all of `profile`: they must be of one hardware class."""

    def choose(inventory: Inventory, file: str) -> Iterable[str]:
        if profile not in inventory.profiles:
            raise BuilderError(
                f"{file} has no profile {profile!r}",
                hint=f"profiles: {format_names(inventory.profiles)}",
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
        return users[:1]

    return choose
