"""What the NIC models of a family share, beside their kernel driver's row."""

from __future__ import annotations

from dataclasses import replace

from builder.catalog.nic_types import NicType, VfType
from builder.catalog.port_drivers import LONG, PORT_DRIVERS
from builder.catalog.versions import DpdkVersion, Version

# igb_main.c, igb_ndo_set_vf_bw(): -EOPNOTSUPP when the MAC is not e1000_82576. Queues: DPDK's
# igb_ethdev.c, eth_igb_infos_get() by model, and eth_igbvf_infos_get(), e1000_vfadapt of the
# 82576 and e1000_vfadapt_i350.
VF_82576 = VfType("8086:10ca", "igbvf", queues=2, settings={"max-tx-rate": LONG})
VF_I350 = VfType("8086:1520", "igbvf", queues=1)
# ixgbe_sriov.c, ixgbe_set_vf_lpe(); X540 and later have no such limit.
VF_82599 = VfType("8086:10ed", "ixgbevf", jumbo_needs_pf=True)
VF_X540 = VfType("8086:1515", "ixgbevf")
VF_X550 = VfType("8086:1565", "ixgbevf")
VF_X552 = VfType("8086:15a8", "ixgbevf")
VF_X553 = VfType("8086:15c5", "ixgbevf")


# The log of ice_devids.h: E830-CC came first, E830-C and -L with "add additional E830 device ids".
E830_CC, E830_C = Version(6, 7), Version(6, 10)


def igb(device_id: str, name: str, queues: int) -> NicType:
    """I210 and I211: igb without SR-IOV."""
    return NicType(device_id, name, PORT_DRIVERS["igb"], queues=queues)


def igb_sriov(device_id: str, name: str, vf: VfType, stride: int, queues: int) -> NicType:
    """82576 and I350: the hardware has 8 VFs, igb keeps one queue pair for the PF (igb_main.c)."""
    return NicType(
        device_id,
        name,
        PORT_DRIVERS["igb"],
        vf,
        total_vfs=7,
        vf_offset=128,
        vf_stride=stride,
        queues=queues,
    )


def i82576(device_id: str, name: str) -> NicType:
    return igb_sriov(device_id, name, VF_82576, stride=2, queues=16)


def i350(device_id: str, name: str) -> NicType:
    return igb_sriov(device_id, name, VF_I350, stride=4, queues=8)


def ixgbe(device_id: str, name: str, vf: VfType) -> NicType:
    """IXGBE_MAX_VFS_DRV_LIMIT is 63: the hardware's 64 pools less one for the PF."""
    return NicType(
        device_id, name, PORT_DRIVERS["ixgbe"], vf, total_vfs=63, vf_offset=128, vf_stride=2
    )


def i40e(
    device_id: str, name: str, total_vfs: int = 64, card_ports: tuple[int, ...] = ()
) -> NicType:
    """128 VFs a device: 128, 64 or 32 a port.

    drivers/net/ethernet/intel/i40e/i40e_devids.h has the ids.
    """
    return NicType(
        device_id,
        name,
        PORT_DRIVERS["i40e"],
        VfType("8086:154c", "iavf"),
        total_vfs=total_vfs,
        vf_offset=16,
        vf_stride=1,
        vf_pool=128,
        card_ports=card_ports,
    )


def ice(device_id: str, name: str, card_ports: tuple[int, ...] = ()) -> NicType:
    """256 VFs a device.

    drivers/net/ethernet/intel/ice/ice_devids.h has the ids.
    """
    return NicType(
        device_id,
        name,
        PORT_DRIVERS["ice"],
        VfType("8086:1889", "iavf"),
        total_vfs=256,
        vf_offset=8,
        vf_stride=1,
        vf_pool=256,
        card_ports=card_ports,
    )


def e82x(device_id: str, name: str, card_ports: tuple[int, ...] = ()) -> NicType:
    """E822, E823 and E825, parts of Xeon D and 6, and E830: the VFs of an E810, by the same
    driver. No `lspci -vvv` of one was seen, so that where they lie is taken from the E810.
    """
    return replace(ice(device_id, name, card_ports), layout_of="E810")


def e825(device_id: str, name: str) -> NicType:
    """The log of ice_devids.h, "ice: introduce new E825C devices family"."""
    return replace(e82x(device_id, name), kernel_since=Version(6, 9))


def e830(
    device_id: str, name: str, card_ports: tuple[int, ...] = (), since: Version = E830_C
) -> NicType:
    """DPDK's release notes of 24.07: "Added support for E830 device family"."""
    nic = e82x(device_id, name, card_ports)
    return replace(nic, kernel_since=since, dpdk_since=DpdkVersion(24, 7))


def mlx5(device_id: str, name: str, vf_id: str) -> NicType:
    """127 VFs a port at most; how many there are, and so where the second port's begin, is set
    in the card (mlxconfig NUM_OF_VFS). The layout here is that of the default, 8 a port; a card
    with one port has "VF offset: 1", with two 2.
    """
    return NicType(
        device_id,
        name,
        PORT_DRIVERS["mlx5_core"],
        VfType(vf_id, "mlx5_core"),
        total_vfs=127,
        vf_stride=1,
        vf_block=8,
        card_ports=(1, 2),
        vfs_in_card=True,
    )


def x722(device_id: str, name: str) -> NicType:
    """Part of the C620 chipset: VFs with an id of their own, mostly 32 for each of four ports, be
    they all in use or not: those of 3d:00.0 begin at 3d:02.0, of 3d:00.1 at 3d:06.0. Boards with
    two ports were also seen with 64 for each: it is the board's setting.
    """
    nic = i40e(device_id, name, total_vfs=128)
    vf = VfType("8086:37cd", "iavf")
    return replace(nic, vf=vf, vf_pool=0, vf_block=32, vfs_in_card=True)


def bnxt(
    device_id: str,
    name: str,
    vf_id: str,
    total_vfs: int = 64,
    card_ports: tuple[int, ...] = (1, 2),
) -> NicType:
    """How many VFs a port has, and so where the next port's begin, is set in the card (NVM);
    the layout here is that of two ports with half each. bnxt.c, bnxt_pci_tbl has the ids.
    """
    return NicType(
        device_id,
        name,
        PORT_DRIVERS["bnxt_en"],
        VfType(vf_id, "bnxt_en"),
        total_vfs=total_vfs,
        vf_offset=16,
        vf_stride=1,
        vf_pool=2 * total_vfs,
        card_ports=card_ports,
        vfs_in_card=True,
    )


def virtio(device_id: str, name: str) -> NicType:
    return NicType(device_id, name, PORT_DRIVERS["virtio-pci"])
