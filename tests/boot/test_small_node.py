"""A small machine under Secure Boot: as planned, found by `discover`, and the same ever after.

What Secure Boot has a say in, the signed boot files and a kernel in lockdown, is the same on a
machine of any size; the machine of the seed's own size boots by BIOS and UEFI (test_seed.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Any

import pytest
from boot_seed import CPUS_8_SECURE, HOST, ROOT, TIMEOUT_S, smaller_seed

from builder.catalog.nics import find_nic_type
from builder.cli import call, parse
from builder.discover.system_files import Tree, record
from builder.monitor import TextMonitor
from builder.prepare import host_named, prepare
from builder.targets.image.request import ImageFile
from builder.verify.qemu import boot
from builder.verify.spec import spec_of
from builder.verify.twin import TwinMachine, plan_twin

BESIDE = "/usr/lib/rackwright"
WITNESS = Path(__file__).with_name("witness.py")
UNIT = b"""[Unit]
Description=Tell what becomes of this node
[Service]
Type=exec
ExecStart=/usr/lib/rackwright/witness
"""
RULE = (
    b'SUBSYSTEM=="virtio-ports", ATTR{name}=="rackwright.facts", TAG+="systemd", '
    b'ENV{SYSTEMD_WANTS}+="witness.service"\n'
)


def modules_of(program: Path) -> Iterator[Path]:
    """The files of ours that it imports, by whatever way."""
    finder = ModuleFinder([str(ROOT)])
    finder.run_script(str(program))
    files = (Path(module.__file__) for module in finder.modules.values() if module.__file__)
    yield from sorted(path for path in files if path.is_relative_to(ROOT / "builder"))


EXTRA = (
    *(
        ImageFile(f"{BESIDE}/{path.relative_to(ROOT)}", 0o644, 0, 0, path.read_bytes())
        for path in modules_of(WITNESS)
    ),
    ImageFile(f"{BESIDE}/witness", 0o755, 0, 0, WITNESS.read_bytes()),
    ImageFile("/etc/systemd/system/witness.service", 0o644, 0, 0, UNIT),
    # Comes before the file of that name in /usr/lib (udev(7)).
    ImageFile("/etc/udev/rules.d/90-rackwright-facts.rules", 0o644, 0, 0, RULE),
    # virtio_blk is loaded by the initramfs, where only the early archive has this file.
    ImageFile(
        "/etc/modprobe.d/probe.conf", 0o644, 0, 0, b"options virtio_blk num_request_queues=1\n"
    ),
    ImageFile("/etc/rackwright/secret", 0o640, 0, 42, b"s"),
    ImageFile("/etc/rackwright/link", 0o120777, 0, 0, b"secret"),
)
RESTARTS = ("units run again", "ovs-vswitchd restarted", "openvswitch-switch restarted")


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With 8 CPUs, which are siblings as the seed's are, and with Secure Boot."""
    path = tmp_path_factory.mktemp("small-node") / "inventory.yaml"
    path.write_text(smaller_seed(CPUS_8_SECURE), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def twin(inventory: Path) -> TwinMachine:
    prepared = prepare(inventory, host_named(HOST))
    return plan_twin(spec_of(prepared.hardware, prepared.plan, "uefi-secure-boot"))


@pytest.fixture(scope="module")
def image(inventory: Path, build: Callable[..., Path]) -> Path:
    return build(inventory, inventory.parent / "image", extra=EXTRA)


@pytest.fixture(scope="module")
def seen(image: Path, twin: TwinMachine) -> dict[str, Any]:
    """What the witness tells of both boots."""
    work = image.parent.parent / "boot"
    monitor = TextMonitor()
    result = boot(twin, image, timeout_s=TIMEOUT_S, workdir=work, monitor=monitor, may_reboot=True)
    return dict(json.loads(result.facts_json))


def test_it_is_as_planned_under_secure_boot(
    seen: dict[str, Any], image: Path, inventory: Path, tmp_path: Path
) -> None:
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps(seen["facts"]), encoding="utf-8")
    argv = ["verify", str(image), str(inventory), "--host", HOST, "--facts", str(facts)]
    code = call(parse([*argv, "--firmware", "uefi-secure-boot", "-o", str(tmp_path / "out")]))
    report = json.loads((tmp_path / "out/report.json").read_text())
    wrong = [check for check in report["checks"] if check["status"] not in ("pass", "skip")]
    assert (code, report["verdict"], wrong) == (0, "pass", [])
    assert report["firmware"] == "uefi-secure-boot"
    found = {check["name"]: check["found"] for check in report["checks"]}
    assert (found["boot.firmware"], found["boot.secure-boot"]) == ("uefi", "yes")


