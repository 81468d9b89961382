"""NUMA nodes as DPDK sees them: those without CPUs, and the one of its main lcore."""

from __future__ import annotations

from collections.abc import Iterator

from builder.diagnostics import Severity
from builder.model.sizes import format_mib, page_size_text
from builder.phrases import count_text
from builder.plan.checks.memory import socket_mem_key
from builder.plan.checks.pages import RESOURCES, dpdk_vfs_of_pods
from builder.plan.eal_nodes import PORT_TABLE_ANYWHERE, eal_nodes, main_lcore, main_node
from builder.plan.eal_pages import counts_text, enough_pages, pages_of_switch
from builder.plan.mempools import IDLE_NODE_MIB
from builder.plan.nouns.image import ImagePlan
from builder.rule import Finding, Rule

_UNSEEN = "no CPU is on this node, and DPDK finds NUMA nodes by their CPUs"


def check_socket_mem_cpus(image: ImagePlan) -> Iterator[Finding]:
    """eal_dynmem_calc_num_pages_per_socket(): "Not enough memory available on socket 2!", and
    ovs-vswitchd ends, however many pages the node has.
    """
    values, known = image.socket_mem, eal_nodes(image.cpus)
    for node, mib in enumerate(values[: len(image.memory_mib)]):
        if mib and node not in known:
            message = (
                f"dpdk-socket-mem requests {mib} MiB on NUMA node {node}: {_UNSEEN}, so it has "
                "no page there and does not start"
            )
            usable = (str(m if n in known else 0) for n, m in enumerate(values))
            hint = f"use {','.join(usable)}, or remove it: it is derived then"
            yield Finding(socket_mem_key(image), message, hint)


def check_main_lcore(image: ImagePlan) -> Iterator[Finding]:
    """The main lcore's node has pages, and Open vSwitch's own ones among them, also when no port
    is there (`builder.plan.eal_nodes`).
    """
    node = main_node(image.cpus, image.lcore_mask)
    here = any((port.numa or 0) == node for port in image.dpdk_ports)
    if node is None or here or not any(image.socket_mem):
        return  # a node with ports has rules of its own
    if not any(pool.count for pool in image.pools_on(node)):
        yield _no_page(image, node)
        return
    setting = image.ovs_setting("dpdk-socket-mem")
    asked = image.socket_mem[node] if node < len(image.socket_mem) else 0
    if not asked and setting is not None and setting.is_own:
        message = (
            f"DPDK takes memory on {_main_text(image, node)}, but dpdk-socket-mem reserves none "
            "there: when ovs-vswitchd restarts, pods may hold all pages of the node"
        )
        yield Finding(socket_mem_key(image), message, _own_hint(image, node), severity="warning")


def _no_page(image: ImagePlan, node: int) -> Finding:
    """Since DPDK 25.03 the table of ports goes elsewhere; vhost-user ports still start there."""
    where = _main_text(image, node)
    severity: Severity = "error" if image.release.dpdk < PORT_TABLE_ANYWHERE else "warning"
    message = (
        f"DPDK {image.release.dpdk} keeps its table of ports on {where}, but there are no "
        "hugepages on this node: no DPDK port can be added"
        if severity == "error"
        else f"vhost-user ports are created on {where}, but there are no hugepages on this node: "
        "they get no packet buffers"
    )
    if not any(pool.key[-1] == "count" for pool in image.hugepages):
        return Finding(socket_mem_key(image), message, _own_hint(image, node), severity=severity)
    key = image.profile_key("hugepages", "count")
    hint = f"hugepages.count: {counts_text(enough_pages(image))}, or remove it: it is derived then"
    return Finding(key, message, hint, severity=severity)


def _main_text(image: ImagePlan, node: int) -> str:
    main = main_lcore(image.cpus, image.lcore_mask)
    return f"NUMA node {node}, where DPDK's main lcore, CPU {main}, runs"


def _own_hint(image: ImagePlan, node: int) -> str:
    """What an own dpdk-socket-mem should be: no more than the pages that are there, if any are."""
    values = [*image.socket_mem, *[0] * (node + 1 - len(image.socket_mem))]
    there = sum(pool.mib for pool in image.pools_on(node))
    values[node] = min(IDLE_NODE_MIB, there or IDLE_NODE_MIB)
    return f"use {','.join(map(str, values))}, or remove it: it is derived then"


def check_pods_see_pages(image: ImagePlan) -> Iterator[Finding]:
    """DPDK in a pod is EAL too, and reads the same /sys."""
    known, uses_dpdk = eal_nodes(image.cpus), image.ovs is not None or dpdk_vfs_of_pods(image)
    for demand in image.page_demands if uses_dpdk else ():
        if demand.who == "pods" and demand.mib and demand.node not in known:
            message = (
                f"pods need {format_mib(demand.mib)} in pages of "
                f"{page_size_text(demand.size_kib)} on NUMA node {demand.node}: {_UNSEEN}, so "
                "DPDK in a pod cannot use them"
            )
            usable = ", ".join(str(n) for n in sorted(known) if n < len(image.cpus.nodes))
            hint = (
                f"request them on a node with CPUs ({usable}); pages here are for virtual "
                "machines (hugepages.vms), or counted for programs without DPDK"
            )
            yield Finding(demand.key, message, hint)


def check_counted_pages_seen(image: ImagePlan) -> Iterator[Finding]:
    """Pages DPDK cannot use, of a size its pods use: the kubelet does not tell nodes apart."""
    taken, known = pages_of_switch(image)[0], eal_nodes(image.cpus)
    held = {size for (_, size), count in taken.items() if count}
    of_pods = [demand for demand in image.page_demands if demand.who == "pods" and demand.mib]
    asked = {demand.size_kib for demand in of_pods}
    if not known.issuperset(d.node for d in of_pods) or not dpdk_vfs_of_pods(image):
        return  # said by plan-pods-pages-cpus, or no DPDK in pods that we know of
    for size in dict.fromkeys(pool.size_kib for pool in image.hugepages):
        pools = [pool for pool in image.hugepages if pool.size_kib == size and pool.count]
        unseen = [pool for pool in pools if pool.node not in known]
        if size in held or not unseen or (asked and size not in asked):
            continue  # where Open vSwitch has some too, plan-page-sharing says it
        nodes = ", ".join(str(pool.node) for pool in unseen)
        number = sum(pool.count for pool in unseen)
        message = (
            f"the kubelet offers the {count_text(number, 'page')} of NUMA node {nodes} as "
            f"{RESOURCES[size]} too, but DPDK in a pod cannot use them: {_UNSEEN}"
        )
        left = sum(pool.count for pool in pools) - number
        hint = f"limit DPDK pods to {left} {RESOURCES[size]} in total, or use another size there"
        yield Finding(unseen[0].key, message, hint)


RULES: tuple[Rule[ImagePlan], ...] = (
    Rule(
        "plan-socket-mem-cpus",
        "error",
        "`dpdk-socket-mem` requests memory only on NUMA nodes with CPUs: DPDK knows no others.",
        check_socket_mem_cpus,
    ),
    Rule(
        "plan-main-lcore",
        "either",
        "There are hugepages on the NUMA node of DPDK's main lcore, also without a port there.",
        check_main_lcore,
    ),
    Rule(
        "plan-pods-pages-cpus",
        "error",
        "Hugepages for DPDK pods are on NUMA nodes with CPUs.",
        check_pods_see_pages,
    ),
    Rule(
        "plan-pages-cpus",
        "warning",
        "Hugepages on a NUMA node without CPUs are not of the size that DPDK pods use.",
        check_counted_pages_seen,
    ),
)
