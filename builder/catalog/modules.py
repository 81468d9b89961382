"""Names of kernel modules."""

from __future__ import annotations


def module_name(name: str) -> str:
    """As the kernel shows it: `-` and `_` are one in it (kmod, libkmod-util.c, modname_normalize())."""
    return name.replace("-", "_")


# What a kernel with VFIO built in has of it (drivers/vfio/Kconfig: VFIO, VFIO_PCI and
# VFIO_IOMMU_TYPE1 are =y together). Their options come by the kernel command line there:
# modprobe, which reads modprobe.d, has nothing to load.
VFIO_MODULES = frozenset({"vfio", "vfio_iommu_type1", "vfio_pci", "vfio_pci_core"})


def is_vfio(name: str) -> bool:
    """Whether it is one of VFIO's modules, however it is spelled."""
    return module_name(name) in VFIO_MODULES
