"""The plan of a machine, and of many: the image of its class and profile, and its identity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from builder.catalog.releases import OsRelease
from builder.diagnostics import Marks
from builder.model.inventory import Inventory
from builder.plan.access import plan_access
from builder.plan.encode import plan_id
from builder.plan.image import plan_image
from builder.plan.inputs import origin
from builder.plan.interfaces import plan_interfaces
from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan
from builder.plan.nouns.why import Why


def plan_hosts(
    inventory: Inventory, marks: Marks, hostnames: Iterable[str], release: OsRelease
) -> Iterator[HostPlan]:
    """The plans of machines, one at a time: those of one class and profile share their image's."""
    images: dict[tuple[str, str], ImagePlan] = {}
    for hostname in hostnames:
        host = inventory.hosts[hostname]
        pair = (host.hardware, host.profile)
        if pair not in images:
            images[pair] = plan_image(inventory, marks, *pair, release)
        yield _plan_identity(inventory, marks, hostname, images[pair])


def _plan_identity(inventory: Inventory, marks: Marks, hostname: str, image: ImagePlan) -> HostPlan:
    plan = HostPlan(
        hostname=hostname,
        image=image,
        interfaces=plan_interfaces(inventory, marks, hostname),
        why=Why(
            f"{image.hardware} with profile {image.profile}",
            (
                origin(marks, ("hosts", hostname, "hardware")),
                origin(marks, ("hosts", hostname, "profile")),
            ),
        ),
        plan_id="",
        access=plan_access(inventory, marks, hostname),
    )
    return replace(plan, plan_id=plan_id(plan))
