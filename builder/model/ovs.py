"""Open vSwitch with DPDK as a profile asks for it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from builder.model.base import Part
from builder.model.fields import OtherConfigKey, OtherConfigValue, QueueNumber, VfName
from builder.model.hardware import IfName
from builder.model.sriov import DpdkDriver
from builder.model.values import CpuNumber, Whole


class OvsPort(Part):
    """A DPDK port of a bridge: a whole NIC port, or one VF (`ens11f0/0`)."""

    nic: Annotated[
        IfName | None, Field(description="Name of a NIC of the hardware class, used as a whole")
    ] = None
    vf: Annotated[VfName | None, Field(description="A VF that has use: ovs-dpdk")] = None
    mtu: Annotated[Whole, Field(ge=68, le=9702, description="MTU (mtu_request)")] = 1500
    rxq: Annotated[Whole, Field(ge=1, le=64, description="Receive queues (options:n_rxq)")] = 1
    rxd: Annotated[
        Whole | None,
        Field(
            ge=1,
            le=32768,
            description="Receive descriptors per queue, a power of two; default: 2048 "
            "(options:n_rxq_desc)",
        ),
    ] = None
    txd: Annotated[
        Whole | None,
        Field(
            ge=1,
            le=32768,
            description="Transmit descriptors per queue, a power of two; default: 2048 "
            "(options:n_txq_desc)",
        ),
    ] = None
    rxq_affinity: Annotated[
        dict[QueueNumber, CpuNumber],
        Field(
            description="Receive queue -> CPU of the PMD thread that polls it; this thread "
            "polls no queues that are not pinned (other_config:pmd-rxq-affinity)"
        ),
    ] = Field(default_factory=dict)


class OvsBridge(Part):
    """A bridge."""

    datapath: Annotated[
        Literal["netdev"], Field(description="netdev: the userspace datapath, required for DPDK")
    ] = "netdev"
    fail_mode: Annotated[
        Literal["standalone", "secure"],
        Field(description="secure: no traffic until a controller adds flows"),
    ] = "standalone"
    ports: Annotated[dict[IfName, OvsPort], Field(min_length=1, description="DPDK ports by name")]


class Ovs(Part):
    """Open vSwitch with DPDK."""

    driver: Annotated[DpdkDriver, Field(description="Driver of the NIC ports that OVS uses")] = (
        "vfio-pci"
    )
    other_config: Annotated[
        dict[OtherConfigKey, OtherConfigValue],
        Field(description="Open_vSwitch other_config keys that override the derived ones"),
    ] = Field(default_factory=dict)
    bridges: Annotated[dict[IfName, OvsBridge], Field(min_length=1, description="Bridges by name")]
