"""A golden image: all that machines of one class and profile share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from builder.catalog.kernels import KernelFlavour
from builder.catalog.releases import OsRelease
from builder.diagnostics import KeyPath
from builder.model.memory import usable_memory
from builder.model.sizes import HUGEPAGE_KIB, page_size_text
from builder.plan.nouns.cpus import CpuPlan
from builder.plan.nouns.devices import Binding, NicPlan, PfPlan, PhysicalPort
from builder.plan.nouns.json_form import HIDDEN
from builder.plan.nouns.kernel import KernelArg, Module, ModuleOption, SysctlSetting
from builder.plan.nouns.kubelet import KubeletPlan
from builder.plan.nouns.ovs import OtherConfig, OvsPlan, OvsPortPlan
from builder.plan.nouns.pages import HugepagePool, PageDemand, PageMount
from builder.plan.nouns.why import Why

Scope = Literal["image", "host"]


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
    # The inventory's; the release has its usual kernel first where it has none of that flavour.
    asked_kernel: KernelFlavour | None = field(default=None, metadata=HIDDEN)
    cpu_vendor: str = field(default="intel", metadata=HIDDEN)

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

    @property
    def lcore_mask(self) -> str | None:
        """The inventory's own dpdk-lcore-mask: there is no derived one."""
        setting = self.ovs_setting("dpdk-lcore-mask")
        return setting.value if setting is not None else None

    @property
    def usable_mib(self) -> tuple[int, ...]:
        """MiB of each NUMA node that the kernel has for pages, pods and the system."""
        return usable_memory(self.memory_mib, map(str, self.kernel_args))

    def profile_key(self, *keys: str | int) -> KeyPath:
        """A key of the inventory's profile."""
        return ("profiles", self.profile, *keys)

    def pools_on(self, node: int) -> tuple[HugepagePool, ...]:
        """Pages of each size on a NUMA node."""
        return tuple(pool for pool in self.hugepages if pool.node == node)

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
