"""A profile: how the machines of a class are tuned; CPUs, hugepages, SR-IOV, OVS-DPDK."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from builder.model.base import Part
from builder.model.hardware import IfName, ModuleName
from builder.model.values import (
    Cpus,
    Flag,
    Mac,
    PageSize,
    Whole,
    parsed,
    quote,
    text,
)

# vfio-pci is in-tree and signed; igb_uio comes from dpdk-kmods-dkms, unsigned;
# uio_pci_generic is in-tree, without MSI-X and IOMMU (DPDK, Linux drivers guide).
DpdkDriver = Literal["vfio-pci", "igb_uio", "uio_pci_generic"]
VfDriver = Literal["kernel", "vfio-pci", "igb_uio", "uio_pci_generic"]
DPDK_DRIVERS: tuple[str, ...] = ("vfio-pci", "igb_uio", "uio_pci_generic")


def _parse_node(value: object) -> int:
    if type(value) is int and value >= 0:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    raise ValueError(f"{quote(str(value))} is not the number of a NUMA node like 0")


def _per_node_form(value: Any) -> str | None:
    if isinstance(value, bool):
        return None
    return "number" if isinstance(value, int) else "map" if isinstance(value, dict) else None


NodeNumber = Annotated[int, *parsed(_parse_node, "NUMA node", "0", pattern="^[0-9]+$")]
# The discriminator picks one branch, so that a wrong value has one message and not one a branch.
PerNode = Annotated[
    Annotated[Whole, Field(ge=0), Tag("number")]
    | Annotated[dict[NodeNumber, Annotated[Whole, Field(ge=0)]], Tag("map")],
    Discriminator(
        _per_node_form, custom_error_type="per_node", custom_error_message="number or map"
    ),
    Field(examples=[2, {"0": 1, "1": 2}]),
]
# The SR-IOV device plugin makes an environment variable of it: no "-", no ".".
ResourceName = Annotated[
    str, *text(r"[A-Za-z0-9_]+", "a device plugin resource", "dpdk_vfs", longest=63)
]
# A space would end the argument, a quote or "$" would be read by GRUB's shell.
KernelArgText = Annotated[
    str,
    *text(r"[A-Za-z0-9_.-]+(=[A-Za-z0-9_.,:;@/+*%=-]*)?", "one kernel argument", "mitigations=off"),
]
SysctlKey = Annotated[
    str, *text(r"[a-z0-9_]+(\.[A-Za-z0-9_/-]+)+", "a sysctl key in dotted form", "vm.swappiness")
]
VfName = Annotated[str, *text(r"[A-Za-z0-9_.-]+/[0-9]{1,3}", "a VF (port/index)", "ens11f0/0")]

SysctlValue = Annotated[
    str | int,
    *text(
        r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?",
        "a sysctl value (one line of ASCII)",
        "10",
        also=(int,),
    ),
]
OtherConfigKey = Annotated[
    str, *text(r"[a-z][a-z0-9-]*", "an other_config key", "dpdk-socket-limit")
]
OtherConfigValue = Annotated[
    str | int | bool,
    *text(
        r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?",
        "an other_config value (one line of ASCII)",
        "1024,1024",
        also=(int, bool),
    ),
]
ParameterName = Annotated[str, *text(r"[A-Za-z0-9_]+", "a module parameter", "max_vfs")]
ParameterValue = Annotated[
    str | int,
    *text(r"[A-Za-z0-9_.,:+-]+", "a module parameter's value", "2,2", also=(int,)),
]


class CpuPolicy(Part):
    """Which cores do what; the rest is for pods."""

    housekeeping_cores_per_node: Annotated[
        Whole, Field(ge=1, description="Whole cores per NUMA node for the OS and its interrupts")
    ] = 1
    housekeeping: Annotated[Cpus | None, Field(description="Housekeeping CPUs, listed")] = None
    pmd_cores_per_node: Annotated[
        PerNode,
        Field(
            description="Whole cores for OVS PMD threads: a number for every NUMA node that "
            "has a DPDK port, or a map NUMA node -> number"
        ),
    ] = 1
    pmd: Annotated[Cpus | None, Field(description="PMD CPUs, listed")] = None


class Hugepages(Part):
    """The hugepage pool."""

    size: Annotated[PageSize, Field(description="Page size")] = "1G"
    count: Annotated[
        PerNode,
        Field(
            description="Pages in all, spread evenly over the NUMA nodes, "
            "or a map NUMA node -> pages"
        ),
    ]


class Vf(Part):
    """One virtual function that differs from the policy's default."""

    index: Annotated[Whole, Field(ge=0, description="Number of the VF, from 0")]
    driver: Annotated[
        VfDriver | None,
        Field(
            description="kernel: the VF's own network driver; else a DPDK driver; "
            "default: the policy's"
        ),
    ] = None
    use: Annotated[
        Literal["ovs-dpdk"] | None, Field(description="ovs-dpdk: kept for an OVS port")
    ] = None
    pool: Annotated[
        ResourceName | None, Field(description="Device plugin resource; default: the policy's")
    ] = None
    mac: Annotated[Mac | None, Field(description="MAC address, the same on every host")] = None
    vlan: Annotated[Whole | None, Field(ge=0, le=4094, description="VLAN tag; 0: none")] = None
    trust: Annotated[
        Flag | None, Field(description="Whether the VF may change its MAC and be promiscuous")
    ] = None
    spoofchk: Annotated[Flag | None, Field(description="Whether source MACs are checked")] = None


