"""A hardware class: what identical machines share; CPUs, NUMA nodes, memory, NICs."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from builder.catalog.nic_types import NicType
from builder.catalog.nics import (
    described_vf,
    find_nic_type,
    passed_through,
    unlisted_nic_type,
)
from builder.model.base import Part
from builder.model.sizes import MemoryMiB
from builder.model.values import CpuNumber, Cpus, CpuSet, Flag, Pci, UnfitError, Whole, text

DeviceId = Annotated[
    str,
    *text(
        r"[0-9a-f]{4}:[0-9a-f]{4}",
        "a PCI vendor:device id (lower case, as lspci -nn shows it)",
        "8086:10fb",
    ),
]
# IFNAMSIZ is 16 with its final NUL; "/", ":" and white space are refused by dev_valid_name().
IfName = Annotated[
    str,
    *text(
        r"[A-Za-z0-9_][A-Za-z0-9_.-]*",
        "a network interface name",
        "ens11f0",
        longest=15,
    ),
]
ModuleName = Annotated[str, *text(r"[A-Za-z0-9_-]+", "a kernel module", "ixgbe", longest=55)]
# What `discover` writes where it cannot tell the driver of a port.
UNKNOWN_DRIVER = "unknown"
NO_NODE = -1


def _known_node(value: object) -> object:
    """The kernel's NUMA_NO_NODE (include/linux/numa.h) is a node that is not known."""
    if type(value) is not int or value >= 0:
        return value
    if value != NO_NODE:
        hint = "cat /sys/bus/pci/devices/<pci address>/numa_node"
        raise UnfitError(
            f"{value} is no NUMA node: nodes are numbered from 0, or -1: not known", hint
        )
    return None


class Cpu(Part):
    """The processor."""

    vendor: Annotated[Literal["intel", "amd"], Field(description="Determines the IOMMU arguments")]
    pdpe1gb: Annotated[
        Flag, Field(description="The CPU supports 1 GiB pages (flag pdpe1gb in /proc/cpuinfo)")
    ] = True


class NumaNode(Part):
    """One NUMA node; its number is its place in the list, from 0."""

    cpus: Annotated[
        Cpus, Field(description="Logical CPUs of the node; leave out for a node with memory only")
    ] = CpuSet()
    memory: Annotated[
        MemoryMiB,
        Field(
            description="Memory of the node, as installed; the kernel has a 64th and about "
            "512 MiB less, which is taken into account"
        ),
    ]


class NicSriov(Part):
    """Where a port's VFs are, as `lspci -vvv` tells it under Single Root I/O Virtualization."""

    total_vfs: Annotated[Whole, Field(ge=1, le=256, description="Total VFs")]
    vf_offset: Annotated[
        Whole, Field(ge=1, le=65535, description="VF offset of this particular port and machine")
    ]
    vf_stride: Annotated[Whole, Field(ge=1, le=65535, description="VF stride")]
    vf_id: Annotated[
        DeviceId | None,
        Field(description=("PCI vendor:device of the VFs; default: from the NIC table")),
    ] = None
    vf_driver: Annotated[
        ModuleName | None,
        Field(description=("Kernel driver of the VFs; default: from the NIC table")),
    ] = None


class Nic(Part):
    """One PCI network function (port)."""

    pci: Pci
    id: Annotated[DeviceId, Field(description="PCI vendor:device, as lspci -nn shows it")]
    driver: Annotated[ModuleName, Field(description="Kernel driver of the port")]
    name: Annotated[IfName, Field(description="Interface name that a .link file gives the port")]
    numa: Annotated[
        Annotated[Whole, Field(ge=0, json_schema_extra={"minimum": NO_NODE})] | None,
        BeforeValidator(_known_node),
        Field(
            description="NUMA node the port is attached to; -1, as the kernel has it: the firmware "
            "does not say"
        ),
    ] = None
    card_ports: Annotated[
        Whole | None,
        Field(
            ge=1,
            le=8,
            description="Ports of the card that this port is on, where not all are listed: with "
            "some cards the addresses of VFs depend on it",
        ),
    ] = None
    sriov: Annotated[
        NicSriov | None,
        Field(
            description="VF data that the NIC table lacks or that differs from it: for a new "
            "device, a card with other settings, or a machine without ARI"
        ),
    ] = None

    @cached_property
    def model(self) -> NicType:
        """What is known of the port: the NIC table's row, with the VFs of `sriov` in it.

        The one place where the two meet: plans carry the row on.
        """
        known = find_nic_type(self.id) or passed_through(self.id)
        known = known or unlisted_nic_type(self.id, self.driver)
        own = self.sriov
        if own is None:
            return known
        return replace(
            known,
            vf=described_vf(known, own.vf_id, own.vf_driver),
            total_vfs=own.total_vfs,
            vf_offset=own.vf_offset,
            vf_stride=own.vf_stride,
            vf_pool=0,
            vf_block=0,
            layout_of=None,
            vfs_in_card=False,
        )


class Disk(Part):
    """The disk a machine boots from."""

    sector_size: Annotated[
        Whole,
        Field(
            ge=512,
            le=4096,
            description="Bytes of a logical sector (/sys/block/*/queue/logical_block_size); images "
            "are made for 512",
        ),
    ] = 512


class HardwareClass(Part):
    """Machines that are alike."""

    cpu: Annotated[Cpu, Field(description="The processor")]
    numa: Annotated[
        tuple[NumaNode, ...], Field(min_length=1, description="NUMA nodes, node 0 first")
    ]
    siblings: Annotated[
        Whole | None,
        Field(gt=0, description="Distance of SMT siblings: CPU n and n+siblings share a core"),
    ] = None
    threads: Annotated[
        tuple[Annotated[tuple[CpuNumber, ...], Field(min_length=1)], ...] | None,
        Field(
            description="Cores as lists of their SMT siblings; CPUs that are not listed have none",
            examples=[[[0, 16], [1, 17]]],
        ),
    ] = None
    nics: Annotated[tuple[Nic, ...], Field(min_length=1, description="Network ports")]
    disk: Annotated[Disk, Field(description="The disk it boots from")] = Disk()
    secure_boot: Annotated[
        Flag, Field(description="UEFI Secure Boot is on: unsigned modules do not load")
    ] = False

    @property
    def cpus(self) -> CpuSet:
        return CpuSet(frozenset(cpu for node in self.numa for cpu in node.cpus))

    @property
    def cores(self) -> tuple[CpuSet, ...]:
        """Physical cores as sets of SMT siblings, in order of their lowest CPU."""
        cpus = self.cpus
        groups = [CpuSet.of(thread) & cpus for thread in self.threads or ()]
        if self.threads is None and self.siblings is not None:
            groups = _pairs(cpus, self.siblings)
        paired = {cpu for group in groups for cpu in group}
        alone = [CpuSet.of([cpu]) for cpu in cpus if cpu not in paired]
        return tuple(sorted([*(group for group in groups if group), *alone]))

    def nic(self, name: str) -> Nic | None:
        return next((nic for nic in self.nics if nic.name == name), None)


def _pairs(cpus: CpuSet, distance: int) -> list[CpuSet]:
    """CPU n and n+distance, lowest first: each CPU is in one pair."""
    free = set(cpus)
    pairs = []
    for cpu in cpus:
        if cpu in free and cpu + distance in free:
            free -= {cpu, cpu + distance}
            pairs.append(CpuSet.of([cpu, cpu + distance]))
    return pairs
