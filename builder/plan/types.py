"""The nouns of a plan: every derived value, with the reason it is so and the line it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from builder.diagnostics import KeyPath, Location
from builder.model.values import CpuSet, PciAddress

Role = Literal["housekeeping", "pmd", "pods", "offline"]
Scope = Literal["image", "host"]
VfMode = Literal["sysfs", "module-parameter"]


@dataclass(frozen=True, slots=True)
class Origin:
    """The inventory key a value rests on, and where it stands (or would stand) in the file."""

    path: KeyPath
    where: Location


@dataclass(frozen=True, slots=True)
class Why:
    """Why a value is what it is, in one sentence, and the inventory keys it rests on."""

    reason: str
    origins: tuple[Origin, ...] = ()


@dataclass(frozen=True, slots=True)
class OsRelease:
    """A release we can build. Versions are of the packages it ships (major, minor)."""

    id: str
    family: Literal["debian", "ubuntu"]
    suite: str
    version: str
    kernel: tuple[int, int]
    ovs: tuple[int, int]
    dpdk: tuple[int, int]
    # Suffix of DPDK's library packages: librte-net-ixgbe25.
    dpdk_abi: str
    systemd: int
    # CONFIG_VFIO_PCI=y: options come by the kernel command line, modprobe.d has no effect.
    vfio_built_in: bool = False
    # Archive components the image's packages come from.
    components: tuple[str, ...] = ("main",)


@dataclass(frozen=True, slots=True)
class CpuPlan:
    """One role for each logical CPU. nodes: the CPUs of each NUMA node, by node number."""

    roles: Mapping[int, Role]
    nodes: tuple[CpuSet, ...]
    # Physical cores as sets of SMT siblings, in order of their lowest CPU.
    cores: tuple[CpuSet, ...]
    why: Mapping[Role, Why]

    def with_role(self, *roles: Role) -> CpuSet:
        return CpuSet.of(cpu for cpu, role in self.roles.items() if role in roles)

    @property
    def housekeeping(self) -> CpuSet:
        return self.with_role("housekeeping")

    @property
    def pmd(self) -> CpuSet:
        return self.with_role("pmd")

    @property
    def pods(self) -> CpuSet:
        return self.with_role("pods")

    @property
    def isolated(self) -> CpuSet:
        """What the scheduler and interrupts keep off: PMD and pod CPUs."""
        return self.with_role("pmd", "pods")


@dataclass(frozen=True, slots=True)
class HugepagePool:
    """Pages of one size on one NUMA node."""

    node: int
    size_kib: int
    count: int
    why: Why


@dataclass(frozen=True, slots=True)
class KernelArg:
    """One word of the kernel command line. Order is part of the plan."""

    name: str
    value: str | None
    why: Why

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}={self.value}"


@dataclass(frozen=True, slots=True)
class Module:
    """A kernel module the node loads at boot (modules-load.d)."""

    name: str
    why: Why


@dataclass(frozen=True, slots=True)
class ModuleOption:
    """`options module name=value` in modprobe.d/<module>.conf."""

    module: str
    name: str
    value: str
    why: Why


@dataclass(frozen=True, slots=True)
class SysctlSetting:
    """One key of sysctl.d, in dotted form."""

    key: str
    value: str
    why: Why


@dataclass(frozen=True, slots=True)
class VfPlan:
    """One virtual function. driver None: its kernel network driver."""

    index: int
    pci: PciAddress
    driver: str | None
    use: Literal["ovs-dpdk", "pods"]
    pool: str | None
    why: Why
    mac: str | None = None
    vlan: int | None = None
    trust: bool | None = None
    spoofchk: bool | None = None


@dataclass(frozen=True, slots=True)
class PfPlan:
    """A physical function and the VFs made on it.

    driver: its kernel driver, or the DPDK driver the PF itself is bound to before its
    VFs are made (the how-to's literal form).
    """

    name: str
    pci: PciAddress
    device_id: str
    vf_id: str
    driver: str
    numa: int | None
    mode: VfMode
    num_vfs: int
    vfs: tuple[VfPlan, ...]
    why: Why


@dataclass(frozen=True, slots=True)
class Binding:
    """A whole NIC port given to a userspace driver."""

    name: str
    pci: PciAddress
    device_id: str
    driver: str
    numa: int | None
    why: Why


@dataclass(frozen=True, slots=True)
class NicPlan:
    """A port the kernel keeps: gets its name by a .link file keyed by PCI path."""

    name: str
    pci: PciAddress
    device_id: str
    driver: str
    numa: int | None
    why: Why


@dataclass(frozen=True, slots=True)
class OtherConfig:
    """One Open_vSwitch other_config key."""

    key: str
    value: str
    why: Why


@dataclass(frozen=True, slots=True)
class OvsPortPlan:
    """A DPDK port. options: Interface options, dpdk-devargs among them."""

    name: str
    type: Literal["dpdk"]
    options: Mapping[str, str]
    mtu: int
    pci: PciAddress
    numa: int | None
    why: Why


@dataclass(frozen=True, slots=True)
class OvsBridgePlan:
    """A bridge with its ports, in inventory order."""

    name: str
    datapath_type: str
    fail_mode: str
    ports: tuple[OvsPortPlan, ...]
    why: Why


@dataclass(frozen=True, slots=True)
class OvsPlan:
    """Open vSwitch: options written before ovs-vswitchd starts, then bridges and ports."""

    other_config: tuple[OtherConfig, ...]
    bridges: tuple[OvsBridgePlan, ...]


@dataclass(frozen=True, slots=True)
class PackagePlan:
    """A package of the image."""

    name: str
    why: Why


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """What all machines of one hardware class and profile share; becomes the golden image."""

    image_name: str
    hardware: str
    profile: str
    release: OsRelease
    cpus: CpuPlan
    hugepages: tuple[HugepagePool, ...]
    kernel_args: tuple[KernelArg, ...]
    modules: tuple[Module, ...]
    module_options: tuple[ModuleOption, ...]
    # Drivers that get a file in modprobe.d even without options: it says why it is empty.
    module_files: Mapping[str, Why]
    sysctls: tuple[SysctlSetting, ...]
    nics: tuple[NicPlan, ...]
    pfs: tuple[PfPlan, ...]
    bindings: tuple[Binding, ...]
    ovs: OvsPlan | None
    packages: tuple[PackagePlan, ...]
    plan_id: str


@dataclass(frozen=True, slots=True)
class InterfacePlan:
    """A kernel interface of a host, as netplan sets it up. addresses: CIDR text."""

    name: str
    pci: PciAddress
    role: str
    dhcp4: bool
    dhcp6: bool
    addresses: tuple[str, ...]
    gateway: str | None
    nameservers: tuple[str, ...]
    mtu: int | None
    mac: str | None
    why: Why


@dataclass(frozen=True, slots=True)
class HostPlan:
    """One machine: the image plan of its class and profile, and its identity.

    plan_id: sha256 (hex) over the canonical JSON of everything but plan ids themselves.
    """

    hostname: str
    image: ImagePlan
    interfaces: tuple[InterfacePlan, ...]
    why: Why
    plan_id: str
