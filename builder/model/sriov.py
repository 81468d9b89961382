"""Virtual functions as a profile asks for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.catalog.vf_settings import VF_SETTINGS, VfSettings
from builder.model.base import Part
from builder.model.fields import ResourceName
from builder.model.hardware import HardwareClass, IfName, Nic
from builder.model.values import Flag, Mac, Whole

# A type checker takes no Literal of names that are known when the program runs.
if TYPE_CHECKING:
    DpdkDriver = str
    VfDriver = str
else:
    DpdkDriver = Literal[*DPDK_DRIVERS]
    VfDriver = Literal["kernel", *DPDK_DRIVERS]


class Vf(Part):
    """One virtual function that differs from the policy's default."""

    index: Annotated[Whole, Field(ge=0, description="Number of the VF, from 0")]
    driver: Annotated[
        VfDriver | None,
        Field(
            description="kernel: the VF's own network driver; otherwise a DPDK driver; "
            "default: the policy's"
        ),
    ] = None
    use: Annotated[
        Literal["ovs-dpdk"] | None, Field(description="ovs-dpdk: reserved for an OVS port")
    ] = None
    pool: Annotated[
        ResourceName | None, Field(description="Device plugin resource; default: the policy's")
    ] = None
    mac: Annotated[Mac | None, Field(description="MAC address, the same on every host")] = None
    vlan: Annotated[Whole | None, Field(ge=0, le=4094, description="VLAN tag; 0: none")] = None
    trust: Annotated[
        Flag | None,
        Field(
            description="Whether the VF may change its MAC and use promiscuous mode; default: "
            "true of an OVS port's"
        ),
    ] = None
    spoofchk: Annotated[
        Flag | None,
        Field(description="Whether source MACs are checked; default: false of an OVS port's"),
    ] = None
    max_tx_rate: Annotated[
        Whole | None,
        Field(ge=0, le=400000, description=("Maximum transmit rate in Mbit/s; 0: no limit")),
    ] = None
    min_tx_rate: Annotated[
        Whole | None,
        Field(ge=0, le=400000, description=("Guaranteed transmit rate in Mbit/s; 0: none")),
    ] = None
    link_state: Annotated[
        Literal["auto", "enable", "disable"] | None,
        Field(description="auto: follows the link of the port; enable, disable: always up, down"),
    ] = None

    @property
    def settings(self) -> VfSettings:
        """What its PF's kernel driver carries out."""
        return VfSettings(**{name: getattr(self, name) for name in VF_SETTINGS.values()})


class SriovPolicy(Part):
    """Virtual functions of one physical function."""

    pf: Annotated[IfName, Field(description="Name of a NIC of the hardware class")]
    num_vfs: Annotated[Whole, Field(ge=1, description="Number of VFs")]
    pool: Annotated[ResourceName | None, Field(description="Device plugin resource of the VFs")] = (
        None
    )
    driver: Annotated[
        VfDriver, Field(description="Driver of the VFs: kernel (their own) or a DPDK driver")
    ] = "kernel"
    eswitch: Annotated[
        Literal["legacy", "switchdev"],
        Field(description="Mode of the NIC's embedded switch; switchdev: a representor per VF"),
    ] = "legacy"
    vfs: Annotated[tuple[Vf, ...], Field(description="VFs that differ from the policy")] = ()


def ports_of_card(hardware: HardwareClass, nic: Nic) -> tuple[Nic, ...]:
    """The ports on one card with `nic`, itself among them, as far as the class lists them."""
    slot = (nic.pci.domain, nic.pci.bus, nic.pci.device)
    return tuple(
        other
        for other in hardware.nics
        if (other.pci.domain, other.pci.bus, other.pci.device) == slot
    )


def listed_card_ports(hardware: HardwareClass, nic: Nic) -> int:
    """How many ports the card of `nic` has at least: 1, 2, 4 or 8, as the numbers of those listed
    say.
    """
    highest = max(other.pci.function for other in ports_of_card(hardware, nic))
    return int(1 << highest.bit_length())


def given_card_ports(hardware: HardwareClass, nic: Nic) -> int | None:
    """`card-ports` of `nic`, or of another port of its card."""
    card = (nic, *ports_of_card(hardware, nic))
    return next((other.card_ports for other in card if other.card_ports is not None), None)


def count_card_ports(hardware: HardwareClass, nic: Nic) -> int:
    """How many ports the card of `nic` has: as the inventory says, or as many as cards of its
    model have and are listed.
    """
    given = given_card_ports(hardware, nic)
    return given or nic.model.likely_ports(listed_card_ports(hardware, nic))[0]


def set_in_card(nic: Nic, num_vfs: int) -> str | None:
    """How the card of `nic` is set to `num_vfs` VFs a port, where that is known."""
    how = nic.model.driver.set_in_card
    return None if how is None else how.format(pci=nic.pci, num_vfs=num_vfs)


def most_vfs_wanted(hardware: HardwareClass, policies: Iterable[SriovPolicy], nic: Nic) -> int:
    """Most VFs any port on the card of `nic` is to have."""
    names = {other.name for other in ports_of_card(hardware, nic)}
    return max((policy.num_vfs for policy in policies if policy.pf in names), default=0)
