"""Drivers of whose ports only this is known: what DPDK, and which firmware, there is for them."""

from __future__ import annotations

from builder.catalog.driver_types import PortDriver
from builder.catalog.versions import DpdkVersion


def _dpdk(name: str, stem: str, vf_driver: str | None = None) -> PortDriver:
    """stem: of the package with DPDK's driver, behind `librte-net-`."""
    return PortDriver(name, pmd_packages=(f"librte-net-{stem}",), vf_driver=vf_driver)


# DPDK's drivers/net and the packages Debian makes of it; the devices are those of each driver's
# pci_device_id and rte_pci_id tables.
_WITH_DPDK = (
    _dpdk("amd-xgbe", "axgbe"),
    _dpdk("atlantic", "atlantic"),
    _dpdk("cxgb4", "cxgbe", "cxgb4vf"),
    _dpdk("cxgb4vf", "cxgbe"),
    _dpdk("e1000", "e1000"),
    _dpdk("e1000e", "e1000"),
    _dpdk("ena", "ena"),
    _dpdk("enic", "enic", "enic"),
    _dpdk("fm10k", "fm10k", "fm10k"),
    _dpdk("hinic", "hinic", "hinic"),
    _dpdk("hns3", "hns3"),
    _dpdk("iavf", "iavf"),
    _dpdk("igbvf", "e1000"),
    _dpdk("igc", "igc"),
    _dpdk("ionic", "ionic", "ionic"),
    _dpdk("ixgbevf", "ixgbe"),
    _dpdk("ngbe", "ngbe"),
    _dpdk("sfc", "sfc", "sfc"),
    _dpdk("txgbe", "txgbe"),
    _dpdk("vmxnet3", "vmxnet3"),
    PortDriver("gve", pmd_packages=("librte-net-gve",), dpdk_since=DpdkVersion(22, 11)),
    PortDriver("idpf", pmd_packages=("librte-net-idpf",), dpdk_since=DpdkVersion(22, 11)),
    # DPDK, mlx4 and mana guides: like mlx5's, their ports stay with the kernel driver. mana is in
    # DPDK since 22.11, but Debian 12 does not package it.
    PortDriver(
        "mlx4_core",
        bifurcated=True,
        pmd_packages=("librte-net-mlx4",),
        vf_driver="mlx4_core",
        set_in_card="mlxconfig -d {pci} set SRIOV_EN=1 NUM_OF_VFS={num_vfs}",
    ),
    PortDriver(
        "mana",
        bifurcated=True,
        pmd_packages=("librte-net-mana",),
        dpdk_since=DpdkVersion(23, 11),
    ),
    # bnx2x_sriov_configure(): "VF num configuration via sysfs not supported while PF is down".
    PortDriver(
        "bnx2x",
        pmd_packages=("librte-net-bnx2x",),
        firmware={"debian": ("firmware-bnx2x",), "ubuntu": ("linux-firmware-misc",)},
        vf_driver="bnx2x",
        needs_pf_up=True,
    ),
    PortDriver(
        "nfp",
        pmd_packages=("librte-net-nfp",),
        firmware={"debian": ("firmware-netronome",), "ubuntu": ("linux-firmware-netronome",)},
    ),
    PortDriver(
        "qede",
        pmd_packages=("librte-net-qede",),
        firmware={"debian": ("firmware-qlogic",), "ubuntu": ("linux-firmware-qlogic",)},
        vf_driver="qede",
    ),
    PortDriver(
        "r8169",
        pmd_packages=("librte-net-r8169",),
        dpdk_since=DpdkVersion(24, 11),
        firmware={"debian": ("firmware-realtek",), "ubuntu": ("linux-firmware-realtek",)},
    ),
    PortDriver(
        "bnx2",
        dpdk_since=None,
        firmware={"debian": ("firmware-bnx2",), "ubuntu": ("linux-firmware-misc",)},
    ),
)
# drivers/net/ethernet of the kernel, less what DPDK's drivers/net has.
_WITHOUT_DPDK = (
    *("3c59x", "8139cp", "8139too", "alx", "atl1", "atl1c", "atl1e", "atl2", "b44", "be2net"),
    *("bna", "cassini", "cxgb", "cxgb3", "dl2k", "e100", "et131x", "forcedeth", "intel-eth-pci"),
    *("ixgb", "jme", "lan743x", "myri10ge", "natsemi", "ne2k-pci", "netxen_nic", "niu", "pcnet32"),
    *("qlcnic", "qlge", "s2io", "sfc-falcon", "sfc-siena", "sis190", "sis900", "skge", "sky2"),
    *("starfire", "sundance", "sungem", "tehuti", "tg3", "tn40xx", "tulip", "typhoon"),
    *("via-rhine", "via-velocity", "vxge"),
)
OTHER_DRIVERS = (*_WITH_DPDK, *(PortDriver(name, dpdk_since=None) for name in _WITHOUT_DPDK))

# What ethtool, lsmod or DPDK call a driver -> the module of what its PCI device is bound to.
PCI_NAMES = {
    "bnxt": "bnxt_en",
    "bnxt_re": "bnxt_en",
    "cxgbe": "cxgb4",
    "i40evf": "iavf",
    "mana_ib": "mana",
    "mlx4": "mlx4_core",
    "mlx4_en": "mlx4_core",
    "mlx4_ib": "mlx4_core",
    "mlx5": "mlx5_core",
    "mlx5_en": "mlx5_core",
    "mlx5_ib": "mlx5_core",
    "qed": "qede",
    "virtio_net": "virtio_pci",
}
