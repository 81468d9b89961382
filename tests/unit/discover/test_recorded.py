"""Trees that real kernels gave, and this machine's own."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path

import pytest
import yaml
from made import SEED, describe, write
from recorded import unpack_recorded

from builder.discover.__main__ import USAGE
from builder.discover.__main__ import main as record_main
from builder.discover.compare import compare_machine
from builder.discover.description import to_data
from builder.discover.emit import to_yaml
from builder.discover.machine import read_machine
from builder.discover.system_files import Tree, record
from tests.plans import sound

SEED_INVENTORY = Path(__file__).resolve().parents[3] / "examples/seed/inventory.yaml"

SMALL_VM = {
    "version": 1,
    "image": {"name": "nfv-node", "os": "debian-13"},
    "profiles": {"nfv": {}},
    "hardware": {
        "amd-epyc": {
            "cpu": {"vendor": "amd", "pdpe1gb": True},
            "numa": [{"cpus": "0-1", "memory": "23040MiB"}],
            "nics": [
                {"pci": "0000:00:03.0", "id": "1af4:1041", "driver": "virtio-pci", "name": "enp0s3"}
            ],
        }
    },
    "hosts": {
        "vm": {
            "hardware": "amd-epyc",
            "profile": "nfv",
            "boot-mac": "02:fc:00:00:00:01",
            "interfaces": {
                "enp0s3": {"role": "management", "dhcp4": True, "mac": "02:fc:00:00:00:01"}
            },
        }
    },
}


def test_a_small_virtual_machine(tmp_path: Path) -> None:
    """Linux 6.18: one node, no SMT, no DMI, a virtio NIC."""
    assert to_data(describe(unpack_recorded("small-vm", tmp_path))) == SMALL_VM


NOTES = {
    "twin": (),
    # Two CPUs were offline: their node is known, their siblings are not.
    "twin-cpus-offline": (
        (
            "CPUs 3,31 are offline: their siblings are not known, so each is assumed to be a core of its "
            "own. Bring them online (echo 1 > /sys/devices/system/cpu/cpu3/online, or boot without "
            "nosmt) and discover again"
        ),
    ),
}


@pytest.mark.parametrize("name", NOTES)
def test_the_seeds_twin(tmp_path: Path, name: str) -> None:
    """Linux 6.1 on the seed's machine as QEMU has it, with VFs made and ports on vfio-pci."""
    found = describe(unpack_recorded(name, tmp_path))
    nics = [("0000:01:00.0", "ens11f0"), ("0000:01:00.1", "ens11f1")]
    nics += [("0000:08:00.0", "enp8s0"), ("0000:09:00.0", "enp9s0")]
    assert to_data(found)["hardware"]["twin"] == {
        "cpu": {"vendor": "intel", "pdpe1gb": True},
        "numa": [
            {"cpus": "0-7,16-23", "memory": "47GiB"},
            {"cpus": "8-15,24-31", "memory": "47GiB"},
        ],
        "nics": [
            {"pci": pci, "id": "8086:10c9", "driver": "igb", "name": nic, "numa": 0}
            for pci, nic in nics
        ],
        "secure-boot": True,
    }
    assert found.topology.core_notes == NOTES[name]
    assert found.nics_notes == ("left out: 4 VFs, which a profile creates",)
    assert [nic.bound for nic in found.nics] == ["igb", "igb", "igb", "vfio-pci"]


def test_the_twin_differs_from_the_seed_in_what_it_stands_in_for(tmp_path: Path) -> None:
    inventory, marks = sound(SEED_INVENTORY.read_text(encoding="utf-8"))
    found = describe(unpack_recorded("twin", tmp_path))
    differences = compare_machine(found, inventory, marks, "e5-2620v4", None)
    assert [(item.path[2:], item.inventory, item.machine) for item in differences] == [
        (("siblings",), "16 cores of 2 CPUs (0,16; 1,17; …)", "32 cores of 1 CPU (0; 1; …)"),
        (("nics", 0, "id"), "8086:1533", "8086:10c9"),
        (("nics", 1, "id"), "8086:1533", "8086:10c9"),
        (("nics", 2, "id"), "8086:10fb", "8086:10c9"),
        (("nics", 2, "driver"), "ixgbe", "igb"),
        (("nics", 3, "id"), "8086:10fb", "8086:10c9"),
        (("nics", 3, "driver"), "ixgbe", "igb"),
        (("secure-boot",), "false", "true"),
    ]


