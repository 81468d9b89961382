"""Hugepages against who takes them: enough for each, and memory left beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from builder.model.memory import FIRMWARE_MIB, PAGE_STRUCTURES, crash_kernel_mib
from builder.model.pages import PageUser
from builder.model.sizes import HUGEPAGE_KIB, format_mib, page_size_text
from builder.model.values import CpuSet
from builder.phrases import count_text
from builder.plan.eal_nodes import eal_nodes
from builder.plan.eal_pages import pages_of_switch
from builder.plan.nouns.devices import VfPlan
from builder.plan.nouns.image import ImagePlan
from builder.plan.nouns.pages import HugepagePool
from builder.rule import Finding, Rule

# What a node needs beside its hugepages: kernel, kubelet, containerd and OVS's own memory.
# TripleO leaves 4 GiB on a machine (derive_params_formulas.yaml), of two nodes as a rule.
NODE_ROOM_MIB = 2048
MACHINE_ROOM_MIB = 4096
VMS: PageUser = "virtual machines"
RESOURCES = {1048576: "hugepages-1Gi", 2048: "hugepages-2Mi"}


def check_any_page(image: ImagePlan) -> Iterator[Finding]:
    """eal_hugepage_info_init() fails where no page of any size is free, whatever is asked for."""
    known = eal_nodes(image.cpus)
    there = any(pool.count for pool in image.hugepages if pool.node in known)
    if image.ovs is None or any(image.socket_mem) or there:
        return
    message = "there are no hugepages: Open vSwitch cannot start DPDK, which its bridges require"
    hint = "set hugepages.count, or have it derived by giving a bridge a DPDK port"
    yield Finding(image.profile_key("hugepages"), message, hint)


def check_demands_fit(image: ImagePlan) -> Iterator[Finding]:
    """Pages counted by hand that are fewer than Open vSwitch, pods and VMs are to have."""
    taken, lacks = pages_of_switch(image)
    for demand in image.page_demands:
        # Those before it in the alphabet are served first: pods, then virtual machines.
        others = {
            other.who: other.pages
            for other in image.page_demands
            if (other.node, other.size_kib) == (demand.node, demand.size_kib)
            and other.who < demand.who
        }
        count = sum(
            pool.count for pool in image.pools_on(demand.node) if pool.size_kib == demand.size_kib
        )
        held = {"Open vSwitch": taken.get((demand.node, demand.size_kib), 0)} | others
        left = max(0, count - sum(held.values()))
        if demand.node in lacks or demand.pages <= left:
            continue
        who = " and ".join(f"{pages} for {name}" for name, pages in held.items() if pages)
        message = (
            f"{demand.who} need {format_mib(demand.mib)} in pages of "
            f"{page_size_text(demand.size_kib)} on NUMA node {demand.node}, which has "
            f"{count}{f' ({who})' if who else ''}: {left} of {demand.pages} are left for "
            "them"
        )
        hint = "increase the count, or remove it: it is derived then"
        yield Finding(demand.key, message, hint)


def check_pages_fit(image: ImagePlan) -> Iterator[Finding]:
    """Pages of all sizes, and room for everything else on the node and on the machine."""
    left, too_many = sum(image.usable_mib), False
    for node, usable in enumerate(image.usable_mib):
        pools = [pool for pool in image.pools_on(node) if pool.count]
        wanted = sum(pool.mib for pool in pools)
        left -= wanted
        if wanted and wanted > usable - NODE_ROOM_MIB:
            too_many = True
            yield _too_many_pages(image, node, pools)
    room, why = _machine_room(image)
    sizes = [pool.size_kib for pool in image.hugepages if pool.count]
    if sizes and not too_many and left < room:
        message = (
            f"hugepages leave {format_mib(left)} of the {format_mib(sum(image.usable_mib))} that "
            f"the kernel has ({_kept(image)}); kernel, kubelet, containerd and pods need "
            f"{format_mib(room)} ({why})"
        )
        fewer = -(-(room - left) * 1024 // sizes[0])
        hint = f"use {count_text(fewer, 'page')} of {page_size_text(sizes[0])} fewer"
        if fewer > sum(pool.count for pool in image.hugepages if pool.size_kib == sizes[0]):
            hint = "the machine has too little memory for this profile: use another class, or fewer pages"
        yield Finding(image.profile_key("hugepages"), message, hint, severity="warning")


def _too_many_pages(image: ImagePlan, node: int, pools: list[HugepagePool]) -> Finding:
    """pools: those of the node with pages."""
    usable = image.usable_mib[node]
    told = " and ".join(
        f"{count_text(pool.count, 'page')} of {page_size_text(pool.size_kib)}" for pool in pools
    )
    message = (
        f"hugepages on node {node} ({told}) need {format_mib(sum(pool.mib for pool in pools))}, "
        f"but of its {format_mib(image.memory_mib[node])} the kernel has {format_mib(usable)} "
        f"({_kept(image)}), and {format_mib(NODE_ROOM_MIB)} of that are for the system"
    )
    room = max(0, usable - NODE_ROOM_MIB)
    fits = f"at most {format_mib(room)} of pages" if room else "no pages"
    if len(pools) == 1 and room:
        most = room * 1024 // pools[0].size_kib
        fits = f"at most {count_text(most, 'page')} of {page_size_text(pools[0].size_kib)}"
    hint = f"use {fits} on node {node}: see hardware.{image.hardware}.numa[{node}].memory"
    return _of_user(image, node, pools, message) or Finding(pools[0].key, message, hint)


def _of_user(
    image: ImagePlan, node: int, pools: list[HugepagePool], message: str
) -> Finding | None:
    """Where pages are derived, the user of most of them can have fewer; None: no such user."""
    asked = [d for d in image.page_demands if d.node == node and d.mib]
    if not asked or any(pool.key[-1] == "count" for pool in pools):
        return None
    most = max(asked, key=lambda demand: demand.mib)
    size_mib = most.size_kib // 1024
    others = sum(pool.mib for pool in pools) - most.pages * size_mib
    room = image.usable_mib[node] - NODE_ROOM_MIB - others
    if room < size_mib:
        return None
    hint = f"{most.who} can have {format_mib(room // size_mib * size_mib)} on node {node} at most"
    return Finding(most.key, message, hint)


def _kept(image: ImagePlan) -> str:
    """What the kernel has not of a node's memory."""
    words = [str(word) for word in image.kernel_args]
    crash = sum(crash_kernel_mib(words, sum(image.memory_mib)))
    return (
        f"a {PAGE_STRUCTURES}th is for page structures, {FIRMWARE_MIB}MiB a node for firmware and "
        f"kernel{f', {format_mib(crash)} for crashkernel=' if crash else ''}"
    )


