"""NIC models: one row each, with their kernel driver's row and what is a model's own.

Numbers are from the SR-IOV capability each model shows (`lspci -vv`) and from its kernel
driver; of a model not listed here what its driver's row says is known. Offsets of
82576, I350 and ixgbe's are those behind a root port that forwards ARI, as servers have them;
without ARI they are 384, one bus further. How many ports the cards of a model have is taken from
their names in pci.ids.
"""

from __future__ import annotations

from dataclasses import replace

from builder.catalog.nic_families import (
    E830_CC,
    VF_82599,
    VF_X540,
    VF_X550,
    VF_X552,
    VF_X553,
    bnxt,
    e82x,
    e825,
    e830,
    i40e,
    i350,
    i82576,
    ice,
    igb,
    ixgbe,
    mlx5,
    virtio,
    x722,
)
from builder.catalog.nic_types import NicType, VfType
from builder.catalog.port_drivers import port_driver

_TYPES = (
    i82576("8086:10c9", "Intel 82576"),
    i82576("8086:10e6", "Intel 82576 (fiber)"),
    i82576("8086:1526", "Intel 82576 (ET2)"),
    i350("8086:1521", "Intel I350"),
    i350("8086:1522", "Intel I350 (fiber)"),
    i350("8086:1523", "Intel I350 (backplane)"),
    igb("8086:1533", "Intel I210", queues=4),
    igb("8086:1536", "Intel I210 (fiber)", queues=4),
    igb("8086:1537", "Intel I210 (backplane)", queues=4),
    igb("8086:1539", "Intel I211", queues=2),
    igb("8086:157b", "Intel I210 (flashless)", queues=4),
    ixgbe("8086:10f7", "Intel 82599 (KX4)", VF_82599),
    ixgbe("8086:10f8", "Intel 82599 (backplane)", VF_82599),
    ixgbe("8086:10f9", "Intel 82599 (CX4)", VF_82599),
    ixgbe("8086:10fb", "Intel 82599ES (SFP+)", VF_82599),
    ixgbe("8086:10fc", "Intel 82599 (XAUI)", VF_82599),
    ixgbe("8086:1507", "Intel 82599 (SFP+ EM)", VF_82599),
    ixgbe("8086:1514", "Intel 82599 (X520, KX4)", VF_82599),
    ixgbe("8086:1517", "Intel 82599 (KR)", VF_82599),
    ixgbe("8086:151c", "Intel 82599 (10GBASE-T)", VF_82599),
    ixgbe("8086:1529", "Intel 82599 (SFP+ FCoE)", VF_82599),
    ixgbe("8086:152a", "Intel 82599 (backplane FCoE)", VF_82599),
    ixgbe("8086:154a", "Intel 82599 (X520-4, SFP+)", VF_82599),
    ixgbe("8086:154d", "Intel 82599 (X520, SFP+)", VF_82599),
    ixgbe("8086:1557", "Intel 82599EN (SFP+)", VF_82599),
    ixgbe("8086:1558", "Intel 82599 (X520-Q1, QSFP+)", VF_82599),
    ixgbe("8086:1528", "Intel X540-AT2", VF_X540),
    ixgbe("8086:1560", "Intel X540-AT1", VF_X540),
    ixgbe("8086:1563", "Intel X550-T2", VF_X550),
    ixgbe("8086:15d1", "Intel X550-T1", VF_X550),
    ixgbe("8086:15aa", "Intel X552 (KX4)", VF_X552),
    ixgbe("8086:15ab", "Intel X552 (KR)", VF_X552),
    ixgbe("8086:15ac", "Intel X552 (SFP+)", VF_X552),
    ixgbe("8086:15ad", "Intel X552/X557 (10GBASE-T)", VF_X552),
    ixgbe("8086:15ae", "Intel X552 (1GbE)", VF_X552),
    ixgbe("8086:15c2", "Intel X553 (KR)", VF_X553),
    ixgbe("8086:15c3", "Intel X553 (KR)", VF_X553),
    ixgbe("8086:15c4", "Intel X553 (SFP+)", VF_X553),
    ixgbe("8086:15c6", "Intel X553 (SGMII)", VF_X553),
    ixgbe("8086:15c7", "Intel X553 (SGMII)", VF_X553),
    ixgbe("8086:15c8", "Intel X553/X557 (10GBASE-T)", VF_X553),
    ixgbe("8086:15ce", "Intel X553 (SFP+)", VF_X553),
    ixgbe("8086:15e4", "Intel X553 (1GbE)", VF_X553),
    ixgbe("8086:15e5", "Intel X553 (1GbE)", VF_X553),
    i40e("8086:1572", "Intel X710 (SFP+)", card_ports=(2, 4)),
    i40e("8086:1580", "Intel XL710 (backplane)"),
    i40e("8086:1581", "Intel X710 (backplane)", card_ports=(2, 4)),
    i40e("8086:1583", "Intel XL710 (QSFP+)", card_ports=(2,)),
    i40e("8086:1584", "Intel XL710-Q1 (QSFP+)", total_vfs=128, card_ports=(1,)),
    i40e("8086:1585", "Intel X710 (QSFP+)"),
    i40e("8086:1586", "Intel X710 (10GBASE-T)"),
    i40e("8086:1587", "Intel XL710 (20G backplane)"),
    i40e("8086:1588", "Intel XL710 (20G backplane)"),
    i40e("8086:1589", "Intel X710/X557-AT (10GBASE-T)", card_ports=(2, 4)),
    i40e("8086:158a", "Intel XXV710 (backplane)", card_ports=(2,)),
    i40e("8086:158b", "Intel XXV710 (SFP28)", card_ports=(1, 2)),
    i40e("8086:15ff", "Intel X710-TL (10GBASE-T)", card_ports=(2, 4)),
    i40e("8086:104e", "Intel X710-TL (SFP+)", card_ports=(2, 4)),
    i40e("8086:104f", "Intel X710-TL (backplane)", card_ports=(2, 4)),
    i40e("8086:101f", "Intel V710-TL (5GBASE-T)", card_ports=(2, 4)),
    i40e("8086:0dd2", "Intel I710-TL (1GBASE-T)", card_ports=(4,)),
    i40e("8086:0cf8", "Intel X710 (FPGA N3000)"),
    i40e("8086:0d58", "Intel XXV710 (FPGA N3000)"),
    x722("8086:37ce", "Intel X722 (backplane)"),
    x722("8086:37cf", "Intel X722 (QSFP+)"),
    x722("8086:37d0", "Intel X722 (SFP+)"),
    x722("8086:37d1", "Intel X722 (1GbE)"),
    x722("8086:37d2", "Intel X722 (10GBASE-T)"),
    x722("8086:37d3", "Intel X722 (SFP+, I)"),
    x722("8086:0dda", "Intel X722 (SFP+, A)"),
    ice("8086:1591", "Intel E810-C (backplane)"),
    ice("8086:1592", "Intel E810-C (QSFP)", card_ports=(1, 2)),
    ice("8086:1593", "Intel E810-C (SFP)", card_ports=(2, 4)),
    ice("8086:1599", "Intel E810-XXV (backplane)"),
    ice("8086:159a", "Intel E810-XXV (QSFP)"),
    ice("8086:159b", "Intel E810-XXV (SFP)", card_ports=(1, 2)),
    e82x("8086:1890", "Intel E822-C (backplane)"),
    e82x("8086:1891", "Intel E822-C (QSFP)"),
    e82x("8086:1892", "Intel E822-C (SFP)"),
    e82x("8086:1893", "Intel E822-C/X557-AT (10GBASE-T)"),
    e82x("8086:1894", "Intel E822-C (1GbE)"),
    e82x("8086:1897", "Intel E822-L (backplane)"),
    e82x("8086:1898", "Intel E822-L (SFP)"),
    e82x("8086:1899", "Intel E822-L/X557-AT (10GBASE-T)"),
    e82x("8086:189a", "Intel E822-L (1GbE)"),
    e82x("8086:188a", "Intel E823-C (backplane)"),
    e82x("8086:188b", "Intel E823-C (QSFP)"),
    e82x("8086:188c", "Intel E823-C (SFP)"),
    e82x("8086:188d", "Intel E823-C/X557-AT (10GBASE-T)"),
    e82x("8086:188e", "Intel E823-C (1GbE)"),
    e82x("8086:124c", "Intel E823-L (backplane)"),
    e82x("8086:124d", "Intel E823-L (SFP)"),
    e82x("8086:124e", "Intel E823-L/X557-AT (10GBASE-T)"),
    e82x("8086:124f", "Intel E823-L (1GbE)"),
    e82x("8086:151d", "Intel E823-L (QSFP)"),
    e825("8086:579c", "Intel E825-C (backplane)"),
    e825("8086:579d", "Intel E825-C (QSFP)"),
    e825("8086:579e", "Intel E825-C (SFP)"),
    e825("8086:579f", "Intel E825-C (10GbE)"),
    e830("8086:12d1", "Intel E830-CC (backplane)", since=E830_CC),
    e830("8086:12d2", "Intel E830-CC (QSFP)", card_ports=(1, 2), since=E830_CC),
    e830("8086:12d3", "Intel E830-CC (SFP)", card_ports=(2, 4, 8), since=E830_CC),
    e830("8086:12d5", "Intel E830-C (backplane)"),
    e830("8086:12d8", "Intel E830-C (QSFP)"),
    e830("8086:12da", "Intel E830-C (SFP)"),
    e830("8086:12dc", "Intel E830-L (backplane)"),
    e830("8086:12dd", "Intel E830-L (QSFP)"),
    e830("8086:12de", "Intel E830-L (SFP)", card_ports=(2,)),
    mlx5("15b3:1013", "NVIDIA ConnectX-4", "15b3:1014"),
    mlx5("15b3:1015", "NVIDIA ConnectX-4 Lx", "15b3:1016"),
    mlx5("15b3:1017", "NVIDIA ConnectX-5", "15b3:1018"),
    mlx5("15b3:1019", "NVIDIA ConnectX-5 Ex", "15b3:101a"),
    mlx5("15b3:101b", "NVIDIA ConnectX-6", "15b3:101c"),
    mlx5("15b3:101d", "NVIDIA ConnectX-6 Dx", "15b3:101e"),
    mlx5("15b3:101f", "NVIDIA ConnectX-6 Lx", "15b3:101e"),
    mlx5("15b3:1021", "NVIDIA ConnectX-7", "15b3:101e"),
    mlx5("15b3:1023", "NVIDIA ConnectX-8", "15b3:101e"),
    mlx5("15b3:a2d6", "NVIDIA BlueField-2 (ConnectX-6 Dx)", "15b3:101e"),
    mlx5("15b3:a2dc", "NVIDIA BlueField-3 (ConnectX-7)", "15b3:101e"),
    bnxt("14e4:16d6", "Broadcom BCM57412 (SFP+)", "14e4:16dc"),
    bnxt("14e4:16d7", "Broadcom BCM57414 (SFP28)", "14e4:16dc"),
    bnxt("14e4:16d8", "Broadcom BCM57416 (10GBASE-T)", "14e4:16dc", card_ports=(2, 4)),
    bnxt("14e4:16d9", "Broadcom BCM57417 (10GBASE-T)", "14e4:16dc"),
    bnxt("14e4:16e2", "Broadcom BCM57417 (SFP28)", "14e4:16dc"),
    bnxt("14e4:16e3", "Broadcom BCM57416 (SFP+)", "14e4:16dc"),
    bnxt("14e4:1614", "Broadcom BCM57454", "14e4:1609", card_ports=(4,)),
    bnxt("14e4:1750", "Broadcom BCM57508", "14e4:1806", total_vfs=128),
    bnxt("14e4:1751", "Broadcom BCM57504", "14e4:1806", total_vfs=128, card_ports=(1, 2, 4)),
    bnxt("14e4:1752", "Broadcom BCM57502", "14e4:1806", total_vfs=128),
    virtio("1af4:1000", "virtio-net (transitional)"),
    virtio("1af4:1041", "virtio-net"),
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
