"""The releases an image can be made of, with the versions that decide what is rendered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class OsRelease:
    """A release we can build. Versions are of the packages it ships (major, minor)."""

    id: str
    family: Literal["debian", "ubuntu"]
    suite: str
    version: str
    kernel: tuple[int, int]
    ovs: tuple[int, int]
    dpdk: tuple[int, int]
    # Suffix of DPDK's library packages: librte-net-ixgbe25.
    dpdk_abi: str
    systemd: int
    # CONFIG_VFIO_PCI=y: options come by the kernel command line, modprobe.d has no effect.
    vfio_built_in: bool = False
    # Archive components the image's packages come from.
    components: tuple[str, ...] = ("main",)


# Versions as each release's archive has them (packages linux-image-*, openvswitch-switch,
# dpdk, systemd). Debian's kernels have CONFIG_VFIO_PCI=m; Ubuntu's had it =y at least up to
# 5.4, and options on the command line reach a module as well (modprobe reads /proc/cmdline),
# so that the built-in form is right for Ubuntu either way.
_ALL = (
    OsRelease(
        id="debian-12",
        family="debian",
        suite="bookworm",
        version="12",
        kernel=(6, 1),
        ovs=(3, 1),
        dpdk=(22, 11),
        dpdk_abi="23",
        systemd=252,
        components=("main", "non-free-firmware"),
    ),
    OsRelease(
        id="debian-13",
        family="debian",
        suite="trixie",
        version="13",
        kernel=(6, 12),
        ovs=(3, 5),
        dpdk=(24, 11),
        dpdk_abi="25",
        systemd=257,
        components=("main", "non-free-firmware"),
    ),
    OsRelease(
        id="ubuntu-22.04",
        family="ubuntu",
        suite="jammy",
        version="22.04",
        kernel=(5, 15),
        ovs=(2, 17),
        dpdk=(21, 11),
        dpdk_abi="22",
        systemd=249,
        vfio_built_in=True,
        components=("main", "universe"),
    ),
    OsRelease(
        id="ubuntu-24.04",
        family="ubuntu",
        suite="noble",
        version="24.04",
        kernel=(6, 8),
        ovs=(3, 3),
        dpdk=(23, 11),
        dpdk_abi="24",
        systemd=255,
        vfio_built_in=True,
        components=("main", "universe"),
    ),
    OsRelease(
        id="ubuntu-26.04",
        family="ubuntu",
        suite="resolute",
        version="26.04",
        kernel=(7, 0),
        ovs=(3, 7),
        dpdk=(25, 11),
        dpdk_abi="26",
        systemd=259,
        vfio_built_in=True,
        components=("main", "universe"),
    ),
)

RELEASES: dict[str, OsRelease] = {release.id: release for release in _ALL}
