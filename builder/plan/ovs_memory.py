"""Hugepage memory Open vSwitch is given on each NUMA node, decided before the pages are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from builder.catalog.releases import OsRelease
from builder.catalog.versions import Version
from builder.diagnostics import KeyPath
from builder.model.pages import (
    counted_pages,
    largest_size,
    memory_by_node,
    page_demands,
    spread_pages,
)
from builder.model.ports import DpdkPort
from builder.model.values import HUGEPAGE_KIB
from builder.plan.inputs import Inputs
from builder.plan.mempools import (
    DEFAULT_MTU,
    DESCRIPTORS,
    HEADROOM_MIB,
    IDLE_NODE_MIB,
    PortMemory,
    per_port_node_mib,
    shared_node_mib,
    shared_pools,
)
from builder.plan.types import CpuPlan, ImagePlan

# NEWS of Open vSwitch: the release that brought shared-mempool-config.
MEMPOOL_CONFIG_SINCE = Version(3, 0)


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


def socket_mem(image: ImagePlan) -> tuple[int, ...]:
    """MiB of each NUMA node; () when the inventory's own text is not such a list."""
    setting = image.ovs_setting("dpdk-socket-mem")
    return () if setting is None else parse_socket_mem(setting.value)


def _plan_node(inputs: Inputs, cpus: CpuPlan, ports: tuple[DpdkPort, ...], node: int) -> OvsMemory:
    here = [port for port in ports if port.node == node]
    if not here:
        return _plan_idle_node(inputs, node)
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
    if release.ovs < MEMPOOL_CONFIG_SINCE:
        return ()
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,5})(?::(\d{1,3}))?\s*", part)
        if match is None:
            break
        if match[2] is None or int(match[2]) == node:
            found.append(int(match[1]))
    return tuple(found)


def _plan_idle_node(inputs: Inputs, node: int) -> OvsMemory:
    """vhost-user ports of a guest whose memory is here move here, if there are pages at all."""
    if _has_pages(inputs, node):
        reason = f"{IDLE_NODE_MIB} for vhost-user ports, as it has no DPDK port"
        return OvsMemory(node, IDLE_NODE_MIB, reason, _page_keys(inputs))
    return OvsMemory(node, 0, "no DPDK port and no pages", _page_keys(inputs))


def _has_pages(inputs: Inputs, node: int) -> bool:
    """Whether a node without DPDK ports has pages enough of the size Open vSwitch takes first,
    or, where those are not counted, somebody who wants any.
    """
    pages = inputs.profile.hugepages
    size = largest_size(pages)
    _, count = counted_pages(pages, size)
    if count is not None:
        there = spread_pages(count, inputs.hardware).get(node, 0)
        return there * HUGEPAGE_KIB[size] // 1024 >= IDLE_NODE_MIB
    return any(
        memory_by_node(demand.memory, inputs.hardware).get(node)
        for demand in page_demands(pages).values()
    )


def _page_keys(inputs: Inputs) -> tuple[KeyPath, ...]:
    pages = inputs.profile.hugepages
    key, count = counted_pages(pages, largest_size(pages))
    if count is not None:
        return (inputs.profile_key("hugepages", *key),)
    return tuple(inputs.profile_key("hugepages", name) for name in page_demands(pages))


def is_true(text: str) -> bool:
    """smap_get_bool() of lib/smap.c compares without case."""
    return text.lower() == "true"


@dataclass(frozen=True, slots=True)
class PageStock:
    """A number of pages of one size.

    grows: the plan counts them, as many as are needed; `count` are promised to others then.
    """

    size_kib: int
    count: int
    grows: bool = False


def pages_taken(mib: int, stock: Sequence[PageStock]) -> tuple[tuple[PageStock, ...], int]:
    """What EAL takes for `mib` MiB of one node, largest pages first, and the MiB it lacks.

    eal_dynmem_calc_num_pages_per_socket() of lib/eal/common/eal_common_dynmem.c; OVS since 2.17
    starts EAL with --in-memory, which uses every page size the kernel has, not only that of
    dpdk-hugepage-dir (eal_hugepage_info.c, hugepage_info_init()).
    """
    left = mib * 1024
    taken: list[PageStock] = []
    ordered = sorted(stock, key=lambda pool: -pool.size_kib)
    for place, pool in enumerate(ordered):
        pages = left // pool.size_kib
        pages = pages if pool.grows else min(pages, pool.count)
        left -= pages * pool.size_kib
        smaller = sum(other.size_kib * other.count for other in ordered[place + 1 :])
        if left and (pool.grows or pages < pool.count) and smaller < left:
            pages, left = pages + 1, 0
        taken.append(PageStock(pool.size_kib, pages))
    return tuple(taken), -(-left // 1024)
