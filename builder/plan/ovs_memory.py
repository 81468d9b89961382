"""Hugepage memory Open vSwitch is given on each NUMA node, decided before the pages are."""

from __future__ import annotations

import re
from dataclasses import dataclass

from builder.catalog.ovs_options import OVS_OPTIONS
from builder.catalog.releases import OsRelease
from builder.diagnostics import KeyPath
from builder.model.ports import DpdkPort
from builder.model.sizes import HUGEPAGE_KIB
from builder.plan.eal_nodes import eal_nodes, main_lcore, main_node
from builder.plan.inputs import Inputs
from builder.plan.mempools import (
    DEFAULT_MTU,
    DESCRIPTORS,
    HEADROOM_MIB,
    IDLE_NODE_MIB,
    PORT_TABLE_MIB,
    PortMemory,
    per_port_node_mib,
    shared_node_mib,
    shared_pools,
)
from builder.plan.nouns.cpus import CpuPlan


@dataclass(frozen=True, slots=True)
class OvsMemory:
    """dpdk-socket-mem of one node, in MiB, how it comes about, and the keys it rests on."""

    node: int
    mib: int
    reason: str
    keys: tuple[KeyPath, ...]


def plan_ovs_memory(
    inputs: Inputs, cpus: CpuPlan, ports: tuple[DpdkPort, ...]
) -> tuple[OvsMemory, ...]:
    """Memory by NUMA node, every node in its place; () without Open vSwitch."""
    if inputs.profile.ovs is None:
        return ()
    return tuple(_plan_node(inputs, cpus, ports, node) for node in range(len(inputs.hardware.numa)))


def apply_own_memory(inputs: Inputs, memory: tuple[OvsMemory, ...]) -> tuple[OvsMemory, ...]:
    """`memory`, or what the inventory's own dpdk-socket-mem says instead."""
    ovs = inputs.profile.ovs
    own = ovs.other_config.get("dpdk-socket-mem") if ovs is not None else None
    if own is None:
        return memory
    key = inputs.profile_key("ovs", "other-config", "dpdk-socket-mem")
    return tuple(
        OvsMemory(node, mib, "set in the inventory", (key,))
        for node, mib in enumerate(parse_socket_mem(str(own)))
    )


def parse_socket_mem(text: str) -> tuple[int, ...]:
    """MiB of each NUMA node; () when the text is not such a list."""
    if not re.fullmatch(r"\d{1,9}(,\d{1,9})*", text):
        return ()
    return tuple(int(part) for part in text.split(","))


def _plan_node(inputs: Inputs, cpus: CpuPlan, ports: tuple[DpdkPort, ...], node: int) -> OvsMemory:
    here = [port for port in ports if port.node == node]
    if not here:
        return _plan_idle_node(inputs, cpus, node)
    keys = tuple(inputs.port_key(port, "mtu") for port in here)
    if is_true(_own_setting(inputs, "per-port-memory")):
        memory = [
            PortMemory(p.mtu, p.rxq, p.rxd or DESCRIPTORS, p.txd or DESCRIPTORS)
            for p in (item.port for item in here)
        ]
        key = inputs.profile_key("ovs", "other-config", "per-port-memory")
        reason = f"a pool for each port and {HEADROOM_MIB} for DPDK itself, rounded up"
        return OvsMemory(node, per_port_node_mib(memory, len(cpus.pmd)), reason, (*keys, key))
    mtus = [port.port.mtu for port in here]
    offered = offered_mtus(_own_setting(inputs, "shared-mempool-config"), node, inputs.release)
    sizes = " + ".join(str(mib) for mib in shared_pools(mtus, offered).values())
    shown = ", ".join(str(mtu) for mtu in sorted({DEFAULT_MTU, *mtus}))
    reason = f"{sizes} for packets of MTU {shown} and {HEADROOM_MIB} for DPDK itself, rounded up"
    if offered:
        keys = (*keys, inputs.profile_key("ovs", "other-config", "shared-mempool-config"))
    return OvsMemory(node, shared_node_mib(mtus, offered), reason, keys)


def _own_setting(inputs: Inputs, key: str) -> str:
    """The inventory's own text of a key of other_config; empty when it has none."""
    ovs = inputs.profile.ovs
    return str(ovs.other_config.get(key, "")) if ovs is not None else ""


