"""What a host's interfaces have of their own, and what of their rack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from builder.plan.nouns.host import HostPlan, InterfacePlan

RACK = {"gateway": "192.0.2.1", "nameservers": ["192.0.2.53", "2001:db8::53"]}
FIXED = {"role": "management", "addresses": ["192.0.2.10/24"]}
SERVERS = ("192.0.2.53", "2001:db8::53")


def planned(
    plan_seed: Callable[..., HostPlan], interfaces: dict[str, Any], rack: dict[str, Any] | None
) -> dict[str, InterfacePlan]:
    def edit(data: dict[str, Any]) -> None:
        data["racks"] = {} if rack is None else {"r1": rack}
        data["hosts"]["nfv1"] |= {"interfaces": interfaces, "rack": "r1"}

    return {plan.name: plan for plan in plan_seed(edit).interfaces}


def origins(plan: InterfacePlan) -> list[tuple[str | int, ...]]:
    return [origin.path for origin in plan.why.origins]


def test_gateway_and_nameservers_of_the_rack(plan_seed: Callable[..., HostPlan]) -> None:
    plan = planned(plan_seed, {"enp8s0": FIXED}, RACK)["enp8s0"]
    assert (plan.gateway, plan.nameservers) == ("192.0.2.1", SERVERS)
    assert plan.why.reason == (
        "management interface of nfv1, as the inventory has it; gateway and nameservers of rack r1"
    )
    assert origins(plan) == [
        ("hosts", "nfv1", "interfaces", "enp8s0"),
        ("racks", "r1", "gateway"),
        ("racks", "r1", "nameservers"),
    ]


def test_own_values_come_first(plan_seed: Callable[..., HostPlan]) -> None:
    own = FIXED | {"gateway": "192.0.2.254", "nameservers": ["198.51.100.1"]}
    plan = planned(plan_seed, {"enp8s0": own}, RACK)["enp8s0"]
    assert (plan.gateway, plan.nameservers) == ("192.0.2.254", ("198.51.100.1",))
    assert plan.why.reason == "management interface of nfv1, as the inventory has it"
    assert origins(plan) == [("hosts", "nfv1", "interfaces", "enp8s0")]


def test_dhcp_brings_its_own_gateway(plan_seed: Callable[..., HostPlan]) -> None:
    plan = planned(plan_seed, {"enp8s0": {"role": "management", "dhcp4": True}}, RACK)["enp8s0"]
    assert (plan.gateway, plan.nameservers) == (None, SERVERS)
    assert plan.why.reason == (
        "management interface of nfv1, as the inventory has it; nameservers of rack r1"
    )


def test_first_management_interface_of_the_kind_gets_the_gateway(
    plan_seed: Callable[..., HostPlan],
) -> None:
    interfaces = {
        "enp8s0": {"role": "management", "addresses": ["2001:db8::10/64"]},
        "ens11f0": FIXED,
        "ens11f1": {"role": "management", "addresses": ["192.0.2.11/24"]},
    }
    plans = planned(plan_seed, interfaces, RACK)
    assert [plan.gateway for plan in plans.values()] == [None, "192.0.2.1", None]


def test_no_second_default_route(plan_seed: Callable[..., HostPlan]) -> None:
    interfaces = {
        "enp8s0": FIXED,
        "ens11f1": {"role": "storage", "addresses": ["198.51.100.2/24"], "gateway": "198.51.100.1"},
    }
    plans = planned(plan_seed, interfaces, RACK)
    assert [plan.gateway for plan in plans.values()] == [None, "198.51.100.1"]
    assert plans["ens11f1"].nameservers == ()


def test_rack_that_is_not_listed(plan_seed: Callable[..., HostPlan]) -> None:
    plan = planned(plan_seed, {"enp8s0": FIXED}, None)["enp8s0"]
    assert (plan.gateway, plan.nameservers) == (None, ())
    assert plan.why.reason == "management interface of nfv1, as the inventory has it"
