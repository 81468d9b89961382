"""Kernel modules: their names, those Open vSwitch needs, and what others are loaded with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from builder.catalog.dpdk_drivers import DPDK_DRIVERS


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


# Module -> what Open vSwitch has of it.
OVS_MODULES = {
    # lib/netdev-linux.c opens /dev/net/tun for a bridge's internal port.
    "tun": "the userspace datapath makes its bridges' own interfaces of it",
    # utilities/ovs-ctl.in: insert_mod_if_required openvswitch.
    "openvswitch": (
        "ovs-ctl refuses to start ovs-vswitchd without it, although the userspace datapath does "
        "not use it"
    ),
}
# kubeadm's prerequisites (kubernetes.io, "Container Runtimes"), and containerd's snapshotter.
KUBERNETES_MODULES = {
    "overlay": "which containerd needs for the file systems of containers",
    "br_netfilter": "which kube-proxy needs to see traffic between pods of one bridge",
}
# modules.dep of Linux 6.12, and what DPDK's mlx5 driver works through (its guide, "Prerequisites").
_LOADED_WITH = {
    "openvswitch": ("nf_conntrack", "nf_nat", "nf_conncount", "nsh", "psample"),
    "mlx5_core": ("mlxfw", "mlx5_ib", "ib_uverbs", "ib_core"),
    "mlx4_core": ("mlx4_en", "mlx4_ib", "ib_uverbs", "ib_core"),
    "ixgbe": ("mdio", "dca"),
    "igb": ("i2c_algo_bit", "dca"),
    "virtio_pci": ("virtio_net",),
}


def with_needs(modules: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Each module as the kernel shows it, with the one it is needed for; None: for itself."""
    loads = {module_name(driver.name): driver.loads for driver in DPDK_DRIVERS.values()}
    loads |= _LOADED_WITH
    for module in modules:
        name = module_name(module)
        yield name, None
        yield from ((need, name) for need in loads.get(name, ()))
