"""What the rules let through: the right side of each limit, and the exceptions to each rule."""

from __future__ import annotations

import pytest

from tests.plans import check

IFACE = "      mgmt0: {role: management, dhcp4: true}\n"
PAGES = "    hugepages: {size: 1G, count: 8}\n"
XE1 = "      - {pf: xe1, num-vfs: 2, pool: net_vfs}\n"
NIC = '"0000:01:00.1", id: "8086:10fb", driver: ixgbe, name: xe1, numa: 0}\n'
MLX = (
    '      - {pci: "0000:41:00.0", id: "15b3:1017", driver: mlx5_core, name: mx0, numa: 0, '
    "card-ports: 1}\n"
)
MLX_VFS = "      - {pf: mx0, num-vfs: 2, pool: mlx, vfs: [{index: 0, use: ovs-dpdk}]}\n"


def profile(text: str) -> tuple[str, str]:
    return PAGES, PAGES + text


def host(text: str) -> tuple[str, str]:
    return IFACE, IFACE + text


CASES: dict[str, list[tuple[str, str]]] = {
    "as it is": [],
    "a VF's number with a zero before it": [("{vf: xe0/0}", "{vf: xe0/00}")],
    "82599: 63 VFs": [("{pf: xe1, num-vfs: 2", "{pf: xe1, num-vfs: 63")],
    "pages to the headroom": [(PAGES, "    hugepages: {size: 1G, count: 28}\n")],
    "2M pages to the headroom": [(PAGES, "    hugepages: {size: 2M, count: {0: 7168}}\n")],
    "2M without 1G": [
        ("vendor: intel", "vendor: intel, pdpe1gb: false"),
        (PAGES, "    hugepages: {size: 2M, count: 4096}\n"),
    ],
    "roles listed": [profile('    cpu: {housekeeping: "0,8,4,12", pmd: "1,9"}\n')],
    "PMD by node": [profile("    cpu: {pmd-cores-per-node: {0: 3}}\n")],
    "no siblings": [("    siblings: 8\n", "")],
    "siblings listed": [("    siblings: 8\n", "    threads: [[0, 8], [1, 9]]\n")],
    "PF on vfio-pci with VFs on vfio-pci": [
        ("{nic: data0}", "{nic: xe1}"),
        ("pool: net_vfs", "pool: net_vfs, driver: vfio-pci"),
    ],
    "bifurcated: PF and VFs of one port, and an interface": [
        (NIC, NIC + MLX),
        (XE1, XE1 + MLX_VFS),
        ("{nic: data0}", "{nic: mx0}\n            dpdk2: {vf: mx0/0}"),
        host("      mx0: {role: storage, mtu: 9000}\n"),
    ],
    "vfio-pci with Secure Boot": [
        ("    siblings: 8\n", "    siblings: 8\n    secure-boot: true\n")
    ],
    "uio_pci_generic for a whole port": [
        ("    ovs:\n", "    ovs:\n      driver: uio_pci_generic\n")
    ],
    "driver of no port with Secure Boot": [
        ("    siblings: 8\n", "    siblings: 8\n    secure-boot: true\n"),
        ("    ovs:\n", "    ovs:\n      driver: igb_uio\n"),
        ("            dpdk0: {nic: data0}\n", ""),
    ],
    "max_vfs of one number": [profile("    drivers: {ixgbe: {vf-mode: module-parameter}}\n")],
    "max_vfs that agrees": [profile("    drivers: {ixgbe: {options: {max_vfs: 2}}}\n")],
    "max_vfs as a list, out of tree": [
        profile('    drivers: {ixgbe: {flavour: out-of-tree, options: {max_vfs: "2,2"}}}\n')
    ],
    "other numbers, out of tree": [
        profile("    drivers: {ixgbe: {flavour: out-of-tree, vf-mode: module-parameter}}\n"),
        ("{pf: xe1, num-vfs: 2", "{pf: xe1, num-vfs: 4"),
    ],
    "options of vfio-pci": [profile("    drivers: {vfio-pci: {options: {disable_idle_d3: 1}}}\n")],
    "options of VFIO's other modules": [
        profile(
            "    drivers:\n      vfio: {options: {enable_unsafe_noiommu_mode: Y}}\n"
            "      vfio_iommu_type1: {options: {allow_unsafe_interrupts: 1}}\n"
        )
    ],
    "fixed address": [(IFACE, "      mgmt0: {addresses: [192.0.2.10/24], gateway: 192.0.2.1}\n")],
    "point to point": [(IFACE, "      mgmt0: {addresses: [192.0.2.0/31], gateway: 192.0.2.1}\n")],
    "gateway of link scope": [
        (IFACE, '      mgmt0: {addresses: ["2001:db8::1/128"], gateway: "fe80::1"}\n')
    ],
    "a rack's gateway of link scope": [
        ("hardware:\n", 'racks: {r1: {gateway: "fe80::1"}}\nhardware:\n'),
        ("    profile: nfv\n", "    profile: nfv\n    rack: r1\n"),
        (IFACE, '      mgmt0: {role: management, addresses: ["2001:db8::1/64"]}\n'),
    ],
    "DHCP for one kind, fixed for the other": [
        (
            IFACE,
            '      mgmt0: {dhcp4: true, addresses: ["2001:db8::1/64"], gateway: "2001:db8::2"}\n',
        )
    ],
    "a gateway of each kind": [
        host('      xe0: {role: storage, addresses: ["2001:db8::1/64"], gateway: "2001:db8::2"}\n')
    ],
    "boot MAC of an interface": [
        ("    interfaces:\n", '    boot-mac: "02:00:00:00:00:01"\n    interfaces:\n'),
        ("dhcp4: true}", 'dhcp4: true, mac: "02:00:00:00:00:01"}'),
    ],
    "boot MAC of a port whose MAC is not given": [
        ("    interfaces:\n", '    boot-mac: "02:00:00:00:00:01"\n    interfaces:\n')
    ],
    "VF MAC on one host": [
        ("pool: net_vfs", 'pool: net_vfs, vfs: [{index: 0, mac: "02:00:00:00:00:01"}]')
    ],
    "an interface on a PF": [host("      xe0: {role: storage, dhcp4: true}\n")],
    "UIO of the kernel, where modules are to be signed": [
        profile("    kernel-args: [module.sig_enforce=1, lockdown=none]\n"),
        ("    ovs:\n", "    ovs:\n      driver: uio_pci_generic\n"),
    ],
    "other arguments": [profile("    kernel-args: [mitigations=off, quiet]\n")],
    "as much memory as there is": [profile("    kernel-args: [mem=32G, mem-sleep=on]\n")],
    "parts of pci= that change no address": [
        profile("    kernel-args: ['pci=realloc,noaer', pci=nodomains]\n")
    ],
    "cgroup v2, said again": [
        profile("    kernel-args: [cgroup_no_v1=all, cgroup_disable=rdma, cgroup_disable=misc]\n")
    ],
    "VFIO without an IOMMU, as asked": [
        profile(
            "    kernel-args: [iommu=off, noapic, vfio.enable_unsafe_noiommu_mode=Y]\n",
        )
    ],
    "VFIO without interrupt remapping, as asked": [
        profile(
            "    kernel-args: [intremap=off, vfio_iommu_type1.allow_unsafe_interrupts=1]\n",
        )
    ],
    "IPv6 turned off and not used": [profile("    kernel-args: [ipv6.disable=1]\n")],
    "a module that nobody needs": [
        profile("    kernel-args: [modprobe.blacklist=nouveau, initcall_blacklist=i915_init]\n")
    ],
    "only signed modules, with vfio-pci": [profile("    kernel-args: [lockdown=integrity]\n")],
    "the options of a driver spelled with the other dash": [
        profile("    drivers: {vfio_pci: {options: {disable_idle_d3: 1}}}\n")
    ],
    "overcommit": [profile("    sysctl: {vm.nr_overcommit_hugepages: 4}\n")],
    "sane options of OVS": [
        (
            "    ovs:\n",
            (
                '    ovs:\n      other-config: {max-idle: 500, dpdk-lcore-mask: "0x101", '
                'dpdk-init: try, smc-enable: "true", tx-flush-interval: 1000000, n-handler-threads: "2"}\n'
            ),
        )
    ],
    "one node, NIC without node": [
        ('      - {cpus: "4-7,12-15", memory: 16GiB}\n', ""),
        ("name: data0, numa: 0", "name: data0"),
        (PAGES, "    hugepages: {count: 7}\n"),
    ],
    "one node, NIC of no node, as the kernel has it": [
        ('      - {cpus: "4-7,12-15", memory: 16GiB}\n', ""),
        ("name: data0, numa: 0", "name: data0, numa: -1"),
        (PAGES, "    hugepages: {count: 7}\n"),
    ],
    "a node of memory only": [
        ('      - {cpus: "4-7,12-15", memory: 16GiB}\n', "      - {memory: 16GiB}\n"),
    ],
}


