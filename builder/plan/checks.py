"""What only shows once a plan is made: sums over nodes, and limits of kernel, OVS and kubelet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from builder.diagnostics import Diagnostic, KeyPath, Marks, Severity
from builder.drivers.nics import find_nic_type
from builder.model.values import format_mib
from builder.plan.types import HostPlan, ImagePlan, OtherConfig, OvsPortPlan, VfPlan

# arch/x86/include/asm/setup.h, the final NUL included; a longer line is cut off without a word.
COMMAND_LINE_SIZE = 2048
# What GRUB puts before our words. A kernel's file name is the only part whose length we do not
# know: as long as this one, say.
LOADER_WORDS = (
    "BOOT_IMAGE=/boot/vmlinuz-6.12.117+deb13-amd64 "
    "root=UUID=00000000-0000-0000-0000-000000000000 ro "
)
# With the consoles every image has, which are not part of the plan.
BOOT_WORDS = f"{LOADER_WORDS}console=tty0 console=ttyS0,115200n8 "


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault at an inventory key; the place in the file is looked up later."""

    severity: Severity
    key: KeyPath
    message: str
    hint: str


PlanCheck = Callable[[ImagePlan], Iterator[Finding]]


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


def _profile_key(image: ImagePlan, *keys: str | int) -> KeyPath:
    return ("profiles", image.profile, *keys)


def _ports(image: ImagePlan) -> list[OvsPortPlan]:
    bridges = image.ovs.bridges if image.ovs is not None else ()
    return [port for bridge in bridges for port in bridge.ports]


def _setting(image: ImagePlan, key: str) -> OtherConfig | None:
    settings = image.ovs.other_config if image.ovs is not None else ()
    return next((setting for setting in settings if setting.key == key), None)


def _socket_mem(image: ImagePlan) -> tuple[int, ...]:
    """MiB of each NUMA node; () when the inventory's own text is not such a list."""
    setting = _setting(image, "dpdk-socket-mem")
    if setting is None or not re.fullmatch(r"\d+(,\d+)*", setting.value):
        return ()
    return tuple(int(part) for part in setting.value.split(","))


def _socket_mem_key(image: ImagePlan) -> KeyPath:
    """The inventory's own value if it has one, else the pages that are too few."""
    own = _profile_key(image, "ovs", "other-config", "dpdk-socket-mem")
    setting = _setting(image, "dpdk-socket-mem")
    origins = setting.why.origins if setting is not None else ()
    is_own = any(origin.path == own for origin in origins)
    return own if is_own else _profile_key(image, "hugepages", "count")


def check_socket_mem_form(image: ImagePlan) -> Iterator[Finding]:
    """An inventory's own dpdk-socket-mem that EAL would refuse."""
    setting = _setting(image, "dpdk-socket-mem")
    if setting is None or _socket_mem(image):
        return
    message = f"dpdk-socket-mem {setting.value!r} is not a list of MiB, one for each NUMA node"
    yield Finding("error", _socket_mem_key(image), message, "write it like 2048,1024")


