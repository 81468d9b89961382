"""A node with every setting a twin can have, beyond what the seed's has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from builder.build_host import read_os_release
from builder.cli import call, parse

INVENTORY = Path(__file__).with_name("every-setting.yaml")
HOST = "small1"
# Ubuntu's archive has no realtime kernel; its lowlatency one is not in every release.
IS_DEBIAN = read_os_release().get("ID") == "debian"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """The directory of the image, and of what its twin reported."""
    out = tmp_path_factory.mktemp("every-setting")
    text, inventory = INVENTORY.read_text(encoding="utf-8"), out / INVENTORY.name
    if IS_DEBIAN:
        text = text.replace("  os: host\n", "  os: host\n  kernel: realtime\n")
    inventory.write_text(text, encoding="utf-8")
    argv = ["image", str(inventory), "--host", HOST, "-o", str(out / HOST), "--cache", str(cache)]
    assert call(parse([*argv, "--format", "raw"])) == 0
    call(parse(["verify", str(out / HOST), str(inventory), "--host", HOST, "-o", str(out)]))
    return out


@pytest.fixture
def report(out: Path) -> dict[str, Any]:
    """The verdict, with the facts it is made of."""
    verdict: dict[str, Any] = json.loads((out / "report.json").read_text())
    return {**verdict, "facts": json.loads((out / "facts.json").read_text())}


def test_all_is_as_planned(report: dict[str, Any]) -> None:
    wrong = [check for check in report["checks"] if check["status"] not in ("pass", "skip")]
    assert (report["verdict"], wrong) == ("pass", [])
    skipped = [check["name"] for check in report["checks"] if check["status"] == "skip"]
    assert [name for name in skipped if name.startswith("sriov.")] == [
        "sriov.ens11f0.vf1.max-tx-rate",
        "sriov.ens11f0.vf1.link-state",
    ]


def test_each_setting_had_a_check(report: dict[str, Any]) -> None:
    passed = {check["name"]: check["found"] for check in report["checks"]}
    expected = {
        "cpu.online": "0-2,4-6,8-10,12-14",
        "numa.node1.cpus": "4-6,12-14",
        "hugepages.node0.1G": "2",
        "hugepages.node1.1G": "1",
        "hugepages.node0.2M": "256",
        "hugepages.node1.2M": "128",
        "mounts./dev/hugepages2M": "/dev/hugepages2M with pages of 2048 KiB",
        "sriov.ens11f0.vf0.max-tx-rate": "400 Mbit/s",
        "sriov.ens11f1.vf0.max-tx-rate": "200 Mbit/s",
        "sriov.ens11f1.vf0.min-tx-rate": "0 Mbit/s",
        "ovs.br0.dpdk0.options": (
            "dpdk-devargs=0000:01:10.0, n_rxq=1, n_rxq_desc=1024, n_txq_desc=512"
        ),
        "ovs.br0.dpdk0.other-config": "pmd-rxq-affinity=0:1",
        "cmdline.skew_tick": "skew_tick=1",
        "sysctl.kernel.hung_task_timeout_secs": "600",
        "sysctl.net.bridge.bridge-nf-call-iptables": "0",
        "sysctl.net.netfilter.nf_conntrack_max": "131072",
        "module.br_netfilter.loaded": "loaded",
        "upgrades.periodic": "0",
        "upgrades.openvswitch-": "held",
        "status.cpus": "ok",
    }
    if IS_DEBIAN:
        expected["os.kernel-flavour"] = "rt-amd64"
    assert {name: passed.get(name) for name in expected} == expected
    assert {"numa.node0.memory", "numa.node1.memory"} <= passed.keys()


def test_what_the_twin_cannot_be_is_said(report: dict[str, Any]) -> None:
    said = " ".join(report["not-emulated"])
    assert "VFs of 0000:01:00.0 have no link state of their own" in said
    assert "VFs of 0000:01:00.0 have no max-tx-rate over 1000 Mbit/s" in said
    assert "rates of VFs of 0000:01:00.1 are set and read back" in said


def test_cpus_go_offline_before_drivers_and_the_switch(report: dict[str, Any]) -> None:
    done = report["facts"]["status"]["cpus"]["steps"]
    assert [step["what"] for step in done] == [f"CPU {cpu}" for cpu in (3, 7, 11, 15)]
    state = report["facts"]["units"]["state"]["rackwright-cpus.service"]
    assert state == {"active": "active", "result": "success", "condition": True}


OTHER = {
    "offline-cores-per-node: 1": "offline-cores-per-node: {0: 1}",
    "count: {0: 256, 1: 128}": "count: {0: 256, 1: 64}",
    "max-tx-rate: 400": "max-tx-rate: 300",
    "min-tx-rate: 0": "vlan: 7",
    "rxd: 1024": "rxd: 2048",
    "rxq-affinity: {0: 1}": "rxq-affinity: {0: 9}",
    "latency: low": "latency: default",
    "memory: 8GiB}": "memory: 12GiB}",
}


def test_a_node_of_other_settings_would_be_found_out(out: Path, tmp_path: Path) -> None:
    """The same facts against an inventory with each value changed: each is named."""
    text = INVENTORY.read_text()
    for old, new in OTHER.items():
        assert old in text
        text = text.replace(old, new)
    changed = tmp_path / "inventory.yaml"
    changed.write_text(text)
    argv = ["verify", str(out / HOST), str(changed), "--host", HOST, "-o", str(tmp_path / "again")]
    assert call(parse([*argv, "--facts", str(out / "facts.json")])) == 1
    report = json.loads((tmp_path / "again/report.json").read_text())
    failed = {check["name"] for check in report["checks"] if check["status"] == "fail"}
    assert {
        "cpu.online",
        "numa.node0.memory",
        "numa.node1.memory",
        "numa.node1.cpus",
        "hugepages.node1.2M",
        "sriov.ens11f0.vf0.max-tx-rate",
        "sriov.ens11f1.vf0.vlan",
        "ovs.br0.dpdk0.options",
        "ovs.br0.dpdk0.other-config",
        "cmdline.extra",
    } <= failed
    assert "hugepages.node0.2M" not in failed
