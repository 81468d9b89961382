"""Options of the switch about DPDK: what it is started with, and vhost-user (`ovs_options.py`)."""

from __future__ import annotations

from builder.catalog.ovs_forms import (
    BELOW_RUNDIR,
    BOOL,
    INIT,
    MASK,
    MIB_PER_NODE,
    MTUS,
    PATH,
    TEXT,
    OvsOption,
    number,
)
from builder.catalog.versions import Version

DPDK_OPTIONS = (
    OvsOption(
        "dpdk-init",
        INIT,
        "false",
        "initialise DPDK; true: ovs-vswitchd exits if that fails, try: it continues without DPDK",
        "at start",
        source="lib/dpdk.c, dpdk_init()",
    ),
    OvsOption(
        "dpdk-socket-mem",
        MIB_PER_NODE,
        "",
        "hugepage memory allocated on each NUMA node at start; more is allocated when needed",
        "at start",
        source="NEWS 2.17: no longer has a default",
    ),
    OvsOption(
        "dpdk-socket-limit",
        MIB_PER_NODE,
        "",
        "maximum hugepage memory on each NUMA node; 0: no limit",
        "at start",
        since=Version(2, 12),
        source="NEWS 2.17: no longer defaults to dpdk-socket-mem",
    ),
    OvsOption(
        "dpdk-alloc-mem",
        number("of MiB"),
        "",
        (
            "hugepage memory allocated on all nodes together at start; dpdk-socket-mem takes "
            "precedence"
        ),
        "at start",
        source="lib/dpdk.c, construct_dpdk_mutex_options()",
    ),
    OvsOption(
        "dpdk-hugepage-dir",
        PATH,
        "/dev/hugepages",
        "hugetlbfs mount that DPDK takes pages from",
        "at start",
    ),
    OvsOption(
        "dpdk-extra",
        TEXT,
        "",
        "additional options of DPDK's EAL",
        "at start",
        source="lib/dpdk.c, construct_dpdk_args()",
    ),
    OvsOption(
        "dpdk-lcore-mask",
        MASK,
        "",
        "CPUs of DPDK's threads; all threads that do not poll run on the lowest",
        "at start",
        source="lib/dpdk.c, dpdk_init__()",
    ),
    OvsOption(
        "dpdk-probe-at-init",
        BOOL,
        "false",
        "DPDK opens all its devices at start, as earlier releases always do",
        "at start",
        since=Version(4, 0),
        source="NEWS 4.0, lib/dpdk.c",
    ),
    OvsOption(
        "per-port-memory",
        BOOL,
        "false",
        "a separate packet pool for each port",
        "before dpdk-init",
        since=Version(2, 10),
    ),
    OvsOption(
        "shared-mempool-config",
        MTUS,
        "",
        "MTUs for which shared packet pools are created, per NUMA node",
        "before dpdk-init",
        since=Version(3, 0),
    ),
    OvsOption(
        "vhost-sock-dir",
        BELOW_RUNDIR,
        "",
        "directory of vhost-user sockets, below the run directory; it must exist",
        "at start",
        source="lib/dpdk.c, dpdk_init__()",
    ),
    OvsOption("vhost-iommu-support", BOOL, "false", "IOMMU of vhost-user clients", "at start"),
    OvsOption(
        "vhost-postcopy-support",
        BOOL,
        "false",
        "post-copy migration of guests",
        "at start",
        since=Version(2, 12),
    ),
    OvsOption(
        "userspace-tso-enable",
        BOOL,
        "false",
        "TCP segmentation by the NIC, experimental",
        "at start",
        since=Version(2, 13),
    ),
    OvsOption(
        "n-dpdk-rxqs",
        number("of queues", 1),
        "1",
        "receive queues of all DPDK ports",
        removed=Version(2, 6),
        instead="set rxq of a port",
        source="NEWS 2.6",
    ),
)
