"""Which NUMA nodes EAL, DPDK's runtime, knows of, and which one its main lcore is on."""

from __future__ import annotations

from builder.catalog.ovs_forms import MASK
from builder.catalog.versions import DpdkVersion
from builder.model.values import CpuSet
from builder.plan.nouns.cpus import CpuPlan

# RTE_MAX_LCORE of config/x86/meson.build.
MAX_LCORE = 128
# eth_dev_shared_data_prepare() of lib/ethdev/ethdev_private.c: before this release the table of
# ports is reserved on rte_socket_id(), the main lcore's node, and nowhere else.
PORT_TABLE_ANYWHERE = DpdkVersion(25, 3)


def eal_nodes(cpus: CpuPlan) -> frozenset[int]:
    """Nodes whose pages EAL counts and allocates from.

    rte_eal_cpu_init() of lib/eal/common/eal_common_lcore.c learns nodes from the links
    node<N>/cpu<M> of /sys alone, and takes every CPU without one to be on node 0. The kernel
    keeps a CPU's link while it is offline (drivers/base/node.c); of CPUs from MAX_LCORE on EAL
    looks at those online only. On any other node calc_num_pages() finds no page, whatever
    nr_hugepages says.
    """
    known = {
        node
        for node, there in enumerate(cpus.nodes)
        if there - cpus.offline or any(cpu < MAX_LCORE for cpu in there)
    }
    return frozenset({0, *known})


def main_lcore(cpus: CpuPlan, lcore_mask: str | None) -> int | None:
    """The CPU EAL's main lcore is on; None where that cannot be told.

    lib/dpdk.c of Open vSwitch, dpdk_init__(): the lowest of dpdk-lcore-mask, else the lowest CPU
    of ovs-vswitchd's affinity, which its unit sets to the housekeeping CPUs.
    """
    if lcore_mask is None:
        return min(cpus.housekeeping, default=None)
    return min(CpuSet.of_mask(lcore_mask), default=None) if MASK.accepts(lcore_mask) else None


def main_node(cpus: CpuPlan, lcore_mask: str | None) -> int | None:
    """The NUMA node of `main_lcore`."""
    main = main_lcore(cpus, lcore_mask)
    return next((node for node, there in enumerate(cpus.nodes) if main in there), None)
