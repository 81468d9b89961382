"""Receive queues of DPDK ports in the plan: how many, how deep, and who polls them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from builder.catalog import versions
from builder.catalog.releases import RELEASES
from builder.diagnostics import Marks, format_path
from builder.model.inventory import Inventory
from builder.plan.checks import check_plan
from builder.plan.nouns.host import HostPlan
from tests.plans import plan_inventory

Version = tuple[int, int]
# Severity, rule, key below the ports, message, hint.
Found = tuple[str, str, str, str, str | None]
Edit = Callable[[dict[str, Any]], None]
Planner = Callable[..., HostPlan]
Check = Callable[..., list[Found]]
PORTS = "profiles.nfv.ovs.bridges.br0.ports."
# What the seed has anyway; its PMD CPUs are 1 and 17, both on node 0, as are its ports.
SEED = "plan-page-sharing"
ALL_PINNED = {"rxq": 2, "rxq-affinity": {0: 1, 1: 17}}


@pytest.fixture
def plan(seed_inventory: Callable[..., Inventory]) -> Planner:
    """The seed's plan with keys set on its ports, and its profile or hardware edited."""

    def run(
        edit: Edit | None = None, version: Version = (3, 5), **ports: dict[str, Any]
    ) -> HostPlan:
        def both(data: dict[str, Any]) -> None:
            for name, keys in ports.items():
                data["profiles"]["nfv"]["ovs"]["bridges"]["br0"]["ports"][name].update(keys)
            if edit is not None:
                edit(data)

        release = replace(RELEASES["debian-13"], ovs=versions.Version(*version))
        return plan_inventory(seed_inventory(both), release=release)

    return run


@pytest.fixture
def check(plan: Planner) -> Check:
    def run(*args: Any, **ports: Any) -> list[Found]:
        found = check_plan(plan(*args, **ports), Marks("inventory.yaml"))
        return [
            (d.severity, d.rule, format_path(d.path).removeprefix(PORTS), d.message, d.hint)
            for d in found
            if d.rule != SEED
        ]

    return run


def config(**keys: Any) -> Edit:
    """other-config, `_` for `-`."""

    def edit(data: dict[str, Any]) -> None:
        data["profiles"]["nfv"]["ovs"]["other-config"] = {
            key.replace("_", "-"): value for key, value in keys.items()
        }

    return edit


def two_nodes(data: dict[str, Any]) -> None:
    """PMD CPUs 1 and 17 on node 0, 9 and 25 on node 1."""
    data["profiles"]["nfv"]["cpu"] = {"pmd-cores-per-node": {0: 1, 1: 1}}


def rules(found: list[Found]) -> list[str]:
    return [rule for _, rule, _, _, _ in found if rule.startswith("plan-")]


def test_queues_and_descriptors_become_options(plan: Planner) -> None:
    image = plan(
        dpdk0={"rxq": 2, "rxd": 1024, "rxq-affinity": {1: 17, 0: 1}}, dpdk1={"txd": 512}
    ).image
    assert image.ovs is not None
    assert [(p.name, p.options, p.other_config) for p in image.ovs.bridges[0].ports] == [
        (
            "dpdk0",
            {"dpdk-devargs": "0000:09:00.0", "n_rxq": "2", "n_rxq_desc": "1024"},
            {"pmd-rxq-affinity": "0:1,1:17"},
        ),
        ("dpdk1", {"dpdk-devargs": "0000:01:10.0", "n_rxq": "1", "n_txq_desc": "512"}, {}),
    ]


def test_port_says_what_it_rests_on(plan: Planner) -> None:
    image = plan(dpdk0=ALL_PINNED | {"txd": 512}).image
    assert image.ovs is not None
    first, second = (port.why for port in image.ovs.bridges[0].ports)
    assert first.reason == (
        "enp9s0 at 0000:09:00.0, polled on NUMA node 0, queue 0 by CPU 1, queue 1 by CPU 17 and by "
        "no other"
    )
    assert [format_path(origin.path).removeprefix(PORTS) for origin in first.origins] == [
        "dpdk0.nic",
        "hardware.e5-2620v4.nics[1].pci",
        "dpdk0.txd",
        "dpdk0.rxq-affinity",
    ]
    assert second.reason == "VF 0 of ens11f0 at 0000:01:10.0, polled on NUMA node 0"


@pytest.mark.parametrize("size", [1, 64, 128, 2048, 4096])
@pytest.mark.parametrize("version", [(2, 17), (3, 5), (3, 6), (4, 0)])
def test_descriptors_of_every_release(check: Check, size: int, version: Version) -> None:
    assert check(None, version, dpdk0={"rxd": size}, dpdk1={"txd": size}) == []


