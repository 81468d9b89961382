"""Open vSwitch's options: which release knows which key, what it takes, what a change needs.

Sources: vswitchd/vswitch.xml and NEWS of Open vSwitch 2.17 to 4.0 (in development), and
lib/dpdk.c, lib/netdev-dpdk.c, lib/dpif-netdev.c for what happens with a value it cannot use.
Keys older than 2.9 are given as of 2.9, the oldest release anybody could still meet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

Version = tuple[int, int]
OLDEST: Version = (2, 9)


@dataclass(frozen=True, slots=True)
class Form:
    """What a value looks like. about: for people, to follow "is not"; least, most: of numbers."""

    about: str
    pattern: str
    least: int | None = None
    most: int | None = None

    def accepts(self, text: str) -> bool:
        """Whether Open vSwitch takes `text`; it replaces most others by the default, silently."""
        if re.fullmatch(self.pattern, text, re.ASCII) is None:
            return False
        if self.least is None:
            return True
        return self.least <= int(text) and (self.most is None or int(text) <= self.most)


@dataclass(frozen=True, slots=True)
class OvsOption:
    """One key of the column other_config of table Open_vSwitch.

    since, deprecated, removed: first release for which it is so; None: none up to 4.0.
    renamed_to: the key that took its place. restart: it is read when ovs-vswitchd starts, a
    change does nothing before (vswitch.xml says "requires restarting the daemon").
    """

    key: str
    form: Form
    default: str
    about: str
    since: Version = OLDEST
    deprecated: Version | None = None
    removed: Version | None = None
    renamed_to: str | None = None
    restart: bool = False


def _number(unit: str, least: int = 0, most: int | None = None) -> Form:
    limits = f"from {least}" if most is None else f"from {least} to {most}"
    return Form(f"a number {unit} {limits}".replace("  ", " "), r"\d{1,12}", least, most)


BOOL = Form("true or false", r"true|false")
MASK = Form("a hexadecimal mask like 0x1", r"(0x)?[0-9a-fA-F]+")
TEXT = Form("a text", r"[\x20-\x7e]*")
MIB_PER_NODE = Form("a list of MiB, one for each NUMA node, like 2048,1024", r"\d+(,\d+)*")
# vhost-sock-dir is below the run directory: netdev-dpdk.c refuses "..".
RELATIVE = Form("a directory below the run directory, without ..", r"(?!/)(?!.*\.\.)[\x21-\x7e]+")
MTUS = Form("a list of MTUs like 9000,1500:1", r"\d+(:\d+)?(,\d+(:\d+)?)*")
SLEEP = Form(
    "a number of microseconds from 0 to 10000, or a list core:number",
    r"(\d{1,4}|10000)|(\d+:)?(\d{1,4}|10000)(,\d+:(\d{1,4}|10000))*",
)

_ALL = (
    OvsOption("bundle-idle-timeout", _number("of seconds"), "10", "idle OpenFlow bundles"),
    OvsOption(
        "dpdk-alloc-mem", _number("of MiB"), "0", "DPDK memory of all nodes together", restart=True
    ),
    OvsOption("dpdk-extra", TEXT, "", "further EAL options", restart=True),
    OvsOption(
        "dpdk-hugepage-dir", TEXT, "/dev/hugepages", "the hugetlbfs mount of EAL", restart=True
    ),
    OvsOption(
        "dpdk-init",
        Form("true, false or try", "true|false|try"),
        "false",
        "DPDK from the start; true: ovs-vswitchd ends when it fails, try: goes on without",
        restart=True,
    ),
    OvsOption("dpdk-lcore-mask", MASK, "", "cores of the threads that do not poll", restart=True),
    OvsOption(
        "dpdk-probe-at-init",
        BOOL,
        "false",
        "EAL opens all devices when it starts; before 4.0 it always does",
        since=(4, 0),
        restart=True,
    ),
    OvsOption(
        "dpdk-socket-limit",
        MIB_PER_NODE,
        "",
        "most DPDK memory of each node; before 2.17 that of dpdk-socket-mem",
        since=(2, 11),
        restart=True,
    ),
    OvsOption(
        "dpdk-socket-mem",
        MIB_PER_NODE,
        "",
        "DPDK memory of each node at the start; since 2.17 more is taken on demand",
        restart=True,
    ),
    OvsOption(
        "emc-insert-inv-prob",
        _number("", 0, 4294967295),
        "100",
        "one flow of so many goes into the exact match cache",
    ),
    OvsOption("flow-limit", _number("of flows"), "200000", "most flows of the datapath"),
    OvsOption("flow-restore-wait", BOOL, "false", "no flows until a controller is done"),
    OvsOption("hw-offload", BOOL, "false", "flows in the NIC", restart=True),
    OvsOption("max-idle", _number("of milliseconds", 500), "10000", "idle flows are removed"),
    OvsOption(
        "max-revalidator", _number("of milliseconds", 100), "500", "revalidation", since=(2, 13)
    ),
    OvsOption(
        "min-revalidate-pps",
        _number("of packets a second"),
        "5",
        "flows below are not checked",
        since=(2, 13),
    ),
    OvsOption(
        "n-dpdk-rxqs",
        _number("", 1),
        "1",
        "receive queues, by port since 2.6",
        deprecated=OLDEST,
        renamed_to="ports' rxq",
    ),
    OvsOption("n-handler-threads", _number("of threads", 1), "", "threads for upcalls"),
    OvsOption(
        "n-offload-threads",
        _number("of threads", 1, 10),
        "1",
        "threads that offload flows",
        since=(2, 17),
        restart=True,
    ),
    OvsOption("n-revalidator-threads", _number("of threads", 1), "", "threads for revalidation"),
    OvsOption("offload-rebalance", BOOL, "false", "offloaded flows by packet rate", since=(2, 11)),
    OvsOption(
        "per-port-memory", BOOL, "false", "a mempool for each port", since=(2, 10), restart=True
    ),
    OvsOption("pmd-auto-lb", BOOL, "false", "queues move between PMD threads", since=(2, 11)),
    OvsOption(
        "pmd-auto-lb-improvement-threshold", _number("", 0, 100), "25", "percent", since=(2, 15)
    ),
    OvsOption("pmd-auto-lb-load-threshold", _number("", 0, 100), "95", "percent", since=(2, 15)),
    OvsOption(
        "pmd-auto-lb-rebal-interval", _number("of minutes", 0, 20000), "1", "", since=(2, 11)
    ),
    OvsOption("pmd-cpu-mask", MASK, "", "CPUs of the PMD threads"),
    OvsOption(
        "pmd-maxsleep",
        _number("of microseconds", 0, 10000),
        "0",
        "sleep of idle PMD threads",
        since=(3, 1),
        deprecated=(3, 2),
        renamed_to="pmd-sleep-max",
    ),
    OvsOption("pmd-perf-metrics", BOOL, "false", "detailed figures of PMD threads", since=(2, 10)),
    OvsOption(
        "pmd-rxq-assign",
        Form("cycles, roundrobin or group", "cycles|roundrobin|group"),
        "cycles",
        "how queues are given to PMD threads",
        since=(2, 11),
    ),
    OvsOption(
        "pmd-rxq-isolate",
        BOOL,
        "true",
        "a PMD thread with a pinned queue polls no other; false only with pmd-rxq-assign=group",
        since=(2, 16),
    ),
    OvsOption("pmd-sleep-max", SLEEP, "0", "sleep of idle PMD threads", since=(3, 2)),
    OvsOption(
        "shared-mempool-config",
        MTUS,
        "",
        "MTUs whose mempools are shared, by node",
        since=(3, 0),
        restart=True,
    ),
    OvsOption("smc-enable", BOOL, "false", "signature match cache", since=(2, 10)),
    OvsOption("stats-update-interval", _number("of milliseconds", 5000), "5000", "statistics"),
    OvsOption(
        "tc-policy",
        Form("none, skip_sw or skip_hw", "none|skip_sw|skip_hw"),
        "none",
        "offload by the kernel's tc",
    ),
    OvsOption(
        "tx-flush-interval",
        _number("of microseconds", 0, 1000000),
        "0",
        "packets wait so long for a full burst",
    ),
    OvsOption(
        "userspace-tso-enable",
        BOOL,
        "false",
        "TCP segmentation offload, experimental",
        since=(2, 13),
        restart=True,
    ),
    OvsOption("vhost-iommu-support", BOOL, "false", "vhost IOTLB", restart=True),
    OvsOption(
        "vhost-postcopy-support", BOOL, "false", "post-copy migration", since=(2, 12), restart=True
    ),
    OvsOption("vhost-sock-dir", RELATIVE, "", "where vhost-user sockets are", restart=True),
    OvsOption("vlan-limit", _number("of tags"), "1", "VLAN tags that are looked at"),
    OvsOption("ct-size", _number("of connections"), "", "connection tracking"),
    OvsOption("hw-offload-ct-size", _number("of connections"), "0", "offloaded connections"),
    OvsOption("explicit-sampled-tunnel-info", BOOL, "true", "IPFIX of tunnels"),
    OvsOption("ovs-vswitchd-tc-policy", TEXT, "none", "offload by the kernel's tc"),
)

OVS_OPTIONS: dict[str, OvsOption] = {option.key: option for option in _ALL}

# EAL options Open vSwitch makes of keys; given in dpdk-extra too, the key is ignored ("Ignoring
# database defined option '%s' due to dpdk-extra config", lib/dpdk.c).
EAL_OPTIONS = {
    "-c": "dpdk-lcore-mask",
    "-l": "dpdk-lcore-mask",
    "--lcores": "dpdk-lcore-mask",
    "--socket-mem": "dpdk-socket-mem",
    "-m": "dpdk-alloc-mem",
    "--socket-limit": "dpdk-socket-limit",
    "--huge-dir": "dpdk-hugepage-dir",
}


def version_text(version: Version) -> str:
    """`3.5`."""
    return f"{version[0]}.{version[1]}"
