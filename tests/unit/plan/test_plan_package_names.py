"""The list of all names plans can have, and what is known of Ubuntu's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.catalog.port_drivers import PORT_DRIVERS
from builder.catalog.releases import RELEASES, OsRelease
from builder.plan.nouns.host import HostPlan
from builder.plan.packages import possible_packages
from scripts.reference_packages import SEEN

Planner = Callable[..., HostPlan]


def edits(release: OsRelease) -> list[Callable[[dict[str, Any]], None]]:
    """Every driver of a NIC as a DPDK port, every driver for DPDK, kernel and vendor of CPU."""

    def nic(driver: str, place: int) -> Callable[[dict[str, Any]], None]:
        found = {"id": "dead:beef", "driver": driver}
        return lambda data: data["hardware"]["e5-2620v4"]["nics"][place].update(found)

    def bound(driver: str) -> Callable[[dict[str, Any]], None]:
        return lambda data: data["profiles"]["nfv"]["ovs"].update(driver=driver)

    def kernel(flavour: str) -> Callable[[dict[str, Any]], None]:
        return lambda data: data["image"].update(kernel=flavour)

    def headers(flavour: str) -> Callable[[dict[str, Any]], None]:
        def edit(data: dict[str, Any]) -> None:
            kernel(flavour)(data)
            bound("igb_uio")(data)

        return edit

    def amd(data: dict[str, Any]) -> None:
        data["hardware"]["e5-2620v4"]["cpu"]["vendor"] = "amd"

    for_dpdk = [name for name, row in PORT_DRIVERS.items() if not row.dpdk_has_none(release.dpdk)]
    flavours = [kernel.flavour for kernel in release.kernels]
    return [
        amd,
        # The kernel's own port, and the one Open vSwitch has.
        *(nic(driver, 0) for driver in PORT_DRIVERS),
        *(nic(driver, 1) for driver in for_dpdk),
        *map(bound, DPDK_DRIVERS),
        *map(headers, flavours),
    ]


@pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
def test_plans_have_these_names_and_no_others(plan_seed: Planner, release: OsRelease) -> None:
    found = {package.name for package in plan_seed(release=release.id).image.packages}
    for edit in edits(release):
        found |= {package.name for package in plan_seed(edit, release=release.id).image.packages}
    assert found == possible_packages(release)


@pytest.mark.parametrize("release", SEEN)
def test_what_was_looked_up_is_what_plans_name(release: str) -> None:
    assert SEEN[release] - possible_packages(RELEASES[release]) == set()


def test_each_release_of_ubuntu_was_looked_at() -> None:
    assert set(SEEN) == {name for name, row in RELEASES.items() if row.family == "ubuntu"}
