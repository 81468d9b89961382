"""The nouns of a plan: every derived value, with the reason it is so and the line it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from builder.catalog.releases import OsRelease
from builder.diagnostics import KeyPath
from builder.model.values import HUGEPAGE_KIB, CpuSet, PciAddress, page_size_text
from builder.plan.devices import (
    Binding,
    NicPlan,
    OtherConfig,
    OvsPlan,
    OvsPortPlan,
    PfPlan,
    PhysicalPort,
)
from builder.plan.json_form import HIDDEN
from builder.plan.why import Why

Role = Literal["housekeeping", "pmd", "pods", "offline"]
Scope = Literal["image", "host"]


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
    def offline(self) -> CpuSet:
        return self.with_role("offline")

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
    # Of the count, or of the first demand they are for.
    key: KeyPath = field(metadata=HIDDEN)


@dataclass(frozen=True, slots=True)
class PageMount:
    """A hugetlbfs of pages of one size. where: an absolute path."""

    where: str
    size_kib: int
    why: Why


@dataclass(frozen=True, slots=True)
class PageDemand:
    """Memory in pages of one size that pods or virtual machines are to have on a NUMA node."""

    who: Literal["pods", "virtual machines"]
    node: int
    size_kib: int
    mib: int
    why: Why
    key: KeyPath = field(metadata=HIDDEN)


@dataclass(frozen=True, slots=True)
class KernelArg:
    """One word of the kernel command line. Order is part of the plan."""

    name: str
    value: str | None
    why: Why
    # Where the inventory itself has the word; None: it is derived.
    own_key: KeyPath | None = field(default=None, metadata=HIDDEN)

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
class PackagePlan:
    """A package of the image."""

    name: str
    why: Why


@dataclass(frozen=True, slots=True)
class ReservedMemory:
    """Memory of one NUMA node the kubelet keeps from pods (reservedMemory)."""

    node: int
    mib: int


@dataclass(frozen=True, slots=True)
class KubeletPlan:
    """The node's numbers of KubeletConfiguration; why: by field of this class.

    Source: kubernetes, staging/src/k8s.io/kubelet/config/v1beta1/types.go.
    """

    reserved_system_cpus: CpuSet
    cpu_manager_policy: Literal["static"]
    cpu_manager_policy_options: Mapping[str, str]
    topology_manager_policy: str
    topology_manager_scope: str
    memory_manager_policy: Literal["Static", "None"]
    kube_reserved_mib: int
    system_reserved_mib: int
    eviction_hard_mib: int
    # Sum: exactly kube_reserved + system_reserved + eviction_hard, or the kubelet ends.
    reserved_memory: tuple[ReservedMemory, ...]
    why: Mapping[str, Why]


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """What all machines of one hardware class and profile share; becomes the golden image."""

    image_name: str
    hardware: str
    profile: str
    release: OsRelease
    cpus: CpuPlan
    # MiB of each NUMA node, by node number.
    memory_mib: tuple[int, ...]
    # By size, the default size first, then by node.
    hugepages: tuple[HugepagePool, ...]
    page_demands: tuple[PageDemand, ...]
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
    kubelet: KubeletPlan | None
    packages: tuple[PackagePlan, ...]
    plan_id: str

    @property
    def physical_ports(self) -> tuple[PhysicalPort, ...]:
        """Every port of the class; a PF that keeps its kernel driver is in it twice."""
        return (*self.pfs, *self.bindings, *self.nics)

    @property
    def dpdk_ports(self) -> tuple[OvsPortPlan, ...]:
        """Ports of all bridges."""
        bridges = self.ovs.bridges if self.ovs is not None else ()
        return tuple(port for bridge in bridges for port in bridge.ports)

    @property
    def socket_mem(self) -> tuple[int, ...]:
        """MiB Open vSwitch asks for, by NUMA node; () without it, or where it asks for nonsense."""
        return self.ovs.socket_mem if self.ovs is not None else ()

    def ovs_setting(self, key: str) -> OtherConfig | None:
        """A key of other_config, where the plan sets it."""
        settings = self.ovs.other_config if self.ovs is not None else ()
        return next((setting for setting in settings if setting.key == key), None)

    def profile_key(self, *keys: str | int) -> KeyPath:
        """A key of the inventory's profile."""
        return ("profiles", self.profile, *keys)

    @property
    def default_page_kib(self) -> int:
        """The size /dev/hugepages has: dev-hugepages.mount of systemd gives no pagesize=."""
        return self.hugepages[0].size_kib if self.hugepages else HUGEPAGE_KIB["2M"]

    @property
    def page_mounts(self) -> tuple[PageMount, ...]:
        """A mount for each size with pages that is not the default, smallest first."""
        whys = {pool.size_kib: pool.why for pool in reversed(self.hugepages) if pool.count}
        return tuple(
            PageMount(f"/dev/hugepages{page_size_text(size_kib)}", size_kib, whys[size_kib])
            for size_kib in sorted(whys.keys() - {self.default_page_kib})
        )


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
class UserPlan:
    """A login. password_hash: of crypt(5), for the console."""

    name: str
    ssh_keys: tuple[str, ...]
    password_hash: str | None
    sudo: bool
    groups: tuple[str, ...]
    why: Why


@dataclass(frozen=True, slots=True)
class SecretPlan:
    """A file fetched once after the first boot. mode: octal, as `0600`."""

    name: str
    url: str
    path: str
    mode: str
    why: Why


@dataclass(frozen=True, slots=True)
class AccessPlan:
    """Who may log in to a host, and what it fetches."""

    users: tuple[UserPlan, ...] = ()
    secrets: tuple[SecretPlan, ...] = ()


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
    access: AccessPlan = AccessPlan()
