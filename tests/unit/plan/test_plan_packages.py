from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from builder.plan.packages import dpdk_library
from builder.plan.releases import RELEASES
from builder.plan.types import HostPlan, OsRelease


def names(plan: HostPlan) -> set[str]:
    return {package.name for package in plan.image.packages}


@pytest.mark.parametrize(
    ("stem", "release", "package"),
    [
        ("librte-net-ixgbe", "debian-13", "librte-net-ixgbe25"),
        ("librte-net-e1000", "debian-13", "librte-net-e1000-25"),
        ("librte-net-e1000", "debian-12", "librte-net-e1000-23"),
        ("librte-net-mlx5", "ubuntu-24.04", "librte-net-mlx5-24"),
        ("librte-bus-pci", "ubuntu-22.04", "librte-bus-pci22"),
    ],
)
def test_dpdk_library(stem: str, release: str, package: str) -> None:
    assert dpdk_library(stem, RELEASES[release]) == package


def test_ubuntu(plan_seed: Callable[..., HostPlan]) -> None:
    plan = plan_seed(release="ubuntu-24.04")
    assert {"linux-image-generic", "librte-net-ixgbe24", "systemd-resolved"} <= names(plan)
    assert "linux-image-amd64" not in names(plan)
    # A part of systemd itself there.
    assert "systemd-resolved" not in names(plan_seed(release="ubuntu-22.04"))


def test_amd_microcode(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["hardware"]["e5-2620v4"]["cpu"]["vendor"] = "amd"

    assert {"intel-microcode", "amd64-microcode"} & names(plan_seed(edit)) == {"amd64-microcode"}


@pytest.mark.parametrize(
    ("release", "package"),
    [
        ("debian-13", "firmware-intel-misc"),
        ("debian-12", "firmware-misc-nonfree"),
        ("ubuntu-24.04", "linux-firmware"),
    ],
)
def test_firmware_of_e810(plan_seed: Callable[..., HostPlan], release: str, package: str) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["hardware"]["e5-2620v4"]["nics"][0] |= {"id": "8086:159b", "driver": "ice"}

    plan = plan_seed(edit, release=release)
    (found,) = (p for p in plan.image.packages if p.name == package)
    assert found.why.reason == "firmware ice loads into enp8s0"
    assert package not in names(plan_seed(release=release))


def test_packages_of_the_inventory(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["image"]["packages"] = ["tcpdump", "udev"]

    plan = plan_seed(edit)
    reasons = {p.name: p.why.reason for p in plan.image.packages}
    assert reasons["tcpdump"] == "set in the inventory"
    # It is there anyway; the reason of its own is the better one.
    assert reasons["udev"] == "devices, and the names of network ports"


def test_driver_of_a_port_comes_before_the_twins(plan_seed: Callable[..., HostPlan]) -> None:
    reasons = {p.name: p.why.reason for p in plan_seed().image.packages}
    assert reasons["librte-net-e1000-25"] == "DPDK's driver of dpdk0 (enp9s0)"


def test_no_irqbalance(plan_seed: Callable[..., HostPlan]) -> None:
    # It would move interrupts back onto isolated CPUs.
    assert "irqbalance" not in names(plan_seed())


@pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
def test_releases(release: OsRelease) -> None:
    assert RELEASES[release.id] is release
    assert release.id == f"{release.family}-{release.version}"
    # OVS and DPDK pair up as Open vSwitch's FAQ (releases.rst) has them.
    pairs = {
        (2, 17): (21, 11),
        (3, 1): (22, 11),
        (3, 3): (23, 11),
        (3, 5): (24, 11),
        (3, 7): (25, 11),
    }
    assert pairs[release.ovs] == release.dpdk
    # librte-eal22 is DPDK 21.11: the suffix is the ABI's year.
    assert int(release.dpdk_abi) == release.dpdk[0] + 1
    assert release.vfio_built_in == (release.family == "ubuntu")