def test_it_has_what_the_first_boot_makes_and_files_as_asked(seen: dict[str, Any]) -> None:
    assert "DPDK" in seen["identity"]["dpdk"]
    assert {key: value for key, value in seen["identity"].items() if key != "dpdk"} == {
        "virtio-blk-queues": "1",
        "host-keys": 3,
        "machine-id": 32,
        "vswitchd": "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk",
        "secret": ["0o100640", 0, 42],
        "link": "secret",
        "efi": False,
    }


def unpack(packed: dict[str, Any], root: Path) -> Path:
    files = {path: content.encode("latin-1") for path, content in packed["files"].items()}
    record(Tree(root, files, packed["links"], set(packed["folders"])), root)
    return root


def standins(twin: TwinMachine, inventory: Path) -> set[tuple[str, str, str]]:
    """The differences that the twin's substitutions make: path, inventory, machine."""
    expected: set[tuple[str, str, str]] = set()
    for index, nic in enumerate(prepare(inventory, host_named(HOST)).hardware.nics):
        path = f"hardware.e5-2620v4.nics[{index}]"
        there = twin.substitutions[nic.id]
        expected.add((f"{path}.id", nic.id, there))
        kind = find_nic_type(there)
        if kind is not None and kind.driver.name != nic.driver:
            expected.add((f"{path}.driver", nic.driver, kind.driver.name))
    return expected


def test_it_is_the_class_it_was_made_from_but_for_stand_ins(
    seen: dict[str, Any],
    twin: TwinMachine,
    inventory: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = unpack(seen["discovered"], tmp_path / "all")
    argv = ["discover", "--root", str(root), "--compare", str(inventory), "--host", HOST, "--json"]
    assert call(parse(argv)) == 1
    said = json.loads(capsys.readouterr().out)
    found = {(item["path"], item["inventory"], item["machine"]) for item in said}
    assert any("SMT siblings" in limit for limit in twin.limits)
    assert found == {
        *standins(twin, inventory),
        (
            "hardware.e5-2620v4.siblings",
            "4 cores of 2 CPUs (0,4; 1,5; …)",
            "8 cores of 1 CPU (0; 1; …)",
        ),
        # The seed names no MAC of a port, so the twin's are QEMU's own; of the port on vfio-pci
        # the kernel tells none.
        (
            "hosts.nfv1.boot-mac",
            "cc:37:ab:e1:21:64",
            "52:54:00:12:34:56, 52:54:00:12:34:57, 52:54:00:12:34:58",
        ),
    }
    assert [item["path"] for item in said if item["kind"] == "note"] == ["hosts.nfv1.boot-mac"]
    assert all(item["file"] == str(inventory) and item["line"] > 10 for item in said)


def test_offline_cpus_are_still_on_their_nodes(
    seen: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = unpack(seen["discovered"], tmp_path / "all")
    assert call(parse(["discover", "--root", str(root), "--json"])) == 0
    online = json.loads(capsys.readouterr().out)
    root = unpack(seen["discovered with CPUs offline"], tmp_path / "offline")
    assert (root / "sys/devices/system/cpu/online").read_text() == "0-1,3-6\n"
    assert call(parse(["discover", "--root", str(root), "--json"])) == 0
    assert json.loads(capsys.readouterr().out) == online
    assert online["hardware"]["twin"]["numa"] == [
        {"cpus": "0-2,4-6", "memory": "12GiB"},
        {"cpus": "3,7", "memory": "12GiB"},
    ]


def test_units_run_again_restarts_and_a_reboot_change_nothing(seen: dict[str, Any]) -> None:
    first = seen["booted"]
    assert first["ports"] == ["dpdk0", "dpdk1"]
    assert first["bridges"] == "br0"
    assert set(first["units"].values()) == {"active"}
    for stage in (*RESTARTS, "stopped and started", "rebooted"):
        now = seen[stage]
        for kept in ("ports", "interfaces", "other-config", "bridges", "failed", "units"):
            assert now[kept] == first[kept], stage
        assert now["nics"]["ok"] is True
        drivers = {address: driver for address, (driver, _inode) in now["pci"].items()}
        assert drivers == {address: driver for address, (driver, _) in first["pci"].items()}, stage
        if stage != "rebooted":
            assert now["pci"] == first["pci"], stage
    for stage in RESTARTS:
        assert [line for line in seen[stage]["said"] if line] == [], stage
    assert seen["units run again"]["nics"]["steps"] != first["nics"]["steps"]
