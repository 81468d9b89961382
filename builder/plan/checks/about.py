"""What each check of a plan wants, in one sentence, and how much it matters: for the reference."""

from __future__ import annotations

from builder.model.rules.about import RuleText

CHECK_TEXTS: dict[str, RuleText] = {
    "plan-socket-mem-form": RuleText("error", "`dpdk-socket-mem` is a list of MiB by NUMA node."),
    "plan-socket-mem-nodes": RuleText(
        "error", "`dpdk-socket-mem` is for NUMA nodes that are there."
    ),
    "plan-socket-mem": RuleText(
        "error", "Each NUMA node has the pages Open vSwitch takes when it starts."
    ),
    "plan-socket-mem-ports": RuleText(
        "either", "`dpdk-socket-mem` by hand holds the packet buffers of each NUMA node's ports."
    ),
    "plan-any-page": RuleText("error", "There are hugepages where Open vSwitch starts DPDK."),
    "plan-page-demands": RuleText(
        "error", "Pages counted by hand are enough for Open vSwitch, pods and virtual machines."
    ),
    "plan-pages-fit": RuleText(
        "error", "Hugepages leave a NUMA node, and the machine, memory for everything else."
    ),
    "plan-page-sharing": RuleText(
        "warning",
        "Pods and Open vSwitch take pages of different sizes: the kubelet offers pods all pages.",
    ),
    "plan-vf-address": RuleText(
        "error", "VFs come to PCI addresses that are free and that the bus has."
    ),
    "plan-vf-setting": RuleText("error", "What is set of a VF, the kernel of the release can set."),
    "plan-switchdev": RuleText(
        "error", "Switchdev mode is one the kernel of the release has for the driver."
    ),
    "plan-ovs-token": RuleText(
        "error",
        "Where a PF on vfio-pci has VFs, `dpdk-extra` by hand gives the token they open by.",
    ),
    "plan-ovs-key": RuleText(
        "either", "An option is one that Open vSwitch of the release knows, and still has."
    ),
    "plan-ovs-value": RuleText(
        "error", "An option's value is one that Open vSwitch of the release takes."
    ),
    "plan-ovs-sleep": RuleText("warning", "CPUs of `pmd-sleep-max` have a PMD thread."),
    "plan-ovs-extra": RuleText(
        "error",
        "`dpdk-extra` has nothing that Open vSwitch's own options stand for, or that breaks them.",
    ),
    "plan-ovs-limit": RuleText("warning", "`dpdk-socket-limit` is not below `dpdk-socket-mem`."),
    "plan-ovs-socket-path": RuleText("error", "Paths of vhost-user sockets are short enough."),
    "plan-ovs-lcore-mask": RuleText("either", "CPUs of `dpdk-lcore-mask` are for housekeeping."),
    "plan-ovs-threads": RuleText(
        "warning", "Open vSwitch has no more handler and revalidator threads than CPUs for them."
    ),
    "plan-rxq-affinity": RuleText(
        "either", "A queue is pinned to a CPU with a PMD thread, on the NUMA node of its port."
    ),
    "plan-rxq-polled": RuleText("either", "Every receive queue is polled, from its own NUMA node."),
    "plan-auto-lb": RuleText("warning", "Automatic balancing has threads and queues to balance."),
    "plan-rxq-limit": RuleText("error", "A port has no more receive queues than its device."),
    "plan-rxq-threads": RuleText(
        "warning", "A port has no more receive queues than its NUMA node has PMD threads."
    ),
    "plan-descriptors": RuleText(
        "error", "A number of descriptors is one that Open vSwitch takes as it is."
    ),
    "plan-allow-list": RuleText("either", "DPDK opens Open vSwitch's devices, and no others."),
    "plan-pf-with-vfs": RuleText(
        "error", "A PF that DPDK drives while it has VFs has queues its driver can do."
    ),
    "plan-reserved-memory": RuleText(
        "error", "Memory the kubelet reserves on a NUMA node is there beside the hugepages."
    ),
    "plan-reserved-cpus": RuleText(
        "warning", "The kubelet keeps every pod off the CPUs of PMD threads."
    ),
    "plan-topology-hints": RuleText(
        "warning", "With a strict topology policy, the NUMA node of every VF for pods is known."
    ),
    "plan-command-line": RuleText(
        "error", "The kernel command line is no longer than the kernel takes."
    ),
    "plan-kernel-args-again": RuleText(
        "warning", "A word of `kernel-args` is not derived already."
    ),
}
