"""Texts of inventories as what a verb makes of them: checked, and planned."""

from __future__ import annotations

from pathlib import Path

from builder.catalog.releases import RELEASES, OsRelease
from builder.diagnostics import Marks, Report, format_report
from builder.inventory.loader import parse_inventory
from builder.model.inventory import Inventory
from builder.model.validate import examine
from builder.plan.host import plan_hosts
from builder.plan.nouns.host import HostPlan

SEED = Path(__file__).resolve().parent.parent / "examples/seed/inventory.yaml"
FILE = "inventory.yaml"
DEBIAN = RELEASES["debian-13"]
# An edit of the seed: Open vSwitch and pods share pages of a size, which is warned of.
SHARED_PAGES = ("{size: 1G, pods: {size: 2M, memory: 2GiB}}", "{size: 1G, count: 8}")
# In the place of the seed's `hosts:`: a profile whose numbers are wrong, with a host of its own.
OTHER_PAIR = """\
  other:
    cpu: {housekeeping-cores-per-node: 1}
    hugepages: {size: 1G, count: 92}

hosts:
  nfv2:
    hardware: e5-2620v4
    profile: other
    interfaces:
      enp8s0: {role: management, dhcp4: true}
"""


def check(text: str) -> tuple[Inventory | None, Report]:
    """All that is said of `text`; and the inventory, None where that has an error."""
    usable, report = examine(parse_inventory(text, FILE))
    return (None if report.is_fatal else usable), report


def sound(text: str) -> tuple[Inventory, Marks]:
    """An inventory without errors, and where its keys stand."""
    loaded = parse_inventory(text, FILE)
    inventory, report = examine(loaded)
    said = format_report(report, loaded.marks.lines)
    assert not report.is_fatal, said
    assert inventory is not None, said
    return inventory, loaded.marks


def plans_of(text: str) -> list[HostPlan]:
    """Plans of all hosts."""
    inventory, marks = sound(text)
    return list(plan_hosts(inventory, marks, inventory.hosts, DEBIAN))


def plan_of(text: str, host: str = "nfv1", release: OsRelease = DEBIAN) -> HostPlan:
    inventory, marks = sound(text)
    return next(plan_hosts(inventory, marks, [host], release))


def plan_inventory(
    inventory: Inventory, marks: Marks | None = None, release: OsRelease = DEBIAN
) -> HostPlan:
    """Plan of nfv1 of an inventory that need not pass `check`. marks None: it is of no text."""
    return next(plan_hosts(inventory, marks or Marks(FILE), ["nfv1"], release))