def test_a_copy_tells_what_the_machine_tells(tmp_path: Path) -> None:
    for name in ("seed", "twin-cpus-offline", "small-vm"):
        first = tmp_path / name
        root = write(SEED, first) if name == "seed" else unpack_recorded(name, first)
        tree = Tree(root)
        read_machine(tree)
        count = record(tree, tmp_path / f"{name}-copy")
        assert count == len(tree.files) + len(tree.links) > 20
        assert to_yaml(describe(tmp_path / f"{name}-copy")) == to_yaml(describe(root))
        again = Tree(tmp_path / f"{name}-copy")
        read_machine(again)
        assert (again.files, again.links) == (tree.files, tree.links)


def test_a_copy_of_a_sysfs_with_links_as_it_has_them(tmp_path: Path) -> None:
    """`cp -a` keeps /sys/bus/pci/devices as links to /sys/devices."""
    root = write(SEED, tmp_path)
    devices = root / "sys/bus/pci/devices"
    real = root / "sys/devices/pci0000:00"
    real.mkdir(parents=True)
    for device in list(devices.iterdir()):
        device.rename(real / device.name)
        device.symlink_to(f"../../../devices/pci0000:00/{device.name}")
    assert [nic.name for nic in describe(root).nics] == ["ens11f0", "ens11f1", "enp8s0", "enp9s0"]


def test_a_pipe_in_a_copy_is_not_waited_for(tmp_path: Path) -> None:
    root = write(SEED, tmp_path)
    path = root / "proc/sys/kernel/hostname"
    path.unlink()
    os.mkfifo(path)
    assert describe(root).host.name == "node-1"


def test_this_machine(tmp_path: Path) -> None:
    """Whatever it is: a description that loads, or a fault in words; and so from a copy."""
    tree = Tree(Path("/"))
    machine = read_machine(tree)
    record(tree, tmp_path / "copy")
    copied = read_machine(Tree(tmp_path / "copy"))
    assert (copied.cpus, copied.nodes, copied.functions) == (
        machine.cpus,
        machine.nodes,
        machine.functions,
    )
    try:
        found = describe(tmp_path / "copy")
    except Exception as fault:  # noqa: BLE001 -- of a container without NICs, for example
        assert type(fault).__name__ == "BuilderError"  # noqa: PT017
    else:
        assert yaml.safe_load(to_yaml(found)) == to_data(found)


def test_recording_needs_no_more_than_python(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "here"
    assert record_main([str(out)]) == 0
    count = sum(path.is_symlink() or path.is_file() for path in out.rglob("*"))
    assert capsys.readouterr().out == f"{out}: {count} files\n"
    assert record_main([str(out)]) == 1
    assert capsys.readouterr().err == f"{out} already exists: choose a new directory\n"
    assert [record_main([]), record_main(["--help"])] == [2, 2]
    assert capsys.readouterr().err == USAGE * 2


STANDARD = ("config_space", "functions", "machine", "routes", "system_files")


@pytest.mark.parametrize("name", ["__init__", "__main__", *STANDARD])
def test_what_records_imports_the_standard_library_only(name: str) -> None:
    path = SEED_INVENTORY.parents[2] / f"builder/discover/{name}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {
        module
        for node in ast.walk(tree)
        for module in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    ours = {f"builder.discover.{part}" for part in STANDARD}
    assert {
        item for item in imported - ours if item.split(".")[0] not in sys.stdlib_module_names
    } == (set())
