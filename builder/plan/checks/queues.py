"""Receive queues of DPDK ports: who polls them, and how deep they are."""

from __future__ import annotations

from collections.abc import Iterator

from builder.catalog.nic_types import NicType
from builder.catalog.ovs_options import PORT_OPTIONS
from builder.model.values import CpuSet
from builder.phrases import count_text, is_are, numbers
from builder.plan.checks.ovs_options import ovs_of
from builder.plan.nouns.devices import PfPlan
from builder.plan.nouns.image import ImagePlan
from builder.plan.nouns.ovs import OvsPortPlan
from builder.rule import Finding, Rule


def _pinned(image: ImagePlan, port: OvsPortPlan) -> dict[int, int]:
    """Receive queue -> CPU, where both are there: others Open vSwitch gives out as it likes."""
    return {
        queue: cpu
        for queue, cpu in port.affinity.items()
        if queue < port.rxq and cpu in image.cpus.pmd
    }


def _isolates(image: ImagePlan) -> bool:
    """Whether a PMD thread with a pinned queue polls no other (since 2.16 it may)."""
    isolate = image.ovs_setting("pmd-rxq-isolate")
    return isolate is None or isolate.value.lower() != "false"


def _free(image: ImagePlan) -> CpuSet:
    """PMD CPUs that poll whatever queue they are given."""
    if not _isolates(image):
        return image.cpus.pmd
    ports = image.dpdk_ports
    return image.cpus.pmd - CpuSet.of(cpu for p in ports for cpu in _pinned(image, p).values())


def _loose(image: ImagePlan, port: OvsPortPlan) -> CpuSet:
    """Receive queues of the port that are not pinned."""
    return CpuSet.of(range(port.rxq)) - CpuSet.of(_pinned(image, port))


def _node_cpus(image: ImagePlan, port: OvsPortPlan) -> CpuSet:
    node = port.numa or 0
    return image.cpus.nodes[node] if node < len(image.cpus.nodes) else CpuSet()


def check_affinity(image: ImagePlan) -> Iterator[Finding]:
    """lib/dpif-netdev.c, rxq_scheduling(): a CPU without PMD thread is only warned of."""
    for port in image.dpdk_ports:
        for queue, cpu in sorted(port.affinity.items()):
            key = (*port.key, "rxq-affinity", queue)
            if queue >= port.rxq:
                message = (
                    f"{port.name} has no receive queue {queue}: with rxq {port.rxq} the "
                    "last one is "
                )
                yield Finding(key, f"{message}{port.rxq - 1}", f"rxq: {queue + 1}")
            elif cpu not in image.cpus.pmd:
                message = f"CPU {cpu} has no PMD thread (PMD CPUs: {image.cpus.pmd or 'none'})"
                yield Finding(key, message, "use one of them")
            elif cpu not in _node_cpus(image, port):
                message = (
                    f"CPU {cpu} is on another NUMA node than {port.name}, which is on node "
                    f"{port.numa or 0}: every packet would cross nodes"
                )
                here = image.cpus.pmd & _node_cpus(image, port)
                yield Finding(key, message, f"PMD CPUs there: {here}", severity="warning")


def check_polled(image: ImagePlan) -> Iterator[Finding]:
    """Queues that no PMD thread is left for are not polled ("No non-isolated pmd on any numa
    available", dpif-netdev.c), or from another node when only there is one left.
    """
    free = _free(image)
    if free == image.cpus.pmd:
        return
    for port in image.dpdk_ports:
        loose = _loose(image, port)
        if not loose or free & _node_cpus(image, port):
            continue
        message = (
            f"{numbers('queue', loose)} of {port.name} {is_are(loose)} not pinned, and there is "
            "no PMD thread without a pinned queue "
        )
        them = "it" if len(loose) == 1 else "them"
        message += (
            f"on NUMA node {port.numa or 0}: CPUs {free} of another node poll {them}"
            if free
            else f"at all: no thread polls {them}"
        )
        hint = (
            f"pin {them} as well, add a PMD core, or set pmd-rxq-assign: group, "
            "pmd-rxq-isolate: false"
        )
        yield Finding(port.key, message, hint, severity="warning" if free else "error")


def check_auto_balance(image: ImagePlan) -> Iterator[Finding]:
    """dpif-netdev.c, pmd_rebalance_dry_run(): it wants two PMD threads that may be given queues,
    one of them with two queues ("nothing to do, not enough non-isolated PMDs or RxQs").
    """
    setting = image.ovs_setting("pmd-auto-lb")
    if setting is None or setting.value.lower() != "true":
        return
    free = _free(image)
    loose = sum(len(_loose(image, port)) for port in image.dpdk_ports)
    key = image.profile_key("ovs", "other-config", "pmd-auto-lb")
    if len(free) < 2:
        message = (
            f"it does nothing: {'one PMD thread is' if free else 'no PMD thread is'} left that "
            "has no pinned queue, and it moves queues between two"
        )
        yield Finding(key, message, "pin fewer queues, or remove this option")
    elif loose <= len(free):
        message = (
            f"it has no effect with DPDK ports alone: {count_text(loose, 'queue')} on "
            f"{len(free)} PMD threads, so no thread polls two"
        )
        yield Finding(key, message, "increase rxq of the ports, or remove this option")


