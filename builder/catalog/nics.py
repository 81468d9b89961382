"""NIC models: one row each, with their kernel driver's row and what is a model's own.

Numbers are from the SR-IOV capability each model shows (`lspci -vv`) and from its kernel
driver; of a model not listed here what its driver's row says is known. Offsets of
82576, I350 and ixgbe's are those behind a root port that forwards ARI, as servers have them;
without ARI they are 384, one bus further.
"""

from __future__ import annotations

from dataclasses import replace

from builder.catalog.nic_types import NicType, VfType
from builder.catalog.port_drivers import LONG, PORT_DRIVERS, port_driver

# igb_main.c, igb_ndo_set_vf_bw(): -EOPNOTSUPP when the MAC is not e1000_82576. Queues: DPDK's
# igb_ethdev.c, eth_igb_infos_get() by model, and eth_igbvf_infos_get(), e1000_vfadapt of the
# 82576 and e1000_vfadapt_i350.
_VF_82576 = VfType("8086:10ca", "igbvf", queues=2, settings={"max-tx-rate": LONG})
_VF_I350 = VfType("8086:1520", "igbvf", queues=1)
# ixgbe_sriov.c, ixgbe_set_vf_lpe(); X540 and later have no such limit.
_VF_82599 = VfType("8086:10ed", "ixgbevf", jumbo_needs_pf=True)
_VF_X540 = VfType("8086:1515", "ixgbevf")
_VF_X550 = VfType("8086:1565", "ixgbevf")
_VF_X552 = VfType("8086:15a8", "ixgbevf")
_VF_X553 = VfType("8086:15c5", "ixgbevf")


def _igb(device_id: str, name: str, queues: int) -> NicType:
    """I210 and I211: igb without SR-IOV."""
    return NicType(device_id, name, PORT_DRIVERS["igb"], queues=queues)


def _igb_sriov(device_id: str, name: str, vf: VfType, stride: int, queues: int) -> NicType:
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


def _82576(device_id: str, name: str) -> NicType:
    return _igb_sriov(device_id, name, _VF_82576, stride=2, queues=16)


def _i350(device_id: str, name: str) -> NicType:
    return _igb_sriov(device_id, name, _VF_I350, stride=4, queues=8)


def _ixgbe(device_id: str, name: str, vf: VfType) -> NicType:
    """IXGBE_MAX_VFS_DRV_LIMIT is 63: the hardware's 64 pools less one for the PF."""
    return NicType(
        device_id, name, PORT_DRIVERS["ixgbe"], vf, total_vfs=63, vf_offset=128, vf_stride=2
    )


def _i40e(device_id: str, name: str, total_vfs: int = 64) -> NicType:
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
    )


def _ice(device_id: str, name: str) -> NicType:
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
    )


def _e82x(device_id: str, name: str) -> NicType:
    """E822, E823 and E825, parts of Xeon D and 6, and E830: the VFs of an E810, by the same
    driver. No `lspci -vvv` of one was seen, so that where they lie is taken from the E810.
    """
    return replace(_ice(device_id, name), layout_of="E810")


def _mlx5(device_id: str, name: str, vf_id: str) -> NicType:
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
        vfs_in_card=True,
    )


def _x722(device_id: str, name: str) -> NicType:
    """Part of the C620 chipset: VFs with an id of their own, 32 for each of four ports, be they
    all in use or not: those of 3d:00.0 begin at 3d:02.0, of 3d:00.1 at 3d:06.0.
    """
    nic = _i40e(device_id, name, total_vfs=32)
    return replace(nic, vf=VfType("8086:37cd", "iavf"), vf_pool=0, vf_block=32)


def _bnxt(device_id: str, name: str, vf_id: str, total_vfs: int = 64) -> NicType:
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
        vfs_in_card=True,
    )


def _virtio(device_id: str, name: str) -> NicType:
    return NicType(device_id, name, PORT_DRIVERS["virtio-pci"])


