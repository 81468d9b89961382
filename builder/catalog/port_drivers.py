"""Kernel drivers of ports: one row each, with what holds for every port and VF of a driver."""

from __future__ import annotations

from builder.catalog.driver_types import PortDriver
from builder.catalog.modules import module_name
from builder.catalog.other_drivers import OTHER_DRIVERS, PCI_NAMES
from builder.catalog.versions import Version
from builder.catalog.vf_settings import VfSetting

# Older than any kernel of a release we know.
LONG = Version(3, 0)
_BASE: dict[VfSetting, Version] = {"mac": LONG, "vlan": LONG, "spoofchk": LONG, "trust": LONG}
# i40e's I40E_MAX_VF_QUEUES and ice's ICE_MAX_RSS_QS_PER_VF.
_IAVF_QUEUES = ((1, 16),)

# settings: net_device_ops of each driver in drivers/net/ethernet: ndo_set_vf_mac, _vlan,
# _spoofchk, _trust, _rate, _link_state; a min_tx_rate other than 0 is -EINVAL in igb, ixgbe and
# i40e. max_vfs: module_param() in igb_main.c and ixgbe_main.c, in no other. dpdk_vf_host: DPDK's
# drivers/net/intel/{e1000/igb,ixgbe/ixgbe,i40e/i40e}_pf.c; ice has no such file.
_ALL = (
    # igb_main.c: no ndo_set_vf_link_state; igb_ndo_set_vf_bw() is for the 82576 alone, and takes
    # no more than the link's speed, 1 Gbit/s; MAX_STD_JUMBO_FRAME_SIZE 9216. igb_ethdev.c,
    # igb_check_mq_mode(): "SRIOV is active, wrong mq_mode rx".
    PortDriver(
        "igb",
        pmd_packages=("librte-net-e1000",),
        vf_driver="igbvf",
        dpdk_vf_host="no-rss",
        max_vfs=True,
        max_mtu=9216,
        settings=_BASE,
        tx_rates=(1, 1000),
    ),
    # ixgbe_sriov.c: ixgbe_ndo_set_vf_link_state() since 5.19, where "enable" is logged as not
    # supported and 0 returned; ixgbe_ndo_set_vf_bw(): a link of 10 Gbit/s only, over 10 Mbit/s;
    # IXGBE_MAX_JUMBO_FRAME_SIZE 9728. ixgbe_set_sriov_queues(): 32 pools of 4 queues, the PF's
    # included, or 64 of 2. ixgbevf_dev_rx_init(): "The number of Rx queue invalid, should be
    # power of 2". ixgbe_ethdev.c, ixgbe_check_mq_mode(): the PF has the queues of a pool.
    PortDriver(
        "ixgbe",
        pmd_packages=("librte-net-ixgbe",),
        vf_driver="ixgbevf",
        vf_queues=((1, 4), (32, 2)),
        vf_queues_power_of_two=True,
        dpdk_vf_host="pools",
        max_vfs=True,
        max_mtu=9710,
        settings={**_BASE, "max-tx-rate": LONG, "link-state": Version(5, 19)},
        tx_rates=(11, 10000),
        link_states=("auto", "disable"),
    ),
    # i40e_virtchnl_pf.c: "Invalid min tx rate (greater than 0)" of any other than 0; i40e_main.c,
    # i40e_set_bw_limit(): "Setting max tx rate to minimum usable value of 50Mbps", and no more
    # than the link's speed, 40 Gbit/s; I40E_MAX_RXBUFFER 9728. Since DPDK 21.05 iavf drives VFs.
    PortDriver(
        "i40e",
        pmd_packages=("librte-net-i40e", "librte-net-iavf"),
        vf_driver="iavf",
        vf_queues=_IAVF_QUEUES,
        dpdk_vf_host="any",
        set_in_card="discover writes the sriov of {pci} where the machine has as many; elsewhere "
        "its firmware must be set to {num_vfs}",
        max_mtu=9702,
        settings={**_BASE, "max-tx-rate": LONG, "link-state": LONG},
        tx_rates=(50, 40000),
    ),
    # ice_sriov.c: ice_set_vf_bw() since 5.16; ice_set_vf_trust(): "Trusted VF is forbidden in
    # switchdev mode", the other calls do not ask for the mode. ice_eswitch.c since 5.16. Without
    # its DDP package ice runs in safe mode: no SR-IOV, one queue.
    PortDriver(
        "ice",
        pmd_packages=("librte-net-ice", "librte-net-iavf"),
        firmware={"debian": ("firmware-intel-misc",), "ubuntu": ("linux-firmware-intel-misc",)},
        vf_driver="iavf",
        vf_queues=_IAVF_QUEUES,
        dpdk_vf_host="none",
        max_mtu=9702,
        settings={
            **_BASE,
            "max-tx-rate": Version(5, 16),
            "min-tx-rate": Version(5, 16),
            "link-state": LONG,
        },
        switchdev=Version(5, 16),
        not_in_switchdev=("trust",),
    ),
    # mlx5/core/esw/legacy.c: mlx5_eswitch_set_vport_{vlan,spoofchk,trust}() are -EOPNOTSUPP
    # when the mode is not MLX5_ESWITCH_LEGACY, _set_vport_rate() is not.
    PortDriver(
        "mlx5_core",
        bifurcated=True,
        pmd_packages=("librte-net-mlx5",),
        vf_driver="mlx5_core",
        set_in_card="mlxconfig -d {pci} set SRIOV_EN=1 NUM_OF_VFS={num_vfs}",
        max_mtu=9978,
        settings={**_BASE, "max-tx-rate": LONG, "min-tx-rate": LONG, "link-state": LONG},
        switchdev=LONG,
        not_in_switchdev=("vlan", "trust", "spoofchk"),
    ),
    # bnxt_sriov.c: bnxt_vf_ndo_prep() does not ask for the mode; bnxt_sriov_configure(): "Reject
    # SRIOV config request since if is down!".
    PortDriver(
        "bnxt_en",
        pmd_packages=("librte-net-bnxt",),
        vf_driver="bnxt_en",
        needs_pf_up=True,
        set_in_card="set SR-IOV and {num_vfs} VFs for each port in the card, by the UEFI device "
        "settings or Broadcom's niccli",
        max_mtu=9500,
        settings={**_BASE, "max-tx-rate": LONG, "min-tx-rate": LONG, "link-state": LONG},
        switchdev=LONG,
    ),
    PortDriver("virtio-pci", pmd_packages=("librte-net-virtio",), settings={}),
    *OTHER_DRIVERS,
)

PORT_DRIVERS: dict[str, PortDriver] = {driver.name: driver for driver in _ALL}
_BY_MODULE = {module_name(driver.name): driver for driver in _ALL}


def port_driver(name: str) -> PortDriver:
    """The row of a driver, by any of its names; of one without a row, its name alone."""
    known = module_name(name)
    return _BY_MODULE.get(PCI_NAMES.get(known, known)) or PortDriver(name, is_known=False)
