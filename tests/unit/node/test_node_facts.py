"""Facts: each section from files and answers as a node has them, and what is null."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
import rackwright_facts_devices as devices
import rackwright_facts_system as system
import rackwright_facts_units as units
from fake_kernel import DEVICES, FakeKernel, load_program
from rackwright_node import Finished

from builder.verify.facts import parse_facts

facts = load_program("facts")

NODE = "sys/devices/system/node"


def test_cpus_as_the_kernel_writes_them(kernel: FakeKernel) -> None:
    kernel.put("sys/devices/system/cpu/online", "0-31\n")
    kernel.put("sys/devices/system/cpu/isolated", "\n")
    kernel.put("sys/devices/system/cpu/nohz_full", "  (null)\n")
    assert system.read_cpus(kernel) == {"online": "0-31", "isolated": "", "nohz-full": ""}


def test_cpus_a_kernel_without_nohz_full_has_no_file_for(kernel: FakeKernel) -> None:
    assert system.read_cpus(kernel) == {"online": None, "isolated": None, "nohz-full": None}


def test_nodes_in_order_of_their_number(kernel: FakeKernel) -> None:
    for node in (10, 2):
        kernel.put(f"{NODE}/node{node}/cpulist", f"{node}\n")
        kernel.put(f"{NODE}/node{node}/meminfo", f"Node {node} MemTotal:  {node}000 kB\n")
        kernel.put(f"{NODE}/node{node}/hugepages/hugepages-2048kB/nr_hugepages", f"{node}\n")
    kernel.put(f"{NODE}/possible", "0-10\n")
    assert system.read_numa(kernel) == [
        {"node": 2, "cpus": "2", "mem-kib": 2000},
        {"node": 10, "cpus": "10", "mem-kib": 10000},
    ]
    assert system.read_hugepages(kernel) == [
        {"node": 2, "size-kib": 2048, "total": 2},
        {"node": 10, "size-kib": 2048, "total": 10},
    ]


def test_os_release_of_etc_comes_first(kernel: FakeKernel) -> None:
    kernel.put("usr/lib/os-release", "ID=other\n")
    kernel.put("etc/os-release", 'ID=debian\nVERSION_ID="13"\nIMAGE_ID=nfv-node\n')
    assert system.read_os(kernel) == {"ID": "debian", "VERSION_ID": "13", "IMAGE_ID": "nfv-node"}


def test_modprobe_configuration_in_its_order(kernel: FakeKernel) -> None:
    kernel.put("etc/modprobe.d/vfio-pci.conf", "# why\noptions vfio-pci \\\n disable_idle_d3=1\n")
    kernel.put("usr/lib/modprobe.d/vfio-pci.conf", "options vfio-pci masked=1\n")
    kernel.put("usr/lib/modprobe.d/aliases.conf", "alias a b\nblacklist nouveau\n")
    kernel.put("etc/modprobe.d/README", "options not read=1\n")
    kernel.put("proc/cmdline", "root=UUID=1.2=3 vfio-pci.ids=8086:1533 rd.x quiet\n")
    assert system.modprobe_lines(kernel) == [
        "blacklist nouveau",
        "options vfio-pci disable_idle_d3=1",
        "options vfio-pci ids=8086:1533",
    ]


def test_modules_loaded_and_of_those_built_in_the_ones_we_ask_for(kernel: FakeKernel) -> None:
    kernel.put("proc/modules", "vfio_pci 16384 0 - Live 0x0\ntun 1 0 - Live 0x0\n")
    kernel.put("sys/module/vfio_pci/parameters/disable_idle_d3", "N\n")
    kernel.put("sys/module/printk/parameters/time", "Y\n")
    kernel.put("proc/sys/kernel/osrelease", "6.12.1\n")
    kernel.put(
        "usr/lib/modules/6.12.1/modules.builtin",
        "kernel/net/8021q/8021q.ko\nkernel/a/vfio-iommu.ko\nkernel/b/other.ko\n",
    )
    kernel.put("etc/modules-load.d/rackwright.conf", "# why\n8021q\nvfio-iommu\ntun\nabsent\n")
    assert system.read_modules(kernel) == {
        "8021q": {},
        "tun": {},
        "vfio_iommu": {},
        "vfio_pci": {"disable_idle_d3": "N"},
    }


def test_sysctls_without_those_of_single_interfaces(kernel: FakeKernel) -> None:
    for path, text in {
        "vm/swappiness": "10\n",
        "vm/stat_refresh": "never read\n",
        "fs/binfmt_misc/status": "never read\n",
        "net/ipv4/tcp_rmem": "4096\t131072\t6291456\n",
        "net/ipv4/conf/all/rp_filter": "2\n",
        "net/ipv4/conf/eth0/rp_filter": "1\n",
        "net/ipv4/neigh/eth0/gc_stale_time": "1\n",
        "net/ipv4/neigh/default/retrans_time": "never read\n",
        "net/ipv4/neigh/default/retrans_time_ms": "1000\n",
        "kernel/long": "first\nsecond\n",
    }.items():
        kernel.put(f"proc/sys/{path}", text)
    assert system.read_sysctls(kernel) == {
        "vm.swappiness": "10",
        "net.ipv4.tcp_rmem": "4096\t131072\t6291456",
        "net.ipv4.conf.all.rp_filter": "2",
        "net.ipv4.neigh.default.retrans_time_ms": "1000",
        "kernel.long": "first",
    }


def test_files_as_they_are(kernel: FakeKernel) -> None:
    kernel.put("etc/rackwright/files", "/etc/a\n/etc/b\n/etc/c\n")
    kernel.put("etc/a", "text\n")
    kernel.path("etc/a").chmod(0o600)
    kernel.symlink("etc/b", "/dev/null")
    found: Any = system.read_files(kernel)
    owner = f"{system.user_name(os.getuid())}:{system.group_name(os.getgid())}"
    assert found == {
        "/etc/a": {"mode": "0600", "owner": owner, "sha256": hashlib.sha256(b"text\n").hexdigest()},
        "/etc/b": {
            "mode": "link",
            "owner": owner,
            "sha256": hashlib.sha256(b"/dev/null").hexdigest(),
        },
        "/etc/c": None,
    }


def test_owners_without_a_name() -> None:
    assert (system.user_name(2**31 - 3), system.group_name(2**31 - 3)) == (
        "2147483645",
        "2147483645",
    )


SHOWN = """\
Id=rackwright-nics.service
LoadState=loaded
ActiveState=active
Result=success
ConditionResult=yes
ConditionTimestampMonotonic=1