_TYPES = (
    _82576("8086:10c9", "Intel 82576"),
    _82576("8086:10e6", "Intel 82576 (fiber)"),
    _82576("8086:1526", "Intel 82576 (ET2)"),
    _i350("8086:1521", "Intel I350"),
    _i350("8086:1522", "Intel I350 (fiber)"),
    _i350("8086:1523", "Intel I350 (backplane)"),
    _igb("8086:1533", "Intel I210", queues=4),
    _igb("8086:1536", "Intel I210 (fiber)", queues=4),
    _igb("8086:1537", "Intel I210 (backplane)", queues=4),
    _igb("8086:1539", "Intel I211", queues=2),
    _igb("8086:157b", "Intel I210 (flashless)", queues=4),
    _ixgbe("8086:10f7", "Intel 82599 (KX4)", _VF_82599),
    _ixgbe("8086:10f8", "Intel 82599 (backplane)", _VF_82599),
    _ixgbe("8086:10f9", "Intel 82599 (CX4)", _VF_82599),
    _ixgbe("8086:10fb", "Intel 82599ES (SFP+)", _VF_82599),
    _ixgbe("8086:10fc", "Intel 82599 (XAUI)", _VF_82599),
    _ixgbe("8086:1507", "Intel 82599 (SFP+ EM)", _VF_82599),
    _ixgbe("8086:1514", "Intel 82599 (X520, KX4)", _VF_82599),
    _ixgbe("8086:1517", "Intel 82599 (KR)", _VF_82599),
    _ixgbe("8086:151c", "Intel 82599 (10GBASE-T)", _VF_82599),
    _ixgbe("8086:1529", "Intel 82599 (SFP+ FCoE)", _VF_82599),
    _ixgbe("8086:152a", "Intel 82599 (backplane FCoE)", _VF_82599),
    _ixgbe("8086:154a", "Intel 82599 (X520-4, SFP+)", _VF_82599),
    _ixgbe("8086:154d", "Intel 82599 (X520, SFP+)", _VF_82599),
    _ixgbe("8086:1557", "Intel 82599EN (SFP+)", _VF_82599),
    _ixgbe("8086:1558", "Intel 82599 (X520-Q1, QSFP+)", _VF_82599),
    _ixgbe("8086:1528", "Intel X540-AT2", _VF_X540),
    _ixgbe("8086:1560", "Intel X540-AT1", _VF_X540),
    _ixgbe("8086:1563", "Intel X550-T2", _VF_X550),
    _ixgbe("8086:15d1", "Intel X550-T1", _VF_X550),
    _ixgbe("8086:15aa", "Intel X552 (KX4)", _VF_X552),
    _ixgbe("8086:15ab", "Intel X552 (KR)", _VF_X552),
    _ixgbe("8086:15ac", "Intel X552 (SFP+)", _VF_X552),
    _ixgbe("8086:15ad", "Intel X552/X557 (10GBASE-T)", _VF_X552),
    _ixgbe("8086:15ae", "Intel X552 (1GbE)", _VF_X552),
    _ixgbe("8086:15c2", "Intel X553 (KR)", _VF_X553),
    _ixgbe("8086:15c3", "Intel X553 (KR)", _VF_X553),
    _ixgbe("8086:15c4", "Intel X553 (SFP+)", _VF_X553),
    _ixgbe("8086:15c6", "Intel X553 (SGMII)", _VF_X553),
    _ixgbe("8086:15c7", "Intel X553 (SGMII)", _VF_X553),
    _ixgbe("8086:15c8", "Intel X553/X557 (10GBASE-T)", _VF_X553),
    _ixgbe("8086:15ce", "Intel X553 (SFP+)", _VF_X553),
    _ixgbe("8086:15e4", "Intel X553 (1GbE)", _VF_X553),
    _ixgbe("8086:15e5", "Intel X553 (1GbE)", _VF_X553),
    _i40e("8086:1572", "Intel X710 (SFP+)"),
    _i40e("8086:1580", "Intel XL710 (backplane)"),
    _i40e("8086:1581", "Intel X710 (backplane)"),
    _i40e("8086:1583", "Intel XL710 (QSFP+)"),
    _i40e("8086:1584", "Intel XL710-Q1 (QSFP+)", total_vfs=128),
    _i40e("8086:1585", "Intel X710 (QSFP+)"),
    _i40e("8086:1586", "Intel X710 (10GBASE-T)"),
    _i40e("8086:1587", "Intel XL710 (20G backplane)"),
    _i40e("8086:1588", "Intel XL710 (20G backplane)"),
    _i40e("8086:1589", "Intel X710/X557-AT (10GBASE-T)"),
    _i40e("8086:158a", "Intel XXV710 (backplane)"),
    _i40e("8086:158b", "Intel XXV710 (SFP28)"),
    _i40e("8086:15ff", "Intel X710-TL (10GBASE-T)"),
    _i40e("8086:104e", "Intel X710-TL (SFP+)"),
    _i40e("8086:104f", "Intel X710-TL (backplane)"),
    _i40e("8086:101f", "Intel V710-TL (5GBASE-T)"),
    _i40e("8086:0dd2", "Intel I710-TL (1GBASE-T)"),
    _i40e("8086:0cf8", "Intel X710 (FPGA N3000)"),
    _i40e("8086:0d58", "Intel XXV710 (FPGA N3000)"),
    _x722("8086:37ce", "Intel X722 (backplane)"),
    _x722("8086:37cf", "Intel X722 (QSFP+)"),
    _x722("8086:37d0", "Intel X722 (SFP+)"),
    _x722("8086:37d1", "Intel X722 (1GbE)"),
    _x722("8086:37d2", "Intel X722 (10GBASE-T)"),
    _x722("8086:37d3", "Intel X722 (SFP+, I)"),
    _x722("8086:0dda", "Intel X722 (SFP+, A)"),
    _ice("8086:1591", "Intel E810-C (backplane)"),
    _ice("8086:1592", "Intel E810-C (QSFP)"),
    _ice("8086:1593", "Intel E810-C (SFP)"),
    _ice("8086:1599", "Intel E810-XXV (backplane)"),
    _ice("8086:159a", "Intel E810-XXV (QSFP)"),
    _ice("8086:159b", "Intel E810-XXV (SFP)"),
    _e82x("8086:1890", "Intel E822-C (backplane)"),
    _e82x("8086:1891", "Intel E822-C (QSFP)"),
    _e82x("8086:1892", "Intel E822-C (SFP)"),
    _e82x("8086:1893", "Intel E822-C/X557-AT (10GBASE-T)"),
    _e82x("8086:1894", "Intel E822-C (1GbE)"),
    _e82x("8086:1897", "Intel E822-L (backplane)"),
    _e82x("8086:1898", "Intel E822-L (SFP)"),
    _e82x("8086:1899", "Intel E822-L/X557-AT (10GBASE-T)"),
    _e82x("8086:189a", "Intel E822-L (1GbE)"),
    _e82x("8086:188a", "Intel E823-C (backplane)"),
    _e82x("8086:188b", "Intel E823-C (QSFP)"),
    _e82x("8086:188c", "Intel E823-C (SFP)"),
    _e82x("8086:188d", "Intel E823-C/X557-AT (10GBASE-T)"),
    _e82x("8086:188e", "Intel E823-C (1GbE)"),
    _e82x("8086:124c", "Intel E823-L (backplane)"),
    _e82x("8086:124d", "Intel E823-L (SFP)"),
    _e82x("8086:124e", "Intel E823-L/X557-AT (10GBASE-T)"),
    _e82x("8086:124f", "Intel E823-L (1GbE)"),
    _e82x("8086:151d", "Intel E823-L (QSFP)"),
    _e82x("8086:579c", "Intel E825-C (backplane)"),
    _e82x("8086:579d", "Intel E825-C (QSFP)"),
    _e82x("8086:579e", "Intel E825-C (SFP)"),
    _e82x("8086:579f", "Intel E825-C (10GbE)"),
    _e82x("8086:12d1", "Intel E830-CC (backplane)"),
    _e82x("8086:12d2", "Intel E830-CC (QSFP)"),
    _e82x("8086:12d3", "Intel E830-CC (SFP)"),
    _e82x("8086:12d5", "Intel E830-C (backplane)"),
    _e82x("8086:12d8", "Intel E830-C (QSFP)"),
    _e82x("8086:12da", "Intel E830-C (SFP)"),
    _e82x("8086:12dc", "Intel E830-L (backplane)"),
    _e82x("8086:12dd", "Intel E830-L (QSFP)"),
    _e82x("8086:12de", "Intel E830-L (SFP)"),
    _mlx5("15b3:1013", "NVIDIA ConnectX-4", "15b3:1014"),
    _mlx5("15b3:1015", "NVIDIA ConnectX-4 Lx", "15b3:1016"),
    _mlx5("15b3:1017", "NVIDIA ConnectX-5", "15b3:1018"),
    _mlx5("15b3:1019", "NVIDIA ConnectX-5 Ex", "15b3:101a"),
    _mlx5("15b3:101b", "NVIDIA ConnectX-6", "15b3:101c"),
    _mlx5("15b3:101d", "NVIDIA ConnectX-6 Dx", "15b3:101e"),
    _mlx5("15b3:101f", "NVIDIA ConnectX-6 Lx", "15b3:101e"),
    _mlx5("15b3:1021", "NVIDIA ConnectX-7", "15b3:101e"),
    _mlx5("15b3:1023", "NVIDIA ConnectX-8", "15b3:101e"),
    _mlx5("15b3:a2d6", "NVIDIA BlueField-2 (ConnectX-6 Dx)", "15b3:101e"),
    _mlx5("15b3:a2dc", "NVIDIA BlueField-3 (ConnectX-7)", "15b3:101e"),
    _bnxt("14e4:16d6", "Broadcom BCM57412 (SFP+)", "14e4:16dc"),
    _bnxt("14e4:16d7", "Broadcom BCM57414 (SFP28)", "14e4:16dc"),
    _bnxt("14e4:16d8", "Broadcom BCM57416 (10GBASE-T)", "14e4:16dc"),
    _bnxt("14e4:16d9", "Broadcom BCM57417 (10GBASE-T)", "14e4:16dc"),
    _bnxt("14e4:16e2", "Broadcom BCM57417 (SFP28)", "14e4:16dc"),
    _bnxt("14e4:16e3", "Broadcom BCM57416 (SFP+)", "14e4:16dc"),
    _bnxt("14e4:1614", "Broadcom BCM57454", "14e4:1609"),
    _bnxt("14e4:1750", "Broadcom BCM57508", "14e4:1806", total_vfs=128),
    _bnxt("14e4:1751", "Broadcom BCM57504", "14e4:1806", total_vfs=128),
    _bnxt("14e4:1752", "Broadcom BCM57502", "14e4:1806", total_vfs=128),
    _virtio("1af4:1000", "virtio-net (transitional)"),
    _virtio("1af4:1041", "virtio-net"),
)