@pytest.mark.parametrize("case", CASES)
def test_no_finding(case: str, base: str) -> None:
    text = base
    for old, new in CASES[case]:
        assert old in text, old
        text = text.replace(old, new, 1)
    inventory, report = check(text)
    assert [item.message for item in report.items] == []
    assert inventory is not None


def test_no_pages_where_nobody_uses_dpdk(base: str) -> None:
    text = base.replace("size: 1G, count: 8", "count: 0")
    start, end = text.index("    sriov:\n"), text.index("hosts:\n")
    _, report = check(text[:start] + text[end:])
    assert report.items == ()


def test_a_profile_is_checked_with_each_class_it_is_used_with(base: str) -> None:
    other = base[base.index("  server:\n") : base.index("profiles:\n")]
    small = other.replace("  server:", "  small:").replace("xe1", "xe9")
    text = base.replace("profiles:\n", small + "profiles:\n", 1)
    text += "  nfv2: {hardware: small, profile: nfv, interfaces: {mgmt0: {dhcp4: true}}}\n"
    _, report = check(text)
    assert [item.message for item in report.items] == ["hardware class small has no NIC xe1"]
    assert report.items[0].hint == "did you mean xe9?"


def test_a_misspelt_pf_is_told_once(base: str) -> None:
    """Not as a VF of a NIC without policy too; and xe1, which has one, is not what was meant."""
    text = base.replace("- pf: xe0", "- pf: xe9")
    _, report = check(text)
    assert [(item.message, item.hint) for item in report.items] == [
        ("hardware class server has no NIC xe9", "did you mean xe0?")
    ]
