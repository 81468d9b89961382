"""What only shows once a plan is made: sums over nodes, and limits of kernel, OVS and kubelet."""

from __future__ import annotations

from builder.diagnostics import Diagnostic, Marks
from builder.plan.checks import kernel, memory, switch
from builder.plan.checks.findings import PlanCheck
from builder.plan.types import HostPlan

PLAN_CHECKS: dict[str, PlanCheck] = {
    "plan-socket-mem-form": memory.check_socket_mem_form,
    "plan-socket-mem": memory.check_socket_mem_fits,
    "plan-pmd-node": switch.check_pmd_per_node,
    "plan-page-sharing": memory.check_page_sharing,
    "plan-allow-list": switch.check_allow_list,
    "plan-pf-with-vfs": switch.check_pf_with_vfs,
    "plan-command-line": kernel.check_command_line,
}


def check_plan(plan: HostPlan, marks: Marks) -> tuple[Diagnostic, ...]:
    """Faults of a plan, as diagnostics on the inventory, in order of place."""
    found = [
        Diagnostic(
            fault.severity, marks.value_at(fault.key), fault.key, fault.message, fault.hint, rule
        )
        for rule, check in PLAN_CHECKS.items()
        for fault in check(plan.image)
    ]
    return tuple(sorted(found, key=lambda item: (item.where, item.severity, item.message)))
