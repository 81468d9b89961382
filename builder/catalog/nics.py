"""What is known of each NIC model: its drivers, its virtual functions, its DPDK packages.

Numbers are from the SR-IOV capability each model shows (`lspci -vv`) and from its kernel
driver; a model not listed here still works for everything but SR-IOV and DPDK. Offsets of
82576, I350 and ixgbe's are those behind a root port that forwards ARI, as servers have them;
without ARI they are 384, one bus further.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from builder.catalog.releases import Family

DpdkBinding = Literal["userspace", "bifurcated"]


@dataclass(frozen=True, slots=True)
class NicType:
    """One PCI vendor:device and what follows from it.

    total_vfs: most VFs one port can have; 0: the model has no SR-IOV.
    vf_offset, vf_stride: the SR-IOV capability's "VF offset" and "VF stride" of function 0;
    offset 0: behind the last port, however many there are.
    vf_pool: VFs of the whole device, shared out evenly over its ports, one block after the
    other. vf_block: the same, with as many for each port. Both 0: the offset is the same for
    every port, so that the ports' VFs interleave.
    vfs_in_card: how many VFs there are is a setting of the card; pool or block is its default.
    dpdk: bifurcated = DPDK works through the kernel driver, the port is never unbound.
    pmd_packages: packages with DPDK's driver for the port and its VFs, without ABI suffix.
    firmware: packages with firmware the kernel driver asks for, by family of the release.
    is_listed: False for a port whose id is not in the table.
    """

    device_id: str
    name: str
    kernel_driver: str
    vf_id: str | None = None
    vf_driver: str | None = None
    total_vfs: int = 0
    vf_offset: int = 0
    vf_stride: int = 0
    vf_pool: int = 0
    vf_block: int = 0
    vfs_in_card: bool = False
    dpdk: DpdkBinding = "userspace"
    pmd_packages: tuple[str, ...] = ()
    firmware: Mapping[Family, tuple[str, ...]] = field(default_factory=dict)
    is_listed: bool = True

    @property
    def has_blocks(self) -> bool:
        """Whether the VFs of a port lie in one block, not between those of the others."""
        return self.vf_pool > 0 or self.vf_block > 0

    def block(self, ports: int) -> int:
        """VFs a port of a card with `ports` ports has room for, as the card is delivered."""
        return self.vf_block or (self.vf_pool // ports if self.vf_pool else self.total_vfs)

    def most_vfs(self, ports: int) -> int:
        """Most VFs of one port of a card with `ports` ports."""
        return self.total_vfs if self.vfs_in_card else min(self.total_vfs, self.block(ports))

    def first_vf_offset(self, function: int, ports: int, wanted: int = 0) -> int:
        """Distance of VF 0 from the port that is `function` of a card with `ports` ports.

        wanted: most VFs of any of its ports, for which the card is set when it has fewer.
        """
        if not self.has_blocks:
            return self.vf_offset
        block = self.block(ports)
        if self.vfs_in_card and self.vf_block:
            block = max(block, wanted)
        return (self.vf_offset or ports) + function * (block - 1)


def _igb(device_id: str, name: str) -> NicType:
    """I210 and I211: igb without SR-IOV."""
    return NicType(device_id, name, "igb", pmd_packages=("librte-net-e1000",))


def _igb_sriov(device_id: str, name: str, vf_id: str, stride: int) -> NicType:
    """82576 and I350: the hardware has 8 VFs, igb keeps one queue pair for the PF (igb_main.c)."""
    return NicType(
        device_id,
        name,
        "igb",
        vf_id,
        "igbvf",
        total_vfs=7,
        vf_offset=128,
        vf_stride=stride,
        pmd_packages=("librte-net-e1000",),
    )


def _ixgbe(device_id: str, name: str, vf_id: str) -> NicType:
    """IXGBE_MAX_VFS_DRV_LIMIT is 63: the hardware's 64 pools less one for the PF."""
    return NicType(
        device_id,
        name,
        "ixgbe",
        vf_id,
        "ixgbevf",
        total_vfs=63,
        vf_offset=128,
        vf_stride=2,
        pmd_packages=("librte-net-ixgbe",),
    )


