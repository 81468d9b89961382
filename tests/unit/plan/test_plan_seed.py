"""The seed's machine on Debian 13: every derived value, whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan


@pytest.fixture
def host(plan_seed: Callable[..., HostPlan]) -> HostPlan:
    return plan_seed()


@pytest.fixture
def image(host: HostPlan) -> ImagePlan:
    return host.image


def test_cpus(image: ImagePlan) -> None:
    cpus = image.cpus
    assert {role: str(cpus.with_role(role)) for role in cpus.why} == {
        "housekeeping": "0,8,16,24",
        "pmd": "1,17",
        "pods": "2-7,9-15,18-23,25-31",
    }
    assert str(cpus.isolated) == "1-7,9-15,17-23,25-31"
    assert [str(core) for core in cpus.cores] == [f"{n},{n + 16}" for n in range(16)]
    assert [str(node) for node in cpus.nodes] == ["0-7,16-23", "8-15,24-31"]


def test_hugepages(image: ImagePlan) -> None:
    assert [(p.node, p.size_kib, p.count) for p in image.hugepages] == [
        (0, 1048576, 2),
        (1, 1048576, 1),
        (0, 2048, 1024),
        (1, 2048, 1024),
    ]


def test_kernel_args(image: ImagePlan) -> None:
    assert [str(arg) for arg in image.kernel_args] == [
        "default_hugepagesz=1G",
        "hugepagesz=1G",
        "hugepages=0:2,1:1",
        "hugepagesz=2M",
        "hugepages=0:1024,1:1024",
        "intel_iommu=on",
        "iommu=pt",
        "isolcpus=domain,1,17",
        "isolcpus=managed_irq,1-7,9-15,17-23,25-31",
        "nohz_full=1-7,9-15,17-23,25-31",
        "rcu_nocbs=1-7,9-15,17-23,25-31",
        "irqaffinity=0,8,16,24",
        "systemd.cpu_affinity=0,8,16,24",
        "transparent_hugepage=never",
    ]


def test_modules(image: ImagePlan) -> None:
    assert [module.name for module in image.modules] == ["vfio-pci", "tun", "openvswitch"]
    assert [(o.module, o.name, o.value) for o in image.module_options] == [
        ("vfio-pci", "disable_idle_d3", "1")
    ]
    assert list(image.module_files) == ["ixgbe"]


def test_sysctls(image: ImagePlan) -> None:
    assert {s.key: s.value for s in image.sysctls} == {
        "kernel.numa_balancing": "0",
        "vm.swappiness": "10",
    }


def test_ports_of_the_kernel(image: ImagePlan) -> None:
    assert [(n.name, str(n.pci), n.driver, n.device_id, n.numa) for n in image.nics] == [
        ("enp8s0", "0000:08:00.0", "igb", "8086:1533", 0),
        ("ens11f0", "0000:01:00.0", "ixgbe", "8086:10fb", 0),
        ("ens11f1", "0000:01:00.1", "ixgbe", "8086:10fb", 0),
    ]


def test_bindings(image: ImagePlan) -> None:
    assert [(b.name, str(b.pci), b.device_id, b.driver) for b in image.bindings] == [
        ("enp9s0", "0000:09:00.0", "8086:1533", "vfio-pci")
    ]


def test_virtual_functions(image: ImagePlan) -> None:
    assert [
        (pf.name, str(pf.pci), pf.driver, pf.vf_id, pf.mode, pf.num_vfs) for pf in image.pfs
    ] == [
        ("ens11f0", "0000:01:00.0", "ixgbe", "8086:10ed", "sysfs", 2),
        ("ens11f1", "0000:01:00.1", "ixgbe", "8086:10ed", "sysfs", 2),
    ]
    assert [
        (vf.index, str(vf.pci), vf.driver, vf.use, vf.pool) for pf in image.pfs for vf in pf.vfs
    ] == [
        (0, "0000:01:10.0", "vfio-pci", "ovs-dpdk", None),
        (1, "0000:01:10.2", "vfio-pci", "pods", "dpdk_vfs"),
        (0, "0000:01:10.1", None, "pods", "net_vfs"),
        (1, "0000:01:10.3", None, "pods", "net_vfs"),
    ]


def test_open_vswitch(image: ImagePlan) -> None:
    assert image.ovs is not None
    assert {s.key: s.value for s in image.ovs.other_config} == {
        "dpdk-init": "true",
        "dpdk-socket-mem": "2048,1024",
        "pmd-cpu-mask": "0x20002",
        "dpdk-extra": "-a 0000:09:00.0 -a 0000:01:10.0",
    }
    (bridge,) = image.ovs.bridges
    assert (bridge.name, bridge.datapath_type, bridge.fail_mode) == ("br0", "netdev", "standalone")
    assert [(p.name, p.type, p.options, p.mtu, str(p.pci), p.numa) for p in bridge.ports] == [
        ("dpdk0", "dpdk", {"dpdk-devargs": "0000:09:00.0", "n_rxq": "1"}, 1500, "0000:09:00.0", 0),
        ("dpdk1", "dpdk", {"dpdk-devargs": "0000:01:10.0", "n_rxq": "1"}, 1500, "0000:01:10.0", 0),
    ]


def test_packages(image: ImagePlan) -> None:
    assert [package.name for package in image.packages] == [
        "apt",
        "ca-certificates",
        "chrony",
        "cloud-guest-utils",
        "cloud-init",
        "dbus",
        "dosfstools",
        "e2fsprogs",
        "efibootmgr",
        "ethtool",
        "grub-efi-amd64-bin",
        "grub-efi-amd64-signed",
        "grub-pc-bin",
        "grub2-common",
        "initramfs-tools",
        "intel-microcode",
        "iproute2",
        "kmod",
        "less",
        "libpam-systemd",
        "librte-bus-pci25",
        "librte-bus-vdev25",
        "librte-mempool-ring25",
        "librte-net-e1000-25",
        "librte-net-ixgbe25",
        "linux-image-amd64",
        "login",
        "netplan.io",
        "openssh-server",
        "openvswitch-switch",
        "openvswitch-switch-dpdk",
        "pciutils",
        "procps",
        "python3",
        "shim-signed",
        "sudo",
        "systemd-repart",
        "systemd-resolved",
        "systemd-sysv",
        "udev",
        "zstd",
    ]
    assert image.release.components == ("main", "non-free-firmware")


def test_host(host: HostPlan) -> None:
    assert (host.hostname, host.image.hardware, host.image.profile) == (
        "nfv1",
        "e5-2620v4",
        "nfv",
    )
    assert [(i.name, str(i.pci), i.role, i.dhcp4, i.addresses, i.mac) for i in host.interfaces] == [
        ("enp8s0", "0000:08:00.0", "management", True, (), None)
    ]
