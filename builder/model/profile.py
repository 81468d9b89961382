"""A profile: how the machines of a class are tuned; CPUs, hugepages, SR-IOV, OVS-DPDK, kubelet."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from builder.model.base import Part
from builder.model.fields import (
    KernelArgText,
    ParameterName,
    ParameterValue,
    PerNode,
    PerNodeMemory,
    SysctlKey,
    SysctlValue,
)
from builder.model.hardware import ModuleName
from builder.model.ovs import Ovs
from builder.model.sizes import MemoryMiB, PageSize
from builder.model.sriov import SriovPolicy
from builder.model.values import Cpus, Flag, Whole


class CpuPolicy(Part):
    """Which cores do what; the rest is for pods."""

    housekeeping_cores_per_node: Annotated[
        PerNode,
        Field(
            description="Whole cores for the OS and its interrupts: a number for every NUMA "
            "node with CPUs, or a map NUMA node -> number"
        ),
    ] = 1
    housekeeping_cores: Annotated[
        Whole | None,
        Field(
            ge=1,
            description=("Total number of housekeeping cores, spread evenly over the NUMA nodes"),
        ),
    ] = None
    housekeeping: Annotated[Cpus | None, Field(description="Housekeeping CPUs, listed")] = None
    pmd_cores_per_node: Annotated[
        PerNode,
        Field(
            description="Whole cores for OVS PMD threads: a number for every NUMA node that "
            "has a DPDK port, or a map NUMA node -> number"
        ),
    ] = 1
    pmd: Annotated[Cpus | None, Field(description="PMD CPUs, listed")] = None
    smt: Annotated[
        Flag,
        Field(description=("false: take all SMT siblings of each core except the first offline")),
    ] = True
    offline: Annotated[Cpus | None, Field(description="List of CPUs to take offline")] = None
    offline_cores_per_node: Annotated[
        PerNode,
        Field(
            description="Whole cores to take offline, to save power: a number for every NUMA "
            "node with CPUs, or a map NUMA node -> number"
        ),
    ] = 0
    balance_pods: Annotated[
        Flag,
        Field(description="false: the scheduler does not balance pod CPUs either (isolcpus)"),
    ] = True


class PagePool(Part):
    """Hugepages of a further size."""

    size: Annotated[PageSize, Field(description="Page size")]
    count: Annotated[
        PerNode | None,
        Field(
            description="Total number of pages, spread evenly over the NUMA nodes, or a map "
            "NUMA node -> pages; default: what pods and VMs need of this size"
        ),
    ] = None


class PageMemory(Part):
    """Hugepage memory somebody besides Open vSwitch is to have."""

    memory: Annotated[
        PerNodeMemory,
        Field(description="Memory on every NUMA node with CPUs, or a map NUMA node -> memory"),
    ]
    size: Annotated[
        PageSize | None, Field(description="Page size to use; default: hugepages.size")
    ] = None


class Hugepages(Part):
    """The hugepage pools."""

    size: Annotated[
        PageSize,
        Field(description=("Default page size; Open vSwitch uses the largest size that exists")),
    ] = "1G"
    count: Annotated[
        PerNode | None,
        Field(
            description="Total number of pages, spread evenly over the NUMA nodes, or a map "
            "NUMA node -> pages; default: what Open vSwitch, pods and VMs need"
        ),
    ] = None
    more: Annotated[tuple[PagePool, ...], Field(description="Pools of other page sizes")] = ()
    pods: Annotated[PageMemory | None, Field(description="Hugepage memory for pods")] = None
    vms: Annotated[PageMemory | None, Field(description="Hugepage memory for virtual machines")] = (
        None
    )


class Kubernetes(Part):
    """What the kubelet is to keep back, and how it places pods."""

    topology_policy: Annotated[
        Literal["none", "best-effort", "restricted", "single-numa-node"],
        Field(description="Topology Manager policy"),
    ] = "restricted"
    topology_scope: Annotated[
        Literal["container", "pod"], Field(description="Topology Manager scope")
    ] = "container"
    strict_cpu_reservation: Annotated[
        Flag,
        Field(
            description="Also keep pods without exclusive CPUs off the reserved CPUs; use "
            "false with a kubelet before 1.33, which rejects the option"
        ),
    ] = True
    kube_reserved: Annotated[
        MemoryMiB, Field(description="Memory of the Kubernetes daemons (kubeReserved)")
    ] = 500
    system_reserved: Annotated[
        MemoryMiB, Field(description="Memory of the system's daemons (systemReserved)")
    ] = 500
    eviction: Annotated[
        MemoryMiB,
        Field(description="Free memory below which pods are evicted (evictionHard)"),
    ] = 100


class NicDriver(Part):
    """How a NIC's kernel driver is loaded."""

    flavour: Annotated[
        Literal["in-tree", "out-of-tree"],
        Field(description="Which build of the driver the node has"),
    ] = "in-tree"
    vf_mode: Annotated[
        Literal["sysfs", "module-parameter"],
        Field(description="sysfs: sriov_numvfs by PCI address; module-parameter: max_vfs"),
    ] = "sysfs"
    options: Annotated[
        dict[ParameterName, ParameterValue],
        Field(
            description="Module parameters, written to modprobe.d; those of VFIO to the kernel "
            "command line where it is part of the kernel"
        ),
    ] = Field(default_factory=dict)


# Parts of a profile that stand for themselves: without one of them the others mean the same.
SETTINGS = ("latency", "kubernetes", "drivers", "sysctl", "kernel_args")


class Profile(Part):
    """How a class of machines is tuned."""

    cpu: Annotated[CpuPolicy, Field(description="Roles of the CPUs")] = CpuPolicy()
    latency: Annotated[
        Literal["default", "low", "ultra-low"],
        Field(
            description="What is given up for lower and steadier latency; low: watchdogs and "
            "kernel housekeeping; ultra-low: also CPU sleep states"
        ),
    ] = "default"
    hugepages: Annotated[Hugepages, Field(description="The hugepage pools")] = Hugepages()
    sriov: Annotated[
        tuple[SriovPolicy, ...], Field(description="Virtual functions, one policy for each PF")
    ] = ()
    ovs: Annotated[Ovs | None, Field(description="Open vSwitch with DPDK")] = None
    kubernetes: Annotated[
        Kubernetes | None, Field(description="What the kubelet reserves for the system")
    ] = None
    drivers: Annotated[
        dict[ModuleName, NicDriver], Field(description="NIC drivers, by kernel module")
    ] = Field(default_factory=dict)
    sysctl: Annotated[
        dict[SysctlKey, SysctlValue], Field(description="sysctl settings with dotted keys")
    ] = Field(default_factory=dict)
    kernel_args: Annotated[
        tuple[KernelArgText, ...],
        Field(description=("Additional kernel arguments, appended at the end")),
    ] = ()
