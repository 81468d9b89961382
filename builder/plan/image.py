"""The plan of a golden image: what all machines of one hardware class and profile share."""

from __future__ import annotations

from dataclasses import replace

from builder.catalog.releases import OsRelease
from builder.diagnostics import Marks
from builder.model.inventory import Inventory
from builder.model.ports import dpdk_ports
from builder.plan.cpus import plan_cpus
from builder.plan.encode import plan_id
from builder.plan.hugepages import plan_hugepages, plan_page_demands
from builder.plan.inputs import Inputs
from builder.plan.kernel import plan_kernel_args
from builder.plan.kubelet import plan_kubelet
from builder.plan.modules import (
    plan_module_files,
    plan_module_options,
    plan_modules,
    plan_vfio_options,
)
from builder.plan.nouns.image import ImagePlan
from builder.plan.ovs import plan_ovs
from builder.plan.ovs_memory import apply_own_memory, plan_ovs_memory
from builder.plan.packages import plan_packages
from builder.plan.sriov import plan_bindings, plan_nics, plan_pfs
from builder.plan.sysctl import plan_sysctls


def plan_image(
    inventory: Inventory, marks: Marks, hardware: str, profile: str, release: OsRelease
) -> ImagePlan:
    """Everything an image of `hardware` with `profile` on `release` is to be."""
    flavour = inventory.image.kernel
    release = release.with_kernel(flavour)
    inputs = Inputs(inventory, marks, hardware, profile, release)
    ports = tuple(dpdk_ports(inputs.hardware, inputs.profile))
    cpus = plan_cpus(inputs, ports)
    memory = plan_ovs_memory(inputs, cpus, ports)
    asked = apply_own_memory(inputs, memory)
    pools = plan_hugepages(inputs, asked)
    pfs = plan_pfs(inputs, ports)
    bindings = plan_bindings(inputs, ports)
    vfio_options = plan_vfio_options(inputs, pfs, bindings)
    built_in = vfio_options if release.vfio_built_in else ()
    plan = ImagePlan(
        image_name=inventory.image.name,
        hardware=hardware,
        profile=profile,
        release=release,
        asked_kernel=flavour,
        cpu_vendor=inputs.hardware.cpu.vendor,
        cpus=cpus,
        memory_mib=tuple(node.memory for node in inputs.hardware.numa),
        hugepages=pools,
        page_demands=plan_page_demands(inputs),
        kernel_args=plan_kernel_args(inputs, cpus, pools, built_in),
        modules=plan_modules(inputs, pfs, bindings),
        module_options=(*(() if built_in else vfio_options), *plan_module_options(inputs, pfs)),
        module_files=plan_module_files(inputs),
        sysctls=plan_sysctls(inputs),
        nics=plan_nics(inputs, ports),
        pfs=pfs,
        bindings=bindings,
        ovs=plan_ovs(inputs, cpus, memory, pfs, ports, socket_mem=tuple(m.mib for m in asked)),
        kubelet=plan_kubelet(inputs, cpus, pools),
        packages=plan_packages(inputs, ports, pfs, bindings),
        plan_id="",
    )
    return replace(plan, plan_id=plan_id(plan))
