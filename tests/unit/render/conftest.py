"""The seed's machine as a literal plan, so that rendering is tested without the planner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pytest
from rendered import RenderHost, RenderImage, Texts
from seed_machine import MEMORY_MIB, RELEASE, make_cpus, make_management, pci, why

from builder.catalog.nics import NIC_TYPES
from builder.plan.nouns.devices import Binding, NicPlan, PfPlan, VfPlan
from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan, PackagePlan
from builder.plan.nouns.kernel import KernelArg, Module, ModuleOption, SysctlSetting
from builder.plan.nouns.ovs import OtherConfig, OvsBridgePlan, OvsPlan, OvsPortPlan
from builder.plan.nouns.pages import HugepagePool
from builder.render import render_host, render_image
from builder.resources import read_texts

GIB = 1048576

UNIT = """[Unit]
Description=NICs
DefaultDependencies=no

[Service]
Type=oneshot
ExecStart=/usr/lib/rackwright/nics

[Install]
WantedBy=sysinit.target network-pre.target
RequiredBy=ovs-vswitchd.service
Alias=nfv-nics.service
"""
OVS_UNIT = """[Unit]
Description=OVS options

[Service]
Type=oneshot
ExecStart=/usr/lib/rackwright/ovs options
"""


def make_pf(name: str, address: str, vfs: tuple[VfPlan, ...]) -> PfPlan:
    return PfPlan(
        name=name,
        pci=pci(address),
        device_id="8086:10fb",
        vf_id="8086:10ed",
        driver="ixgbe",
        numa=0,
        mode="sysfs",
        num_vfs=len(vfs),
        vfs=vfs,
        why=why("VFs by sriov_numvfs", "profiles", "nfv", "sriov", 0, "num-vfs"),
        model=NIC_TYPES["8086:10fb"],
        key=("profiles", "nfv", "sriov", 0),
    )


def make_vf(index: int, address: str, driver: str | None, pool: str | None) -> VfPlan:
    reason = why("a VF", "profiles", "nfv", "sriov", 0, "vfs", index)
    user: Literal["pods", "ovs-dpdk"] = "pods" if pool else "ovs-dpdk"
    return VfPlan(index, pci(address), driver, user, pool, reason, reason.origins[0].path)


def make_port(name: str, address: str) -> OvsPortPlan:
    return OvsPortPlan(name, pci(address), 0, 1500, 1, why(name, "profiles"), ())


def kernel_args() -> tuple[KernelArg, ...]:
    values: tuple[tuple[str, str | None], ...] = (
        ("intel_iommu", "on"),
        ("iommu", "pt"),
        ("default_hugepagesz", "1G"),
        ("hugepagesz", "1G"),
        ("hugepages", "0:4,1:4"),
        ("isolcpus", "managed_irq,domain,1-7,9-15,17-23,25-31"),
        ("nosmt_is_not_set", None),
    )
    return tuple(
        KernelArg(name, value, why(f"reason of {name}", "profiles", "nfv"))
        for name, value in values
    )


@pytest.fixture
def image_plan() -> ImagePlan:
    nics = (
        ("enp8s0", "0000:08:00.0", "8086:1533"),
        ("ens11f0", "0000:01:00.0", "8086:10fb"),
        ("ens11f1", "0000:01:00.1", "8086:10fb"),
    )
    return ImagePlan(
        image_name="nfv-node",
        hardware="e5-2620v4",
        profile="nfv",
        release=RELEASE,
        cpus=make_cpus(),
        memory_mib=MEMORY_MIB,
        hugepages=tuple(
            HugepagePool(node, GIB, 4, why("8 pages over 2 nodes", "profiles", "nfv", "hugepages"), ())
            for node in (0, 1)
        ),
        page_demands=(),
        kernel_args=kernel_args(),
        modules=(Module("vfio-pci", why("driver of enp9s0", "profiles", "nfv", "ovs")),),
        module_options=(ModuleOption("vfio-pci", "disable_idle_d3", "1", why("no D3", "profiles")),),
        module_files={"ixgbe": why("no max_vfs: VFs are made by sysfs", "profiles", "nfv", "sriov", 0)},
        sysctls=(SysctlSetting("vm.swappiness", "10", why("no swapping", "profiles", "nfv")),),
        nics=tuple(
            NicPlan(name, pci(address), device, "igb", 0, why("kept", "hardware", "e5-2620v4"), NIC_TYPES[device])
            for name, address, device in nics
        ),
        pfs=(
            make_pf("ens11f0", "0000:01:00.0", (
                make_vf(1, "0000:01:10.2", "vfio-pci", "dpdk_vfs"),
                make_vf(0, "0000:01:10.0", "vfio-pci", None),
            )),
            make_pf("ens11f1", "0000:01:00.1", (make_vf(0, "0000:01:10.1", None, "net_vfs"),)),
        ),
        bindings=(
            Binding("enp9s0", pci("0000:09:00.0"), "8086:1533", "vfio-pci", 0, why("dpdk0", "profiles"), NIC_TYPES["8086:1533"], ()),
        ),
        ovs=OvsPlan(
            (OtherConfig("dpdk-init", "true", why("DPDK", "profiles")),),
            (OvsBridgePlan("br0", "netdev", "standalone",
                           (make_port("dpdk0", "0000:09:00.0"),), why("br0", "profiles")),),
        ),
        kubelet=None,
        packages=(PackagePlan("openvswitch-switch-dpdk", why("OVS", "profiles")),),
        plan_id="c0ffee" * 10 + "cafe",
    )  # fmt: skip


@pytest.fixture
def host_plan(image_plan: ImagePlan) -> HostPlan:
    management = make_management(
        why("for Kubernetes", "hosts", "nfv1", "interfaces", "enp8s0"), "cc:37:ab:e1:21:64"
    )
    return HostPlan("nfv1", image_plan, (management,), why("host", "hosts", "nfv1"), "d" * 64)


@pytest.fixture
def templates() -> Mapping[str, str]:
    return read_texts("templates")


@pytest.fixture
def programs() -> Mapping[str, str]:
    """Small stand-ins: the real ones are another layer's business."""
    return {
        "rackwright-nics.py": "#!/usr/bin/python3\nprint('nics')\n",
        "rackwright_node.py": "VERSION = 1\n",
        "rackwright-cpus.py": "#!/usr/bin/python3\nprint('cpus')\n",
        "rackwright-ovs.py": "#!/usr/bin/python3\nprint('ovs')\n",
        "rackwright-nics.service": UNIT,
        "rackwright-cpus.service": UNIT.replace("nics", "cpus").replace(
            "Alias=nfv-cpus.service\n", ""
        ),
        "rackwright-hugepages.service": OVS_UNIT.replace("ovs options", "nics"),
        "rackwright-ovs-options.service": OVS_UNIT,
        "90-rackwright-facts.rules": (
            'SUBSYSTEM=="virtio-ports", ATTR{name}=="rackwright.facts", TAG+="systemd",'
            ' ENV{SYSTEMD_WANTS}+="rackwright-facts.service"\n'
        ),
    }


@pytest.fixture
def image_of(templates: Texts, programs: Texts) -> RenderImage:
    return lambda plan: render_image(plan, templates, programs)


@pytest.fixture
def host_of(templates: Texts, programs: Texts) -> RenderHost:
    return lambda plan: render_host(plan, templates, programs)
