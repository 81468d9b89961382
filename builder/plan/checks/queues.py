"""Receive queues of DPDK ports: who polls them, and how deep they are."""

from __future__ import annotations

from collections.abc import Iterator

from builder.diagnostics import KeyPath
from builder.drivers.ovs_options import version_text
from builder.model.values import CpuSet
from builder.plan.checks.findings import Finding, dpdk_ports, find_setting
from builder.plan.devices import OvsPortPlan
from builder.plan.types import ImagePlan

# NIC_PORT_MAX_RXQ_SIZE of lib/netdev-dpdk.c; the limit is gone since 3.6 (NEWS).
MOST_DESCRIPTORS = 4096
NO_DESCRIPTOR_LIMIT = (3, 6)


def _port_key(port: OvsPortPlan, *keys: str | int) -> KeyPath:
    """A key of the port: its plan rests on its `nic` or `vf` key first."""
    return (*port.why.origins[0].path[:-1], *keys)


def pinned_queues(port: OvsPortPlan) -> dict[int, int]:
    """Receive queue -> CPU, of pmd-rxq-affinity."""
    text = port.other_config.get("pmd-rxq-affinity", "")
    return {
        int(q): int(cpu) for q, _, cpu in (part.partition(":") for part in text.split(",") if part)
    }


def _node_cpus(image: ImagePlan, port: OvsPortPlan) -> CpuSet:
    node = port.numa or 0
    return image.cpus.nodes[node] if node < len(image.cpus.nodes) else CpuSet()


def check_affinity(image: ImagePlan) -> Iterator[Finding]:
    """lib/dpif-netdev.c, rxq_scheduling(): a CPU without PMD thread is only warned of."""
    for port in dpdk_ports(image):
        queues = int(port.options["n_rxq"])
        for queue, cpu in pinned_queues(port).items():
            key = _port_key(port, "rxq-affinity", queue)
            if queue >= queues:
                message = (
                    f"{port.name} has no receive queue {queue}: with rxq {queues} the last is "
                )
                yield Finding("error", key, f"{message}{queues - 1}", f"rxq: {queue + 1}")
            elif cpu not in image.cpus.pmd:
                message = f"CPU {cpu} has no PMD thread (PMD CPUs: {image.cpus.pmd or 'none'})"
                yield Finding("error", key, message, "name one of them")
            elif cpu not in _node_cpus(image, port):
                message = (
                    f"CPU {cpu} is on another NUMA node than {port.name}, which is on node "
                    f"{port.numa or 0}: every packet crosses between them"
                )
                here = image.cpus.pmd & _node_cpus(image, port)
                yield Finding("warning", key, message, f"PMD CPUs there: {here}")


def check_polled(image: ImagePlan) -> Iterator[Finding]:
    """A PMD thread with a pinned queue polls no other, unless pmd-rxq-isolate=false; queues that
    are left without any thread are not polled ("No non-isolated pmd on any numa", dpif-netdev.c).
    """
    isolate = find_setting(image, "pmd-rxq-isolate")
    if isolate is not None and isolate.value == "false":
        return
    ports = dpdk_ports(image)
    pinned = CpuSet.of(cpu for port in ports for cpu in pinned_queues(port).values())
    free = image.cpus.pmd - pinned
    for port in ports:
        queues = pinned_queues(port)
        loose = CpuSet.of(range(int(port.options["n_rxq"]))) - CpuSet.of(queues)
        if not pinned or not loose or free & _node_cpus(image, port):
            continue
        where = "on its NUMA node" if free else "at all"
        message = (
            f"queue{'' if len(loose) == 1 else 's'} {loose} of {port.name} "
            f"{'is' if len(loose) == 1 else 'are'} not pinned, and no PMD thread without a pinned "
            f"queue is left {where}"
        )
        hint = "pin them too, add a PMD core, or set pmd-rxq-assign: group, pmd-rxq-isolate: false"
        yield Finding("warning" if free else "error", _port_key(port), message, hint)


def check_more_queues_than_threads(image: ImagePlan) -> Iterator[Finding]:
    for port in dpdk_ports(image):
        queues, threads = int(port.options["n_rxq"]), image.cpus.pmd & _node_cpus(image, port)
        if threads and queues > len(threads):
            message = (
                f"{port.name} has {queues} receive queues for {len(threads)} PMD "
                f"thread{'' if len(threads) == 1 else 's'} of its NUMA node: one thread polls several"
            )
            yield Finding("warning", _port_key(port, "rxq"), message, f"rxq: {len(threads)}")


def check_descriptors(image: ImagePlan) -> Iterator[Finding]:
    """netdev-dpdk.c, dpdk_process_queue_size(): what it does not take becomes 2048, silently."""
    for port in dpdk_ports(image):
        for key, option in (("rxd", "n_rxq_desc"), ("txd", "n_txq_desc")):
            size = int(port.options.get(option, "2048"))
            if size & (size - 1):
                message = f"{size} is not a power of two: Open vSwitch would take 2048"
                near = 1 << size.bit_length() - 1
                hint = f"{key}: {near} or {near * 2}"
                yield Finding("error", _port_key(port, key), message, hint)
            elif size > MOST_DESCRIPTORS and image.release.ovs < NO_DESCRIPTOR_LIMIT:
                message = (
                    f"Open vSwitch {version_text(image.release.ovs)} of {image.release.id} takes "
                    f"{MOST_DESCRIPTORS} at most, and 2048 for more"
                )
                hint = f"{key}: {MOST_DESCRIPTORS}"
                yield Finding("error", _port_key(port, key), message, hint)
