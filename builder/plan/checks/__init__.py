"""What only shows once a plan is made: sums over nodes, and limits of kernel, OVS and kubelet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from builder.catalog.releases import OsRelease
from builder.diagnostics import Diagnostic, KeyPath, Marks, Report
from builder.model.base import kebab
from builder.model.inventory import Inventory
from builder.model.profile import SETTINGS
from builder.plan.checks import (
    eal,
    flavour,
    kernel,
    kubelet,
    memory,
    ovs_options,
    pages,
    ports,
    queues,
    sriov,
    waiting,
)
from builder.plan.checks.waiting import Fleet
from builder.plan.image import plan_image
from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan
from builder.rule import Rule, diagnose

PLAN_CHECKS: tuple[Rule[ImagePlan], ...] = (
    *memory.RULES,
    *eal.RULES,
    *pages.RULES,
    *sriov.RULES,
    *ovs_options.RULES,
    *queues.RULES,
    *ports.RULES,
    *kubelet.RULES,
    *kernel.RULES,
    *flavour.RULES,
)

FLEET_CHECKS: tuple[Rule[Fleet], ...] = waiting.RULES


def check_fleet(inventory: Inventory, release: OsRelease, marks: Marks) -> tuple[Diagnostic, ...]:
    """What of a release no single image shows: the hosts' own."""
    return tuple(diagnose(FLEET_CHECKS, Fleet(inventory, release), marks))


def check_plans(
    inventory: Inventory, marks: Marks, release: OsRelease, known: Iterable[Diagnostic] = ()
) -> tuple[Diagnostic, ...]:
    """Faults of the images of all pairs whose numbers do not rest on an error of `known`.

    Warnings only of pairs that no error is about: they are about a plan that works.
    """
    errors = {item.path for item in known if item.severity == "error"}
    untouched = _untouched(inventory, errors)
    found: list[Diagnostic] = []
    for pair in inventory.used_pairs:
        if _is_sound(inventory, pair, errors):
            image = plan_image(inventory, marks, *pair, release)
            faults = _check_image(image, marks)
            found += (f for f in faults if f.severity == "error" or pair in untouched)
    # Of what a rule refuses the plan says what follows from it.
    return Report().plus(item for item in found if item.path not in errors).items


def _untouched(inventory: Inventory, errors: Iterable[KeyPath]) -> set[tuple[str, str]]:
    """Pairs of hosts in which, in whose class and profile, and in the image, nothing is wrong."""
    faulty = {path[:2] for path in errors}
    if any(len(path) < len(("hosts", "name")) or path[0] == "image" for path in faulty):
        return set()
    return {
        (host.hardware, host.profile)
        for name, host in inventory.hosts.items()
        if not faulty & {("hosts", name), ("hardware", host.hardware), ("profiles", host.profile)}
    }


def _is_sound(inventory: Inventory, pair: tuple[str, str], errors: Iterable[KeyPath]) -> bool:
    """Whether what numbers are derived from is there and without an error; a host is no part of it."""
    hardware, profile = pair
    faulty = {path[:2] for path in errors if path[2:3] not in _BESIDE_NUMBERS}
    is_there = hardware in inventory.hardware and profile in inventory.profiles
    return is_there and not faulty & {("hardware", hardware), ("profiles", profile)}


# Keys of a profile that no number of CPUs, pages, queues or VFs is derived from.
_BESIDE_NUMBERS = {(kebab(name),) for name in SETTINGS}


def hosts_to_check(inventory: Inventory) -> tuple[str, ...]:
    """One host of each pair of class and profile: derived numbers depend on nothing else."""
    first: dict[tuple[str, str], str] = {}
    for name, host in inventory.hosts.items():
        first.setdefault((host.hardware, host.profile), name)
    return tuple(first.values())


def check_images(plans: Iterable[HostPlan], marks: Marks) -> tuple[Diagnostic, ...]:
    """Faults of plans, in order of place; the image that hosts share is checked once."""
    first: dict[tuple[str, str], HostPlan] = {}
    for plan in plans:
        first.setdefault((plan.image.hardware, plan.image.profile), plan)
    plans = first.values()
    return Report().plus(item for plan in plans for item in _check_image(plan.image, marks)).items


def check_plan(plan: HostPlan, marks: Marks) -> tuple[Diagnostic, ...]:
    """Faults of a plan, as diagnostics on the inventory, in order of place."""
    return Report().plus(_check_image(plan.image, marks)).items


def _check_image(image: ImagePlan, marks: Marks) -> Iterator[Diagnostic]:
    return diagnose(PLAN_CHECKS, image, marks)
