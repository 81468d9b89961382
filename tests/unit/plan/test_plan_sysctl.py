"""Kernel settings, and what the inventory changes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from builder.plan.nouns.host import HostPlan


def test_older_kernels_wake_isolated_cpus_less(plan_seed: Callable[..., HostPlan]) -> None:
    for release, expected in (("debian-12", "10"), ("debian-13", None), ("ubuntu-24.04", None)):
        values = {s.key: s.value for s in plan_seed(release=release).image.sysctls}
        assert values.get("vm.stat_interval") == expected


def test_no_numa_balancing_on_one_node(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["hardware"]["e5-2620v4"]["numa"] = [{"cpus": "0-31", "memory": "94GiB"}]

    assert [s.key for s in plan_seed(edit).image.sysctls] == ["vm.swappiness"]


def test_inventory_overrides_and_adds(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["profiles"]["nfv"]["sysctl"] = {"vm.swappiness": 60, "net.core.rmem_max": "1048576"}

    settings = plan_seed(edit).image.sysctls
    assert [(s.key, s.value) for s in settings] == [
        ("kernel.numa_balancing", "0"),
        ("net.core.rmem_max", "1048576"),
        ("vm.swappiness", "60"),
    ]
    assert settings[2].why.reason == (
        "set in the inventory instead of 10 (file cache is dropped before memory of processes "
        "is swapped out, should a node get swap)"
    )
    assert settings[2].why.origins[0].path == ("profiles", "nfv", "sysctl", "vm.swappiness")


@pytest.mark.parametrize("release", ["debian-12", "debian-13", "ubuntu-22.04"])
def test_never_nr_hugepages(plan_seed: Callable[..., HostPlan], release: str) -> None:
    keys = {s.key for s in plan_seed(release=release).image.sysctls}
    assert not {key for key in keys if "hugepages" in key}


@pytest.mark.parametrize("level", ["default", "low", "ultra-low"])
def test_hung_tasks_are_looked_for_less(plan_seed: Callable[..., HostPlan], level: str) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["profiles"]["nfv"]["latency"] = level

    values = {s.key: s.value for s in plan_seed(edit).image.sysctls}
    expected = None if level == "default" else "600"
    assert values.get("kernel.hung_task_timeout_secs") == expected
    # The kernel's own value: timers move off CPUs whose pods are exclusive.
    assert "kernel.timer_migration" not in values


def test_a_setting_of_a_module_loads_it(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["profiles"]["nfv"]["sysctl"] = {
            "net.bridge.bridge-nf-call-iptables": 1,
            "net.bridge.bridge-nf-call-ip6tables": 1,
            "net.netfilter.nf_conntrack_max": 262144,
            "net.netfilter.nf_conntrack_frag6_high_thresh": 4194304,
            "net.ipv4.vs.conntrack": 1,
            "net.ipv4.ip_forward": 1,
        }

    own, usual = plan_seed(edit).image.modules, plan_seed().image.modules
    added = {module.name: module.why for module in own if module not in usual}
    assert list(added) == ["br_netfilter", "nf_conntrack", "nf_defrag_ipv6", "ip_vs"]
    assert added["br_netfilter"].reason == (
        "it has net.bridge.bridge-nf-call-iptables, net.bridge.bridge-nf-call-ip6tables, which "
        "cannot be set before it is loaded"
    )
    paths = [origin.path[-1] for origin in added["br_netfilter"].origins]
    assert paths == ["net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables"]