@pytest.mark.parametrize(
    ("size", "hint"), [(3, "2 or 4"), (3000, "2048 or 4096"), (6000, "4096 or 8192")]
)
@pytest.mark.parametrize("version", [(2, 17), (3, 6)])
def test_descriptors_that_are_no_power_of_two(
    check: Check, size: int, hint: str, version: Version
) -> None:
    assert check(None, version, dpdk0={"txd": size}) == [
        (
            "error",
            "plan-descriptors",
            "dpdk0.txd",
            f"{size} is not a power of two: Open vSwitch would use 2048",
            f"txd: {hint}",
        )
    ]


@pytest.mark.parametrize(
    ("version", "refused"), [((2, 17), True), ((3, 5), True), ((3, 6), False), ((4, 0), False)]
)
def test_most_descriptors(check: Check, version: Version, *, refused: bool) -> None:
    shown = f"{version[0]}.{version[1]}"
    said = (
        "error",
        "plan-descriptors",
        "dpdk0.rxd",
        f"Open vSwitch {shown} of debian-13 supports at most 4096, and uses 2048 for larger values",
        "rxd: 4096",
    )
    assert check(None, version, dpdk0={"rxd": 8192}) == ([said] if refused else [])


def test_pinned_to_its_threads(check: Check) -> None:
    pinned = {"rxq": 2, "rxq-affinity": {0: 1, 1: 17}}
    assert check(dpdk0=pinned, dpdk1={"rxq-affinity": {0: 1}}) == []


def test_pinned_queue_that_is_not_there(check: Check) -> None:
    assert check(dpdk0={"rxq-affinity": {0: 1, 1: 17}}) == [
        (
            "error",
            "plan-rxq-affinity",
            "dpdk0.rxq-affinity[1]",
            "dpdk0 has no receive queue 1: with rxq 1 the last one is 0",
            "rxq: 2",
        )
    ]


@pytest.mark.parametrize("cpu", [0, 2, 9, 99])
def test_pinned_to_a_cpu_without_thread(check: Check, cpu: int) -> None:
    assert check(dpdk0={"rxq-affinity": {0: cpu}}) == [
        (
            "error",
            "plan-rxq-affinity",
            "dpdk0.rxq-affinity[0]",
            f"CPU {cpu} has no PMD thread (PMD CPUs: 1,17)",
            "use one of them",
        )
    ]


def test_pinned_to_another_node(check: Check) -> None:
    assert check(two_nodes, dpdk0={"rxq-affinity": {0: 9}}) == [
        (
            "warning",
            "plan-rxq-affinity",
            "dpdk0.rxq-affinity[0]",
            (
                "CPU 9 is on another NUMA node than dpdk0, which is on node 0: every packet "
                "would cross nodes"
            ),
            "PMD CPUs there: 1,17",
        )
    ]


def test_nobody_left_to_poll(check: Check) -> None:
    assert check(dpdk0=ALL_PINNED, dpdk1={"rxq": 2}) == [
        (
            "error",
            "plan-rxq-polled",
            "dpdk1",
            (
                "queues 0-1 of dpdk1 are not pinned, and there is no PMD thread without a pinned "
                "queue at all: no thread polls them"
            ),
            "pin them as well, add a PMD core, or set pmd-rxq-assign: group, pmd-rxq-isolate: false",
        )
    ]


def test_only_another_node_left_to_poll(check: Check) -> None:
    found = check(two_nodes, dpdk0=ALL_PINNED)
    assert [item for item in found if item[1] == "plan-rxq-polled"] == [
        (
            "warning",
            "plan-rxq-polled",
            "dpdk1",
            (
                "queue 0 of dpdk1 is not pinned, and there is no PMD thread without a pinned "
                "queue on NUMA node 0: CPUs 9,25 of another node poll it"
            ),
            "pin it as well, add a PMD core, or set pmd-rxq-assign: group, pmd-rxq-isolate: false",
        )
    ]


@pytest.mark.parametrize("off", [False, "false", "False"])
def test_pinned_threads_may_poll_others(check: Check, off: bool | str) -> None:
    edit = config(pmd_rxq_assign="group", pmd_rxq_isolate=off)
    assert check(edit, dpdk0=ALL_PINNED) == []


def test_a_pin_that_does_not_hold_takes_no_thread(check: Check) -> None:
    """Queue 5 is not there and CPU 2 has no thread: 17 is free for the other port."""
    pinned = {"rxq-affinity": {0: 1, 5: 17, 1: 2}}
    assert rules(check(dpdk0=pinned)) == ["plan-rxq-affinity", "plan-rxq-affinity"]


