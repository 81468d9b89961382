"""The rules: what a well-formed inventory must also be, each under a stable name."""

from __future__ import annotations

from collections.abc import Iterator

from builder.diagnostics import Diagnostic, Marks
from builder.model.inventory import Inventory
from builder.model.rules import (
    access,
    addressing,
    binding,
    cpus,
    disks,
    drivers,
    hosts,
    housekeeping,
    hugepages,
    identity,
    kernel,
    kernel_effects,
    modules,
    names,
    nics,
    ovs,
    ovs_options,
    packages,
    polling,
    roles,
    sriov,
    vf_layout,
    vf_settings,
    vfs,
)
from builder.rule import Rule, diagnose

RULES: tuple[Rule[Inventory], ...] = (
    *cpus.RULES,
    *disks.RULES,
    *nics.RULES,
    *names.RULES,
    *roles.RULES,
    *housekeeping.RULES,
    *polling.RULES,
    *hugepages.RULES,
    *sriov.RULES,
    *vf_layout.RULES,
    *vfs.RULES,
    *vf_settings.RULES,
    *binding.RULES,
    *modules.RULES,
    *ovs.RULES,
    *ovs_options.RULES,
    *drivers.RULES,
    *kernel.RULES,
    *kernel_effects.RULES,
    *access.RULES,
    *hosts.RULES,
    *identity.RULES,
    *packages.RULES,
    *addressing.RULES,
)


def check_rules(inventory: Inventory, marks: Marks, *, complete: bool) -> Iterator[Diagnostic]:
    """Everything the rules find. complete: whether the inventory is the whole file."""
    rules = (rule for rule in RULES if complete or not rule.whole_file)
    return diagnose(rules, inventory, marks)
