"""The plan of one machine: its image and its identity."""

from __future__ import annotations

from dataclasses import replace

from builder.diagnostics import Marks
from builder.model.inventory import Inventory
from builder.plan.encode import plan_id
from builder.plan.image import plan_image
from builder.plan.inputs import origin
from builder.plan.interfaces import plan_interfaces
from builder.plan.types import HostPlan, OsRelease, Why


def plan_host(inventory: Inventory, marks: Marks, hostname: str, release: OsRelease) -> HostPlan:
    """Everything the machine `hostname` is to be."""
    host = inventory.hosts[hostname]
    plan = HostPlan(
        hostname=hostname,
        image=plan_image(inventory, marks, host.hardware, host.profile, release),
        interfaces=plan_interfaces(inventory, marks, hostname),
        why=Why(
            f"{host.hardware} with profile {host.profile}",
            (
                origin(marks, ("hosts", hostname, "hardware")),
                origin(marks, ("hosts", hostname, "profile")),
            ),
        ),
        plan_id="",
    )
    return replace(plan, plan_id=plan_id(plan))
