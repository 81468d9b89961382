"""Rules on PMD threads: every DPDK port has some on its node, and they have cores."""

from __future__ import annotations

from collections.abc import Iterator

from builder.model.inventory import Inventory
from builder.model.ports import first_port_by_node
from builder.model.roles import cores_of_nodes, pmd_cores, roles_of
from builder.model.rules.pairs import Pair, pairs
from builder.phrases import count_text, is_are, numbers
from builder.rule import Finding, Rule, each


def check_pmd_cores_fit(pair: Pair) -> Iterator[Finding]:
    roles = roles_of(pair.hardware, pair.profile)
    kept, cores = roles.housekeeping, cores_of_nodes(pair.hardware, roles.offline)
    for node, wanted in pmd_cores(pair.hardware, pair.profile).items():
        if node >= len(cores) or not cores[node]:
            continue  # said by role-nodes-exist, pmd-for-each-port
        free = [core for core in cores[node] if not core & kept]
        if wanted > len(free):
            message = (
                f"{count_text(wanted, 'PMD core')} requested on node {node} of hardware class "
                f"{pair.class_name}: housekeeping leaves {len(free)} of its "
                f"{count_text(len(cores[node]), 'core')}"
            )
            yield Finding((*pair.path, "cpu", "pmd-cores-per-node"), message)


def check_ports_have_pmd(pair: Pair) -> Iterator[Finding]:
    """OVS polls a port by PMD threads of its own node. With none there, those of another node do,
    every packet across (dpif-netdev.c, rxq_scheduling()), and with none at all nobody does.
    """
    roles = roles_of(pair.hardware, pair.profile)
    pmd, asked = roles.pmd, pmd_cores(pair.hardware, pair.profile)
    for node, port in first_port_by_node(pair.hardware, pair.profile).items():
        online = pair.hardware.numa[node].cpus - roles.offline
        # More cores than there are is pmd-cores-fit; CPU 0 offline has rules of its own.
        said = asked.get(node) if online else 0 in pair.hardware.numa[node].cpus
        if online & pmd or said or not pair.hardware.cpus:
            continue
        message = (
            f"port {port.name} is on node {node} of hardware class {pair.class_name}, which has "
            f"no PMD core (PMD CPUs: {pmd or 'none'})"
        )
        hint = "give the node a PMD core: one on another node would fetch every packet across nodes"
        if not online:
            hint = f"node {node} has no online CPU: use a port of another node"
        yield Finding((*pair.path, *port.path), message, hint, at_key=True)


def check_pmd_has_ports(pair: Pair) -> Iterator[Finding]:
    pmd = roles_of(pair.hardware, pair.profile).pmd
    with_port = first_port_by_node(pair.hardware, pair.profile)
    key = "pmd-cores-per-node" if pair.profile.cpu.pmd is None else "pmd"
    for node, numa in enumerate(pair.hardware.numa):
        if node not in with_port and numa.cpus & pmd:
            here = numa.cpus & pmd
            message = (
                f"PMD {numbers('CPU', here)} {is_are(here)} on node {node} of hardware class "
                f"{pair.class_name}, which has no DPDK port"
            )
            hint = "at best, they poll vhost-user ports of pods there"
            yield Finding((*pair.path, "cpu", key), message, hint)


def check_pmd_wants_ovs(inventory: Inventory) -> Iterator[Finding]:
    for name, profile in inventory.profiles.items():
        for key in ("pmd", "pmd_cores_per_node"):
            if profile.ovs is None and key in profile.cpu.model_fields_set:
                path = ("profiles", name, "cpu", key.replace("_", "-"))
                message = "this profile has no ovs, so there are no PMD threads"
                yield Finding(path, message, "remove it, or add ovs", at_key=True)


RULES: tuple[Rule[Inventory], ...] = (
    Rule(
        "pmd-cores-fit",
        "error",
        "A NUMA node has enough cores for the PMD threads.",
        each(pairs, check_pmd_cores_fit),
    ),
    Rule(
        "pmd-for-each-port",
        "error",
        "Each NUMA node that has a DPDK port has a PMD core, which polls its ports.",
        each(pairs, check_ports_have_pmd),
    ),
    Rule(
        "pmd-has-ports",
        "warning",
        "PMD cores are on NUMA nodes that have a DPDK port.",
        each(pairs, check_pmd_has_ports),
    ),
    Rule(
        "pmd-wants-ovs",
        "warning",
        "Only profiles with Open vSwitch have PMD cores.",
        check_pmd_wants_ovs,
    ),
)
