"""What the node programs share: reading node.json, the status file, waiting, the twin's word."""

from __future__ import annotations

import json
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest
import rackwright_facts_devices
import rackwright_node
import rackwright_twin
import rackwright_uplink
from hypothesis import given
from hypothesis import strategies as st
from rackwright_node import (
    Binding,
    Bridge,
    Config,
    Finished,
    Machine,
    NodeError,
    Pages,
    Pf,
    Port,
    Status,
    Vf,
    read_config,
)

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.catalog.vf_settings import VF_SETTINGS
from builder.discover import interfaces
from builder.model.values import CpuSet

DOCUMENT = {
    "version": 2,
    "plan-id": "f00",
    "offline-cpus": "4-6,9",
    "hugepages": [{"node": 0, "size-kib": 1048576, "count": 4}],
    "pfs": [
        {
            "name": "ens11f0",
            "pci": "0000:01:00.0",
            "id": "8086:10fb",
            "driver": "ixgbe",
            "mode": "sysfs",
            "eswitch": "switchdev",
            "num-vfs": 1,
            "vf-id": "8086:10ed",
            "vfs": [
                {
                    "index": 0,
                    "pci": "0000:01:10.0",
                    "driver": None,
                    "mac": "02:00:00:00:00:01",
                    "vlan": 7,
                    "trust": True,
                    "spoofchk": False,
                    "max-tx-rate": 200,
                    "min-tx-rate": 50,
                    "link-state": "enable",
                }
            ],
        }
    ],
    "bindings": [
        {"name": "enp9s0", "pci": "0000:09:00.0", "id": "8086:1533", "driver": "vfio-pci"}
    ],
    "kernel-ports": [
        {"name": "mx0", "pci": "0000:41:00.0", "id": "15b3:1017", "driver": "mlx5_core"}
    ],
    "ovs": {
        "other-config": {"dpdk-init": "true"},
        "bridges": [
            {
                "name": "br0",
                "datapath-type": "netdev",
                "fail-mode": "standalone",
                "ports": [
                    {
                        "name": "dpdk0",
                        "type": "dpdk",
                        "mtu": 1500,
                        "options": {"n_rxq": "1"},
                        "other-config": {"pmd-rxq-affinity": "0:1"},
                    }
                ],
            }
        ],
    },
}


def write_config(root: Path, document: object) -> Machine:
    path = root / "etc/rackwright/node.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    return Machine(root)


def test_reads_the_whole_document(tmp_path: Path) -> None:
    vf = Vf(0, "0000:01:10.0", None, "02:00:00:00:00:01", 7, True, False, 200, 50, "enable")
    pf = Pf(
        "ens11f0", "0000:01:00.0", "8086:10fb", "ixgbe", "sysfs", "switchdev", 1, "8086:10ed", (vf,)
    )
    port = Port("dpdk0", "dpdk", 1500, {"n_rxq": "1"}, {"pmd-rxq-affinity": "0:1"})
    assert read_config(write_config(tmp_path, DOCUMENT)) == Config(
        offline_cpus=(4, 5, 6, 9),
        hugepages=(Pages(0, 1048576, 4),),
        pfs=(pf,),
        bindings=(Binding("enp9s0", "0000:09:00.0", "8086:1533", "vfio-pci"),),
        kernel_ports=(Binding("mx0", "0000:41:00.0", "15b3:1017", "mlx5_core"),),
        other_config={"dpdk-init": "true"},
        bridges=(Bridge("br0", "netdev", "standalone", (port,)),),
    )


def test_the_node_knows_every_setting_of_a_vf() -> None:
    told = rackwright_facts_devices.vf_settings({"vf": 0})
    assert set(told) == {"index", *VF_SETTINGS}
    known = [field.name for field in fields(Vf)]
    assert known == ["index", "pci", "driver", *VF_SETTINGS.values()]


def test_a_node_without_open_vswitch(tmp_path: Path) -> None:
    config = read_config(write_config(tmp_path, {**DOCUMENT, "ovs": None}))
    assert (config.other_config, config.bridges) == (None, ())


def test_refuses_another_version(tmp_path: Path) -> None:
    with pytest.raises(NodeError) as caught:
        read_config(write_config(tmp_path, {**DOCUMENT, "version": 1}))
    assert str(caught.value) == "/etc/rackwright/node.json has version 1, this program reads 2"


@given(st.sets(st.integers(0, 300)))
def test_a_list_of_cpus_is_read_as_the_planner_writes_it(cpus: set[int]) -> None:
    assert rackwright_node.parse_cpus(str(CpuSet.of(cpus))) == tuple(sorted(cpus))


def test_no_cpus_are_none(tmp_path: Path) -> None:
    config = read_config(write_config(tmp_path, {**DOCUMENT, "offline-cpus": ""}))
    assert config.offline_cpus == ()


def test_a_missing_document(tmp_path: Path) -> None:
    with pytest.raises(NodeError) as caught:
        read_config(Machine(tmp_path))
    assert str(caught.value) == "/etc/rackwright/node.json cannot be read"


