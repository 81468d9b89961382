"""Copies of /sys as archives and file systems without links leave them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from made import SEED, Port, describe, put, write

from builder.discover.emit import to_yaml
from builder.discover.machine import read_machine
from builder.discover.system_files import Tree, record

PF = Port("0000:01:00.0", "8086:10fb", "ixgbe", "ens11f0", total_vfs=63)
VF = Port("0000:01:10.0", "8086:10ed", "ixgbevf", "ens11f0v0", physfn=PF.pci)
MADE = replace(SEED, ports=(*SEED.ports[:2], PF, VF), links={f"{PF.pci}/virtfn0": f"../{VF.pci}"})


def as_files(root: Path) -> None:
    """Each link becomes a file with its target."""
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            target = str(path.readlink())
            path.unlink()
            path.write_text(f"{target}\n", encoding="utf-8")


def moved_to_their_place(root: Path) -> None:
    """The devices in /sys/devices, with links to them, as sysfs has them."""
    devices, real = root / "sys/bus/pci/devices", root / "sys/devices/pci0000:00"
    real.mkdir(parents=True)
    for device in list(devices.iterdir()):
        device.rename(real / device.name)
        device.symlink_to(f"../../../devices/pci0000:00/{device.name}")


def both(root: Path) -> None:
    moved_to_their_place(root)
    as_files(root)


def followed(root: Path) -> None:
    """`cp -L`: what a link leads to, in its place, so that only uevent names the driver."""
    for name, driver in ((PF.pci, "ixgbe"), (VF.pci, "ixgbevf")):
        device = root / "sys/bus/pci/devices" / name
        event = f"DRIVER={driver}\nPCI_ID=8086:10FB\nPCI_SLOT_NAME={name}\n"
        (device / "driver").unlink()
        (device / "driver").mkdir()
        put(device / "uevent", event.encode())
    pf, vf = (root / "sys/bus/pci/devices" / name for name in (PF.pci, VF.pci))
    (vf / "physfn").unlink()
    (pf / "virtfn0").unlink()
    put(vf / "physfn/uevent", b"PCI_SLOT_NAME=0000:01:00.0\n")
    shutil.copytree(vf, pf / "virtfn0")


@pytest.mark.parametrize("change", [as_files, moved_to_their_place, both, followed])
def test_a_copy_without_links_is_read_alike(tmp_path: Path, change: Callable[[Path], None]) -> None:
    wanted = to_yaml(describe(write(MADE, tmp_path / "as-it-is")))
    assert "left out: 1 VF" in wanted
    root = write(MADE, tmp_path / "copy")
    change(root)
    assert to_yaml(describe(root)) == wanted
    tree = Tree(root)
    read_machine(tree)
    record(tree, tmp_path / "recorded")
    assert to_yaml(describe(tmp_path / "recorded")) == wanted


def test_what_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root, who runs these tests, may read all."""

    def denied(_path: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a").write_text("x", encoding="utf-8")
    tree = Tree(tmp_path)
    monkeypatch.setattr("os.listdir", denied)
    monkeypatch.setattr(Path, "exists", denied)
    assert (tree.names("."), tree.read("a")) == ([], None)
    assert tree.faults == {".": "permission denied", "a": "permission denied"}


def test_a_link_out_of_the_copy_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    put(outside / "class", b"0x020000\n")
    root = tmp_path / "root"
    put(root / "sys/x", b"../../../outside\n")
    assert not Tree(root).follow("sys/x")


def test_an_offline_cpu_is_recorded(tmp_path: Path) -> None:
    """Of which there is nothing but its directory."""
    root = write(replace(SEED, offline="3"), tmp_path / "machine")
    for path in root.glob("sys/devices/system/cpu/cpu3/*"):
        path.unlink()
    put(root / "sys/devices/system/cpu/cpu3/online", b"0\n")
    tree = Tree(root)
    read_machine(tree)
    record(tree, tmp_path / "copy")
    assert (tmp_path / "copy/sys/devices/system/cpu/cpu3").is_dir()
    assert describe(tmp_path / "copy").topology == describe(root).topology


def test_a_cpu_that_is_only_present(tmp_path: Path) -> None:
    """A copy without the directories of CPUs that have nothing to copy."""
    root = write(replace(SEED, offline="3"), tmp_path)
    shutil.rmtree(root / "sys/devices/system/cpu/cpu3")
    put(root / "sys/devices/system/cpu/present", b"0-31\n")
    assert "CPU 3 is left out: offline and on no node" in " ".join(
        describe(root).topology.node_notes
    )
