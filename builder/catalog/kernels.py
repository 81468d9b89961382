"""The kernels a release's archive has: one row each, with what differs between them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from builder.catalog.versions import Version

# As `image.kernel` names them.
KernelFlavour = Literal["generic", "hwe", "lowlatency", "realtime", "cloud"]

# /boot/vmlinuz-6.12.117+deb13-rt-amd64: words after the version, none of which begins with a digit.
_FLAVOUR = re.compile(r"-([a-z][a-z0-9]*(?:-[a-z][a-z0-9]*)*)$")


@dataclass(frozen=True, slots=True)
class Kernel:
    """One kernel.

    package: what follows linux-image- and linux-headers- in the names of its packages. uname: the
    end of `uname -r`. vfio_built_in: CONFIG_VFIO_PCI=y, so that options come by the kernel command
    line and modprobe.d has no effect. no_hz_full: CONFIG_NO_HZ_FULL. real_time: CONFIG_PREEMPT_RT.
    drivers: the only kernel drivers of ports it has; (): all. no_iommu: CPU vendors whose IOMMU it
    has no driver for.
    """

    flavour: KernelFlavour
    version: Version
    package: str
    uname: str
    vfio_built_in: bool = False
    no_hz_full: bool = True
    real_time: bool = False
    drivers: tuple[str, ...] = ()
    no_iommu: tuple[str, ...] = ()


def uname_flavour(release: str) -> str | None:
    """`6.12.117+deb13-rt-amd64` -> `rt-amd64`; None of a name without one."""
    found = _FLAVOUR.search(release)
    return found[1] if found else None


def debian_kernels(version: Version) -> tuple[Kernel, ...]:
    """Debian's, all of one version; the usual one first.

    /boot/config-* of linux-image-6.1.0-50 and 6.12.117+deb13: CONFIG_VFIO_PCI=m, NO_HZ_FULL=y
    and HZ=250 in all three. cloud: of CONFIG_ETHERNET only what virtual machines get, AMD_IOMMU
    not set.
    """
    return (
        Kernel("generic", version, "amd64", "amd64"),
        Kernel("realtime", version, "rt-amd64", "rt-amd64", real_time=True),
        Kernel(
            "cloud",
            version,
            "cloud-amd64",
            "cloud-amd64",
            drivers=_CLOUD_DRIVERS,
            no_iommu=("amd",),
        ),
    )


# lib/modules/*/kernel/drivers/net of linux-image-6.1.0-50-cloud-amd64, and virtio's bus.
_CLOUD_DRIVERS = (
    "ena",
    "gve",
    "hv_netvsc",
    "ixgbevf",
    "mana",
    "mlx4_core",
    "mlx4_en",
    "mlx5_core",
    "virtio-pci",
    "virtio_net",
    "vmxnet3",
)

# Kernel arguments and sysctls of what PREEMPT_RT excludes -> what that is. TRANSPARENT_HUGEPAGE
# (mm/Kconfig) and NUMA_BALANCING (init/Kconfig) depend on !PREEMPT_RT.
NOT_IN_REAL_TIME = {
    "transparent_hugepage": "transparent hugepages",
    "numa_balancing": "automatic NUMA balancing",
    "kernel.numa_balancing": "automatic NUMA balancing",
    "kernel.numa_balancing_promote_rate_limit_MBps": "automatic NUMA balancing",
}