class SriovPolicy(Part):
    """Virtual functions of one physical function."""

    pf: Annotated[IfName, Field(description="Name of a NIC of the hardware class")]
    num_vfs: Annotated[Whole, Field(ge=1, description="How many VFs are made")]
    pool: Annotated[ResourceName | None, Field(description="Device plugin resource of the VFs")] = (
        None
    )
    driver: Annotated[
        VfDriver, Field(description="Driver of the VFs: kernel (their own) or a DPDK driver")
    ] = "kernel"
    vfs: Annotated[tuple[Vf, ...], Field(description="VFs that differ from this")] = ()


class OvsPort(Part):
    """A DPDK port of a bridge: a whole NIC port, or one VF (`ens11f0/0`)."""

    nic: Annotated[
        IfName | None, Field(description="Name of a NIC of the hardware class, given whole")
    ] = None
    vf: Annotated[VfName | None, Field(description="One VF, with use: ovs-dpdk")] = None
    mtu: Annotated[Whole, Field(ge=68, le=9702, description="MTU (mtu_request)")] = 1500
    rxq: Annotated[Whole, Field(ge=1, le=64, description="Receive queues (options:n_rxq)")] = 1


class OvsBridge(Part):
    """A bridge."""

    datapath: Annotated[
        Literal["netdev"], Field(description="netdev: the userspace datapath, which DPDK needs")
    ] = "netdev"
    fail_mode: Annotated[
        Literal["standalone", "secure"],
        Field(description="secure: no traffic without flows from a controller"),
    ] = "standalone"
    ports: Annotated[dict[IfName, OvsPort], Field(min_length=1, description="DPDK ports by name")]


class Ovs(Part):
    """Open vSwitch with DPDK."""

    driver: Annotated[DpdkDriver, Field(description="Driver of NIC ports given to OVS")] = (
        "vfio-pci"
    )
    other_config: Annotated[
        dict[OtherConfigKey, OtherConfigValue],
        Field(description="Open_vSwitch other_config keys that override the derived ones"),
    ] = Field(default_factory=dict)
    bridges: Annotated[dict[IfName, OvsBridge], Field(min_length=1, description="Bridges by name")]


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
        Field(description="Module parameters, written to modprobe.d"),
    ] = Field(default_factory=dict)


class Profile(Part):
    """How a class of machines is tuned."""

    cpu: Annotated[CpuPolicy, Field(description="Roles of the CPUs")] = CpuPolicy()
    hugepages: Annotated[Hugepages, Field(description="The hugepage pool")]
    sriov: Annotated[
        tuple[SriovPolicy, ...], Field(description="Virtual functions, a policy for each PF")
    ] = ()
    ovs: Annotated[Ovs | None, Field(description="Open vSwitch with DPDK")] = None
    drivers: Annotated[
        dict[ModuleName, NicDriver], Field(description="NIC drivers, by kernel module")
    ] = Field(default_factory=dict)
    sysctl: Annotated[
        dict[SysctlKey, SysctlValue], Field(description="Kernel settings, dotted keys")
    ] = Field(default_factory=dict)
    kernel_args: Annotated[
        tuple[KernelArgText, ...], Field(description="Further kernel arguments, placed last")
    ] = ()
