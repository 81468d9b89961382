"""What only shows once a plan is made: sums over nodes, and limits of kernel, OVS and kubelet."""

from __future__ import annotations

from collections.abc import Iterable

from builder.catalog.releases import OsRelease
from builder.diagnostics import Diagnostic, Marks, Report
from builder.model.inventory import Inventory
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
)
from builder.plan.host import plan_hosts
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


def check_plans(
    inventory: Inventory, marks: Marks, release: OsRelease, known: Iterable[Diagnostic] = ()
) -> tuple[Diagnostic, ...]:
    """Faults of the plans of all hosts but those that errors `known` already are about."""
    hosts = hosts_to_check(inventory, known)
    return check_images(plan_hosts(inventory, marks, hosts, release), marks)


def hosts_to_check(inventory: Inventory, known: Iterable[Diagnostic] = ()) -> tuple[str, ...]:
    """One host of each pair of class and profile: derived numbers depend on nothing else.

    known: errors found already. What they are about is not planned: it would be said again, or
    what follows from it.
    """
    faulty = {item.path[:2] for item in known if item.severity == "error"}
    if any(len(path) < len(("hosts", "name")) for path in faulty):
        return ()
    first: dict[tuple[str, str], str] = {}
    for name, host in inventory.hosts.items():
        parts = {("hosts", name), ("hardware", host.hardware), ("profiles", host.profile)}
        if not parts & faulty:
            first.setdefault((host.hardware, host.profile), name)
    return tuple(first.values())


def check_images(plans: Iterable[HostPlan], marks: Marks) -> tuple[Diagnostic, ...]:
    """Faults of plans, in order of place; the image that hosts share is checked once."""
    first: dict[tuple[str, str], HostPlan] = {}
    for plan in plans:
        first.setdefault((plan.image.hardware, plan.image.profile), plan)
    return Report().plus(item for plan in first.values() for item in check_plan(plan, marks)).items


def check_plan(plan: HostPlan, marks: Marks) -> tuple[Diagnostic, ...]:
    """Faults of a plan, as diagnostics on the inventory, in order of place."""
    return Report().plus(diagnose(PLAN_CHECKS, plan.image, marks)).items
