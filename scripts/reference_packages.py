"""The page on Ubuntu: what is proven of its images, and where each package's name is from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from builder.catalog.releases import RELEASES, OsRelease
from builder.plan.packages import possible_packages

# DPDK's drivers a security notice lists for 21.11 and 23.11, by their stems.
_DPDK_NOTICE = ("e1000", "mlx5", "ixgbe", "i40e", "iavf", "ice", "bnxt", "virtio")
_FIRMWARE = ("intel-misc", "misc", "minimal", "netronome", "qlogic", "realtek")
# Names that stand on a package page of Ubuntu's, in a package's dependencies there, in a security
# notice, or in published scripts that install them; looked up in stored copies, November 2026.
SEEN: Mapping[str, frozenset[str]] = {
    "ubuntu-22.04": frozenset(
        {
            "linux-image-generic-hwe-22.04",
            "linux-headers-generic-hwe-22.04",
            "systemd-repart",
            "openvswitch-switch-dpdk",
            "grub-efi-amd64-signed",
            *(RELEASES["ubuntu-22.04"].dpdk_library(f"librte-net-{name}") for name in _DPDK_NOTICE),
        }
    ),
    "ubuntu-24.04": frozenset(
        {
            "linux-image-generic",
            "linux-image-generic-hwe-24.04",
            "linux-firmware",
            "intel-microcode",
            "amd64-microcode",
            "systemd-resolved",
            "openvswitch-switch-dpdk",
            "netplan.io",
            "cloud-init",
            "dpdk-kmods-dkms",
            "grub-efi-amd64-signed",
            *(RELEASES["ubuntu-24.04"].dpdk_library(f"librte-net-{name}") for name in _DPDK_NOTICE),
        }
    ),
    "ubuntu-26.04": frozenset(
        {
            "linux-image-generic",
            "linux-image-generic-hwe-26.04",
            *(f"linux-firmware-{part}" for part in _FIRMWARE),
            "intel-microcode",
            "amd64-microcode",
            "systemd-repart",
            "systemd-resolved",
            "openvswitch-switch",
            "openvswitch-switch-dpdk",
            "netplan.io",
            "dpdk-kmods-dkms",
            "librte-bus-pci26",
            "librte-bus-vdev26",
            "librte-mempool-ring26",
            "librte-net-ixgbe26",
        }
    ),
}
# tests/integration/test_package_names.py asks apt for all their names.
_DEBIAN = ("debian-12", "debian-13")
_PROSE = """\
Images of Ubuntu 22.04, 24.04 and 26.04 are made by the same code as Debian's. That code is tested
without Ubuntu's own archive, so this page says what the tests prove and what they do not.

## What is proven

`tests/boot/test_ubuntu_rehearsal.py` makes an archive that is laid out and named as Ubuntu's 24.04:
its suites (`noble`, `noble-updates`, `noble-security`), `main` and `universe`, signed by a key of
its own. The packages in it are Debian 13's. Those that Ubuntu has otherwise are packed anew:
os-release, the enabled `ssh.socket`, the alternatives of `shim-signed`, the dependencies of the
signed GRUB, systemd-repart inside systemd, the sources of cloud-init. `rackwright image` then builds
from it with `image.mirror`, and `rackwright verify` boots the image by BIOS. All checks pass but
those that name the stand-ins' versions: the flavour of the kernel, and the versions of Open vSwitch
and DPDK. This proves:

- the suites, components and the key that packages are taken from, and the names in a plan, as apt
  resolves them together;
- the node's own package sources and units, and that systemd drops no job to break a cycle;
- the layout of the disk, and everything `verify` checks, on a system that calls itself Ubuntu.

Other tests prove parts of the other releases: `/usr` merged where no package does it (22.04), the
environment of the build where sudo does not keep it (26.04 as the build host), and the order of a
boot with `ssh.socket`.

## What is not proven

- That a package of that name is in Ubuntu's archive: see the list below.
- Ubuntu's maintainer scripts, its kernels (their configuration was read in their source), and its
  versions of systemd (249, 255, 259), netplan (1.2) and cloud-init.
- Booting by UEFI and with Secure Boot: Ubuntu's signed GRUB looks for its configuration in
  `EFI/ubuntu`, Debian's does not.
- dracut, which 26.04 has instead of initramfs-tools unless asked: the plan asks for
  initramfs-tools.

## Names of packages

Every name that a plan can have, apart from those in an inventory. **seen**: on a package page of
Ubuntu's, in a dependency there, in a security notice, or in published scripts that install it.
**Debian's**: the name that Debian 12 and 13 have, whose packages Ubuntu takes over; not looked up. **not confirmed**: it follows from a rule,
such as DPDK's version at the end of a library's name, and nobody has looked it up. `rackwright
image` asks apt for all names before it builds anything, and says which the archive does not have.
"""


def packages_page(made: str) -> str:
    """docs/reference/ubuntu.md; made: the line that says how it was."""
    lines = ["# Ubuntu", "", made, "", _PROSE.rstrip()]
    for release in RELEASES.values():
        if release.family == "ubuntu":
            lines += ["", f"### {release.id}", "", *_rows(release)]
    return "\n".join(lines) + "\n"


def _rows(release: OsRelease) -> Iterator[str]:
    names = possible_packages(release)
    seen = SEEN[release.id]
    same = frozenset.intersection(*(possible_packages(RELEASES[name]) for name in _DEBIAN)) - seen
    yield "| | packages |"
    yield "|---|---|"
    yield _row("seen", names & seen)
    yield _row("Debian's", names & same)
    yield _row("not confirmed", names - seen - same)


def _row(heading: str, names: frozenset[str]) -> str:
    return f"| {heading} | {', '.join(f'`{name}`' for name in sorted(names))} |"
