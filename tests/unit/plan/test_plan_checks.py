"""What a whole plan shows: each check with its full text, and plans it finds nothing in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from builder.catalog.command_line import LOADER_WORDS
from builder.diagnostics import Marks, format_path
from builder.phrases import count_text
from builder.plan.checks import check_plan
from builder.plan.nouns.host import HostPlan
from builder.render.grub import cmdline

Edit = Callable[[dict[str, Any]], None]
# Severity, rule, key, message, hint.
Found = tuple[str, str, str, str, str | None]
Check = Callable[..., list[Found]]

SHARING = (
    "warning",
    "plan-page-sharing",
    "profiles.nfv.hugepages",
    (
        "Open vSwitch and DPDK pods (dpdk_vfs) use pages of the same size: the kubelet offers "
        "all 8 as hugepages-1Gi, although 3 are used by Open vSwitch; pods that get more than 2 "
        "on node 0 or 3 on node 1 are admitted and then fail"
    ),
    (
        "limit pods to 5 hugepages-1Gi in total, with a ResourceQuota or a placeholder pod that "
        "holds 3; or give pods pages of their own: hugepages.pods: {size: 2M, memory: ...}"
    ),
)


def profile(data: dict[str, Any]) -> dict[str, Any]:
    return data["profiles"]["nfv"]


@pytest.fixture
def check(plan_seed: Callable[..., HostPlan]) -> Check:
    """Everything found in the seed, edited."""

    def run(edit: Edit | None = None, *, but: tuple[str, ...] = ()) -> list[Found]:
        found = check_plan(plan_seed(edit), Marks("inventory.yaml"))
        return [
            (d.severity, d.rule, format_path(d.path), d.message, d.hint)
            for d in found
            if d.rule not in but
        ]

    return run


def share_pages(data: dict[str, Any]) -> None:
    profile(data)["hugepages"] = {"size": "1G", "count": 8}


def test_nothing_is_wrong_with_the_seed(check: Check) -> None:
    assert check() == []


def test_pages_are_shared(check: Check) -> None:
    assert check(share_pages) == [SHARING]


def test_no_dpdk_pods_no_sharing(check: Check) -> None:
    def edit(data: dict[str, Any]) -> None:
        share_pages(data)
        profile(data)["sriov"][0]["vfs"][1] = {"index": 1, "driver": "kernel", "pool": "net"}

    assert check(edit) == []


def test_small_pages_are_shared_too(check: Check) -> None:
    def edit(data: dict[str, Any]) -> None:
        profile(data)["hugepages"] = {"size": "2M", "count": 4096}
        profile(data)["sriov"][0]["vfs"][1].pop("pool")

    ((_, _, _, message, hint),) = check(edit)
    assert message == (
        "Open vSwitch and DPDK pods (VF 1 of ens11f0) use pages of the same size: the kubelet "
        "offers all 4096 as hugepages-2Mi, although 1536 are used by Open vSwitch; pods that get "
        "more than 1024 on node 0 or 1536 on node 1 are admitted and then fail"
    )
    assert hint.startswith("limit pods to 2560 hugepages-2Mi in total")


def test_too_few_pages(check: Check) -> None:
    def edit(data: dict[str, Any]) -> None:
        profile(data)["hugepages"] = {"count": 2}

    assert check(edit) == [
        (
            "error",
            "plan-socket-mem",
            "profiles.nfv.hugepages.count",
            (
                "Open vSwitch needs 2048 MiB of hugepages on NUMA node 0 (dpdk-socket-mem), but "
                "the plan has 1024 MiB there"
            ),
            (
                "hugepages.count: {0: 2, 1: 1} or more pages of 1GiB, a lower MTU of node 0's DPDK ports, "
                "or ports on another node"
            ),
        )
    ]


def test_socket_memory_comes_in_whole_pages(check: Check) -> None:
    def edit(data: dict[str, Any]) -> None:
        share_pages(data)
        profile(data)["ovs"]["other-config"] = {"dpdk-socket-mem": "4500,0"}

    assert check(edit, but=("plan-page-sharing",)) == [
        (
            "error",
            "plan-socket-mem",
            "profiles.nfv.ovs.other-config.dpdk-socket-mem",
            (
                "Open vSwitch needs 5120 MiB of hugepages on NUMA node 0 (dpdk-socket-mem), but "
                "the plan has 4096 MiB there"
            ),
            (
                "hugepages.count: {0: 5, 1: 4} or more pages of 1GiB, a lower MTU of node 0's DPDK ports, "
                "or ports on another node"
            ),
        )
    ]


def test_socket_memory_for_a_node_that_is_not_there(check: Check) -> None:
    def edit(data: dict[str, Any]) -> None:
        profile(data)["ovs"]["other-config"] = {"dpdk-socket-mem": "1024,0,1024"}

    assert check(edit, but=("plan-page-sharing",)) == [
        (
            "error",
            "plan-socket-mem-nodes",
            "profiles.nfv.ovs.other-config.dpdk-socket-mem",
            "dpdk-socket-mem requests 1024 MiB on NUMA node 2, which does not exist",
            "hardware class e5-2620v4 has 2 nodes",
        )
    ]


def test_socket_memory_that_is_no_list(check: Check) -> None:
    def edit(data: dict[str, Any]) -> None:
        profile(data)["ovs"]["other-config"] = {"dpdk-socket-mem": "2048MB"}

    assert check(edit) == [
        (
            "error",
            "plan-socket-mem-form",
            "profiles.nfv.ovs.other-config.dpdk-socket-mem",
            "dpdk-socket-mem '2048MB' is not a list of MiB, one for each NUMA node",
            "write 2048",
        )
    ]


def pf_as_port(rxq: int, pmd: str, device_id: str = "8086:10fb") -> Edit:
    def edit(data: dict[str, Any]) -> None:
        profile(data)["cpu"] = {"pmd": pmd}
        profile(data)["sriov"] = [{"pf": "ens11f0", "num-vfs": 2, "driver": "vfio-pci"}]
        ports = {"dpdk0": {"nic": "ens11f0", "rxq": rxq}}
        profile(data)["ovs"]["bridges"] = {"br0": {"ports": ports}}
        data["hardware"]["e5-2620v4"]["nics"][2]["id"] = device_id

    return edit


@pytest.mark.parametrize(("rxq", "pmd"), [(1, "1"), (2, "1"), (4, "1-3")])
def test_82599_with_vfs_that_dpdk_starts(check: Check, rxq: int, pmd: str) -> None:
    assert check(pf_as_port(rxq, pmd), but=("plan-page-sharing", "plan-rxq-threads")) == []


@pytest.mark.parametrize(("rxq", "pmd", "threads"), [(1, "1,17", 2), (3, "1", 1), (4, "1-4", 4)])
def test_82599_with_vfs_that_dpdk_refuses(check: Check, rxq: int, pmd: str, threads: int) -> None:
    assert check(pf_as_port(rxq, pmd), but=("plan-page-sharing", "plan-rxq-threads")) == [
        (
            "error",
            "plan-pf-with-vfs",
            "profiles.nfv.ovs.bridges.br0.ports.dpdk0.nic",
            (
                "DPDK starts ens11f0 (Intel 82599ES (SFP+)) with VFs as dpdk0 only with rxq 1 or 2 "
                f"and one PMD thread, or rxq 4 and at most 3 PMD threads (here: rxq {rxq} and "
                f"{count_text(threads, 'PMD thread')})"
            ),
            "give the port a VF of ens11f0 (vf: ens11f0/0), or remove the sriov policy of ens11f0",
        )
    ]


def test_a_vf_at_the_address_of_its_pf_is_no_pf(check: Check) -> None:
    """The address is wrong, which is told; the port is a VF all the same."""

    def edit(data: dict[str, Any]) -> None:
        nic = data["hardware"]["e5-2620v4"]["nics"][2]
        kind = {"vf-offset": 1, "vf-stride": 2, "vf-id": "8086:10ed", "vf-driver": "ixgbevf"}
        nic["sriov"] = {"total-vfs": 63, **kind}

    assert [item for item in check(edit) if item[1] == "plan-pf-with-vfs"] == []


def test_82576_with_vfs_never_starts(check: Check) -> None:
    found = check(pf_as_port(1, "1", "8086:10c9"), but=("plan-page-sharing",))
    assert [(rule, message) for _, rule, _, message, _ in found] == [
        (
            "plan-pf-with-vfs",
            "DPDK does not start ens11f0 (Intel 82576) with VFs as dpdk0",
        )
    ]


def test_command_line_limit(check: Check, plan_seed: Callable[..., HostPlan]) -> None:
    words = f"{LOADER_WORDS}{' '.join(cmdline(plan_seed().image))}"
    room = 2047 - len(words) - 1

    def edit_to(length: int) -> Edit:
        def edit(data: dict[str, Any]) -> None:
            profile(data)["kernel-args"] = ["x=" + "a" * (length - 2)]

        return edit

    assert check(edit_to(room), but=("plan-page-sharing",)) == []
    assert check(edit_to(room + 1), but=("plan-page-sharing",)) == [
        (
            "error",
            "plan-command-line",
            "profiles.nfv.kernel-args",
            (
                "the kernel command line is 2048 characters long, but the kernel accepts 2047 "
                "and cuts off the rest"
            ),
            f"remove 1 character; the longest arguments are x ({room + 1}), isolcpus (41), nohz_full (30)",
        )
    ]
