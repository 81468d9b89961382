"""The verdict: what the plan says against what a booted node reports, value by value."""

from __future__ import annotations

from collections.abc import Mapping

from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan
from builder.render.tree import FileTree
from builder.verify.checks.access import check_access
from builder.verify.checks.case import Case, Check, CheckResult, Status
from builder.verify.checks.cmdline import check_cmdline
from builder.verify.checks.devices import check_link, check_pci, check_sriov
from builder.verify.checks.files import check_files
from builder.verify.checks.modules import check_module, check_sysctl
from builder.verify.checks.ovs import check_ovs
from builder.verify.checks.processors import (
    check_cpu,
    check_hugepages,
    check_iommu,
    check_memory,
    check_numa,
)
from builder.verify.checks.system import (
    check_boot,
    check_mounts,
    check_os,
    check_root,
    check_sources,
    check_status,
    check_twin,
    check_units,
    check_upgrades,
)
from builder.verify.facts import Facts

# Each name is the first part of its results' names, and their order in a report.
CHECKS: dict[str, Check] = {
    "os": check_os,
    "boot": check_boot,
    "root": check_root,
    "cmdline": check_cmdline,
    "cpu": check_cpu,
    "numa": check_numa,
    "hugepages": check_hugepages,
    "mounts": check_mounts,
    "memory": check_memory,
    "iommu": check_iommu,
    "module": check_module,
    "sysctl": check_sysctl,
    "pci": check_pci,
    "sriov": check_sriov,
    "link": check_link,
    "ovs": check_ovs,
    "units": check_units,
    "status": check_status,
    "access": check_access,
    "upgrades": check_upgrades,
    "files": check_files,
    "sources": check_sources,
    "twin": check_twin,
}


def run_checks(
    plan: HostPlan | ImagePlan,
    tree: FileTree,
    facts: Facts,
    substitutions: Mapping[str, str],
    firmware: str | None = None,
) -> tuple[CheckResult, ...]:
    """Every check of the plan, in the order of `CHECKS`.

    substitutions: device ids of the class -> ids of what stands in for them in a twin; empty
    on hardware. firmware: what the machine was to boot with (bios, uefi, uefi-secure-boot);
    None: as it likes.
    """
    host = plan if isinstance(plan, HostPlan) else None
    image = plan.image if isinstance(plan, HostPlan) else plan
    case = Case(image, host, tree, facts, substitutions, firmware)
    return tuple(result for check in CHECKS.values() for result in check(case))


__all__ = ["CHECKS", "Case", "CheckResult", "Status", "run_checks"]
