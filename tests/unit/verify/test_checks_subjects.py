"""What each subject's checks say of a machine that is not as planned."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from builder.catalog.vf_settings import VfSettings
from builder.plan.nouns.kernel import KernelArg
from builder.plan.nouns.why import Why
from builder.render.tree import FileTree
from builder.verify.checks import run_checks
from builder.verify.facts import parse_facts

Seed = Any
STAND_IN = "in the twin Intel 82576 (8086:10c9) stands in for Intel 82599ES (SFP+) (8086:10fb)"


def with_cmdline(seed: Seed, old: str, new: str) -> dict[str, tuple[str, str]]:
    line = seed.document["cmdline"]
    assert old in line
    failures = seed.failures(document=seed.changed("cmdline", to=line.replace(old, new)))
    return {name: (result.expected, result.found) for name, result in failures.items()}


def test_a_missing_word(seed: Seed) -> None:
    assert with_cmdline(seed, " iommu=pt", "") == {"cmdline.iommu": ("iommu=pt", "missing")}


def test_another_value(seed: Seed) -> None:
    assert with_cmdline(seed, "hugepages=64", "hugepages=32") == {
        "cmdline.hugepages.2": ("hugepages=64", "hugepages=32")
    }


def test_order(seed: Seed) -> None:
    """Swapped, hugepages=0:4,1:4 would count pages of 2 MiB."""
    assert with_cmdline(
        seed, "hugepagesz=1G hugepages=0:4,1:4", "hugepages=0:4,1:4 hugepagesz=1G"
    ) == {"cmdline.order": ("as planned", "hugepages=0:4,1:4 instead of hugepagesz=1G")}


def test_a_word_repeated(seed: Seed) -> None:
    assert with_cmdline(seed, "nosoftlockup", "nosoftlockup isolcpus=2") == {
        "cmdline.repeated": ("none", "isolcpus=managed_irq,domain,1-7,9-15,17-23,25-31, isolcpus=2")
    }


def test_words_nobody_planned(seed: Seed) -> None:
    assert with_cmdline(seed, "nosoftlockup", 'quiet nosoftlockup dyndbg="file a.c +p"') == {
        "cmdline.extra": ("none", 'quiet, dyndbg="file a.c +p"')
    }
    result = seed.failures(
        document=seed.changed("cmdline", to=seed.document["cmdline"] + " quiet")
    )["cmdline.extra"]
    assert result.reason == "words not in the plan"


def test_consoles(seed: Seed) -> None:
    assert with_cmdline(seed, "console=tty0 ", "") == {
        "cmdline.console": ("console=tty0 console=ttyS0,115200n8", "console=ttyS0,115200n8")
    }


def test_isolcpus_without_domain_shows_in_no_sysfs_file(seed: Seed) -> None:
    args = tuple(
        replace(arg, value="managed_irq,1-7") if arg.name == "isolcpus" else arg
        for arg in seed.image.kernel_args
    )
    result = seed.verify(replace(seed.image, kernel_args=args))["cpu.isolated"]
    assert (result.expected, result.found) == ("none", "1-7,9-15,17-23,25-31")


def test_a_device_that_is_not_there(seed: Seed) -> None:
    for value in ("gone", None):
        document = copy.deepcopy(seed.document)
        if value is None:
            document["pci"]["0000:09:00.0"] = None
        else:
            del document["pci"]["0000:09:00.0"]
        failures = seed.failures(document=document)
        found = {name: failures[name].found for name in failures if name.startswith("pci.")}
        assert found == {
            "pci.0000:09:00.0.id": "no such device",
            "pci.0000:09:00.0.driver": "no such device",
            "pci.0000:09:00.0.numa": "no such device",
            "pci.0000:09:00.0.iommu-group": "no such device",
        }


def test_a_vfio_group_shared_with_a_kernel_driver(seed: Seed) -> None:
    users = ["0000:08:00.0 (igb, enp8s0)", "0000:00:1f.2 (ahci)"]
    document = seed.changed("pci", "0000:09:00.0", "iommu-group-users", to=users)
    failure = seed.failures(document=document)["pci.0000:09:00.0.iommu-group-mates"]
    assert (failure.expected, failure.found) == (
        "no device with a kernel driver", ", ".join(users)
    )  # fmt: skip


def test_a_vfio_group_shared_with_another_vfio_device(seed: Seed) -> None:
    document = seed.changed("pci", "0000:01:10.2", "iommu-group", to="17")
    document["ovs"]["vfio-fds"] = ["/dev/vfio/13", "/dev/vfio/17"]
    assert seed.failures(document=document) == {}


def test_a_userspace_device_without_a_group(seed: Seed) -> None:
    document = seed.changed("pci", "0000:09:00.0", "iommu-group", to=None)
    failures = seed.failures(document=document)
    assert failures["pci.0000:09:00.0.iommu-group"].found == "no group"
    assert failures["pci.0000:09:00.0.iommu-group-mates"].found == "no group"


def test_a_pf_on_a_userspace_driver_has_no_interface(seed: Seed) -> None:
    pf = replace(seed.image.pfs[0], driver="vfio-pci")
    plan = replace(seed.image, pfs=(pf,), nics=seed.image.nics[:1])
    results = seed.verify(plan)
    assert [name for name in results if name.startswith("link.")] == ["link.enp8s0"]
    assert results["pci.0000:01:00.0.driver"].expected == "vfio-pci"


def test_a_uio_device_needs_no_group_without_an_iommu(seed: Seed) -> None:
    binding = replace(seed.image.bindings[0], driver="uio_pci_generic")
    plan = replace(seed.image, bindings=(binding,))
    document = seed.changed("pci", "0000:09:00.0", "driver", to="uio_pci_generic")
    assert "pci.0000:09:00.0.iommu-group" in seed.verify(plan, document=document)
    no_iommu = replace(plan, kernel_args=seed.image.kernel_args[2:])
    results = seed.verify(no_iommu, document=document)
    assert "pci.0000:09:00.0.iommu-group" not in results
    assert [name for name in results if name.startswith("iommu.")] == []


def test_pages_nobody_planned(seed: Seed) -> None:
    document = copy.deepcopy(seed.document)
    document["hugepages"].append({"node": 2, "size-kib": 2048, "total": 5})
    document["hugepages"].append({"node": 0, "size-kib": 64, "total": 1})
    document["hugepages"].append({"node": 1, "size-kib": 64, "total": 0})
    failure = seed.failures(document=document)["hugepages.extra"]
    assert (failure.found, failure.reason) == (
        "5 of 2M on node 2, 1 of 64kB on node 0", "pages not in the plan"
    )  # fmt: skip


def test_a_module_that_did_not_load(seed: Seed) -> None:
    document = copy.deepcopy(seed.document)
    del document["modules"]["vfio_pci"]
    results = seed.verify(document=document)
    assert results["module.vfio-pci.loaded"].found == "not loaded"
    live = results["module.vfio-pci.disable_idle_d3.live"]
    assert (live.status, live.reason) == ("skip", "module vfio-pci is not loaded")


def test_an_option_on_the_kernel_command_line(seed: Seed) -> None:
    """With vfio-pci built in, modprobe.d has no say: the running kernel must show the value."""
    why = seed.image.kernel_args[0].why
    words = (
        KernelArg("tun.x", None, why),
        KernelArg("systemd.cpu_affinity", "0", why),
        KernelArg("vfio-iommu-type1.allow_unsafe_interrupts", "1", why),
    )
    option = KernelArg("vfio-pci.disable_idle_d3", "1", why)
    plan = replace(
        seed.image, kernel_args=(*seed.image.kernel_args, option, *words), module_options=()
    )
    results = seed.verify(plan)
    assert [name for name in results if name.endswith(".live")] == [
        "module.vfio-pci.disable_idle_d3.live", "module.tun.x.live",
        "module.vfio-iommu-type1.allow_unsafe_interrupts.live",
    ]  # fmt: skip
    document = copy.deepcopy(seed.document)
    document["modules"]["vfio_iommu_type1"] = {"allow_unsafe_interrupts": "N"}
    assert "module.vfio-iommu-type1.allow_unsafe_interrupts.live" in seed.failures(
        plan=plan, document=document
    )
    live = seed.failures(
        plan=plan, document=seed.changed("modules", "vfio_pci", "disable_idle_d3", to="N")
    )["module.vfio-pci.disable_idle_d3.live"]
    assert (live.expected, live.found, live.reason) == ("1", "N", "intel_iommu tunes")


def test_two_pmd_threads_on_one_cpu(seed: Seed) -> None:
    document = seed.changed("ovs", "pmd-threads", 1, "cpus", to="1")
    failures = seed.failures(document=document)
    assert failures["ovs.pmd.threads"].found == "2 threads, on 1 CPUs"
    assert failures["ovs.pmd.cpus"].found == "1"


def test_ports_and_bridges_nobody_planned(seed: Seed) -> None:
    document = copy.deepcopy(seed.document)
    port = {"name": "vhu1", "type": "dpdkvhostuserclient", "ofport": 3, "error": ""}
    document["ovs"]["bridges"][0]["ports"].append(port)
    document["ovs"]["bridges"].append({"name": "br1", "ports": []})
    failures = seed.failures(document=document)
    assert failures["ovs.br0.ports"].found == "dpdk0, dpdk1, vhu1"
    assert failures["ovs.bridges"].found == "br0, br1"


def test_a_port_that_is_missing(seed: Seed) -> None:
    document = copy.deepcopy(seed.document)
    del document["ovs"]["bridges"][0]["ports"][1]
    failures = seed.failures(document=document)
    assert failures["ovs.br0.ports"].found == "dpdk1"
    assert failures["ovs.br0.dpdk0.ofport"].found == "not reported"


def test_a_plan_without_ovs(seed: Seed) -> None:
    plan = replace(seed.image, ovs=None)
    failure = seed.failures(plan=plan)["ovs.present"]
    assert (failure.expected, failure.found, failure.reason) == (
        "none", "Open vSwitch", "packages not in the plan"
    )  # fmt: skip
    for facts in (None, {"present": False}):
        results = seed.verify(plan, document=seed.changed("ovs", to=facts))
        assert [name for name in results if name.startswith(("ovs.", "status.ovs"))] == []
        assert "units.ovs-vswitchd.service" not in results


def test_the_unit_that_sends_the_facts_is_not_waited_for(seed: Seed) -> None:
    assert [name for name in seed.verify() if name.startswith("units.")] == [
        "units.failed", "units.system", "units.dropped", "units.rackwright-nics.service",
        "units.ovsdb-server.service", "units.ovs-vswitchd.service",
        "units.rackwright-ssh-keys.service",
    ]  # fmt: skip


def test_firmware_nobody_asked_for_is_said(seed: Seed) -> None:
    facts = parse_facts(json.dumps(seed.document).encode())
    results = {
        result.name: result
        for result in run_checks(seed.host, seed.tree, facts, seed.substitutions)
    }
    assert results["boot.firmware"].status == "skip"
    assert results["boot.firmware"].reason == "none was asked for; it was uefi"
    assert "boot.secure-boot" not in results


@pytest.mark.parametrize(
    ("asked", "firmware", "secure"),
    [("bios", "bios", "no"), ("uefi", "uefi", "no"), ("uefi-secure-boot", "uefi", "yes")],
)
def test_firmware_as_asked(seed: Seed, asked: str, firmware: str, secure: str) -> None:
    facts = parse_facts(json.dumps(seed.document).encode())
    results = {
        result.name: result
        for result in run_checks(seed.host, seed.tree, facts, seed.substitutions, asked)
    }
    assert results["boot.firmware"].expected == firmware
    assert results["boot.secure-boot"].expected == secure
    good = (firmware, secure) == ("uefi", "yes")
    both = {results[name].status for name in ("boot.firmware", "boot.secure-boot")}
    assert (both == {"pass"}) is good


def test_boot_time_is_for_information(seed: Seed) -> None:
    result = seed.verify()["boot.seconds"]
    assert (result.status, result.found, result.reason) == (
        "pass", "13.8 s", "kernel 1.5 s, initrd 2.0 s, userspace 10.2 s"
    )  # fmt: skip
    unknown = seed.verify(document=seed.changed("boot", "seconds", to=None))["boot.seconds"]
    assert (unknown.status, unknown.found) == ("warn", "not reported")


def test_an_image_plan_has_no_hostname(seed: Seed) -> None:
    assert "os.hostname" not in seed.verify(seed.image)


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ({"mode": 0o600}, "0644"),
        ({"owner": "root:adm"}, "root:root"),
        ({"content": b"{}\n\n"}, "ca3d163b"),
    ],
)
def test_a_file_is_compared_whole(seed: Seed, other: dict[str, Any], found: str) -> None:
    path = "/etc/rackwright/node.json"
    old = seed.tree.get(path)
    tree = FileTree(tuple(f for f in seed.tree if f.path != path)).plus([replace(old, **other)])
    failures = seed.failures(tree=tree)
    assert list(failures) == [f"files.{path}"]
    assert found in failures[f"files.{path}"].found


@pytest.mark.parametrize(
    ("mem_kib", "good"),
    [
        (46112 * 1024, True),
        (46112 * 1024 - 1, False),
        (48128 * 1024, True),
        # An inventory that has MemTotal, rounded down.
        (48880 * 1024, True),
        (48881 * 1024, False),
    ],
)
def test_memory_of_a_node_is_in_a_range(seed: Seed, mem_kib: int, good: bool) -> None:
    failures = seed.failures(document=seed.changed("numa", 0, "mem-kib", to=mem_kib))
    assert ("numa.node0.memory" not in failures) is good


def test_memory_of_a_kernel_for_dumps_is_not_missing(seed: Seed) -> None:
    words = seed.image.kernel_args
    plan = replace(seed.image, kernel_args=(*words, KernelArg("crashkernel", "512M", words[0].why)))
    for mem_mib, good in ((46112 - 512, True), (46111 - 512, False)):
        document = seed.changed("numa", 0, "mem-kib", to=mem_mib * 1024)
        failures = seed.failures(plan=plan, document=document)
        assert ("numa.node0.memory" not in failures) is good


def offline_plan(seed: Seed) -> Any:
    cpus = seed.image.cpus
    off = dict.fromkeys((7, 15, 23, 31), "offline")
    why = {**cpus.why, "offline": Why("one core of each node saves power", ())}
    return replace(seed.image, cpus=replace(cpus, roles={**cpus.roles, **off}, why=why))


def test_cpus_that_are_to_be_offline(seed: Seed) -> None:
    document = copy.deepcopy(seed.document)
    document["status"]["cpus"] = {"version": 1, "ok": True, "steps": [], "errors": []}
    document["cpus"]["online"] = "0-6,8-14,16-22,24-30"
    document["numa"][0]["cpus"] = "0-6,16-22"
    document["numa"][1]["cpus"] = "8-14,24-30"
    plan = offline_plan(seed)
    results = seed.verify(plan, document=document)
    assert results["status.cpus"].status == "pass"
    assert [r for r in results.values() if r.status == "fail"] == []
    document["cpus"]["online"] = "0-14,16-22,24-30"
    document["status"]["cpus"] |= {"ok": False, "errors": ["CPU 7: taking it offline: busy"]}
    failures = seed.failures(plan=plan, document=document)
    assert {name: (r.expected, r.found) for name, r in failures.items()} == {
        "cpu.online": ("0-6,8-14,16-22,24-30", "0-14,16-22,24-30"),
        "status.cpus": ("ok", "CPU 7: taking it offline: busy"),
    }
    assert failures["cpu.online"].reason == "one core of each node saves power"


def test_a_bundle_that_could_not_be_applied(seed: Seed) -> None:
    """Only a node that cloud-init brought up has its status."""
    document = copy.deepcopy(seed.document)
    assert "status.seed" not in seed.verify(document=document)
    document["status"]["seed"] = {"version": 1, "ok": True, "steps": [], "errors": []}
    assert seed.verify(document=document)["status.seed"].status == "pass"
    fault = "this image was built of plan a, and the bundle is for plan b"
    document["status"]["seed"] |= {"ok": False, "errors": [fault]}
    failures = seed.failures(document=document)
    assert {name: (r.expected, r.found) for name, r in failures.items()} == {
        "status.seed": ("ok", fault),
    }


def with_first_pf(seed: Seed, vf: dict[str, Any], **pf: Any) -> Any:
    first = seed.image.pfs[0]
    vfs = (replace(first.vfs[0], settings=VfSettings(**vf)), *first.vfs[1:])
    return replace(seed.image, pfs=(replace(first, vfs=vfs, **pf), *seed.image.pfs[1:]))


WISHES = {"max_tx_rate": 5000, "min_tx_rate": 50, "link_state": "enable"}


def test_what_a_stand_in_cannot_set_of_a_vf_is_skipped_aloud(seed: Seed) -> None:
    results = seed.verify(with_first_pf(seed, WISHES, eswitch="switchdev"))
    skipped = {
        name: (r.expected, r.reason.removeprefix(f"{STAND_IN}, "))
        for name, r in results.items()
        if r.status == "skip" and name.startswith("sriov.")
    }
    assert skipped == {
        "sriov.ens11f0.eswitch": (
            "switchdev",
            "which does not support this mode",
        ),
        "sriov.ens11f0.vf0.max-tx-rate": ("5000 Mbit/s", "whose link is 1000 Mbit/s"),
        "sriov.ens11f0.vf0.min-tx-rate": (
            "50 Mbit/s",
            "whose driver cannot set min-tx-rate of a VF",
        ),
        "sriov.ens11f0.vf0.link-state": (
            "enable",
            "whose driver cannot set link-state of a VF",
        ),
    }
    # What every driver has is checked.
    plain = {"min_tx_rate": 0, "max_tx_rate": 0, "link_state": "auto"}
    results = seed.verify(with_first_pf(seed, plain))
    names = ("max-tx-rate", "min-tx-rate", "link-state")
    assert {results[f"sriov.ens11f0.vf0.{name}"].status for name in names} == {"pass"}


def test_on_hardware_all_of_it_is_checked(seed: Seed) -> None:
    seed.substitutions.clear()
    plan = with_first_pf(seed, WISHES, eswitch="switchdev")
    document = seed.changed("pci", "0000:01:00.0", "eswitch", to="legacy")
    failures = seed.failures(plan=plan, document=document)
    assert {
        name: (r.expected, r.found)
        for name, r in failures.items()
        if name.startswith(("sriov.ens11f0.e", "sriov.ens11f0.vf0"))
    } == {
        "sriov.ens11f0.eswitch": ("switchdev", "legacy"),
        "sriov.ens11f0.vf0.max-tx-rate": ("5000 Mbit/s", "0 Mbit/s"),
        "sriov.ens11f0.vf0.min-tx-rate": ("50 Mbit/s", "0 Mbit/s"),
        "sriov.ens11f0.vf0.link-state": ("enable", "auto"),
    }
