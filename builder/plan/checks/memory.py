"""Sums of hugepage memory over the NUMA nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from builder.diagnostics import KeyPath
from builder.model.values import format_mib
from builder.plan.checks.findings import Finding, find_setting, profile_key, socket_mem
from builder.plan.devices import VfPlan
from builder.plan.types import ImagePlan


def _socket_mem_key(image: ImagePlan) -> KeyPath:
    """The inventory's own value if it has one, else the pages that are too few."""
    own = profile_key(image, "ovs", "other-config", "dpdk-socket-mem")
    setting = find_setting(image, "dpdk-socket-mem")
    origins = setting.why.origins if setting is not None else ()
    is_own = any(origin.path == own for origin in origins)
    return own if is_own else profile_key(image, "hugepages", "count")


def check_socket_mem_form(image: ImagePlan) -> Iterator[Finding]:
    """An inventory's own dpdk-socket-mem that EAL would refuse."""
    setting = find_setting(image, "dpdk-socket-mem")
    if setting is None or socket_mem(image):
        return
    message = f"dpdk-socket-mem {setting.value!r} is not a list of MiB, one for each NUMA node"
    yield Finding("error", _socket_mem_key(image), message, "write it like 2048,1024")


def check_socket_mem_fits(image: ImagePlan) -> Iterator[Finding]:
    """EAL fails when a node has fewer pages than it asks for, and ovs-vswitchd with it."""
    page_mib = max((pool.size_kib // 1024 for pool in image.hugepages), default=2)
    for node, mib in enumerate(socket_mem(image)):
        pools = [pool for pool in image.hugepages if pool.node == node]
        there = sum(pool.count * page_mib for pool in pools)
        # Memory comes in whole pages: 1500 MiB of 1G pages are two pages.
        needed = -(-mib // page_mib) * page_mib
        if needed <= there:
            continue
        pages = needed // page_mib
        message = (
            f"Open vSwitch needs {needed} MiB of hugepages on NUMA node {node} "
            f"(dpdk-socket-mem), the plan has {there} MiB there"
        )
        hint = (
            f"hugepages.count: {{{node}: {pages}}} or more pages of {format_mib(page_mib)}, a "
            f"lower MTU of node {node}'s DPDK ports, or ports on another node"
        )
        yield Finding("error", _socket_mem_key(image), message, hint)


def check_page_sharing(image: ImagePlan) -> Iterator[Finding]:
    """The kubelet takes every page of the node for pods: systemReserved and kubeReserved refuse
    hugepages-* (kubernetes issue 140544), so pages OVS holds are promised a second time.
    """
    needed, vfs = socket_mem(image), _dpdk_vfs_of_pods(image)
    if not vfs or not any(needed):
        return
    size = max((pool.size_kib for pool in image.hugepages), default=1048576)
    taken = {node: -(-mib * 1024 // size) for node, mib in enumerate(needed)}
    total = sum(pool.count for pool in image.hugepages)
    left = {pool.node: pool.count - taken.get(pool.node, 0) for pool in image.hugepages}
    if min(left.values(), default=0) < 0:
        return
    resource = "hugepages-1Gi" if size == 1048576 else "hugepages-2Mi"
    held = sum(taken.values())
    message = (
        f"Open vSwitch and DPDK pods ({', '.join(vfs)}) take pages of one size: kubelet offers "
        f"all {total} as {resource}, though {held} are Open vSwitch's; pods that get more than "
        f"{_left_text(left)} are admitted and then fail"
    )
    hint = (
        f"let pods ask for no more than {sum(left.values())} {resource} in all: by a "
        f"ResourceQuota, or by a placeholder pod that holds {held}"
    )
    yield Finding("warning", profile_key(image, "hugepages"), message, hint)


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
