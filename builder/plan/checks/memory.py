"""Sums of memory over the NUMA nodes: pages for Open vSwitch, for pods, and what is left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from builder.diagnostics import KeyPath, Severity
from builder.model.values import HUGEPAGE_KIB, format_mib, page_size_text
from builder.phrases import count_text
from builder.plan.eal_pages import PageStock, pages_taken
from builder.plan.mempools import DESCRIPTORS, PortMemory, own_pools_mib, port_pools
from builder.plan.nouns.devices import VfPlan
from builder.plan.nouns.image import ImagePlan
from builder.plan.nouns.ovs import OvsPortPlan
from builder.plan.nouns.pages import HugepagePool, PageDemand
from builder.plan.ovs_memory import is_true, offered_mtus
from builder.rule import Finding, Rule

# What a node needs beside its hugepages: kernel, kubelet, containerd and OVS's own memory.
# TripleO leaves 4 GiB on a machine (derive_params_formulas.yaml), of two nodes as a rule.
NODE_ROOM_MIB = 2048
MACHINE_ROOM_MIB = 4096
RESOURCES = {1048576: "hugepages-1Gi", 2048: "hugepages-2Mi"}


def _pools_of(image: ImagePlan, node: int) -> list[HugepagePool]:
    return [pool for pool in image.hugepages if pool.node == node]


def _taken(image: ImagePlan) -> tuple[dict[tuple[int, int], int], dict[int, int]]:
    """Pages Open vSwitch takes, by (node, KiB), and the MiB each node lacks for it."""
    pages: dict[tuple[int, int], int] = {}
    lacks: dict[int, int] = {}
    for node, mib in enumerate(image.socket_mem):
        stock = [PageStock(pool.size_kib, pool.count) for pool in _pools_of(image, node)]
        taken, lack = pages_taken(mib, stock)
        pages.update({(node, pool.size_kib): pool.count for pool in taken})
        if lack:
            lacks[node] = lack
    return pages, lacks


def _socket_mem_key(image: ImagePlan) -> KeyPath:
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
    yield Finding(_socket_mem_key(image), message, "write it like 2048,1024")


def check_socket_mem_nodes(image: ImagePlan) -> Iterator[Finding]:
    """An inventory's own dpdk-socket-mem for a node that is not there."""
    values, nodes = image.socket_mem, len(image.memory_mib)
    for node, mib in enumerate(values):
        if node >= nodes and mib:
            message = f"dpdk-socket-mem asks for {mib} MiB on NUMA node {node}, which is not there"
            hint = f"hardware class {image.hardware} has {count_text(nodes, 'node')}"
            yield Finding(_socket_mem_key(image), message, hint)


