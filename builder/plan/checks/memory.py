"""The memory Open vSwitch takes on each NUMA node (dpdk-socket-mem), and the pages for it."""

from __future__ import annotations

from collections.abc import Iterator

from builder.diagnostics import KeyPath, Severity
from builder.model.numerals import mib_list
from builder.model.sizes import format_mib
from builder.phrases import all_names, count_text
from builder.plan.eal_nodes import eal_nodes
from builder.plan.eal_pages import counts_text, enough_pages, pages_of_switch
from builder.plan.mempools import DESCRIPTORS, PortMemory, own_pools_mib, port_pools
from builder.plan.nouns.image import ImagePlan
from builder.plan.nouns.ovs import OvsPortPlan
from builder.plan.ovs_memory import is_true, offered_mtus
from builder.rule import Finding, Rule


def socket_mem_key(image: ImagePlan) -> KeyPath:
    """The inventory's own value if it has one, else the pages that are too few."""
    setting = image.ovs_setting("dpdk-socket-mem")
    if setting is not None and setting.is_own:
        return image.profile_key("ovs", "other-config", setting.key)
    return image.profile_key("hugepages", "count")


def check_socket_mem_form(image: ImagePlan) -> Iterator[Finding]:
    """An inventory's own dpdk-socket-mem that EAL would refuse."""
    setting = image.ovs_setting("dpdk-socket-mem")
    if setting is None or image.socket_mem:
        return
    message = f"dpdk-socket-mem {setting.value!r} is not a list of MiB, one for each NUMA node"
    meant = mib_list(setting.value)
    hint = f"write {meant}" if meant else "write it like 2048,1024"
    yield Finding(socket_mem_key(image), message, hint)


def check_socket_mem_nodes(image: ImagePlan) -> Iterator[Finding]:
    """An inventory's own dpdk-socket-mem for a node that is not there."""
    values, nodes = image.socket_mem, len(image.memory_mib)
    for node, mib in enumerate(values):
        if node >= nodes and mib:
            message = (
                f"dpdk-socket-mem requests {mib} MiB on NUMA node {node}, which does not exist"
            )
            hint = f"hardware class {image.hardware} has {count_text(nodes, 'node')}"
            yield Finding(socket_mem_key(image), message, hint)


def check_socket_mem_fits(image: ImagePlan) -> Iterator[Finding]:
    """EAL fails when a node has fewer pages than it asks for, and ovs-vswitchd with it."""
    values = image.socket_mem
    for node in pages_of_switch(image)[1]:
        if node >= len(image.memory_mib) or node not in eal_nodes(image.cpus):
            continue  # said by plan-socket-mem-nodes, plan-socket-mem-cpus
        pools = image.pools_on(node)
        there = sum(pool.mib for pool in pools)
        # Memory comes in whole pages: 1500 MiB of 1G pages are two pages.
        smallest = min((pool.size_kib // 1024 for pool in image.hugepages), default=1024)
        size = image.hugepages[0].size_kib // 1024 if image.hugepages else 1024
        message = (
            f"Open vSwitch needs {-(-values[node] // smallest) * smallest} MiB of hugepages on "
            f"NUMA node {node} (dpdk-socket-mem), but the plan has {there} MiB there"
        )
        hint = (
            f"hugepages.count: {counts_text(enough_pages(image))} or more pages of "
            f"{format_mib(size)}, a lower MTU of node {node}'s DPDK ports, or ports on another node"
        )
        yield Finding(socket_mem_key(image), message, hint)


def _buffers_mib(image: ImagePlan, node: int, ports: list[OvsPortPlan]) -> int:
    """What the packet buffers of a node's ports take, without vhost-user's."""
    own = {s.key: s.value for s in image.ovs.other_config} if image.ovs is not None else {}
    if is_true(own.get("per-port-memory", "")):
        memory = [
            PortMemory(p.mtu, p.rxq, p.rxd or DESCRIPTORS, p.txd or DESCRIPTORS) for p in ports
        ]
        return own_pools_mib(memory, len(image.cpus.pmd))
    offered = offered_mtus(own.get("shared-mempool-config", ""), node, image.release)
    return sum(port_pools((port.mtu for port in ports), offered).values())


def check_ports_have_memory(image: ImagePlan) -> Iterator[Finding]:
    """netdev-dpdk.c, dpdk_mp_create(): packet buffers are of the port's own node, and beyond
    dpdk-socket-mem EAL takes whatever pages are free there when the port is added.
    """
    values = image.socket_mem
    ports: dict[int, list[OvsPortPlan]] = {}
    for port in image.dpdk_ports:
        ports.setdefault(port.numa or 0, []).append(port)
    for node, here in sorted(ports.items()) if any(values) else ():
        own = values[node] if node < len(values) else 0
        wanted = _buffers_mib(image, node, here)
        if own >= wanted:
            continue
        there = sum(pool.mib for pool in image.pools_on(node))
        names = all_names(port.name for port in here)
        message = (
            f"{own} MiB on NUMA node {node} is less than the {wanted} MiB that the packet "
            f"buffers of {names} need: "
        )
        if there >= wanted:
            severity: Severity = "warning"
            message += "Open vSwitch takes the rest from pages that pods may already use by then"
        else:
            severity = "error"
            message += f"the node has {there} MiB of pages, so Open vSwitch cannot create them"
        hint = f"use {wanted} or more, or remove dpdk-socket-mem: it is derived then"
        yield Finding(socket_mem_key(image), message, hint, severity=severity)


RULES: tuple[Rule[ImagePlan], ...] = (
    Rule(
        "plan-socket-mem-form",
        "error",
        "`dpdk-socket-mem` is a list of MiB per NUMA node.",
        check_socket_mem_form,
    ),
    Rule(
        "plan-socket-mem-nodes",
        "error",
        "`dpdk-socket-mem` requests memory only on existing NUMA nodes.",
        check_socket_mem_nodes,
    ),
    Rule(
        "plan-socket-mem",
        "error",
        "Each NUMA node has the hugepages that Open vSwitch allocates at start.",
        check_socket_mem_fits,
    ),
    Rule(
        "plan-socket-mem-ports",
        "either",
        "`dpdk-socket-mem` set by hand holds the packet buffers of each node's ports.",
        check_ports_have_memory,
    ),
)
