"""What only shows once a plan is made: sums over nodes, and limits of kernel, OVS and kubelet."""

from __future__ import annotations

from collections.abc import Iterable

from builder.catalog.releases import OsRelease
from builder.diagnostics import Diagnostic, Location, Marks
from builder.model.inventory import Inventory
from builder.plan.checks import eal, kernel, kubelet, memory, ovs_options, ports, queues, sriov
from builder.plan.checks.findings import PlanCheck
from builder.plan.host import plan_hosts
from builder.plan.types import HostPlan

PLAN_CHECKS: dict[str, PlanCheck] = {
    "plan-socket-mem-form": memory.check_socket_mem_form,
    "plan-socket-mem-nodes": memory.check_socket_mem_nodes,
    "plan-socket-mem": memory.check_socket_mem_fits,
    "plan-socket-mem-ports": memory.check_ports_have_memory,
    "plan-any-page": memory.check_any_page,
    "plan-page-demands": memory.check_demands_fit,
    "plan-pages-fit": memory.check_pages_fit,
    "plan-page-sharing": memory.check_page_sharing,
    "plan-vf-address": sriov.check_addresses,
    "plan-vf-setting": sriov.check_settings_in_release,
    "plan-switchdev": sriov.check_switchdev_in_release,
    "plan-ovs-key": ovs_options.check_key_in_release,
    "plan-ovs-value": ovs_options.check_value_in_release,
    "plan-ovs-sleep": ovs_options.check_sleep_cpus,
    "plan-ovs-extra": eal.check_extra_words,
    "plan-ovs-token": eal.check_vf_token,
    "plan-ovs-limit": ovs_options.check_socket_limit,
    "plan-ovs-socket-path": ovs_options.check_socket_path,
    "plan-ovs-lcore-mask": ovs_options.check_lcore_mask,
    "plan-ovs-threads": ovs_options.check_handler_threads,
    "plan-rxq-affinity": queues.check_affinity,
    "plan-rxq-polled": queues.check_polled,
    "plan-auto-lb": queues.check_auto_balance,
    "plan-rxq-limit": queues.check_queue_limits,
    "plan-rxq-threads": queues.check_more_queues_than_threads,
    "plan-descriptors": queues.check_descriptors,
    "plan-allow-list": eal.check_allow_list,
    "plan-pf-with-vfs": ports.check_pf_with_vfs,
    "plan-reserved-memory": kubelet.check_reserved_memory,
    "plan-reserved-cpus": kubelet.check_reserved_cpus_kept,
    "plan-topology-hints": kubelet.check_hints,
    "plan-command-line": kernel.check_command_line,
    "plan-kernel-args-again": kernel.check_words_again,
}


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
    found = {item: None for plan in first.values() for item in check_plan(plan, marks)}
    return tuple(sorted(found, key=_order))


def _order(item: Diagnostic) -> tuple[Location, str, str]:
    return item.where, item.severity, item.message


def check_plan(plan: HostPlan, marks: Marks) -> tuple[Diagnostic, ...]:
    """Faults of a plan, as diagnostics on the inventory, in order of place."""
    found = [
        Diagnostic(
            fault.severity, marks.value_at(fault.key), fault.key, fault.message, fault.hint, rule
        )
        for rule, check in PLAN_CHECKS.items()
        for fault in check(plan.image)
    ]
    return tuple(sorted(found, key=_order))
