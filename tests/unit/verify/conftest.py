"""The seed's machine as plain values, and the facts it would send if all were well."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from seed_machine import MEMORY_MIB, RELEASE, make_cpus, make_management, pci, why

from builder.catalog.nics import NIC_TYPES
from builder.catalog.vf_settings import VfSettings
from builder.model.values import CpuSet
from builder.plan.nouns.devices import Binding, NicPlan, PfPlan, VfPlan
from builder.plan.nouns.host import AccessPlan, HostPlan, SecretPlan, UserPlan
from builder.plan.nouns.image import ImagePlan, PackagePlan
from builder.plan.nouns.kernel import KernelArg, Module, ModuleOption, SysctlSetting
from builder.plan.nouns.ovs import OtherConfig, OvsBridgePlan, OvsPlan, OvsPortPlan
from builder.plan.nouns.pages import HugepagePool
from builder.render.tree import SYMLINK, FileTree, RenderedFile
from builder.verify.checks import CheckResult, run_checks
from builder.verify.facts import Facts, parse_facts

Document = dict[str, Any]
SUBSTITUTIONS = {"8086:10fb": "8086:10c9", "8086:1533": "8086:10c9"}
PLAN_ID = "5eed" * 16
SUITES = ("trixie", "trixie-updates", "trixie-security")


ISOLATED = CpuSet.parse("1-7,9-15,17-23,25-31")
PAGES = why("8 pages in all", "profiles", "nfv", "hugepages", line=32)
PF0 = why("two VFs of ens11f0", "profiles", "nfv", "sriov", 0, line=36)
PF1 = why("two VFs of ens11f1", "profiles", "nfv", "sriov", 1, line=41)
NIC = why("a port the kernel keeps", "hardware", "e5-2620v4", "nics", line=15)
PORT = why("a port of br0", "profiles", "nfv", "ovs", line=48)
BOOT = why("as every node has it")


def make_kernel_args() -> tuple[KernelArg, ...]:
    words = (
        "intel_iommu=on", "iommu=pt", "default_hugepagesz=1G", "hugepagesz=1G",
        "hugepages=0:4,1:4", "hugepagesz=2M", "hugepages=64", "transparent_hugepage=never",
        f"isolcpus=managed_irq,domain,{ISOLATED}", f"nohz_full={ISOLATED}",
        f"rcu_nocbs={ISOLATED}", "irqaffinity=0,8,16,24", "nosoftlockup",
    )  # fmt: skip
    return tuple(
        KernelArg(name, value or None, why(f"{name} tunes", "profiles", "nfv", line=27))
        for name, _, value in (word.partition("=") for word in words)
    )


def make_pfs() -> tuple[PfPlan, ...]:
    ovs_vf = VfPlan(0, pci("0000:01:10.0"), "vfio-pci", "ovs-dpdk", None, PF0, ())
    pod_vf = VfPlan(
        1, pci("0000:01:10.2"), "vfio-pci", "pods", "dpdk_vfs", PF0, (),
        VfSettings("02:00:00:00:00:01", vlan=7, trust=True, spoofchk=False, max_tx_rate=200),
    )  # fmt: skip
    net_vfs = tuple(
        VfPlan(index, pci(f"0000:01:10.{2 * index + 1}"), None, "pods", "net_vfs", PF1, ())
        for index in range(2)
    )
    first = PfPlan(
        "ens11f0", pci("0000:01:00.0"), "8086:10fb", "8086:10ed", "ixgbe", 0, "sysfs", 2,
        (ovs_vf, pod_vf), PF0, NIC_TYPES["8086:10fb"], (),
    )  # fmt: skip
    second = replace(first, name="ens11f1", pci=pci("0000:01:00.1"), vfs=net_vfs, why=PF1)
    return first, second


def make_ovs() -> OvsPlan:
    options = {
        "dpdk-init": "true",
        "dpdk-extra": "-a 0000:09:00.0 -a 0000:01:10.0",
        "dpdk-socket-mem": "2048,0",
        "pmd-cpu-mask": "0x20002",
    }
    ports = (
        OvsPortPlan("dpdk0", pci("0000:09:00.0"), 0, 1500, 1, PORT, (), affinity={0: 1}),
        OvsPortPlan("dpdk1", pci("0000:01:10.0"), 0, 9000, 1, PORT, ()),
    )
    return OvsPlan(
        tuple(OtherConfig(key, value, PORT) for key, value in options.items()),
        (OvsBridgePlan("br0", "netdev", "standalone", ports, PORT),),
    )


def make_image() -> ImagePlan:
    nic = NicPlan("enp8s0", pci("0000:08:00.0"), "8086:1533", "igb", 0, NIC, NIC_TYPES["8086:1533"])
    return ImagePlan(
        image_name="nfv-node",
        hardware="e5-2620v4",
        profile="nfv",
        release=RELEASE,
        cpus=make_cpus(),
        memory_mib=MEMORY_MIB,
        hugepages=tuple(
            HugepagePool(node, size, count, PAGES, ())
            for size, count in ((1048576, 4), (2048, 32))
            for node in range(2)
        ),
        page_demands=(),
        kernel_args=make_kernel_args(),
        modules=tuple(Module(name, BOOT) for name in ("vfio-pci", "tun", "openvswitch")),
        module_options=(
            ModuleOption("vfio-pci", "disable_idle_d3", "1", BOOT),
            ModuleOption("ixgbe", "allow_unsupported_sfp", "1", BOOT),
            ModuleOption("openvswitch", "hidden", "3", BOOT),
        ),
        module_files={"igb": BOOT},
        sysctls=(
            SysctlSetting("vm.swappiness", "10", BOOT),
            SysctlSetting("net.ipv4.tcp_rmem", "4096 87380  6291456", BOOT),
        ),
        nics=(
            nic,
            *(
                replace(nic, name=pf.name, pci=pf.pci, device_id=pf.device_id, model=pf.model)
                for pf in make_pfs()
            ),
        ),
        pfs=make_pfs(),
        bindings=(
            Binding(
                "enp9s0",
                pci("0000:09:00.0"),
                "8086:1533",
                "vfio-pci",
                0,
                PORT,
                NIC_TYPES["8086:1533"],
                (),
            ),
        ),
        ovs=make_ovs(),
        kubelet=None,
        packages=(PackagePlan("openvswitch-switch-dpdk", BOOT),),
        plan_id=PLAN_ID,
    )


HASH = "$y$j9T$c2FsdHNhbHQ$0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"


def make_access() -> AccessPlan:
    """A user with all there is, and a file from the node itself: a twin has no way out."""
    user = UserPlan("admin", ("ssh-ed25519 AAAA",), HASH, True, ("adm", "docker"), why("a user"))
    secret = SecretPlan("join", "file:///etc/hostname", "/etc/join", "0600", why("a secret"))
    return AccessPlan((user,), (secret,))


def make_account() -> Document:
    return {
        "home": "0700 admin:admin", "ssh": "0700 admin:admin", "shell": "/bin/bash",
        "groups": ["adm", "docker"], "password": hashlib.sha256(HASH.encode()).hexdigest(),
    }  # fmt: skip


def make_host() -> HostPlan:
    own = (make_management(NIC),), why("host nfv1", "hosts"), "b0" * 32
    return HostPlan("nfv1", make_image(), *own, access=make_access())


MOUNT = "[Mount]\nWhat=hugetlbfs\nWhere=/dev/hugepages2M\nType=hugetlbfs\nOptions=pagesize=2M\n"


def make_tree() -> FileTree:
    files = {
        "/etc/modprobe.d/ixgbe.conf": "options ixgbe allow_unsupported_sfp=1\n",
        "/etc/rackwright/node.json": "{}\n",
        "/etc/systemd/system/dev-hugepages2M.mount": MOUNT,
        "/usr/lib/systemd/system/rackwright-nics.service": "[Service]\n",
        "/usr/lib/systemd/system/rackwright-facts.service": "[Service]\n",
    }
    tree = FileTree(tuple(RenderedFile(path, text.encode()) for path, text in files.items()))
    more = (
        RenderedFile("/usr/lib/rackwright/nics", b"#!/usr/bin/python3\n", 0o755),
        RenderedFile("/etc/systemd/system/dpdk.service", b"/dev/null", SYMLINK),
        RenderedFile("/etc/netplan/90-rackwright.yaml", b"network: {}\n", 0o600, scope="host"),
    )
    listing = "".join(f"{file.path}\n" for file in sorted((*tree, *more)))
    return tree.plus((*more, RenderedFile("/etc/rackwright/files", listing.encode())))


def file_facts(tree: FileTree) -> Document:
    return {
        file.path: {
            "mode": "link" if file.is_symlink else oct(file.mode).replace("0o", "0"),
            "owner": file.owner,
            "sha256": hashlib.sha256(file.content).hexdigest(),
        }
        for file in tree
        if file.path != "/etc/rackwright/files"
    }


def make_functions() -> Document:
    """PCI functions by address."""
    function = {
        "numa": 0, "total-vfs": 0, "num-vfs": 0, "vfs": [], "iommu-group-users": [],
    }  # fmt: skip
    pf = {**function, "id": "8086:10c9", "driver": "igb", "total-vfs": 7, "num-vfs": 2}
    vf = {**function, "id": "8086:10ca", "numa": -1}
    return {
        "0000:00:02.0": {**function, "id": "1b36:000c", "driver": "pcieport",
                         "iommu-group": "2"},
        "0000:01:00.0": {
            **pf, "iommu-group": "14", "vfs": ["0000:01:10.0", "0000:01:10.2"],
            "vf-settings": [
                {"index": 0, "mac": "02:11:22:33:44:55", "vlan": 0, "trust": False,
                 "spoofchk": True, "max-tx-rate": 0, "min-tx-rate": 0,
                 "link-state": "auto"},
                {"index": 1, "mac": "02:00:00:00:00:01", "vlan": 7, "trust": True,
                 "spoofchk": False, "max-tx-rate": 200, "min-tx-rate": 0,
                 "link-state": "auto"},
            ],
        },
        "0000:01:00.1": {
            **pf, "iommu-group": "15", "vfs": ["0000:01:10.1", "0000:01:10.3"],
        },
        "0000:01:10.0": {**vf, "driver": "vfio-pci", "iommu-group": "17"},
        "0000:01:10.2": {**vf, "driver": "vfio-pci", "iommu-group": "18"},
        "0000:01:10.1": {**vf, "driver": "igbvf", "iommu-group": "19"},
        "0000:01:10.3": {**vf, "driver": "igbvf", "iommu-group": "20"},
        "0000:08:00.0": {**function, "id": "8086:10c9", "driver": "igb",
                         "iommu-group": "12"},
        "0000:09:00.0": {**function, "id": "8086:10c9", "driver": "vfio-pci",
                         "iommu-group": "13"},
    }  # fmt: skip


def make_switch() -> Document:
    """Open vSwitch."""
    return {
        "present": True, "dpdk-initialized": True, "version": "3.5.0",
        "dpdk-version": "DPDK 24.11.3",
        "other-config": {
            "dpdk-init": "true", "dpdk-extra": "-a 0000:09:00.0 -a 0000:01:10.0",
            "dpdk-socket-mem": "2048,0", "pmd-cpu-mask": "0x20002",
        },
        "bridges": [{
            "name": "br0", "datapath-type": "netdev", "fail-mode": "standalone",
            "ports": [
                {"name": "br0", "type": "internal", "ofport": 65534, "error": "",
                 "options": {}, "other-config": {}, "mtu": 1500},
                {"name": "dpdk0", "type": "dpdk", "ofport": 1, "error": "", "mtu": 1500,
                 "options": {"dpdk-devargs": "0000:09:00.0", "n_rxq": "1"},
                 "other-config": {"pmd-rxq-affinity": "0:1"}},
                {"name": "dpdk1", "type": "dpdk", "ofport": 2, "error": "", "mtu": 9000,
                 "options": {"dpdk-devargs": "0000:01:10.0", "n_rxq": "1"},
                 "other-config": {}},
            ],
        }],
        "pmd-threads": [
            {"name": "pmd-c01/id:8", "cpus": "1"}, {"name": "pmd-c17/id:9", "cpus": "17"},
        ],
        "vswitchd-cpus": "0,8,16,24",
        "vfio-fds": ["/dev/vfio/vfio", "/dev/vfio/13", "/dev/vfio/17"],
    }  # fmt: skip


def make_units() -> Document:
    """Services by name, and the system as a whole."""
    return {
        "dropped": [],
        "failed": [],
        "state": {
            **{
                name: {"active": "active", "result": "success", "condition": True}
                for name in ("rackwright-nics.service", "ovsdb-server.service",
                             "ovs-vswitchd.service")
            },
            "rackwright-ssh-keys.service": {
                "active": "inactive", "result": "success", "condition": False,
            },
        },
        "system": "running",
    }  # fmt: skip


UPGRADES: Document = {
    "timers": ["systemd-tmpfiles-clean.timer"],
    "periodic": "0",
    "held": ["linux-", "openvswitch-", "dpdk", "librte-"],
}


def make_document() -> Document:
    """What the seed's twin reports: written out, not computed by what it is to test."""
    return {
        "version": 1,
        "cmdline": "BOOT_IMAGE=/vmlinuz root=UUID=1 ro console=tty0 console=ttyS0,115200n8 "
        + " ".join(str(arg) for arg in make_kernel_args()),
        "kernel": "6.12.57+deb13-amd64",
        "os": {
            "ID": "debian", "VERSION_ID": "13", "IMAGE_ID": "nfv-node", "IMAGE_VERSION": PLAN_ID,
        },
        "cpus": {"online": "0-31", "isolated": str(ISOLATED), "nohz-full": str(ISOLATED)},
        "numa": [
            {"node": 0, "cpus": "0-7,16-23", "mem-kib": 48441880},
            {"node": 1, "cpus": "8-15,24-31", "mem-kib": 48441880},
        ],
        "hugepages": [
            {"node": 0, "size-kib": 1048576, "total": 4},
            {"node": 1, "size-kib": 1048576, "total": 4},
            {"node": 0, "size-kib": 2048, "total": 32},
            {"node": 1, "size-kib": 2048, "total": 32},
        ],
        "iommu": {"groups": 20, "default-type": "identity"},
        "pci": make_functions(),
        "modules": {
            "vfio_pci": {"disable_idle_d3": "Y"}, "tun": {}, "openvswitch": {}, "igb": {},
        },
        "modprobe": [
            "alias net-pf-1 unix",
            "options vfio_pci disable_idle_d3=1",
            "options ixgbe allow_unsupported_sfp=1",
            "options openvswitch hidden=3",
        ],
        "sysctl": {"vm.swappiness": "10", "net.ipv4.tcp_rmem": "4096\t87380\t6291456"},
        "ovs": make_switch(),
        "units": make_units(),
        "boot": {
            "firmware": "uefi", "secure-boot": True,
            "seconds": {"kernel": 1.5, "initrd": 2.0, "userspace": 10.25},
        },
        "files": file_facts(make_tree()),
        "mounts": [
            {"where": "/dev/hugepages", "type": "hugetlbfs", "options": "rw,pagesize=1024M"},
            {"where": "/dev/hugepages2M", "type": "hugetlbfs", "options": "rw,pagesize=2M"},
        ],
        "links": {
            "0000:01:00.0": ["ens11f0"], "0000:01:00.1": ["ens11f1"], "0000:08:00.0": ["enp8s0"],
        },
        "pid1-cpus": "0,8,16,24",
        "sources": {suite: ["main", "non-free-firmware"] for suite in SUITES},
        "root": {"size-bytes": 2_900_000_000, "device-bytes": 3_000_000_000},
        "users": {"admin": make_account()},
        "secrets": {"join": "0600 root:root"},
        "thp": "never", "hostname": "nfv1",
        "status": {
            name: {"version": 1, "ok": True, "steps": [], "errors": []}
            for name in ("identity", "nics", "hugepages", "ovs")
        },
        "upgrades": copy.deepcopy(UPGRADES),
        "twin": {"substitutions": dict(SUBSTITUTIONS)},
    }  # fmt: skip


