"""What DPDK does not do with the ports as planned."""

from __future__ import annotations

from collections.abc import Iterator

from builder.plan.checks.findings import Finding, dpdk_ports
from builder.plan.types import ImagePlan


def check_pf_with_vfs(image: ImagePlan) -> Iterator[Finding]:
    """A PF that DPDK drives while it has VFs: what DPDK's drivers then allow.

    drivers/net/intel/ixgbe/ixgbe_ethdev.c, ixgbe_check_mq_mode(): a pool for each VF, so the
    PF has 2 queues, or 4 when asked for 4; Open vSwitch wants a transmit queue for each PMD
    thread and one more (lib/dpif-netdev.c). net_e1000_igb refuses RSS, which Open vSwitch
    always asks for ("SRIOV is active, wrong mq_mode rx").
    """
    threads = len(image.cpus.pmd)
    ports = {port.pci: port for port in dpdk_ports(image)}
    for pf in image.pfs:
        port, model = ports.get(pf.pci), pf.model
        if port is None:
            continue
        hint = (
            f"give the port a VF of {pf.name} (vf: {pf.name}/0), or drop the sriov policy of "
            f"{pf.name}"
        )
        key, rxq = (*port.key, "nic"), port.rxq
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