def offered_mtus(text: str, node: int, release: OsRelease) -> tuple[int, ...]:
    """MTUs of shared-mempool-config (`mtu[:node],...`) on a node, of a release that knows it.

    Up to a text Open vSwitch cannot use it takes what it has read (parse_user_mempools_list()).
    """
    if not OVS_OPTIONS["shared-mempool-config"].is_in(release.ovs):
        return ()
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,5})(?::(\d{1,3}))?\s*", part)
        if match is None:
            break
        if match[2] is None or int(match[2]) == node:
            found.append(int(match[1]))
    return tuple(found)


def _plan_idle_node(inputs: Inputs, cpus: CpuPlan, node: int) -> OvsMemory:
    """A node without DPDK ports: its memory is for vhost-user ports, and DPDK's own on one node.

    vhost-user ports of a guest whose memory is here move here, if there are pages at all.
    """
    if not cpus.nodes[node] - cpus.offline:
        reason = "none of its CPUs is online, so no port is polled there"
        if node not in eal_nodes(cpus):
            reason = "it has no CPUs, so DPDK does not know of it"
        return OvsMemory(node, 0, reason, (inputs.hardware_key("numa", node),))
    if node == main_node(cpus, _own_setting(inputs, "dpdk-lcore-mask") or None):
        return _plan_main_node(inputs, cpus, node)
    if _has_pages(inputs, node):
        reason = f"{IDLE_NODE_MIB} for vhost-user ports, as it has no DPDK port"
        return OvsMemory(node, IDLE_NODE_MIB, reason, _page_keys(inputs))
    return OvsMemory(node, 0, "no DPDK port and no pages", _page_keys(inputs))


def _plan_main_node(inputs: Inputs, cpus: CpuPlan, node: int) -> OvsMemory:
    """The main lcore's node: DPDK has its table of ports there (`builder.plan.eal_nodes`), and
    every vhost-user port starts there (lib/netdev-dpdk.c, vhost_common_construct()).

    Pages that are counted and too few for all that: a little of them. None: a check says so.
    """
    wanted, keys = inputs.pages, _page_keys(inputs) or (inputs.profile_key("hugepages"),)
    main = main_lcore(cpus, _own_setting(inputs, "dpdk-lcore-mask") or None)
    what = f"DPDK's table of ports, as its main lcore, CPU {main}, runs there"
    if wanted.count_of(wanted.largest_size) is None or _has_pages(inputs, node):
        reason = f"{IDLE_NODE_MIB} for vhost-user ports and {what}"
        return OvsMemory(node, IDLE_NODE_MIB, reason, keys)
    counted = sum(
        count.by_node(inputs.cpu_nodes).get(node, 0) * HUGEPAGE_KIB[count.size] // 1024
        for count in wanted.counts
    )
    is_derived = len(wanted.counts) < len(wanted.sizes)
    mib = PORT_TABLE_MIB if is_derived else min(PORT_TABLE_MIB, counted)
    return OvsMemory(node, mib, f"{mib or 'no page'} for {what}", keys)


def _has_pages(inputs: Inputs, node: int) -> bool:
    """Whether a node without DPDK ports has pages enough of the size Open vSwitch takes first,
    or, where those are not counted, somebody who wants any.
    """
    wanted = inputs.pages
    count = wanted.count_of(wanted.largest_size)
    if count is not None:
        there = count.by_node(inputs.cpu_nodes).get(node, 0)
        return there * HUGEPAGE_KIB[count.size] // 1024 >= IDLE_NODE_MIB
    return any(wish.by_node(inputs.cpu_nodes).get(node) for wish in wanted.wishes)


def _page_keys(inputs: Inputs) -> tuple[KeyPath, ...]:
    count = inputs.pages.count_of(inputs.pages.largest_size)
    if count is not None:
        return (inputs.profile_key("hugepages", *count.path),)
    return tuple(inputs.profile_key("hugepages", *wish.path) for wish in inputs.pages.wishes)


def is_true(text: str) -> bool:
    """smap_get_bool() of lib/smap.c compares without case."""
    return text.lower() == "true"
