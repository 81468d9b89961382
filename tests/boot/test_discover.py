"""Discovering the twin gives the inventory it was made from, but for what the twin stands in for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from boot_seed import HOST, ROOT, SEED, TIMEOUT_S

from builder.catalog.nics import find_nic_type
from builder.cli import main
from builder.discover.system_files import Tree, record
from builder.monitor import TextMonitor
from builder.plan.nouns.host import HostPlan
from builder.prepare import host_named, prepare
from builder.targets.image.request import ImageFile
from builder.verify.qemu import boot
from builder.verify.spec import spec_of
from builder.verify.twin import TwinMachine, plan_twin

BESIDE = "/usr/lib/rackwright"
MODULES = ("__init__.py", "discover/__init__.py", "discover/system_files.py", "discover/machine.py")


def recorder() -> tuple[ImageFile, ...]:
    """The program that records, in the place of the one that sends facts."""
    modules = {f"{BESIDE}/builder/{name}": (ROOT / "builder" / name) for name in MODULES}
    return (
        ImageFile(f"{BESIDE}/facts", 0o755, 0, 0, (ROOT / "tests/boot/recorder.py").read_bytes()),
        *(ImageFile(path, 0o644, 0, 0, source.read_bytes()) for path, source in modules.items()),
    )


def twin_of_seed(plan: HostPlan) -> TwinMachine:
    hardware = prepare(SEED, host_named(HOST)).hardware
    return plan_twin(spec_of(hardware, plan, "bios"))


def unpack(packed: dict, root: Path) -> Path:
    files = {path: content.encode("latin-1") for path, content in packed["files"].items()}
    record(Tree(root, files, packed["links"], set(packed["folders"])), root)
    return root


def standins(twin: TwinMachine) -> set[tuple[str, str, str]]:
    """The differences that the twin's substitutions make: path, inventory, machine."""
    expected: set[tuple[str, str, str]] = set()
    for index, nic in enumerate(prepare(SEED, host_named(HOST)).hardware.nics):
        path = f"hardware.e5-2620v4.nics[{index}]"
        there = twin.substitutions[nic.id]
        expected.add((f"{path}.id", nic.id, there))
        kind = find_nic_type(there)
        if kind is not None and kind.driver.name != nic.driver:
            expected.add((f"{path}.driver", nic.driver, kind.driver.name))
    return expected


def test_the_twin_is_the_class_it_was_made_from(
    built: Callable[..., Path], tmp_path: Path, plan: HostPlan, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = twin_of_seed(plan)
    image = built(extra=recorder())
    result = boot(
        twin, image, timeout_s=TIMEOUT_S, workdir=tmp_path / "boot", monitor=TextMonitor()
    )
    document = json.loads(result.facts_json)
    root = unpack(document["all"], tmp_path / "all")
    capsys.readouterr()
    argv = ["discover", "--root", str(root), "--compare", str(SEED), "--host", HOST, "--json"]
    assert main(argv) == 1
    said = json.loads(capsys.readouterr().out)
    found = {(item["path"], item["inventory"], item["machine"]) for item in said}
    assert any("SMT siblings" in limit for limit in twin.limits)
    assert found == {
        *standins(twin),
        (
            "hardware.e5-2620v4.siblings",
            "16 cores of 2 CPUs (0,16; 1,17; …)",
            "32 cores of 1 CPU (0; 1; …)",
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
    assert all(item["file"] == str(SEED) and item["line"] > 10 for item in said)

    # Offline CPUs are still on their nodes.
    assert main(["discover", "--root", str(root), "--json"]) == 0
    online = json.loads(capsys.readouterr().out)
    root = unpack(document["offline"], tmp_path / "offline")
    assert (root / "sys/devices/system/cpu/online").read_text() == "0-2,4-30\n"
    assert main(["discover", "--root", str(root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == online
    assert online["hardware"]["twin"]["numa"] == [
        {"cpus": "0-7,16-23", "memory": "47GiB"},
        {"cpus": "8-15,24-31", "memory": "47GiB"},
    ]