Id=rackwright-ssh-keys.service
LoadState=loaded
ActiveState=inactive
Result=success
ConditionResult=no
ConditionTimestampMonotonic=2

Id=ssh.service
LoadState=loaded
ActiveState=inactive
Result=success
ConditionResult=no
ConditionTimestampMonotonic=0

Id=kubelet.service
LoadState=not-found
ActiveState=inactive
Result=success
"""
# As systemd words it (core/transaction.c), before and since 258.
JOURNAL = """\
sockets.target: Found ordering cycle on ssh.socket/start
sockets.target: Found dependency on rackwright-ssh-keys.service/start
sockets.target: Job ssh.socket/start deleted to break ordering cycle starting with sockets.target/start
a.target: Job b.service/start deleted to break ordering cycle
a.target: Job b.service/start deleted to break ordering cycle
"""


# apt.conf(5): of a single value the last counts, of a list each.
APT_CONFIG = """\
APT::Periodic "";
APT::Periodic::Enable "1";
APT::Periodic::Enable "0";
Unattended-Upgrade::Package-Blacklist "";
Unattended-Upgrade::Package-Blacklist:: "linux-";
Unattended-Upgrade::Package-Blacklist:: "librte-";
"""


def test_units(kernel: FakeKernel) -> None:
    kernel.put("usr/lib/systemd/system/rackwright-nics.service", "")
    names = " ".join(sorted({*units.OTHER_UNITS, "rackwright-nics.service"}))
    asked = "Id,LoadState,ActiveState,Result,ConditionResult,ConditionTimestampMonotonic"
    kernel.answers = {
        "systemctl list-units --failed --plain --no-legend": Finished(
            0, "b.service loaded failed failed B\na.mount loaded failed failed A\n", ""
        ),
        f"systemctl show --property={asked} {names}": Finished(0, SHOWN, ""),
        "journalctl --boot --identifier=systemd --priority=warning --output=cat --no-pager "
        "--quiet": Finished(0, JOURNAL, ""),
    }
    good = {"active": "active", "result": "success", "condition": True}
    idle = {"active": "inactive", "result": "success"}
    assert units.read_units(kernel, "degraded") == {
        "dropped": ["b.service/start", "ssh.socket/start"],
        "failed": ["a.mount", "b.service"],
        "state": {
            "rackwright-nics.service": good,
            "rackwright-ssh-keys.service": {**idle, "condition": False},
            "ssh.service": {**idle, "condition": None},
        },
        "system": "degraded",
    }


def test_units_when_systemd_does_not_answer(kernel: FakeKernel) -> None:
    nothing = {"dropped": None, "failed": None, "state": {}, "system": None}
    assert units.read_units(kernel, None) == nothing


def test_upgrades(kernel: FakeKernel) -> None:
    kernel.answers = {
        "systemctl list-units --type=timer --plain --no-legend": Finished(
            0, "man-db.timer loaded active waiting M\napt-daily.timer loaded active waiting A\n", ""
        ),
        "apt-config dump": Finished(0, APT_CONFIG, ""),
    }
    assert units.read_upgrades(kernel) == {
        "timers": ["apt-daily.timer", "man-db.timer"],
        "periodic": "0",
        "held": ["linux-", "librte-"],
    }
    kernel.answers = {}
    assert units.read_upgrades(kernel) == {"timers": None, "periodic": None, "held": None}


@pytest.mark.parametrize(
    ("waited", "asked", "state"),
    [
        (Finished(1, "degraded\n", ""), Finished(0, "", ""), "degraded"),
        (Finished(124, "", "no answer"), Finished(1, "starting\n", ""), "starting"),
        (Finished(127, "", ""), Finished(127, "", ""), None),
    ],
)
def test_waits_for_the_boot_whatever_becomes_of_it(
    kernel: FakeKernel, waited: Finished, asked: Finished, state: str | None
) -> None:
    kernel.answers = {
        "systemctl is-system-running --wait": waited,
        "systemctl is-system-running": asked,
    }
    assert units.wait_for_boot(kernel) == state


STAMPS = "InitRDTimestampMonotonic,UserspaceTimestampMonotonic,FinishTimestampMonotonic"


@pytest.mark.parametrize(
    ("stamps", "seconds"),
    [
        ((0, 3500000, 13500000), {"kernel": 3.5, "initrd": None, "userspace": 10.0}),
        ((1000000, 3500000, 0), {"kernel": 1.0, "initrd": 2.5, "userspace": None}),
    ],
)
def test_boot_stages(
    kernel: FakeKernel, stamps: tuple[int, int, int], seconds: dict[str, float | None]
) -> None:
    shown = "".join(f"{n}={v}\n" for n, v in zip(STAMPS.split(","), stamps, strict=True))
    kernel.answers = {f"systemctl show --property={STAMPS}": Finished(0, shown, "")}
    assert system.read_boot(kernel) == {
        "firmware": "bios",
        "secure-boot": False,
        "seconds": seconds,
    }


@pytest.mark.parametrize(
    ("content", "secure"), [(b"\6\0\0\0\1", True), (b"\6\0\0\0\0", False), (None, None)]
)
def test_secure_boot(kernel: FakeKernel, content: bytes | None, secure: bool | None) -> None:
    kernel.path("sys/firmware/efi/efivars").mkdir(parents=True)
    if content is not None:
        kernel.path(system.SECURE_BOOT).write_bytes(content)
    assert system.read_secure_boot(kernel) is secure


def test_root_and_its_whole_disk(kernel: FakeKernel) -> None:
    device = kernel.root.stat().st_dev
    disk = kernel.path("sys/devices/vda")
    (disk / "vda1").mkdir(parents=True)
    (disk / "size").write_text("2048\n")
    (disk / "vda1/partition").write_text("1\n")
    (disk / "vda1/size").write_text("1024\n")
    block = f"sys/dev/block/{os.major(device)}:{os.minor(device)}"
    kernel.symlink(block, "../../devices/vda/vda1")
    found: Any = system.read_root(kernel)
    assert found["device-bytes"] == 1048576
    assert found["size-bytes"] > 0


def test_small_ones(kernel: FakeKernel) -> None:
    kernel.put("sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n")
    kernel.put("proc/1/status", "Name:\tsystemd\nCpus_allowed_list:\t0,8,16,24\n")
    kernel.put("proc/self/mounts", "hugetlbfs /dev/hugepages hugetlbfs rw,pagesize=1024M 0 0\n")
    assert system.read_thp(kernel) == "never"
    assert system.read_cpus_allowed(kernel, "1") == "0,8,16,24"
    assert system.read_mounts(kernel) == [
        {"where": "/dev/hugepages", "type": "hugetlbfs", "options": "rw,pagesize=1024M"}
    ]


# Devices


@pytest.fixture
def machine(kernel: FakeKernel) -> FakeKernel:
    vfs = ("8086:10ed", "ixgbevf", ["0000:01:10.0", "0000:01:10.2"])
    kernel.add_pf("0000:01:00.0", "8086:10fb", "ixgbe", vfs, total=63)
    kernel.set_vfs("0000:01:00.0", 2)
    kernel.put(f"{DEVICES}/0000:02:00.0/class", "0x010802\n")
    planned = {
        "pfs": [{"pci": "0000:01:00.0", "eswitch": "legacy", "vfs": [{"pci": "0000:01:10.0"}]}],
        "bindings": [{"pci": "0000:09:00.0"}],
    }
    kernel.put("etc/rackwright/node.json", json.dumps(planned))
    links = [
        {"ifname": "lo"},
        {
            "ifname": "n0100f0",
            "vfinfo_list": [
                {
                    "vf": 0,
                    "address": "02:00:00:00:00:01",
                    "vlan_list": [{"vlan": 7}],
                    "rate": {"max_tx": 200, "min_tx": 0},
                    "link_state": "auto",
                },
                {"vf": 1, "address": "02:00:00:00:00:02", "spoofchk": True, "trust": False},
            ],
        },
    ]
    kernel.answers = {"ip -json link show": Finished(0, json.dumps(links), "")}
    return kernel


def test_nics_and_what_the_plan_names(machine: FakeKernel) -> None:
    found: Any = devices.read_pci(machine)
    assert sorted(found) == ["0000:01:00.0", "0000:01:10.0", "0000:01:10.2", "0000:09:00.0"]
    assert found["0000:01:00.0"] == {
        "id": "8086:10fb",
        "driver": "ixgbe",
        "iommu-group": "1",
        "iommu-group-users": [],
        "numa": -1,
        "total-vfs": 63,
        "num-vfs": 2,
        "vfs": ["0000:01:10.0", "0000:01:10.2"],
        "vf-settings": [
            {
                "index": 0,
                "mac": "02:00:00:00:00:01",
                "vlan": 7,
                "trust": None,
                "spoofchk": None,
                "max-tx-rate": 200,
                "min-tx-rate": 0,
                "link-state": "auto",
            },
            {
                "index": 1,
                "mac": "02:00:00:00:00:02",
                "vlan": 0,
                "trust": False,
                "spoofchk": True,
                "max-tx-rate": None,
                "min-tx-rate": None,
                "link-state": None,
            },
        ],
    }
    assert found["0000:01:10.0"]["driver"] is None
    assert found["0000:09:00.0"] is None
    assert devices.read_links(machine) == {"0000:01:00.0": ["n0100f0"]}


def test_the_mode_of_a_switch_the_plan_has(machine: FakeKernel) -> None:
    planned = json.loads(str(machine.read("etc/rackwright/node.json")))
    planned["pfs"][0]["eswitch"] = "switchdev"
    machine.put("etc/rackwright/node.json", json.dumps(planned))
    machine.eswitch["0000:01:00.0"] = "legacy"
    found: Any = devices.read_pci(machine)
    assert found["0000:01:00.0"]["eswitch"] == "legacy"
    del machine.eswitch["0000:01:00.0"]
    found = devices.read_pci(machine)
    assert found["0000:01:00.0"]["eswitch"] is None


def test_a_virtio_nic_has_its_interface_one_level_down(kernel: FakeKernel) -> None:
    kernel.put(f"{DEVICES}/0000:08:00.0/class", "0x020000\n")
    kernel.path(f"{DEVICES}/0000:08:00.0/virtio3/net/enp8s0").mkdir(parents=True)
    assert devices.read_links(kernel) == {"0000:08:00.0": ["enp8s0"]}


def test_iommu_type_is_that_of_most_groups(kernel: FakeKernel) -> None:
    for group, kind in enumerate(("identity", "DMA", "identity")):
        kernel.put(f"sys/kernel/iommu_groups/{group}/type", f"{kind}\n")
    assert devices.read_iommu(kernel) == {"groups": 3, "default-type": "identity"}


def test_a_machine_without_iommu(kernel: FakeKernel) -> None:
    assert devices.read_iommu(kernel) == {"groups": 0, "default-type": None}


def test_threads_and_vfio_of_the_switch(kernel: FakeKernel) -> None:
    for task, name, cpus in ((70, "ovs-vswitchd", "0,8"), (71, "pmd-c01/id:8", "1")):
        kernel.put(f"proc/70/task/{task}/comm", f"{name}\n")
        kernel.put(f"proc/70/task/{task}/status", f"Cpus_allowed_list:\t{cpus}\n")
    kernel.symlink("proc/70/fd/3", "/dev/vfio/14")
    kernel.symlink("proc/70/fd/4", "/dev/vfio/vfio")
    kernel.symlink("proc/70/fd/5", "socket:[1]")
    assert list(devices.read_pmd_threads(kernel, "70")) == [{"name": "pmd-c01/id:8", "cpus": "1"}]
    assert list(devices.read_vfio_nodes(kernel, "70")) == ["/dev/vfio/14", "/dev/vfio/vfio"]


def test_no_switch_installed(kernel: FakeKernel) -> None:
    assert devices.read_ovs(kernel) == {"present": False}


def test_a_switch_whose_database_is_down(kernel: FakeKernel) -> None:
    kernel.put("usr/bin/ovs-vsctl", "")
    assert devices.read_ovs(kernel) == {"present": True}


# The document


def test_a_machine_in_ruins_still_says_what_it_can(
    kernel: FakeKernel, capsys: pytest.CaptureFixture[str]
) -> None:
    kernel.put("etc/rackwright/node.json", "{broken")
    kernel.put("proc/sys/kernel/hostname", "nfv1\n")
    found = facts.collect(kernel)
    assert (found["version"], found["hostname"], found["pci"]) == (1, "nfv1", None)
    assert capsys.readouterr().err == (
        "<3>pci: JSONDecodeError: Expecting property name enclosed in double quotes: "
        "line 1 column 2 (char 1)\n"
    )


def test_the_reader_of_facts_accepts_the_document(machine: FakeKernel) -> None:
    machine.put("sys/class/dmi/id/sys_vendor", "rackwright\n")
    machine.put("sys/class/dmi/id/product_name", "twin\n")
    machine.put("run/rackwright/nics.json", '{"version": 1, "ok": true, "steps": [], "errors": []}')
    read = parse_facts(json.dumps(facts.collect(machine)).encode() + b"\n")
    assert read.status.nics.ok is True
    assert read.twin.substitutions == {}
    assert read.pci is not None
    device = read.pci["0000:01:00.0"]
    assert device is not None
    assert device.vfs == ("0000:01:10.0", "0000:01:10.2")
    assert device.vf_settings is not None
    assert device.vf_settings[0].vlan == 7


def test_every_fact_of_the_document_is_collected(kernel: FakeKernel) -> None:
    assert sorted(facts.collect(kernel)) == sorted(
        [
            *("boot", "cmdline", "cpus", "files", "hostname", "hugepages", "iommu", "kernel"),
            *("links", "modprobe", "modules", "mounts", "numa", "os", "ovs", "pci", "pid1-cpus"),
            *("root", "secrets", "sources", "status", "sysctl", "thp", "twin", "units", "upgrades"),
            *("users", "version"),
        ]
    )


def test_sends_to_the_port_or_to_stdout(
    kernel: FakeKernel, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    facts.send(kernel, b"{}\n")
    assert capsys.readouterr().out == "{}\n"
    port = kernel.path("dev/virtio-ports/rackwright.facts")
    port.parent.mkdir(parents=True)
    port.touch()
    # A port takes what fits.
    whole = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: whole(fd, data[:2]))
    facts.send(kernel, b'{"a": 1}\n')
    assert port.read_bytes() == b'{"a": 1}\n'
    assert capsys.readouterr().out == ""


def test_the_port_is_where_udev_looks(request: pytest.FixtureRequest) -> None:
    rule = Path(str(facts.__file__)).with_name("90-rackwright-facts.rules").read_text()
    assert f'ATTR{{name}}=="{facts.PORT.rpartition("/")[2]}"' in rule