NIC_TYPES: dict[str, NicType] = {nic.device_id: nic for nic in _TYPES}
VF_TYPES: dict[str, VfType] = {nic.vf.device_id: nic.vf for nic in _TYPES if nic.vf is not None}


def find_nic_type(device_id: str) -> NicType | None:
    """The model behind a `vendor:device` id, or None when it is not in the table."""
    return NIC_TYPES.get(device_id)


def passed_through(device_id: str) -> NicType | None:
    """A VF that a virtual machine has as a port of its own; None: the id is of no VF we know."""
    vf = VF_TYPES.get(device_id)
    if vf is None:
        return None
    return NicType(device_id, f"a VF, {vf.driver}", port_driver(vf.driver), queues=vf.queues)


def unlisted_nic_type(device_id: str, driver: str) -> NicType:
    """The row of a port whose id is not in the table: what is known of its driver's ports."""
    return NicType(device_id, "not in the NIC table", port_driver(driver), is_listed=False)


def described_vf(nic: NicType, vf_id: str | None, driver: str | None) -> VfType | None:
    """VFs of `nic` that someone tells the id or driver of: a model we know keeps its quirks.

    None: the id or the driver is not known.
    """
    known = nic.vf if vf_id is None else VF_TYPES.get(vf_id)
    if known is not None:
        return replace(known, driver=driver or known.driver)
    driver = driver or nic.driver.vf_driver
    return None if vf_id is None or driver is None else VfType(vf_id, driver)
