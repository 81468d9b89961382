"""Packages of an image, by release and devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from builder.plan.nouns.host import HostPlan


def names(plan: HostPlan) -> set[str]:
    return {package.name for package in plan.image.packages}


def test_ubuntu(plan_seed: Callable[..., HostPlan]) -> None:
    plan = plan_seed(release="ubuntu-24.04")
    assert {"linux-image-generic", "librte-net-ixgbe24", "systemd-resolved"} <= names(plan)
    assert "linux-image-amd64" not in names(plan)
    # A part of systemd itself there.
    assert "systemd-resolved" not in names(plan_seed(release="ubuntu-22.04"))


def test_a_realtime_kernel(plan_seed: Callable[..., HostPlan]) -> None:
    """The kernel and headers of its flavour; nothing of what PREEMPT_RT excludes is set."""

    def edit(data: dict[str, Any]) -> None:
        data["image"]["kernel"] = "realtime"

    usual, plan = plan_seed(release="debian-13"), plan_seed(edit, release="debian-13")
    assert names(plan) ^ names(usual) == {"linux-image-rt-amd64", "linux-image-amd64"}
    words = {arg.name for arg in usual.image.kernel_args}
    assert words - {arg.name for arg in plan.image.kernel_args} == {"transparent_hugepage"}
    sysctls = {setting.key for setting in usual.image.sysctls}
    assert sysctls - {setting.key for setting in plan.image.sysctls} == {"kernel.numa_balancing"}
    assert plan.image.plan_id != usual.image.plan_id


def test_dkms_takes_the_headers_of_the_kernel(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["image"]["kernel"] = "realtime"
        data["profiles"]["nfv"]["ovs"]["driver"] = "igb_uio"

    assert "linux-headers-rt-amd64" in names(plan_seed(edit, release="debian-13"))


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
        ("ubuntu-26.04", "linux-firmware-intel-misc"),
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


@pytest.mark.parametrize(
    ("release", "there"),
    [
        ("debian-12", {"linux-image-amd64", "librte-net-e1000-23", "systemd-resolved"}),
        ("debian-13", {"linux-image-amd64", "librte-net-e1000-25", "systemd-repart"}),
        ("ubuntu-22.04", {"librte-net-e1000-22", "systemd-repart"}),
        ("ubuntu-24.04", {"linux-image-generic", "librte-net-e1000-24", "systemd-resolved"}),
        ("ubuntu-26.04", {"librte-bus-pci26", "systemd-repart", "linux-firmware-minimal"}),
    ],
)
def test_packages_have_the_names_of_the_release(
    plan_seed: Callable[..., HostPlan], release: str, there: set[str]
) -> None:
    found = names(plan_seed(release=release))
    assert there <= found
    assert found.isdisjoint({"linux-image", "librte-net-e1000", "librte-bus-pci", ""})


def test_packages_an_older_release_has_elsewhere(plan_seed: Callable[..., HostPlan]) -> None:
    assert "systemd-resolved" not in names(plan_seed(release="ubuntu-22.04"))
    assert "systemd-repart" not in names(plan_seed(release="ubuntu-24.04"))


@pytest.mark.parametrize(
    ("device_id", "driver", "libraries"),
    [
        ("8086:1521", "igb", {"librte-net-e1000-25"}),
        ("8086:1563", "ixgbe", {"librte-net-ixgbe25"}),
        ("8086:37d2", "i40e", {"librte-net-i40e25", "librte-net-iavf25"}),
        ("8086:159b", "ice", {"librte-net-ice25", "librte-net-iavf25"}),
        ("15b3:1021", "mlx5_core", {"librte-net-mlx5-25"}),
        ("14e4:1750", "bnxt_en", {"librte-net-bnxt25"}),
        ("1af4:1041", "virtio-pci", {"librte-net-virtio25"}),
        ("dead:beef", "other", set()),
        # Not in the table, but its driver is.
        ("8086:12df", "ice", {"librte-net-ice25", "librte-net-iavf25"}),
        ("15b3:1007", "mlx4_core", {"librte-net-mlx4-25"}),
        ("1414:00ba", "mana", {"librte-net-mana25"}),
        ("1077:8070", "qede", {"librte-net-qede25"}),
        ("8086:125c", "igc", {"librte-net-igc25"}),
        # A VF that a virtual machine was given.
        ("8086:154c", "iavf", {"librte-net-iavf25"}),
        ("15b3:beef", "mlx5_core", {"librte-net-mlx5-25"}),
    ],
)
def test_poll_mode_drivers_of_a_port(
    plan_seed: Callable[..., HostPlan], device_id: str, driver: str, libraries: set[str]
) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["hardware"]["e5-2620v4"]["nics"][1] |= {"id": device_id, "driver": driver}

    # Of the twin's NICs, and of dpdk1, a VF of an 82599.
    always = {"librte-net-e1000-25", "librte-net-ixgbe25"}
    found = {name for name in names(plan_seed(edit)) if name.startswith("librte-net-")}
    assert found == always | libraries


def test_no_irqbalance(plan_seed: Callable[..., HostPlan]) -> None:
    # It would move interrupts back onto isolated CPUs.
    assert "irqbalance" not in names(plan_seed())


@pytest.mark.parametrize(
    ("release", "driver", "package"),
    [
        ("debian-12", "ice", "firmware-misc-nonfree"),
        ("debian-13", "ice", "firmware-intel-misc"),
        ("ubuntu-22.04", "ice", "linux-firmware"),
        ("ubuntu-24.04", "qede", "linux-firmware"),
        ("ubuntu-26.04", "ice", "linux-firmware-intel-misc"),
        ("ubuntu-26.04", "qede", "linux-firmware-qlogic"),
        ("debian-13", "qede", "firmware-qlogic"),
        ("debian-13", "bnx2x", "firmware-bnx2x"),
        ("debian-13", "bnx2", "firmware-bnx2"),
    ],
)
def test_firmware_of_a_nic_whose_driver_alone_is_known(
    plan_seed: Callable[..., HostPlan], release: str, driver: str, package: str
) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["hardware"]["e5-2620v4"]["nics"][0] |= {"id": "dead:beef", "driver": driver}

    assert package in names(plan_seed(edit, release=release))


def test_igc_is_a_part_of_e1000_in_a_newer_dpdk(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["hardware"]["e5-2620v4"]["nics"][1] |= {"id": "8086:125c", "driver": "igc"}

    found = names(plan_seed(edit, release="ubuntu-26.04"))
    assert {name for name in found if "igc" in name} == set()
    assert "librte-net-e1000-26" in found