@pytest.mark.parametrize(("rxq", "warned"), [(2, False), (3, True)])
def test_more_queues_than_threads(check: Check, rxq: int, *, warned: bool) -> None:
    said = (
        "warning",
        "plan-rxq-threads",
        "dpdk0.rxq",
        (
            "dpdk0 has 3 receive queues for 2 PMD threads of its NUMA node: one thread polls "
            "several queues"
        ),
        "rxq: 2",
    )
    assert check(dpdk0={"rxq": rxq}) == ([said] if warned else [])


def nic_of_port(device_id: str) -> Edit:
    def edit(data: dict[str, Any]) -> None:
        data["hardware"]["e5-2620v4"]["nics"][1]["id"] = device_id

    return edit


@pytest.mark.parametrize(
    ("device_id", "model", "most"),
    [
        ("8086:1533", "Intel I210", 4),
        ("8086:1539", "Intel I211", 2),
        ("8086:1521", "Intel I350", 8),
    ],
)
def test_more_queues_than_the_port_has(check: Check, device_id: str, model: str, most: int) -> None:
    def limits(rxq: int) -> list[Found]:
        found = check(nic_of_port(device_id), dpdk0={"rxq": rxq})
        return [item for item in found if item[1] == "plan-rxq-limit"]

    assert limits(most) == []
    assert limits(most + 1) == [
        (
            "error",
            "plan-rxq-limit",
            "dpdk0.rxq",
            (
                f"dpdk0 ({model}) supports at most {most} receive queues: Open vSwitch silently "
                f"uses {most}"
            ),
            f"rxq: {most}",
        )
    ]


def test_model_not_in_the_table_has_no_limit(check: Check) -> None:
    assert rules(check(nic_of_port("dead:beef"), dpdk0={"rxq": 64})) == ["plan-rxq-threads"]


def vfs(count: int) -> Edit:
    def edit(data: dict[str, Any]) -> None:
        data["profiles"]["nfv"]["sriov"][0]["num-vfs"] = count

    return edit


@pytest.mark.parametrize(
    ("count", "rxq", "said"),
    [
        (2, 1, None),
        (2, 2, None),
        (31, 4, None),
        (2, 3, "starts only with 1, 2 or 4 receive queues, not with 3"),
        (31, 5, "supports at most 4 receive queues: Open vSwitch silently uses 4"),
        (32, 2, None),
        (32, 4, "supports at most 2 receive queues: Open vSwitch silently uses 2"),
    ],
)
def test_queues_of_an_ixgbe_vf(check: Check, count: int, rxq: int, said: str | None) -> None:
    found = [
        (severity, key, message)
        for severity, rule, key, message, _ in check(vfs(count), dpdk1={"rxq": rxq})
        if rule == "plan-rxq-limit"
    ]
    vf = f"dpdk1 (a VF of ens11f0, Intel 82599ES (SFP+), with num-vfs {count})"
    assert found == ([] if said is None else [("error", "dpdk1.rxq", f"{vf} {said}")])


def test_balance_with_threads_and_queues_enough(check: Check) -> None:
    assert check(config(pmd_auto_lb=True), dpdk0={"rxq": 2}) == []


@pytest.mark.parametrize(
    ("ports", "said", "hint"),
    [
        (
            {},
            (
                "it has no effect with DPDK ports alone: 2 queues on 2 PMD threads, so no thread "
                "polls two"
            ),
            "increase rxq of the ports, or remove this option",
        ),
        (
            {"dpdk0": {"rxq-affinity": {0: 1}}},
            (
                "it does nothing: one PMD thread is left that has no pinned queue, and it moves "
                "queues between two"
            ),
            "pin fewer queues, or remove this option",
        ),
        (
            {"dpdk0": {"rxq-affinity": {0: 1}}, "dpdk1": {"rxq-affinity": {0: 17}}},
            (
                "it does nothing: no PMD thread is left that has no pinned queue, and it moves "
                "queues between two"
            ),
            "pin fewer queues, or remove this option",
        ),
    ],
)
def test_balance_that_does_nothing(
    check: Check, ports: dict[str, dict[str, Any]], said: str, hint: str
) -> None:
    assert check(config(pmd_auto_lb=True), **ports) == [
        ("warning", "plan-auto-lb", "profiles.nfv.ovs.other-config.pmd-auto-lb", said, hint)
    ]


def test_no_balance_asked_for(check: Check) -> None:
    assert check(config(pmd_auto_lb=False), dpdk0={"rxq-affinity": {0: 1}}) == []