def check_more_queues_than_threads(image: ImagePlan) -> Iterator[Finding]:
    for port in image.dpdk_ports:
        threads = image.cpus.pmd & _node_cpus(image, port)
        if threads and port.rxq > len(threads):
            message = (
                f"{port.name} has {port.rxq} receive queues for "
                f"{count_text(len(threads), 'PMD thread')} of its NUMA node: one thread polls "
                "several queues"
            )
            yield Finding((*port.key, "rxq"), message, f"rxq: {len(threads)}")


def _device(image: ImagePlan, port: OvsPortPlan) -> tuple[NicType, PfPlan | None] | None:
    """Model of the port's NIC, and the PF when the port is a VF its kernel driver makes."""
    for pf in image.pfs:
        if port.vf is not None and port.vf.pf == pf.name:
            return (pf.model, pf) if pf.driver == pf.model.driver.name else None
    model = next((item.model for item in image.physical_ports if item.pci == port.pci), None)
    return None if model is None else (model, None)


def check_queue_limits(image: ImagePlan) -> Iterator[Finding]:
    """More receive queues than the device has: Open vSwitch takes as many as there are."""
    for port in image.dpdk_ports:
        found, queues = _device(image, port), port.rxq
        if found is None:
            continue
        model, pf = found
        most = model.queues if pf is None else model.most_vf_queues(pf.num_vfs)
        key, device = (*port.key, "rxq"), f"{port.name} ({model.name})"
        if pf is not None:
            device = f"{port.name} (a VF of {pf.name}, {model.name}, with num-vfs {pf.num_vfs})"
        if most is not None and queues > most:
            message = (
                f"{device} supports at most {count_text(most, 'receive queue')}: Open vSwitch "
                f"silently uses {most}"
            )
            yield Finding(key, message, f"rxq: {most}")
        elif pf is not None and model.driver.vf_queues_power_of_two and queues & (queues - 1):
            *others, last = [str(1 << bit) for bit in range((most or queues).bit_length())]
            message = (
                f"{device} starts only with {', '.join(others)} or {last} receive queues, "
                f"not with {queues}"
            )
            yield Finding(key, message, f"rxq: {1 << queues.bit_length() - 1}")


def check_descriptors(image: ImagePlan) -> Iterator[Finding]:
    """netdev-dpdk.c, dpdk_process_queue_size(): what it does not take becomes 2048."""
    for port in image.dpdk_ports:
        for key, name, size in (("rxd", "n_rxq_desc", port.rxd), ("txd", "n_txq_desc", port.txd)):
            if size is None:
                continue
            option, text, where = PORT_OPTIONS[name], str(size), (*port.key, key)
            if not option.form.accepts(text):
                message = f"{size} is not {option.form.about}: Open vSwitch would use 2048"
                near = 1 << size.bit_length() - 1
                yield Finding(where, message, f"{key}: {near} or {near * 2}")
            elif not option.form_in(image.release.ovs).accepts(text):
                most = option.form_in(image.release.ovs).most
                message = (
                    f"{ovs_of(image.release)} supports at most {most}, and uses 2048 for larger "
                    "values"
                )
                yield Finding(where, message, f"{key}: {most}")


RULES: tuple[Rule[ImagePlan], ...] = (
    Rule(
        "plan-rxq-affinity",
        "either",
        "A queue is pinned to a CPU that has a PMD thread, on the NUMA node of the port.",
        check_affinity,
    ),
    Rule(
        "plan-rxq-polled",
        "either",
        "Every receive queue is polled, from its own NUMA node.",
        check_polled,
    ),
    Rule(
        "plan-auto-lb",
        "warning",
        "Automatic load balancing has threads and queues to balance.",
        check_auto_balance,
    ),
    Rule(
        "plan-rxq-limit",
        "error",
        "A port does not have more receive queues than its device supports.",
        check_queue_limits,
    ),
    Rule(
        "plan-rxq-threads",
        "warning",
        "A port does not have more receive queues than its NUMA node has PMD threads.",
        check_more_queues_than_threads,
    ),
    Rule(
        "plan-descriptors",
        "error",
        "Open vSwitch accepts the number of descriptors unchanged.",
        check_descriptors,
    ),
)
