"""How many receive queues DPDK can have of a port or a VF: beyond it Open vSwitch takes fewer.

netdev-dpdk.c, dpdk_eth_dev_init(): n_rxq = MIN(info.max_rx_queues, n_rxq), in silence.
"""

from __future__ import annotations

from builder.catalog.nics import NicType

# drivers/net/intel/e1000/igb_ethdev.c, eth_igb_infos_get(), by model.
_IGB = {"82576": 16, "82580": 8, "I350": 8, "I354": 8, "I210": 4, "I211": 2}
# The same file, eth_igbvf_infos_get(): e1000_vfadapt of the 82576, e1000_vfadapt_i350.
_IGB_VF = {"8086:10ca": 2, "8086:1520": 1}
# Kernel ixgbe, ixgbe_set_sriov_queues(): 32 pools of 4 queues, PF's pool included, or 64 of 2.
_IXGBE_VFS_OF_4 = 31
# i40e's I40E_MAX_VF_QUEUES and ice's ICE_MAX_RSS_QS_PER_VF.
_IAVF = 16


def most_port_queues(nic: NicType) -> int | None:
    """Of a whole port; None: more than anybody asks for, or not known."""
    if nic.kernel_driver != "igb":
        return None
    return next((most for model, most in _IGB.items() if model in nic.name), None)


def most_vf_queues(nic: NicType, num_vfs: int) -> int | None:
    """Of a VF, made with `num_vfs - 1` others by the port's kernel driver."""
    if nic.kernel_driver == "ixgbe":
        return 4 if num_vfs <= _IXGBE_VFS_OF_4 else 2
    if nic.vf_driver == "iavf":
        return _IAVF
    return _IGB_VF.get(nic.vf_id or "")


def wants_power_of_two(nic: NicType) -> bool:
    """ixgbevf_dev_rx_init(): "The number of Rx queue invalid, should be power of 2"."""
    return nic.vf_driver == "ixgbevf"
