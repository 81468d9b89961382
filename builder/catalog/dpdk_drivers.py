"""Drivers that give a port or a VF to DPDK in userspace: one row each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DpdkDriver:
    """A driver DPDK works through (Linux drivers guide).

    reason: why a port is bound to it, for plans. secure_boot: why it does not work with Secure
    Boot; None: it does. makes_vfs: whether sriov_numvfs of a port on it makes VFs. needs_intx:
    whether a device must have a legacy interrupt. loads: modules that are loaded with
    it. dkms_package: the package with its source,
    where no kernel has it.
    """

    name: str
    reason: str
    secure_boot: str | None = None
    makes_vfs: bool = True
    needs_intx: bool = False
    loads: tuple[str, ...] = ()
    dkms_package: str | None = None

    @property
    def is_signed(self) -> bool:
        """Whether it is signed as the kernel is."""
        return self.dkms_package is None


_ALL = (
    # vfio_iommu_type1 is asked for by vfio's init function (drivers/vfio/container.c).
    DpdkDriver(
        "vfio-pci",
        "vfio-pci is in-tree, signed, and keeps the port's DMA behind the IOMMU",
        loads=("vfio", "vfio_pci_core", "vfio_iommu_type1", "irqbypass"),
    ),
    DpdkDriver(
        "igb_uio",
        "igb_uio as the inventory asks: out-of-tree, unsigned, without the IOMMU",
        secure_boot="it is not signed, so the kernel does not load it",
        loads=("uio",),
        dkms_package="dpdk-kmods-dkms",
    ),
    # DPDK, FAQ: with UEFI Secure Boot the kernel may disallow the use of UIO. uio_pci_generic.c
    # has no sriov_configure, so that sriov_numvfs is ENOENT (pci/iov.c); probe(): "No IRQ
    # assigned to device: no support for interrupts?".
    DpdkDriver(
        "uio_pci_generic",
        "uio_pci_generic as the inventory asks: in-tree, without the IOMMU",
        secure_boot="the kernel's lockdown refuses UIO",
        makes_vfs=False,
        needs_intx=True,
        loads=("uio",),
    ),
)

DPDK_DRIVERS: dict[str, DpdkDriver] = {driver.name: driver for driver in _ALL}
