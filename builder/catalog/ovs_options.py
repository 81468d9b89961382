"""Open vSwitch's options: which release knows which key, what it takes, when a change counts.

The switch's options (column other_config of table Open_vSwitch) and a port's. Sources:
vswitchd/vswitch.xml (ovs-vswitchd.conf.db(5)) and NEWS of Open vSwitch 2.17 to 4.0 (in
development); `source` names the code that decides where those two do not say it all.
"""

from __future__ import annotations

from builder.catalog.ovs_dpdk_options import DPDK_OPTIONS
from builder.catalog.ovs_forms import (
    BOOL,
    DEVARGS,
    MASK,
    QUEUE_CPUS,
    RING,
    RING_4096,
    SLEEP,
    SLEEPS,
    TEXT,
    OvsOption,
    choice,
    number,
)
from builder.catalog.versions import Version

_PMD = (
    OvsOption(
        "pmd-cpu-mask", MASK, "", "CPUs with a PMD thread; none: one on any CPU of each NUMA node"
    ),
    OvsOption(
        "pmd-rxq-assign",
        choice("cycles", "roundrobin", "group"),
        "cycles",
        "how receive queues that are not pinned are assigned to PMD threads",
        since=Version(2, 11),
        older_forms=((Version(2, 16), choice("cycles", "roundrobin")),),
    ),
    OvsOption(
        "pmd-rxq-isolate",
        BOOL,
        "true",
        (
            "a PMD thread with a pinned queue polls no other queue; false requires "
            "pmd-rxq-assign group"
        ),
        since=Version(2, 16),
        source="lib/dpif-netdev.c, dpif_netdev_set_config()",
    ),
    OvsOption(
        "pmd-sleep-max",
        SLEEPS,
        "0",
        "maximum time in microseconds that a PMD thread with little load sleeps at once",
        since=Version(3, 2),
        older_forms=((Version(3, 3), SLEEP),),
    ),
    OvsOption(
        "pmd-maxsleep",
        SLEEP,
        "0",
        "the name of pmd-sleep-max in 3.1",
        since=Version(3, 1),
        deprecated=Version(3, 2),
        renamed_to="pmd-sleep-max",
        source="NEWS 3.2",
    ),
    OvsOption(
        "pmd-auto-lb",
        BOOL,
        "false",
        "queues move between PMD threads under load",
        since=Version(2, 11),
    ),
    OvsOption(
        "pmd-auto-lb-rebal-interval",
        number("of minutes", 0, 20000),
        "1",
        "minimum time between two moves; 0 means 1",
        since=Version(2, 11),
    ),
    OvsOption(
        "pmd-auto-lb-load-threshold",
        number("of percent", 0, 100),
        "95",
        "PMD thread load from which queues may move",
        since=Version(2, 15),
    ),
    OvsOption(
        "pmd-auto-lb-improvement-threshold",
        number("of percent", 0, 100),
        "25",
        "minimum improvement for queues to move",
        since=Version(2, 15),
    ),
    OvsOption(
        "pmd-perf-metrics",
        BOOL,
        "false",
        "detailed performance metrics of PMD threads",
        since=Version(2, 10),
    ),
    OvsOption("smc-enable", BOOL, "false", "signature match cache", since=Version(2, 10)),
    OvsOption(
        "emc-insert-inv-prob",
        number("", 0, 4294967295),
        "100",
        "one in this many new flows goes into the exact match cache; 0: none",
    ),
    OvsOption(
        "tx-flush-interval",
        number("of microseconds", 0, 1000000),
        "0",
        "maximum time that a packet waits for a full burst",
    ),
)

_DATAPATH = (
    OvsOption(
        "max-idle",
        number("of milliseconds", 500),
        "10000",
        "time after which idle flows are removed from the datapath",
    ),
    OvsOption(
        "max-revalidator",
        number("of milliseconds", 100),
        "500",
        "maximum time between two rounds of revalidation",
        since=Version(2, 13),
    ),
    OvsOption(
        "min-revalidate-pps",
        number("of packets per second"),
        "5",
        "slower flows are deleted when revalidation takes too long; 0: no flow is",
        since=Version(2, 13),
        older_forms=((Version(3, 2), number("of packets per second", 1)),),
        source="NEWS 3.2",
    ),
    OvsOption("flow-limit", number("of flows"), "200000", "maximum number of datapath flows"),
    OvsOption(
        "n-handler-threads",
        number("of threads", 1),
        "",
        "threads that handle packets without a flow",
    ),
    OvsOption(
        "n-revalidator-threads", number("of threads", 1), "", ("threads that revalidate flows")
    ),
    OvsOption("hw-offload", BOOL, "false", "flows are offloaded to the NIC", "at start"),
    OvsOption(
        "hw-offload-priority",
        TEXT,
        "",
        "which offload implementations are tried, in order",
        "at start",
        since=Version(3, 7),
        source="lib/dpif-offload.c, dpif_offload_set_global_cfg()",
    ),
    OvsOption(
        "n-offload-threads",
        number("of threads", 1, 10),
        "1",
        "threads that offload flows to NICs",
        "at start",
        since=Version(2, 17),
    ),
    OvsOption(
        "offload-rebalance",
        BOOL,
        "false",
        "the busiest flows are kept offloaded",
        "at start",
        since=Version(2, 11),
    ),
    OvsOption(
        "tc-policy", choice("none", "skip_sw", "skip_hw"), "none", "offload by the kernel's tc"
    ),
    OvsOption(
        "vlan-limit", number("of tags"), "1", ("number of VLAN tags that flows can match; 0: all")
    ),
    OvsOption(
        "bundle-idle-timeout",
        number("of seconds", 1),
        "10",
        "time after which idle OpenFlow bundles are discarded",
    ),
    OvsOption("flow-restore-wait", BOOL, "false", "no packet is forwarded while it is true"),
    OvsOption("stats-update-interval", number("of milliseconds", 5000), "5000", "statistics"),
    OvsOption("enable-statistics", BOOL, "false", "statistics of the machine in the database"),
)

OVS_OPTIONS: dict[str, OvsOption] = {
    option.key: option for option in (*DPDK_OPTIONS, *_PMD, *_DATAPATH)
}

_PORT = (
    OvsOption("dpdk-devargs", DEVARGS, "", "the device of the port", column="Interface options"),
    OvsOption("n_rxq", number("of queues", 1), "1", "receive queues", column="Interface options"),
    OvsOption(
        "n_rxq_desc",
        RING,
        "2048",
        "descriptors of a receive queue; the device's own limits apply",
        older_forms=((Version(3, 6), RING_4096),),
        source="NEWS 3.6; lib/netdev-dpdk.c, dpdk_process_queue_size()",
        column="Interface options",
    ),
    OvsOption(
        "n_txq_desc",
        RING,
        "2048",
        "descriptors of a transmit queue; the device's own limits apply",
        older_forms=((Version(3, 6), RING_4096),),
        source="NEWS 3.6; lib/netdev-dpdk.c, dpdk_process_queue_size()",
        column="Interface options",
    ),
    OvsOption(
        "pmd-rxq-affinity",
        QUEUE_CPUS,
        "",
        "the CPU whose PMD thread polls a receive queue",
        source="lib/dpif-netdev.c, rxq_scheduling()",
        column="Interface other_config",
    ),
)

PORT_OPTIONS: dict[str, OvsOption] = {option.key: option for option in _PORT}
