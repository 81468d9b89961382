"""Kernel drivers of ports: one row each, with what holds for every port and VF of a driver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from builder.catalog.modules import module_name
from builder.catalog.releases import Family
from builder.catalog.versions import Version
from builder.catalog.vf_settings import VfSetting

LinkState = Literal["auto", "enable", "disable"]
# What DPDK's driver makes of a port that has VFs. none: it has nothing that answers VFs; no-rss:
# it refuses the RSS Open vSwitch asks for; pools: its queues are one VF's share; any: no limit.
VfHost = Literal["none", "no-rss", "pools", "any"]


@dataclass(frozen=True, slots=True)
class PortDriver:
    """A kernel network driver.

    is_known: whether there is a row of it; without one, nothing below is known.
    bifurcated: DPDK works through the kernel driver, the port is never unbound.
    pmd_packages: packages with DPDK's driver for the port and its VFs, without ABI suffix.
    firmware: packages with firmware the driver asks for, by family of the release.
    vf_driver: the kernel driver of its VFs.
    vf_queues: receive queues DPDK can have of a VF: of as many VFs and more, so many; none: more
    than anybody asks for, or not known. vf_queues_power_of_two: only such numbers.
    dpdk_vf_host: None: not known.
    max_vfs: whether it has this parameter: one number in-tree, in Intel's own build a list.
    needs_pf_up: while the port is down it takes sriov_numvfs, says nothing and makes no VFs.
    set_in_card: how a card is set to {num_vfs} VFs of the port {pci}.
    max_mtu: largest MTU (netdev->max_mtu); None: not known. settings: VF setting -> first kernel
    whose driver has it. switchdev: first kernel with devlink's eswitch mode switchdev; None:
    none has. not_in_switchdev: settings it refuses in that mode. tx_rates: least and most Mbit/s
    of a max-tx-rate that is not 0; None: the port's speed decides. link_states: those with an
    effect.
    """

    name: str
    is_known: bool = True
    bifurcated: bool = False
    pmd_packages: tuple[str, ...] = ()
    firmware: Mapping[Family, tuple[str, ...]] = field(default_factory=dict)
    vf_driver: str | None = None
    vf_queues: tuple[tuple[int, int], ...] = ()
    vf_queues_power_of_two: bool = False
    dpdk_vf_host: VfHost | None = None
    max_vfs: bool = False
    needs_pf_up: bool = False
    set_in_card: str = "set it with the vendor's tool before the first boot"
    max_mtu: int | None = None
    settings: Mapping[VfSetting, Version] = field(default_factory=dict)
    switchdev: Version | None = None
    not_in_switchdev: tuple[VfSetting, ...] = ()
    tx_rates: tuple[int, int] | None = None
    link_states: tuple[LinkState, ...] = ("auto", "enable", "disable")

    def most_vf_queues(self, num_vfs: int) -> int | None:
        """Of a VF, made with `num_vfs - 1` others; None: no limit is known."""
        return next((most for vfs, most in reversed(self.vf_queues) if vfs <= num_vfs), None)


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
        firmware={"debian": ("firmware-intel-misc",), "ubuntu": ("linux-firmware",)},
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
        max_mtu=9500,
        settings={**_BASE, "max-tx-rate": LONG, "min-tx-rate": LONG, "link-state": LONG},
        switchdev=LONG,
    ),
    PortDriver("virtio-pci", pmd_packages=("librte-net-virtio",)),
)

PORT_DRIVERS: dict[str, PortDriver] = {driver.name: driver for driver in _ALL}
_BY_MODULE = {module_name(driver.name): driver for driver in _ALL}


def port_driver(name: str) -> PortDriver:
    """The row of a driver, by a name with `-` or `_`; of one without a row, its name alone."""
    return _BY_MODULE.get(module_name(name)) or PortDriver(name, is_known=False)