def _i40e(device_id: str, name: str, total_vfs: int = 64) -> NicType:
    """128 VFs a device: 128, 64 or 32 a port. Since DPDK 21.05 iavf drives the VFs.

    drivers/net/ethernet/intel/i40e/i40e_devids.h has the ids.
    """
    return NicType(
        device_id,
        name,
        "i40e",
        "8086:154c",
        "iavf",
        total_vfs=total_vfs,
        vf_offset=16,
        vf_stride=1,
        vf_pool=128,
        pmd_packages=("librte-net-i40e", "librte-net-iavf"),
    )


def _ice(device_id: str, name: str) -> NicType:
    """256 VFs a device. Without its DDP package ice runs in safe mode: no SR-IOV, one queue.

    drivers/net/ethernet/intel/ice/ice_devids.h has the ids; E822 and E823, parts of Xeon D, are
    not here: where their VFs lie is not known.
    """
    return NicType(
        device_id,
        name,
        "ice",
        "8086:1889",
        "iavf",
        total_vfs=256,
        vf_offset=8,
        vf_stride=1,
        vf_pool=256,
        pmd_packages=("librte-net-ice", "librte-net-iavf"),
        firmware={"debian": ("firmware-intel-misc",), "ubuntu": ("linux-firmware",)},
    )


def _mlx5(device_id: str, name: str, vf_id: str) -> NicType:
    """127 VFs a port at most; how many there are, and so where the second port's begin, is set
    in the card (mlxconfig NUM_OF_VFS). The layout here is that of the default, 8 a port; a card
    with one port has "VF offset: 1", with two 2.
    """
    return NicType(
        device_id,
        name,
        "mlx5_core",
        vf_id,
        "mlx5_core",
        total_vfs=127,
        vf_stride=1,
        vf_block=8,
        vfs_in_card=True,
        dpdk="bifurcated",
        pmd_packages=("librte-net-mlx5",),
    )


def _x722(device_id: str, name: str) -> NicType:
    """Part of the C620 chipset: VFs with an id of their own, 32 for each of four ports, be they
    all in use or not: those of 3d:00.0 begin at 3d:02.0, of 3d:00.1 at 3d:06.0.
    """
    nic = _i40e(device_id, name, total_vfs=32)
    return replace(nic, vf_id="8086:37cd", vf_pool=0, vf_block=32)


def _bnxt(device_id: str, name: str, vf_id: str, total_vfs: int = 64) -> NicType:
    """How many VFs a port has, and so where the next port's begin, is set in the card (NVM);
    the layout here is that of two ports with half each. bnxt.c, bnxt_pci_tbl has the ids.
    """
    return NicType(
        device_id,
        name,
        "bnxt_en",
        vf_id,
        "bnxt_en",
        total_vfs=total_vfs,
        vf_offset=16,
        vf_stride=1,
        vf_pool=2 * total_vfs,
        vfs_in_card=True,
        pmd_packages=("librte-net-bnxt",),
    )


