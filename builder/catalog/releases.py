"""The releases an image can be made of: one row each, with all that differs by release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from builder.catalog.kernels import Kernel, KernelFlavour, debian_kernels
from builder.catalog.versions import DpdkVersion, Version

Family = Literal["debian", "ubuntu"]
SystemdPart = Literal["systemd-resolved", "systemd-repart"]


@dataclass(frozen=True, slots=True)
class Archive:
    """What is the same of all releases of a family.

    security: what follows the archive's URI in that of its security updates, as mirrors have it.
    keyring: file of its keys. keyring_package: what has them, by the name both families know.
    no_kernel: why the archive has no kernel of a flavour that people ask for.
    """

    security: str
    keyring: str
    keyring_package: str
    no_kernel: Mapping[KernelFlavour, str] = field(default_factory=dict)


ARCHIVES: dict[Family, Archive] = {
    # Debian's security archive is another one; mirrors keep it beside the first.
    "debian": Archive(
        "-security", "/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring"
    ),
    # Debian's ubuntu-archive-keyring is an empty package that depends on this one.
    "ubuntu": Archive(
        "",
        "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
        "ubuntu-keyring",
        {"realtime": "it comes with Ubuntu Pro, whose archive asks for a token"},
    ),
}


@dataclass(frozen=True, slots=True)
class PackageNames:
    """Where a release's packages differ from those of its family.

    systemd_parts: what of systemd is a package of its own. renamed: a package of the catalog ->
    the one that has its files. no_firmware: what the kernel takes instead of all firmware, on a
    machine that needs none. usr_links: directories of / that no package makes links into /usr.
    """

    systemd_parts: tuple[SystemdPart, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    no_firmware: str | None = None
    usr_links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OsRelease:
    """A release we can build. Versions are of the packages it ships (major, minor).

    kernels: those of its archive; the first is the one an image has.
    """

    JSON: ClassVar = (
        "id", "family", "suite", "version", "kernel", "kernel_flavour", "ovs", "dpdk", "dpdk_abi",
        "systemd", "vfio_built_in", "components",
    )  # fmt: skip

    id: str
    family: Family
    suite: str
    version: str
    kernels: tuple[Kernel, ...]
    ovs: Version
    dpdk: DpdkVersion
    # Suffix of DPDK's library packages: librte-net-ixgbe25.
    dpdk_abi: str
    systemd: int
    netplan: Version
    # Archive components the image's packages come from.
    components: tuple[str, ...] = ("main",)
    names: PackageNames = PackageNames()
    # Whether its GRUB reads ext4 with the feature metadata_csum_seed (2.12, and Debian's 2.06-8).
    csum_seed: bool = True

    @property
    def archive(self) -> Archive:
        """The row of its family."""
        return ARCHIVES[self.family]

    @property
    def kernel(self) -> Version:
        """Version of the kernel of an image."""
        return self.kernels[0].version

    @property
    def kernel_flavour(self) -> KernelFlavour:
        """Flavour of the kernel of an image."""
        return self.kernels[0].flavour

    @property
    def vfio_built_in(self) -> bool:
        """Whether vfio-pci is part of the kernel of an image."""
        return self.kernels[0].vfio_built_in

    def with_kernel(self, flavour: KernelFlavour | None) -> OsRelease:
        """The release with that kernel; as it is where it has none, or for None."""
        chosen = tuple(kernel for kernel in self.kernels if kernel.flavour == flavour)
        others = tuple(kernel for kernel in self.kernels if kernel.flavour != flavour)
        return replace(self, kernels=(*chosen, *others)) if chosen else self

    @property
    def suites(self) -> Mapping[str, Literal["archive", "security"]]:
        """Where packages and their updates come from, and which archive has each suite."""
        return {
            self.suite: "archive",
            f"{self.suite}-updates": "archive",
            f"{self.suite}-security": "security",
        }

    def dpdk_library(self, stem: str) -> str:
        """`librte-net-ixgbe` -> `librte-net-ixgbe25`.

        Debian policy 8.1 puts a hyphen between two digits: `librte-net-e1000-25`.
        """
        stem = self.package(stem)
        return f"{stem}{'-' if stem[-1].isdigit() else ''}{self.dpdk_abi}"

    def package(self, name: str) -> str:
        """The package of this release with what `name` has elsewhere in its family."""
        return self.names.renamed.get(name, name)


# Ubuntu 26.04 splits linux-firmware up; before that it is one package. Its kernel depends on all
# parts, or on linux-firmware-minimal, which has none.
_ONE_FIRMWARE = {
    f"linux-firmware-{part}": "linux-firmware"
    for part in ("intel-misc", "misc", "netronome", "qlogic", "realtek")
}
# Versions as each release's archive has them (packages linux-image-*, openvswitch-switch,
# dpdk, systemd, netplan.io). Debian's kernels have CONFIG_VFIO_PCI=m, Ubuntu's =y up to 5.15 and =m since (its
# bug 1636733); CONFIG_NO_HZ_FULL=y came to Ubuntu's generic kernel with 6.8 (its bug 2051342).
# systemd-resolved is a package since Debian 12 and Ubuntu 24.04. systemd-repart is one of Debian
# 13 and later, of Ubuntu 22.04 and 26.04, while 24.04 has it in systemd itself. Files of
# intel/ice/ddp: firmware-intel-misc was split off firmware-misc-nonfree in Debian 13. igc is a
# part of DPDK's e1000 since 25.03.
_ALL = (
    OsRelease(
        id="debian-12",
        family="debian",
        suite="bookworm",
        version="12",
        kernels=debian_kernels(Version(6, 1)),
        ovs=Version(3, 1),
        dpdk=DpdkVersion(22, 11),
        dpdk_abi="23",
        systemd=252,
        netplan=Version(0, 106),
        components=("main", "non-free-firmware"),
        names=PackageNames(("systemd-resolved",), {"firmware-intel-misc": "firmware-misc-nonfree"}),
    ),
    OsRelease(
        id="debian-13",
        family="debian",
        suite="trixie",
        version="13",
        kernels=debian_kernels(Version(6, 12)),
        ovs=Version(3, 5),
        dpdk=DpdkVersion(24, 11),
        dpdk_abi="25",
        systemd=257,
        netplan=Version(1, 1),
        components=("main", "non-free-firmware"),
        names=PackageNames(("systemd-resolved", "systemd-repart")),
    ),
    OsRelease(
        id="ubuntu-22.04",
        family="ubuntu",
        suite="jammy",
        version="22.04",
        kernels=(
            # Of 24.04's line, and with its configuration. The release's own has no NO_HZ_FULL.
            Kernel("hwe", Version(6, 8), "generic-hwe-22.04", "generic"),
            Kernel(
                "generic",
                Version(5, 15),
                "generic",
                "generic",
                vfio_built_in=True,
                no_hz_full=False,
            ),
            Kernel(
                "lowlatency",
                Version(5, 15),
                "lowlatency",
                "lowlatency",
                vfio_built_in=True,
                no_hz_full=False,
            ),
        ),
        ovs=Version(2, 17),
        dpdk=DpdkVersion(21, 11),
        dpdk_abi="22",
        systemd=249,
        netplan=Version(0, 104),
        csum_seed=False,
        components=("main", "universe"),
        names=PackageNames(
            ("systemd-repart",),
            _ONE_FIRMWARE,
            # Its base-files has them as directories; debootstrap merges them by itself.
            usr_links=("bin", "lib", "lib32", "lib64", "libx32", "sbin"),
        ),
    ),
    OsRelease(
        id="ubuntu-24.04",
        family="ubuntu",
        suite="noble",
        version="24.04",
        kernels=(
            Kernel("generic", Version(6, 8), "generic", "generic"),
            Kernel("hwe", Version(6, 17), "generic-hwe-24.04", "generic"),
            Kernel("lowlatency", Version(6, 8), "lowlatency", "lowlatency"),
        ),
        ovs=Version(3, 3),
        dpdk=DpdkVersion(23, 11),
        dpdk_abi="24",
        systemd=255,
        netplan=Version(1, 1),
        components=("main", "universe"),
        names=PackageNames(("systemd-resolved",), _ONE_FIRMWARE),
    ),
    OsRelease(
        id="ubuntu-26.04",
        family="ubuntu",
        suite="resolute",
        version="26.04",
        kernels=(
            Kernel("generic", Version(7, 0), "generic", "generic"),
            Kernel("hwe", Version(7, 0), "generic-hwe-26.04", "generic"),
        ),
        ovs=Version(3, 7),
        dpdk=DpdkVersion(25, 11),
        dpdk_abi="26",
        systemd=259,
        netplan=Version(1, 2),
        components=("main", "universe"),
        names=PackageNames(
            ("systemd-resolved", "systemd-repart"),
            {"librte-net-igc": "librte-net-e1000"},
            no_firmware="linux-firmware-minimal",
        ),
    ),
)

RELEASES: dict[str, OsRelease] = {release.id: release for release in _ALL}
# What an inventory names that is written for a machine, whatever runs there now.
USUAL_RELEASE = "debian-13"