@dataclass(frozen=True)
class Seed:
    """A plan, its tree and the document its twin sends; each test changes what it wants to."""

    host: HostPlan
    tree: FileTree
    document: Document
    substitutions: dict[str, str]

    @property
    def image(self) -> ImagePlan:
        return self.host.image

    def run(
        self, plan: HostPlan | ImagePlan, tree: FileTree, facts: Facts
    ) -> tuple[CheckResult, ...]:
        return run_checks(plan, tree, facts, self.substitutions, "uefi-secure-boot")

    def verify(
        self,
        plan: HostPlan | ImagePlan | None = None,
        *,
        tree: FileTree | None = None,
        document: Document | None = None,
    ) -> dict[str, CheckResult]:
        """Results by name; no name twice."""
        facts = parse_facts(json.dumps(document or self.document).encode() + b"\n")
        results = self.run(plan or self.host, tree or self.tree, facts)
        named = {result.name: result for result in results}
        assert len(named) == len(results)
        return named

    def changed(self, *path: str | int, to: object) -> Document:
        """The good document with one value replaced."""
        document = copy.deepcopy(self.document)
        place: Any = document
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = to
        return document

    def document_of(self, tree: FileTree) -> Document:
        """The good document of a node with the files of `tree`."""
        document = self.changed("files", to=file_facts(tree))
        good = {"active": "active", "result": "success"}
        names = (file.path.rpartition("/")[2] for file in tree)
        document["units"]["state"] |= {n: good for n in names if n.endswith(".service")}
        return document

    def failures(self, **changes: Any) -> dict[str, CheckResult]:
        results = self.verify(**changes).items()
        return {name: result for name, result in results if result.status == "fail"}


@pytest.fixture
def seed() -> Seed:
    return Seed(make_host(), make_tree(), make_document(), dict(SUBSTITUTIONS))