def check_socket_mem_fits(image: ImagePlan) -> Iterator[Finding]:
    """EAL fails when a node has fewer pages than it asks for, and ovs-vswitchd with it."""
    values = image.socket_mem
    for node in _taken(image)[1]:
        if node >= len(image.memory_mib):
            continue  # said by check_socket_mem_nodes
        pools = _pools_of(image, node)
        there = sum(pool.count * pool.size_kib // 1024 for pool in pools)
        # Memory comes in whole pages: 1500 MiB of 1G pages are two pages.
        smallest = min((pool.size_kib // 1024 for pool in image.hugepages), default=1024)
        # hugepages.count is of the default size, whose pools are the first.
        size = image.hugepages[0].size_kib // 1024 if image.hugepages else 1024
        counted = sum(pool.count for pool in pools if pool.size_kib == size * 1024)
        others = there - counted * size
        message = (
            f"Open vSwitch needs {-(-values[node] // smallest) * smallest} MiB of hugepages on "
            f"NUMA node {node} (dpdk-socket-mem), the plan has {there} MiB there"
        )
        hint = (
            f"hugepages.count: {{{node}: {-(-(values[node] - others) // size)}}} or more pages of "
            f"{format_mib(size)}, a lower MTU of node {node}'s DPDK ports, or ports on another node"
        )
        yield Finding(_socket_mem_key(image), message, hint)


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
        there = sum(pool.count * pool.size_kib // 1024 for pool in _pools_of(image, node))
        names = " and ".join(port.name for port in here)
        message = (
            f"{own} MiB on NUMA node {node} are less than the {wanted} MiB that packet buffers of "
            f"{names} take: "
        )
        if there >= wanted:
            severity: Severity = "warning"
            message += "the rest comes of pages that pods may have taken by then"
        else:
            severity = "error"
            message += f"the node has pages of {there} MiB, so that Open vSwitch cannot make them"
        hint = f"{wanted} or more, or leave dpdk-socket-mem out: it is derived then"
        yield Finding(_socket_mem_key(image), message, hint, severity=severity)


def check_any_page(image: ImagePlan) -> Iterator[Finding]:
    """eal_hugepage_info_init() fails where no page of any size is free, whatever is asked for."""
    if image.ovs is None or any(image.socket_mem) or any(p.count for p in image.hugepages):
        return
    message = "there are no hugepages: Open vSwitch cannot start DPDK, which its bridges need"
    hint = "count some (hugepages.count), or have them derived: give a bridge a DPDK port"
    yield Finding(image.profile_key("hugepages"), message, hint)


def _pages_for(demand: PageDemand) -> int:
    return -(-demand.mib * 1024 // demand.size_kib)


def check_demands_fit(image: ImagePlan) -> Iterator[Finding]:
    """Pages counted by hand that are fewer than Open vSwitch, pods and VMs are to have."""
    taken, lacks = _taken(image)
    for demand in image.page_demands:
        # Those before it in the alphabet are served first: pods, then virtual machines.
        others = {
            other.who: _pages_for(other)
            for other in image.page_demands
            if (other.node, other.size_kib) == (demand.node, demand.size_kib)
            and other.who < demand.who
        }
        count = sum(
            pool.count for pool in _pools_of(image, demand.node) if pool.size_kib == demand.size_kib
        )
        held = {"Open vSwitch": taken.get((demand.node, demand.size_kib), 0)} | others
        left = max(0, count - sum(held.values()))
        if demand.node in lacks or _pages_for(demand) <= left:
            continue
        who = " and ".join(f"{pages} for {name}" for name, pages in held.items() if pages)
        message = (
            f"{demand.who} are to have {format_mib(demand.mib)} in pages of "
            f"{page_size_text(demand.size_kib)} on NUMA node {demand.node}, which has {count}"
            f"{f' ({who})' if who else ''}: {left} of {_pages_for(demand)} are left for them"
        )
        hint = "count more pages, or leave the count out: it is derived then"
        yield Finding(demand.key, message, hint)


def check_pages_fit(image: ImagePlan) -> Iterator[Finding]:
    """Pages of all sizes, and room for everything else on the node."""
    left_in_all, pages_in_all, too_many = 0, 0, False
    for node, memory in enumerate(image.memory_mib):
        pools = [pool for pool in _pools_of(image, node) if pool.count]
        wanted = sum(pool.count * pool.size_kib // 1024 for pool in pools)
        left_in_all, pages_in_all = left_in_all + memory - wanted, pages_in_all + wanted
        if not wanted or wanted <= memory - NODE_ROOM_MIB:
            continue
        told = " and ".join(
            f"{count_text(pool.count, 'page')} of {page_size_text(pool.size_kib)}" for pool in pools
        )
        message = (
            f"{told} on node {node} are {format_mib(wanted)}, but the node has "
            f"{format_mib(memory)} and needs {format_mib(NODE_ROOM_MIB)} for itself"
        )
        hint = f"see hardware.{image.hardware}.numa[{node}].memory"
        too_many = True
        yield Finding(pools[0].key, message, hint)
    if pages_in_all and not too_many and left_in_all < MACHINE_ROOM_MIB:
        message = (
            f"{format_mib(left_in_all)} are left beside the hugepages for the kernel, the kubelet, "
            f"containerd and pods; TripleO leaves {format_mib(MACHINE_ROOM_MIB)}"
        )
        yield Finding(
            image.profile_key("hugepages"), message, "take fewer pages", severity="warning"
        )


def check_page_sharing(image: ImagePlan) -> Iterator[Finding]:
    """The kubelet takes every page of the node for pods: systemReserved and kubeReserved refuse
    hugepages-* (kubernetes issue 140544), so pages OVS holds are promised a second time.
    """
    taken, lacks = _taken(image)
    for size in dict.fromkeys(pool.size_kib for pool in image.hugepages):
        held = {node: pages for (node, kib), pages in taken.items() if kib == size and pages}
        users = _users_of(image, size, {kib for (_, kib), pages in taken.items() if pages})
        pools = [pool for pool in image.hugepages if pool.size_kib == size]
        left = {pool.node: pool.count - held.get(pool.node, 0) for pool in pools if pool.count}
        if not held or not users or lacks or any(count < 0 for count in left.values()):
            continue
        total, ours = sum(pool.count for pool in pools), sum(held.values())
        message = (
            f"Open vSwitch{',' if ' and ' in users else ' and'} {users} take pages of one size: "
            f"kubelet offers all {total} as "
            f"{RESOURCES[size]}, though {ours} {'is' if ours == 1 else 'are'} Open vSwitch's; pods "
            f"that get more than {_left_text(left)} are admitted and then fail"
        )
        hint = (
            f"let pods ask for no more than {sum(left.values())} {RESOURCES[size]} in all: by a "
            f"ResourceQuota, or by a placeholder pod that holds {ours}"
        )
        if size == HUGEPAGE_KIB["1G"]:
            who, key = (users, "vms") if users == "virtual machines" else ("pods", "pods")
            hint += (
                f"; or give {who} pages of their own: hugepages.{key}: {{size: 2M, memory: ...}}"
            )
        elif any(pool.count and pool.size_kib > size for pool in image.hugepages):
            hint += "; or set dpdk-socket-mem to multiples of 1024 that the pages of 1G hold"
        yield Finding(image.profile_key("hugepages"), message, hint)


def _users_of(image: ImagePlan, size: int, held_sizes: set[int]) -> str:
    """Who besides Open vSwitch takes pages of this size; empty when nobody does.

    DPDK pods whose pages nobody spoke of could take another size, if Open vSwitch leaves one.
    """
    asked = dict.fromkeys(d.who for d in image.page_demands if d.size_kib == size and d.mib)
    vfs = _dpdk_vfs_of_pods(image)
    spoken = any(demand.who == "pods" for demand in image.page_demands)
    free_sizes = {pool.size_kib for pool in image.hugepages if pool.count} - held_sizes
    users: list[str] = [who for who in asked if who != "pods"]
    if "pods" in asked or (vfs and not (spoken or free_sizes)):
        users.insert(0, f"DPDK pods ({', '.join(vfs)})" if vfs else "pods")
    return " and ".join(users)


def _dpdk_vfs_of_pods(image: ImagePlan) -> list[str]:
    """Pools (or VFs) from which a pod's DPDK program takes a port, and needs pages."""

    def name(pf: str, vf: VfPlan) -> str:
        return vf.pool or f"VF {vf.index} of {pf}"

    names = [
        name(pf.name, vf)
        for pf in image.pfs
        for vf in pf.vfs
        if vf.use == "pods" and vf.driver is not None
    ]
    return list(dict.fromkeys(names))


def _left_text(left: Mapping[int, int]) -> str:
    return " or ".join(f"{count} on node {node}" for node, count in left.items())


RULES: tuple[Rule[ImagePlan], ...] = (
    Rule(
        "plan-socket-mem-form",
        "error",
        "`dpdk-socket-mem` is a list of MiB by NUMA node.",
        check_socket_mem_form,
    ),
    Rule(
        "plan-socket-mem-nodes",
        "error",
        "`dpdk-socket-mem` is for NUMA nodes that are there.",
        check_socket_mem_nodes,
    ),
    Rule(
        "plan-socket-mem",
        "error",
        "Each NUMA node has the pages Open vSwitch takes when it starts.",
        check_socket_mem_fits,
    ),
    Rule(
        "plan-socket-mem-ports",
        "either",
        "`dpdk-socket-mem` by hand holds the packet buffers of each NUMA node's ports.",
        check_ports_have_memory,
    ),
    Rule(
        "plan-any-page",
        "error",
        "There are hugepages where Open vSwitch starts DPDK.",
        check_any_page,
    ),
    Rule(
        "plan-page-demands",
        "error",
        "Pages counted by hand are enough for Open vSwitch, pods and virtual machines.",
        check_demands_fit,
    ),
    Rule(
        "plan-pages-fit",
        "either",
        "Hugepages leave a NUMA node, and the machine, memory for everything else.",
        check_pages_fit,
    ),
    Rule(
        "plan-page-sharing",
        "warning",
        "Pods and Open vSwitch take pages of different sizes: the kubelet offers pods all pages.",
        check_page_sharing,
    ),
)
