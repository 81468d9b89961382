"""Every check can fail, says what it found, and no planned value goes without one."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from builder.diagnostics import Location
from builder.plan.nouns.why import Origin, Why
from builder.verify.checks import CHECKS, CheckResult, run_checks
from builder.verify.facts import parse_facts

Seed = Any
Path = tuple[str | int, ...]
STAND_IN = "in the twin Intel 82576 (8086:10c9) stands in for Intel 82599ES (SFP+) (8086:10fb)"


def test_the_good_machine_passes(seed: Seed) -> None:
    results = seed.verify()
    assert [r for r in results.values() if r.status not in ("pass", "skip")] == []
    assert {name: r.reason for name, r in results.items() if r.status == "skip"} == {
        "module.ixgbe.allow_unsupported_sfp.live": STAND_IN,
        "module.openvswitch.hidden.live": "the kernel does not show this parameter",
    }


def test_names_are_stable(seed: Seed) -> None:
    """The names are a contract: a script may look for one."""
    by_group = {group: [] for group in CHECKS}
    for name in seed.verify():
        group, _, rest = name.partition(".")
        by_group[group].append(rest)
    assert by_group["cmdline"] == [
        "intel_iommu", "iommu", "default_hugepagesz", "hugepagesz", "hugepages", "hugepagesz.2",
        "hugepages.2", "transparent_hugepage", "isolcpus", "nohz_full", "rcu_nocbs",
        "irqaffinity", "nosoftlockup", "console", "order", "repeated", "extra",
    ]  # fmt: skip
    assert by_group["os"] == [
        "id",
        "version",
        "image",
        "image-version",
        "kernel",
        "kernel-flavour",
        "hostname",
    ]
    assert by_group["boot"] == ["firmware", "secure-boot", "seconds"]
    assert by_group["root"] == ["size"]
    assert by_group["cpu"] == ["online", "isolated", "nohz-full", "pid1"]
    assert by_group["numa"] == [
        "nodes", "node0.cpus", "node0.memory", "node1.cpus", "node1.memory",
    ]  # fmt: skip
    assert by_group["hugepages"] == ["node0.1G", "node1.1G", "node0.2M", "node1.2M", "extra"]
    assert by_group["mounts"] == ["/dev/hugepages", "/dev/hugepages2M"]
    assert by_group["memory"] == ["transparent-hugepages"]
    assert by_group["iommu"] == ["groups", "type"]
    assert by_group["sysctl"] == ["vm.swappiness", "net.ipv4.tcp_rmem"]
    assert by_group["link"] == ["enp8s0", "ens11f0", "ens11f1"]
    assert by_group["status"] == ["identity", "nics", "hugepages", "ovs"]
    assert by_group["access"] == [
        "admin.shell", "admin.home", "admin.ssh", "admin.groups", "admin.password", "extra",
        "secret.join",
    ]  # fmt: skip
    assert by_group["twin"] == ["substitutions"]


def test_names_of_devices(seed: Seed) -> None:
    results = seed.verify()
    assert [name for name in results if name.startswith("pci.0000:01:10.0")] == [
        "pci.0000:01:10.0.id", "pci.0000:01:10.0.driver", "pci.0000:01:10.0.iommu-group",
        "pci.0000:01:10.0.iommu-group-mates",
    ]  # fmt: skip
    assert [name for name in results if name.startswith("sriov.")] == [
        "sriov.ens11f0.num-vfs", "sriov.ens11f0.total-vfs", "sriov.ens11f0.vfs",
        "sriov.ens11f0.vf1.mac", "sriov.ens11f0.vf1.vlan", "sriov.ens11f0.vf1.trust",
        "sriov.ens11f0.vf1.spoofchk", "sriov.ens11f0.vf1.max-tx-rate",
        "sriov.ens11f1.num-vfs", "sriov.ens11f1.total-vfs", "sriov.ens11f1.vfs",
    ]  # fmt: skip
    assert [name for name in results if name.startswith("ovs.")] == [
        "ovs.present", "ovs.version", "ovs.dpdk-version", "ovs.dpdk-initialized",
        "ovs.other-config.dpdk-init", "ovs.other-config.dpdk-extra",
        "ovs.other-config.dpdk-socket-mem", "ovs.other-config.pmd-cpu-mask",
        "ovs.other-config-extra", "ovs.pmd.cpus", "ovs.pmd.threads", "ovs.vswitchd.cpus",
        "ovs.bridges", "ovs.br0.datapath-type", "ovs.br0.fail-mode", "ovs.br0.ports",
        "ovs.br0.dpdk0.type", "ovs.br0.dpdk0.ofport", "ovs.br0.dpdk0.error", "ovs.br0.dpdk0.mtu",
        "ovs.br0.dpdk0.options", "ovs.br0.dpdk0.other-config", "ovs.br0.dpdk1.type", "ovs.br0.dpdk1.ofport",
        "ovs.br0.dpdk1.error", "ovs.br0.dpdk1.mtu", "ovs.br0.dpdk1.options",
        "ovs.br0.dpdk1.other-config", "ovs.vfio-groups",
    ]  # fmt: skip


def test_every_result_is_of_its_group(seed: Seed) -> None:
    facts = parse_facts(b'{"version": 1}\n')
    for plan in (seed.host, seed.image):
        results = run_checks(plan, seed.tree, facts, {}, "bios")
        groups = [result.name.partition(".")[0] for result in results]
        assert list(dict.fromkeys(groups)) == [
            group
            for group in CHECKS
            if group != "twin" and (group != "access" or plan is seed.host)
        ]


EMPTY_OBJECT = "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356"
WRONG: list[tuple[Path, object, str, str, str]] = [
    (("kernel",), "6.1.0-44-amd64", "os.kernel", "6.12 or newer", "6.1.0-44-amd64"),
    (("kernel",), "6.12.57+deb13-rt-amd64", "os.kernel-flavour", "amd64", "rt-amd64"),
    (("kernel",), "6.12.57", "os.kernel-flavour", "amd64", "none"),
    (("upgrades", "timers", 0), "apt-daily.timer", "upgrades.timers", "none", "apt-daily.timer"),
    (("upgrades", "periodic"), "1", "upgrades.periodic", "0", "1"),
    (("upgrades", "held", 3), "x", "upgrades.librte-", "held", "not held"),
    (("hostname",), "localhost", "os.hostname", "nfv1", "localhost"),
    (("os", "VERSION_ID"), "12", "os.version", "13", "12"),
    (("os", "IMAGE_VERSION"), "beef", "os.image-version", "5eed" * 16, "beef"),
    (("boot", "firmware"), "bios", "boot.firmware", "uefi", "bios"),
    (("boot", "secure-boot"), False, "boot.secure-boot", "yes", "no"),
    (("root", "size-bytes"), 2_000_000_000, "root.size", "at least 85% of its disk",
     "67% of 2861 MiB"),
    (("cpus", "online"), "0-30", "cpu.online", "0-31", "0-30"),
    (("cpus", "isolated"), "", "cpu.isolated", "1-7,9-15,17-23,25-31", "none"),
    (("cpus", "nohz-full"), " (null)", "cpu.nohz-full", "1-7,9-15,17-23,25-31", "none"),
    (("pid1-cpus",), "0-31", "cpu.pid1", "0,8,16,24", "0-31"),
    (("numa", 1, "cpus"), "8-15", "numa.node1.cpus", "8-15,24-31", "8-15"),
    (("numa", 1, "mem-kib"), 40 * 1048576, "numa.node1.memory",
     "48128 MiB, minus what kernel and firmware reserve (at least 46112 MiB)", "40960 MiB"),
    (("hugepages", 1, "total"), 3, "hugepages.node1.1G", "4", "3"),
    (("mounts", 1, "options"), "rw,pagesize=1024M", "mounts./dev/hugepages2M",
     "/dev/hugepages2M with pages of 2048 KiB", "not mounted so"),
    (("thp",), "madvise", "memory.transparent-hugepages", "never", "madvise"),
    (("iommu", "groups"), 0, "iommu.groups", "at least 1", "0"),
    (("iommu", "default-type"), "DMA-FQ", "iommu.type", "identity", "DMA-FQ"),
    (("modprobe", 1), "options vfio_pci disable_idle_d3=0", "module.vfio-pci.disable_idle_d3",
     "1", "0"),
    (("modprobe", 0), "options vfio_pci disable_idle_d3=0", "module.vfio-pci.disable_idle_d3",
     "1", "0 then 1"),
    (("modprobe", 2), "", "module.ixgbe.allow_unsupported_sfp", "1", "not set"),
    (("modules", "vfio_pci", "disable_idle_d3"), "N", "module.vfio-pci.disable_idle_d3.live",
     "1", "N"),
    (("sysctl", "vm.swappiness"), "60", "sysctl.vm.swappiness", "10", "60"),
    (("sysctl", "net.ipv4.tcp_rmem"), "4096\t131072\t6291456", "sysctl.net.ipv4.tcp_rmem",
     "4096 87380 6291456", "4096 131072 6291456"),
    (("pci", "0000:08:00.0", "driver"), "vfio-pci", "pci.0000:08:00.0.driver", "igb", "vfio-pci"),
    (("pci", "0000:08:00.0", "id"), "8086:1533", "pci.0000:08:00.0.id", "8086:10c9", "8086:1533"),
    (("pci", "0000:01:10.1", "driver"), None, "pci.0000:01:10.1.driver", "igbvf", "none"),
    (("pci", "0000:01:10.1", "id"), "8086:10ed", "pci.0000:01:10.1.id", "8086:10ca", "8086:10ed"),
    (("pci", "0000:09:00.0", "numa"), 1, "pci.0000:09:00.0.numa", "0", "1"),
    (("pci", "0000:01:00.1", "num-vfs"), 0, "sriov.ens11f1.num-vfs", "2", "0"),
    (("pci", "0000:01:00.1", "total-vfs"), 1, "sriov.ens11f1.total-vfs", "at least 2", "1"),
    (("pci", "0000:01:00.1", "vfs"), ["0000:01:10.3", "0000:01:10.1"], "sriov.ens11f1.vfs",
     "0000:01:10.1, 0000:01:10.3", "0000:01:10.3, 0000:01:10.1"),
    (("pci", "0000:01:00.0", "vf-settings", 1, "trust"), False, "sriov.ens11f0.vf1.trust",
     "yes", "no"),
    (("pci", "0000:01:00.0", "vf-settings", 1, "max-tx-rate"), 0, "sriov.ens11f0.vf1.max-tx-rate",
     "200 Mbit/s", "0 Mbit/s"),
    (("links", "0000:08:00.0"), ["eth0"], "link.enp8s0", "enp8s0 at 0000:08:00.0",
     "eth0 at 0000:08:00.0"),
    (("links",), {"0000:01:00.0": ["ens11f0"], "0000:01:00.1": ["ens11f1"]}, "link.enp8s0",
     "enp8s0 at 0000:08:00.0", "none at 0000:08:00.0"),
    (("ovs", "version"), "3.1.0", "ovs.version", "3.5", "3.1.0"),
    (("ovs", "version"), "3.50.1", "ovs.version", "3.5", "3.50.1"),
    (("ovs", "dpdk-version"), "DPDK 22.11.1", "ovs.dpdk-version", "24.11", "DPDK 22.11.1"),
    (("ovs", "dpdk-initialized"), False, "ovs.dpdk-initialized", "yes", "no"),
    (("ovs", "other-config", "dpdk-socket-mem"), "1024", "ovs.other-config.dpdk-socket-mem",
     "2048,0", "1024"),
    (("ovs", "other-config", "max-idle"), "500", "ovs.other-config-extra", "none",
     "max-idle=500"),
    (("ovs", "pmd-threads", 1, "cpus"), "18", "ovs.pmd.cpus", "1,17", "1,18"),
    (("ovs", "pmd-threads", 0, "cpus"), "1,17", "ovs.pmd.threads",
     "2 threads, each on one CPU of its own", "pmd-c01/id:8 on 1,17"),
    (("ovs", "vswitchd-cpus"), "0-31", "ovs.vswitchd.cpus", "0,8,16,24", "0-31"),
    (("ovs", "bridges", 0, "datapath-type"), "system", "ovs.br0.datapath-type", "netdev",
     "system"),
    (("ovs", "bridges", 0, "fail-mode"), "secure", "ovs.br0.fail-mode", "standalone", "secure"),
    (("ovs", "bridges", 0, "ports", 1, "ofport"), -1, "ovs.br0.dpdk0.ofport", "over 0", "-1"),
    (("ovs", "bridges", 0, "ports", 1, "error"), "could not add it", "ovs.br0.dpdk0.error",
     "no error", "could not add it"),
    (("ovs", "bridges", 0, "ports", 2, "mtu"), 1500, "ovs.br0.dpdk1.mtu", "9000", "1500"),
    (("ovs", "bridges", 0, "ports", 2, "options", "n_rxq"), "2", "ovs.br0.dpdk1.options",
     "dpdk-devargs=0000:01:10.0, n_rxq=1", "dpdk-devargs=0000:01:10.0, n_rxq=2"),
    (("ovs", "bridges", 0, "ports", 1, "other-config"), {}, "ovs.br0.dpdk0.other-config",
     "pmd-rxq-affinity=0:1", "none"),
    (("ovs", "vfio-fds"), ["/dev/vfio/13", "/dev/vfio/17", "/dev/vfio/18"], "ovs.vfio-groups",
     "13, 17", "13, 17, 18"),
    (("units", "failed"), ["x.service"], "units.failed", "none", "x.service"),
    (("units", "dropped"), ["ssh.socket/start"], "units.dropped", "none", "ssh.socket/start"),
    (("units", "state", "rackwright-ssh-keys.service", "condition"), None,
     "units.rackwright-ssh-keys.service", "active, success, or nothing to do",
     "inactive, success, never started"),
    (("units", "state", "rackwright-ssh-keys.service", "condition"), True,
     "units.rackwright-ssh-keys.service", "active, success, or nothing to do",
     "inactive, success"),
    (("units", "state", "rackwright-ssh-keys.service", "result"), "exit-code",
     "units.rackwright-ssh-keys.service", "active, success, or nothing to do",
     "inactive, exit-code"),
    (("units", "system"), "degraded", "units.system", "running", "degraded"),
    (("units", "state", "rackwright-nics.service", "active"), "failed",
     "units.rackwright-nics.service", "active, success", "failed, success"),
    (("status", "nics", "ok"), False, "status.nics", "ok", "not ok"),
    (("sources", "trixie-security"), ["main"], "sources.trixie-security",
     "main, non-free-firmware", "main"),
    (("sources", "trixie-updates"), [], "sources.trixie-updates", "main, non-free-firmware", "none"),
    (("status", "ovs", "errors"), ["dpdk0: no such device"], "status.ovs", "ok",
     "dpdk0: no such device"),
    (("files", "/etc/rackwright/node.json"), None, "files./etc/rackwright/node.json",
     f"0644 root:root sha256 {EMPTY_OBJECT}", "missing"),
    (("files", "/etc/extra"), None, "files.extra", "none", "/etc/extra"),
    (("twin", "substitutions"), {"8086:10fb": "8086:10c9"}, "twin.substitutions",
     "8086:10fb by 8086:10c9, 8086:1533 by 8086:10c9", "8086:10fb by 8086:10c9"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "name", "expected", "found"), WRONG)
def test_a_wrong_fact_fails_its_check(
    seed: Seed, path: Path, value: object, name: str, expected: str, found: str
) -> None:
    failure = seed.failures(document=seed.changed(*path, to=value))[name]
    assert (failure.expected, failure.found) == (expected, found)


# Values that are equal to the planned ones in another spelling.
EQUAL: list[tuple[Path, object]] = [
    (("cpus", "online"), "0-15,16-31\n"),
    (("modules", "vfio_pci", "disable_idle_d3"), "1"),
    (("modules", "vfio_pci", "disable_idle_d3"), "y\n"),
    (("modprobe", 1), "options vfio-pci disable_idle_d3=1"),
    (("kernel",), "7.0.0-15-amd64"),
    (("ovs", "version"), "3.5"),
    (("ovs", "dpdk-version"), "24.11.4"),
    (("pci", "0000:01:00.0", "total-vfs"), 63),
    (("ovs", "vfio-fds"), ["13", "17"]),
]


@pytest.mark.parametrize(("path", "value"), EQUAL)
def test_another_spelling_of_the_same_value_passes(seed: Seed, path: Path, value: object) -> None:
    assert seed.failures(document=seed.changed(*path, to=value)) == {}


def test_a_failure_names_reason_and_origin(seed: Seed) -> None:
    results = seed.failures(document=seed.changed("hugepages", 0, "total", to=3))
    assert results == {
        "hugepages.node0.1G": CheckResult(
            "hugepages.node0.1G", "fail", "4", "3", "8 pages in all",
            "inventory.yaml:32 profiles.nfv.hugepages",
        )
    }  # fmt: skip


def test_several_origins(seed: Seed) -> None:
    why = Why(
        "two keys",
        (
            Origin(("a", 0), Location("i.yaml", 3, 1)),
            Origin(("b",), Location("i.yaml", 9, 1)),
        ),
    )
    args = (*seed.image.kernel_args[:-1], replace(seed.image.kernel_args[-1], why=why))
    result = seed.verify(replace(seed.image, kernel_args=args))["cmdline.nosoftlockup"]
    assert (result.reason, result.origin) == ("two keys", "i.yaml:3 a[0]; i.yaml:9 b")


def test_a_stand_in_is_said(seed: Seed) -> None:
    results = seed.verify()
    for name in ("pci.0000:01:00.0.driver", "sriov.ens11f0.vfs"):
        assert results[name].reason == f"{STAND_IN}; two VFs of ens11f0"
    assert results["pci.0000:08:00.0.id"].reason == (
        "in the twin Intel 82576 (8086:10c9) stands in for Intel I210 (8086:1533); "
        "a port the kernel keeps"
    )


def test_on_hardware_the_planned_device_is_wanted(seed: Seed) -> None:
    seed.substitutions.clear()
    failures = seed.failures()
    assert failures["pci.0000:01:00.0.id"].found == "8086:10c9"
    assert failures["pci.0000:01:00.0.id"].expected == "8086:10fb"
    assert failures["pci.0000:01:00.0.driver"].expected == "ixgbe"
    assert failures["pci.0000:01:10.1.driver"].expected == "ixgbevf"
    assert failures["pci.0000:01:10.1.id"].expected == "8086:10ed"
    assert "twin.substitutions" not in seed.verify()


def test_a_stand_in_with_too_few_vfs(seed: Seed) -> None:
    pf = replace(seed.image.pfs[0], num_vfs=8)
    plan = replace(seed.image, pfs=(pf, seed.image.pfs[1]))
    beyond = seed.verify(plan=plan)["sriov.ens11f0.beyond-stand-in"]
    assert (beyond.status, beyond.expected) == ("skip", "VFs 7-7")
    assert beyond.reason.startswith(f"{STAND_IN}, which can have 7 VFs: no others are checked")
    # What the stand-in can have is still checked.
    assert seed.failures(plan=plan)["sriov.ens11f0.num-vfs"].expected == "7"


def test_an_emulated_only_and_an_unknown_stand_in(seed: Seed) -> None:
    seed.substitutions["8086:1533"] = "8086:10d3"
    assert seed.failures()["pci.0000:08:00.0.driver"].expected == "e1000e"
    seed.substitutions["8086:1533"] = "1234:5678"
    assert seed.failures()["pci.0000:08:00.0.driver"].expected == "unknown"


def test_numa_of_a_device_the_firmware_does_not_place(seed: Seed) -> None:
    document = seed.changed("pci", "0000:09:00.0", "numa", to=-1)
    twin = seed.verify(document=document)["pci.0000:09:00.0.numa"]
    assert (twin.status, twin.reason) == (
        "skip", "in the twin the firmware does not say which node this device is on"
    )  # fmt: skip
    seed.substitutions.clear()
    real = seed.verify(document=document)["pci.0000:09:00.0.numa"]
    assert (real.status, real.expected, real.found, real.reason) == (
        "warn", "0", "-1",
        "the firmware does not say which node this device is on; a port of br0",
    )  # fmt: skip


def test_an_empty_document_passes_nothing(seed: Seed) -> None:
    facts = parse_facts(b'{"version": 1}\n')
    results = seed.run(seed.host, seed.tree, facts)
    assert [result.name for result in results if result.status not in ("fail", "warn")] == []
    assert {result.found for result in results} == {"not reported"}


def test_each_part_left_out_is_not_reported(seed: Seed) -> None:
    """Neither null nor a missing key is ever taken for a good value."""
    for key in seed.document.keys() - {"version"}:
        without = copy.deepcopy(seed.document)
        del without[key]
        failures = seed.failures(document=without)
        assert {result.found for result in failures.values()} == {"not reported"}, key
        assert seed.failures(document=seed.changed(key, to=None)) == failures