def check_socket_mem_fits(image: ImagePlan) -> Iterator[Finding]:
    """EAL fails when a node has fewer pages than it asks for, and ovs-vswitchd with it."""
    page_mib = max((pool.size_kib // 1024 for pool in image.hugepages), default=2)
    for node, mib in enumerate(_socket_mem(image)):
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


def check_pmd_per_node(image: ImagePlan) -> Iterator[Finding]:
    """OVS leaves a port without a PMD thread on its node to one of another, or to none."""
    for port in _ports(image):
        node = port.numa or 0
        if node < len(image.cpus.nodes) and image.cpus.nodes[node] & image.cpus.pmd:
            continue
        others = f" (PMD CPUs: {image.cpus.pmd})" if image.cpus.pmd else ""
        message = f"{port.name} is on NUMA node {node}, which has no PMD CPU{others}"
        hint = f"give node {node} a PMD core: cpu.pmd-cores-per-node or cpu.pmd"
        yield Finding("error", port.why.origins[0].path, message, hint)


def check_page_sharing(image: ImagePlan) -> Iterator[Finding]:
    """The kubelet takes every page of the node for pods: systemReserved and kubeReserved refuse
    hugepages-* (kubernetes issue 140544), so pages OVS holds are promised a second time.
    """
    socket_mem, vfs = _socket_mem(image), _dpdk_vfs_of_pods(image)
    if not vfs or not any(socket_mem):
        return
    size = max((pool.size_kib for pool in image.hugepages), default=1048576)
    taken = {node: -(-mib * 1024 // size) for node, mib in enumerate(socket_mem)}
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
    yield Finding("warning", _profile_key(image, "hugepages"), message, hint)


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


def check_allow_list(image: ImagePlan) -> Iterator[Finding]:
    """Open vSwitch up to 3.7 opens every device on vfio-pci unless told which ones are its."""
    setting = _setting(image, "dpdk-extra")
    if setting is None:
        return
    allowed = re.findall(r"(?:-a|--allow)[ =]?([0-9a-f:.]+)", setting.value)
    wanted = dict.fromkeys(str(port.pci) for port in _ports(image))
    missing = [address for address in wanted if address not in allowed]
    if not missing:
        return
    effect = (
        "DPDK starts without these ports"
        if allowed
        else "DPDK opens every device on its driver, VFs of pods too, which pods cannot open then"
    )
    message = f"dpdk-extra has no -a for {', '.join(missing)}: {effect}"
    hint = "add " + " ".join(f"-a {address}" for address in missing)
    key = _profile_key(image, "ovs", "other-config", "dpdk-extra")
    yield Finding("error" if allowed else "warning", key, message, hint)


def check_pf_with_vfs(image: ImagePlan) -> Iterator[Finding]:
    """A PF that DPDK drives while it has VFs: what DPDK's drivers then allow.

    drivers/net/intel/ixgbe/ixgbe_ethdev.c, ixgbe_check_mq_mode(): a pool for each VF, so the
    PF has 2 queues, or 4 when asked for 4; Open vSwitch wants a transmit queue for each PMD
    thread and one more (lib/dpif-netdev.c). net_e1000_igb refuses RSS, which Open vSwitch
    always asks for ("SRIOV is active, wrong mq_mode rx").
    """
    threads = len(image.cpus.pmd)
    ports = {port.pci: port for port in _ports(image)}
    for pf in image.pfs:
        port, model = ports.get(pf.pci), find_nic_type(pf.device_id)
        if port is None or model is None:
            continue
        hint = (
            f"give the port a VF of {pf.name} (vf: {pf.name}/0), or drop the sriov policy of "
            f"{pf.name}"
        )
        key, rxq = port.why.origins[0].path, int(port.options["n_rxq"])
        starts = f"DPDK starts {pf.name} ({model.name}) with VFs as {port.name}"
        if model.kernel_driver == "igb":
            message = starts.replace("DPDK starts", "DPDK does not start")
            yield Finding("error", key, message, hint)
        elif model.kernel_driver == "ixgbe" and not _fits_pool(rxq, threads):
            message = (
                f"{starts} only with rxq 1 or 2 and one PMD thread, or rxq 4 and at most 3: "
                f"here rxq {rxq} and {threads}"
            )
            yield Finding("error", key, message, hint)


def _fits_pool(rxq: int, threads: int) -> bool:
    queues = 4 if rxq > 2 else 2
    return rxq in (1, 2, 4) and threads + 1 <= queues


def check_command_line(image: ImagePlan) -> Iterator[Finding]:
    """x86 cuts the command line at COMMAND_LINE_SIZE, which counts the final NUL."""
    line = BOOT_WORDS + " ".join(str(arg) for arg in image.kernel_args)
    over = len(line) + 1 - COMMAND_LINE_SIZE
    if over <= 0:
        return
    longest = sorted(image.kernel_args, key=lambda arg: -len(str(arg)))[:3]
    message = (
        f"the kernel command line is {len(line)} characters long, the kernel takes "
        f"{COMMAND_LINE_SIZE - 1} and cuts off the rest"
    )
    words = ", ".join(f"{arg.name} ({len(str(arg))})" for arg in longest)
    hint = f"save {over}; the longest words are {words}"
    yield Finding("error", _profile_key(image, "kernel-args"), message, hint)


PLAN_CHECKS: dict[str, PlanCheck] = {
    "plan-socket-mem-form": check_socket_mem_form,
    "plan-socket-mem": check_socket_mem_fits,
    "plan-pmd-node": check_pmd_per_node,
    "plan-page-sharing": check_page_sharing,
    "plan-allow-list": check_allow_list,
    "plan-pf-with-vfs": check_pf_with_vfs,
    "plan-command-line": check_command_line,
}