_TYPES = (
    _igb_sriov("8086:10c9", "Intel 82576", "8086:10ca", stride=2),
    _igb_sriov("8086:10e6", "Intel 82576 (fiber)", "8086:10ca", stride=2),
    _igb_sriov("8086:1526", "Intel 82576 (ET2)", "8086:10ca", stride=2),
    _igb_sriov("8086:1521", "Intel I350", "8086:1520", stride=4),
    _igb_sriov("8086:1522", "Intel I350 (fiber)", "8086:1520", stride=4),
    _igb_sriov("8086:1523", "Intel I350 (backplane)", "8086:1520", stride=4),
    _igb("8086:1533", "Intel I210"),
    _igb("8086:1536", "Intel I210 (fiber)"),
    _igb("8086:1537", "Intel I210 (backplane)"),
    _igb("8086:1539", "Intel I211"),
    _igb("8086:157b", "Intel I210 (flashless)"),
    _ixgbe("8086:10f7", "Intel 82599 (KX4)", "8086:10ed"),
    _ixgbe("8086:10f8", "Intel 82599 (backplane)", "8086:10ed"),
    _ixgbe("8086:10f9", "Intel 82599 (CX4)", "8086:10ed"),
    _ixgbe("8086:10fb", "Intel 82599ES (SFP+)", "8086:10ed"),
    _ixgbe("8086:10fc", "Intel 82599 (XAUI)", "8086:10ed"),
    _ixgbe("8086:1507", "Intel 82599 (SFP+ EM)", "8086:10ed"),
    _ixgbe("8086:1514", "Intel 82599 (X520, KX4)", "8086:10ed"),
    _ixgbe("8086:1517", "Intel 82599 (KR)", "8086:10ed"),
    _ixgbe("8086:151c", "Intel 82599 (10GBASE-T)", "8086:10ed"),
    _ixgbe("8086:1529", "Intel 82599 (SFP+ FCoE)", "8086:10ed"),
    _ixgbe("8086:152a", "Intel 82599 (backplane FCoE)", "8086:10ed"),
    _ixgbe("8086:154a", "Intel 82599 (X520-4, SFP+)", "8086:10ed"),
    _ixgbe("8086:154d", "Intel 82599 (X520, SFP+)", "8086:10ed"),
    _ixgbe("8086:1557", "Intel 82599EN (SFP+)", "8086:10ed"),
    _ixgbe("8086:1558", "Intel 82599 (X520-Q1, QSFP+)", "8086:10ed"),
    _ixgbe("8086:1528", "Intel X540-AT2", "8086:1515"),
    _ixgbe("8086:1560", "Intel X540-AT1", "8086:1515"),
    _ixgbe("8086:1563", "Intel X550-T2", "8086:1565"),
    _ixgbe("8086:15d1", "Intel X550-T1", "8086:1565"),
    _ixgbe("8086:15aa", "Intel X552 (KX4)", "8086:15a8"),
    _ixgbe("8086:15ab", "Intel X552 (KR)", "8086:15a8"),
    _ixgbe("8086:15ac", "Intel X552 (SFP+)", "8086:15a8"),
    _ixgbe("8086:15ad", "Intel X552/X557 (10GBASE-T)", "8086:15a8"),
    _ixgbe("8086:15ae", "Intel X552 (1GbE)", "8086:15a8"),
    _ixgbe("8086:15c2", "Intel X553 (KR)", "8086:15c5"),
    _ixgbe("8086:15c3", "Intel X553 (KR)", "8086:15c5"),
    _ixgbe("8086:15c4", "Intel X553 (SFP+)", "8086:15c5"),
    _ixgbe("8086:15c6", "Intel X553 (SGMII)", "8086:15c5"),
    _ixgbe("8086:15c7", "Intel X553 (SGMII)", "8086:15c5"),
    _ixgbe("8086:15c8", "Intel X553/X557 (10GBASE-T)", "8086:15c5"),
    _ixgbe("8086:15ce", "Intel X553 (SFP+)", "8086:15c5"),
    _ixgbe("8086:15e4", "Intel X553 (1GbE)", "8086:15c5"),
    _ixgbe("8086:15e5", "Intel X553 (1GbE)", "8086:15c5"),
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
    _i40e("8086:15ff", "Intel X710-T4L (10GBASE-T)"),
    _x722("8086:37ce", "Intel X722 (backplane)"),
    _x722("8086:37cf", "Intel X722 (QSFP+)"),
    _x722("8086:37d0", "Intel X722 (SFP+)"),
    _x722("8086:37d1", "Intel X722 (1GbE)"),
    _x722("8086:37d2", "Intel X722 (10GBASE-T)"),
    _x722("8086:37d3", "Intel X722 (SFP+, I)"),
    _ice("8086:1591", "Intel E810-C (backplane)"),
    _ice("8086:1592", "Intel E810-C (QSFP)"),
    _ice("8086:1593", "Intel E810-C (SFP)"),
    _ice("8086:1599", "Intel E810-XXV (backplane)"),
    _ice("8086:159a", "Intel E810-XXV (QSFP)"),
    _ice("8086:159b", "Intel E810-XXV (SFP)"),
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
    NicType(
        "1af4:1000", "virtio-net (transitional)", "virtio-pci", pmd_packages=("librte-net-virtio",)
    ),
    NicType("1af4:1041", "virtio-net", "virtio-pci", pmd_packages=("librte-net-virtio",)),
)

NIC_TYPES: dict[str, NicType] = {nic.device_id: nic for nic in _TYPES}


def find_nic_type(device_id: str) -> NicType | None:
    """The model behind a `vendor:device` id, or None when it is not in the table."""
    return NIC_TYPES.get(device_id)


def unlisted_nic_type(device_id: str, driver: str) -> NicType:
    """The row of a port whose id is not in the table: its kernel driver is all that is known."""
    return NicType(device_id, "not in the NIC table", driver, is_listed=False)