def _machine_room(image: ImagePlan) -> tuple[int, str]:
    """MiB the machine needs beside its pages, and whose number that is."""
    kubelet = image.kubelet
    # What is reserved by node has a check of its own, plan-reserved-memory.
    reserved = 0 if kubelet is None or kubelet.reserved_memory else kubelet.reserved_mib
    if reserved > MACHINE_ROOM_MIB:
        return reserved, "kubeReserved + systemReserved + evictionHard"
    return MACHINE_ROOM_MIB, "TripleO leaves as much"


def check_page_sharing(image: ImagePlan) -> Iterator[Finding]:
    """The kubelet takes every page of the node for pods: systemReserved and kubeReserved refuse
    hugepages-* (kubernetes issue 140544), so pages OVS holds are promised a second time.
    """
    taken, lacks = pages_of_switch(image)
    known = eal_nodes(image.cpus)
    if any(d.who == "pods" and d.mib and d.node not in known for d in image.page_demands):
        return  # said by plan-pods-pages-cpus
    for size in dict.fromkeys(pool.size_kib for pool in image.hugepages):
        held = {node: pages for (node, kib), pages in taken.items() if kib == size and pages}
        users = _users_of(image, size, {kib for (_, kib), pages in taken.items() if pages})
        pools = [pool for pool in image.hugepages if pool.size_kib == size]
        left = {
            pool.node: pool.count - held.get(pool.node, 0)
            for pool in pools
            if pool.count and (pool.node in known or VMS in users)
        }
        if not held or not users or lacks or any(count < 0 for count in left.values()):
            continue
        total, ours = sum(pool.count for pool in pools), sum(held.values())
        message = (
            f"Open vSwitch{',' if ' and ' in users else ' and'} {users} use pages of the same "
            f"size: the kubelet offers all {total} as {RESOURCES[size]}, although {ours} "
            f"{'is' if ours == 1 else 'are'} used by Open vSwitch; pods that get more than "
            f"{_left_text(left)} are admitted and then fail"
        )
        hint = (
            f"limit pods to {sum(left.values())} {RESOURCES[size]} in total, with a "
            f"ResourceQuota or a placeholder pod that holds {ours}"
        )
        if size == HUGEPAGE_KIB["1G"]:
            who, key = (users, "vms") if users == VMS else ("pods", "pods")
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
    vfs = dpdk_vfs_of_pods(image)
    spoken = any(demand.who == "pods" for demand in image.page_demands)
    free_sizes = {pool.size_kib for pool in image.hugepages if pool.count} - held_sizes
    users: list[str] = [who for who in asked if who != "pods"]
    if "pods" in asked or (vfs and not (spoken or free_sizes)):
        users.insert(0, f"DPDK pods ({', '.join(vfs)})" if vfs else "pods")
    return " and ".join(users)


def dpdk_vfs_of_pods(image: ImagePlan) -> list[str]:
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
    nodes: dict[int, list[int]] = {}
    for node, count in left.items():
        nodes.setdefault(count, []).append(node)
    return " or ".join(
        f"{count} on {'node' if len(which) == 1 else 'one of the nodes'} {CpuSet.of(which)}"
        for count, which in nodes.items()
    )


RULES: tuple[Rule[ImagePlan], ...] = (
    Rule(
        "plan-any-page",
        "error",
        "There are hugepages if Open vSwitch starts DPDK.",
        check_any_page,
    ),
    Rule(
        "plan-page-demands",
        "error",
        "Hugepages counted by hand are enough for Open vSwitch, pods and virtual machines.",
        check_demands_fit,
    ),
    Rule(
        "plan-pages-fit",
        "either",
        "Hugepages leave enough memory on each NUMA node and on the machine.",
        check_pages_fit,
    ),
    Rule(
        "plan-page-sharing",
        "warning",
        "Pods and Open vSwitch use different page sizes: the kubelet offers all pages to pods.",
        check_page_sharing,
    ),
)