def test_status_goes_to_the_journal_and_to_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = Status()
    status.step("0000:01:00.0", "created 2 VFs", "there were 0")
    status.error("0000:09:00.0: no device there")
    assert status.save(Machine(tmp_path), "nics") == 1
    assert capsys.readouterr() == (
        "0000:01:00.0: created 2 VFs (there were 0)\n",
        "<3>0000:09:00.0: no device there\n",
    )
    assert [path.name for path in (tmp_path / "run/rackwright").iterdir()] == ["nics.json"]
    assert json.loads((tmp_path / "run/rackwright/nics.json").read_text()) == {
        "version": 1,
        "ok": False,
        "steps": [
            {"what": "0000:01:00.0", "did": "created 2 VFs", "why": "there were 0"},
        ],
        "errors": ["0000:09:00.0: no device there"],
    }


def test_status_without_errors_is_exit_0(tmp_path: Path) -> None:
    assert Status().save(Machine(tmp_path), "nics") == 0
    assert json.loads((tmp_path / "run/rackwright/nics.json").read_text())["ok"] is True


def test_a_crash_leaves_a_status_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = write_config(tmp_path, DOCUMENT)
    monkeypatch.setattr(rackwright_node, "Machine", lambda: machine)

    def work(machine: Machine, config: Config, status: Status) -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        rackwright_node.main("nics", work)
    saved = json.loads((tmp_path / "run/rackwright/nics.json").read_text())
    assert saved["errors"] == ["nics: unexpected KeyError: 'x'"]


def test_a_planned_fault_is_no_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(tmp_path)
    monkeypatch.setattr(rackwright_node, "Machine", lambda: machine)
    assert rackwright_node.main("nics", lambda machine, config, status: None) == 1


def test_waits_until_ready_or_the_time_is_up() -> None:
    answers = iter([False, False, True])
    assert Machine().wait(lambda: next(answers), 10.0)
    assert not Machine().wait(lambda: False, 0.0)


def test_a_write_is_one_write_and_makes_no_file(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("before")
    Machine(tmp_path).write("there", "x")
    assert (tmp_path / "there").read_text() == "xefore"
    with pytest.raises(FileNotFoundError):
        Machine(tmp_path).write("absent", "x")


def test_commands_that_do_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*arguments: object, **options: object) -> None:
        raise FileNotFoundError

    def hanging(*arguments: object, **options: object) -> None:
        raise subprocess.TimeoutExpired("ip", 5)

    monkeypatch.setattr(subprocess, "run", missing)
    assert rackwright_node.run_command(["ip"]) == Finished(127, "", "ip: not found")
    monkeypatch.setattr(subprocess, "run", hanging)
    assert rackwright_node.run_command(["ip"], 5) == Finished(124, "", "ip: no answer in 5 s")


# SMBIOS


def make_twin(root: Path, table: bytes) -> Machine:
    for path, content in (
        ("sys/class/dmi/id/sys_vendor", b"rackwright\n"),
        ("sys/class/dmi/id/product_name", b"twin\n"),
        ("sys/firmware/dmi/tables/DMI", table),
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return Machine(root)


def structure(kind: int, *strings: str) -> bytes:
    body = b"".join(text.encode() + b"\0" for text in strings) or b"\0"
    return bytes([kind, 5, 0, 0, len(strings)]) + body + b"\0"


def test_reads_substitutions_of_every_oem_structure(tmp_path: Path) -> None:
    table = (
        structure(1, "rackwright.substitute=not=this")
        + structure(3)
        + structure(11, "x", "rackwright.substitute=8086:10fb=8086:10c9")
        + structure(11, "rackwright.substitute=8086:1533=8086:10d3")
        + structure(127)
        + structure(11, "rackwright.substitute=after=end")
    )
    assert rackwright_twin.read_substitutions(make_twin(tmp_path, table)) == {
        "8086:10fb": "8086:10c9",
        "8086:1533": "8086:10d3",
    }


@pytest.mark.parametrize("table", [b"", b"\x0b", b"\x0b\x05\0\0\x01rackwright.substitute=a=b"])
def test_a_broken_table_substitutes_nothing(tmp_path: Path, table: bytes) -> None:
    assert rackwright_twin.read_substitutions(make_twin(tmp_path, table)) == {}


def test_a_real_machine_substitutes_nothing(tmp_path: Path) -> None:
    machine = make_twin(tmp_path, structure(11, "rackwright.substitute=8086:10fb=8086:10c9"))
    (tmp_path / "sys/class/dmi/id/sys_vendor").write_text("Supermicro\n")
    assert not rackwright_twin.is_twin(machine)
    assert rackwright_twin.read_substitutions(machine) == {}


def test_drivers_of_dpdk_are_those_of_the_builder() -> None:
    assert DPDK_DRIVERS.keys() == rackwright_node.DPDK_DRIVERS


def test_a_representor_is_known_by_one_pattern() -> None:
    """On the node, which has no builder, and where a machine is described."""
    assert rackwright_uplink.REPRESENTOR.pattern == interfaces.REPRESENTOR.pattern


@pytest.mark.parametrize(
    ("port_name", "is_one"),
    [("pf0vf3", True), ("c1pf0sf2", True), ("pf1", True), ("p0", False), ("p0s1", False)],
)
def test_port_names_of_representors(port_name: str, *, is_one: bool) -> None:
    assert (interfaces.REPRESENTOR.fullmatch(port_name) is not None) is is_one
