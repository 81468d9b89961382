"""Open vSwitch: its options, bridges and ports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from builder.plan.nouns.host import HostPlan


def ovs(data: dict[str, Any]) -> dict[str, Any]:
    return data["profiles"]["nfv"]["ovs"]


def settings(plan: HostPlan) -> dict[str, str]:
    assert plan.image.ovs is not None
    return {setting.key: setting.value for setting in plan.image.ovs.other_config}


def reason(plan: HostPlan, key: str) -> str:
    assert plan.image.ovs is not None
    (found,) = (s for s in plan.image.ovs.other_config if s.key == key)
    return found.why.reason


def test_no_ovs(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        del data["profiles"]["nfv"]["ovs"]

    image = plan_seed(edit).image
    assert image.ovs is None
    assert [module.name for module in image.modules] == ["vfio-pci"]
    assert not {p.name for p in image.packages if "openvswitch" in p.name or "librte" in p.name}


def test_socket_memory_explains_itself(plan_seed: Callable[..., HostPlan]) -> None:
    assert reason(plan_seed(), "dpdk-socket-mem") == (
        "MiB for each NUMA node, by Open vSwitch's own memory model; node 0: 752 for packets of "
        "MTU 1500 and 512 for DPDK itself, rounded up; node 1: 1024 for vhost-user ports, as it "
        "has no DPDK port"
    )


@pytest.mark.parametrize(
    ("mtu", "expected"), [(2000, "2048,1024"), (2023, "3072,1024"), (9000, "4096,1024")]
)
def test_socket_memory_grows_with_the_mtu(
    plan_seed: Callable[..., HostPlan], mtu: int, expected: str
) -> None:
    def edit(data: dict[str, Any]) -> None:
        ovs(data)["bridges"]["br0"]["ports"]["dpdk0"]["mtu"] = mtu

    plan = plan_seed(edit)
    assert settings(plan)["dpdk-socket-mem"] == expected
    assert [port.mtu for port in plan.image.ovs.bridges[0].ports] == [mtu, 1500]


def test_socket_memory_of_both_nodes(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["hardware"]["e5-2620v4"]["nics"][1]["numa"] = 1

    assert settings(plan_seed(edit))["dpdk-socket-mem"] == "2048,2048"


def test_node_without_pages_and_ports_gives_none(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["profiles"]["nfv"]["hugepages"]["count"] = {0: 8, 1: 0}

    assert settings(plan_seed(edit))["dpdk-socket-mem"] == "2048,0"


def test_per_port_memory(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        ovs(data)["other-config"] = {"per-port-memory": True}

    plan = plan_seed(edit)
    # Three pools of 24608 mbufs, 71 MiB each, and 512.
    assert settings(plan)["dpdk-socket-mem"] == "1024,1024"
    assert settings(plan)["per-port-memory"] == "true"


def test_inventory_overrides_in_place_and_appends(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        ovs(data)["other-config"] = {
            "max-idle": 30000,
            "dpdk-socket-mem": "3072,1024",
            "dpdk-init": "try",
        }

    plan = plan_seed(edit)
    assert list(settings(plan).items()) == [
        ("dpdk-init", "try"),
        ("dpdk-socket-mem", "3072,1024"),
        ("pmd-cpu-mask", "0x20002"),
        ("dpdk-extra", "-a 0000:09:00.0 -a 0000:01:10.0"),
        ("max-idle", "30000"),
    ]
    assert reason(plan, "dpdk-socket-mem") == "set in the inventory instead of 2048,1024"
    assert reason(plan, "max-idle") == "set in the inventory"


def test_never_set_unasked(plan_seed: Callable[..., HostPlan]) -> None:
    assert not {"dpdk-lcore-mask", "max-idle", "dpdk-alloc-mem"} & settings(plan_seed()).keys()


def test_bridges_in_inventory_order(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        ports = ovs(data)["bridges"]["br0"]["ports"]
        ovs(data)["bridges"] = {
            "br1": {"fail-mode": "secure", "ports": {"z": ports["dpdk1"] | {"rxq": 2}}},
            "br0": {"ports": {"a": ports["dpdk0"]}},
        }

    plan = plan_seed(edit)
    assert [
        (bridge.name, bridge.fail_mode, port.name, port.options)
        for bridge in plan.image.ovs.bridges
        for port in bridge.ports
    ] == [
        ("br1", "secure", "z", {"dpdk-devargs": "0000:01:10.0", "n_rxq": "2"}),
        ("br0", "standalone", "a", {"dpdk-devargs": "0000:09:00.0", "n_rxq": "1"}),
    ]
    assert settings(plan)["dpdk-extra"] == "-a 0000:01:10.0 -a 0000:09:00.0"


def test_one_device_is_allowed_once(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        ovs(data)["bridges"]["br1"] = {"ports": {"again": {"nic": "enp9s0"}}}

    assert settings(plan_seed(edit))["dpdk-extra"] == "-a 0000:09:00.0 -a 0000:01:10.0"
