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
    assert (plan.gateways, plan.nameservers) == (("192.0.2.1",), SERVERS)
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
    assert (plan.gateways, plan.nameservers) == (("192.0.2.254",), ("198.51.100.1",))
    assert plan.why.reason == "management interface of nfv1, as the inventory has it"
    assert origins(plan) == [("hosts", "nfv1", "interfaces", "enp8s0")]


def test_dhcp_brings_its_own_gateway(plan_seed: Callable[..., HostPlan]) -> None:
    plan = planned(plan_seed, {"enp8s0": {"role": "management", "dhcp4": True}}, RACK)["enp8s0"]
    assert (plan.gateways, plan.nameservers) == ((), SERVERS)
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
    assert [plan.gateways for plan in plans.values()] == [(), ("192.0.2.1",), ()]


def test_no_second_default_route(plan_seed: Callable[..., HostPlan]) -> None:
    interfaces = {
        "enp8s0": FIXED,
        "ens11f1": {"role": "storage", "addresses": ["198.51.100.2/24"], "gateway": "198.51.100.1"},
    }
    plans = planned(plan_seed, interfaces, RACK)
    assert [plan.gateways for plan in plans.values()] == [(), ("198.51.100.1",)]
    assert plans["ens11f1"].nameservers == ()


def test_rack_that_is_not_listed(plan_seed: Callable[..., HostPlan]) -> None:
    plan = planned(plan_seed, {"enp8s0": FIXED}, None)["enp8s0"]
    assert (plan.gateways, plan.nameservers) == ((), ())
    assert plan.why.reason == "management interface of nfv1, as the inventory has it"


def test_a_rack_gives_a_gateway_of_each_version(plan_seed: Callable[..., HostPlan]) -> None:
    rack = {"gateway": ["192.0.2.1", "2001:db8::1"]}
    own = {"role": "management", "addresses": ["192.0.2.10/24", "2001:db8::10/64"]}
    plan = planned(plan_seed, {"enp8s0": own | {"gateway": "192.0.2.254"}}, rack)["enp8s0"]
    assert plan.gateways == ("192.0.2.254", "2001:db8::1")


def learnt(plans: dict[str, InterfacePlan]) -> dict[str, tuple[bool, int | None, bool]]:
    """Of each interface: whether its routes and name servers are used, and the metric."""
    return {name: (plan.routes, plan.metric, plan.dns) for name, plan in plans.items()}


DHCP = {"role": "management", "dhcp4": True}
STORAGE = {"role": "storage", "dhcp4": True}


def test_the_management_interface_alone_has_the_default_route(
    plan_seed: Callable[..., HostPlan],
) -> None:
    """Wherever it stands."""
    plans = planned(plan_seed, {"ens11f0": STORAGE, "enp8s0": DHCP}, None)
    assert learnt(plans) == {"ens11f0": (False, None, False), "enp8s0": (True, None, True)}
    assert "enp8s0 has the default route" in plans["ens11f0"].why.reason


def test_several_management_interfaces_are_told_apart(plan_seed: Callable[..., HostPlan]) -> None:
    fixed = FIXED | {"gateway": "192.0.2.1"}
    plans = planned(plan_seed, {"ens11f0": fixed, "enp8s0": DHCP}, None)
    assert learnt(plans) == {"ens11f0": (True, 100, True), "enp8s0": (True, 200, True)}
    assert plans["enp8s0"].why.reason.endswith(
        "its default route comes after ens11f0, in order of the inventory"
    )


def test_routes_that_dhcpv6_brings_come_last(plan_seed: Callable[..., HostPlan]) -> None:
    both = STORAGE | {"dhcp6": True}
    plans = planned(plan_seed, {"enp8s0": DHCP, "ens11f0": both}, None)
    assert learnt(plans)["ens11f0"] == (False, 2000, False)


def test_a_host_without_a_management_route_keeps_the_one_it_has(
    plan_seed: Callable[..., HostPlan],
) -> None:
    alone = {"role": "management", "addresses": ["192.0.2.10/24", "2001:db8::10/64"]}
    plans = planned(plan_seed, {"enp8s0": alone, "ens11f0": STORAGE, "ens11f1": STORAGE}, None)
    assert learnt(plans) == {
        "enp8s0": (True, None, True),
        "ens11f0": (True, None, True),
        "ens11f1": (False, None, False),
    }
