"""`render`: the files of a host as a directory, and what differs from an earlier one."""

from __future__ import annotations

import errno
import json
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder import trees

Call = Any


def snapshot(base: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(base)): path.read_bytes() if path.is_file() else None
        for path in sorted(base.rglob("*"))
    }


def test_writes_files_with_their_modes(rackwright: Call, inventory: Path, here: Path) -> None:
    said = rackwright("render", inventory, "--host", "nfv1", "-o", "tree")
    tree = here / "tree"
    listing = json.loads((tree / ".rackwright.json").read_text(encoding="utf-8"))
    assert said == (0, "", f"{len(listing)} files in tree\n")
    modes = {}
    for path in tree.rglob("*"):
        mode = path.lstat().st_mode
        if not stat.S_ISDIR(mode):
            name = f"/{path.relative_to(tree)}"
            modes[name] = "link" if stat.S_ISLNK(mode) else f"{stat.S_IMODE(mode):04o}"
    assert modes.pop("/.rackwright.json") == "0644"
    assert modes == {entry["path"]: entry["mode"] for entry in listing}
    assert modes["/etc/netplan/90-rackwright.yaml"] == "0600"
    assert modes["/usr/lib/rackwright/nics"] == "0755"
    assert stat.S_IMODE(tree.stat().st_mode) == 0o755


def test_needs_something_to_do(rackwright: Call, inventory: Path) -> None:
    assert rackwright("render", inventory, "--host", "nfv1") == (
        2,
        "",
        (
            "usage: rackwright render [-h] --host H [--os OS] [-o DIR] [--diff DIR] INV\n"
            "rackwright render: error: at least one of the arguments -o --diff is required\n"
        ),
    )


def test_leaves_a_foreign_directory_alone(rackwright: Call, inventory: Path, here: Path) -> None:
    (here / "mine").mkdir()
    (here / "mine/thesis").write_bytes(b"years of work")
    before = snapshot(here)
    assert rackwright("render", inventory, "--host", "nfv1", "-o", "mine") == (
        1,
        "",
        (
            f"rackwright: error: {here}/mine is not empty and was not written by rackwright\n"
            "  hint: choose another directory with -o, or remove it\n"
        ),
    )
    assert snapshot(here) == before


def test_takes_an_empty_directory(rackwright: Call, inventory: Path, here: Path) -> None:
    (here / "tree").mkdir()
    assert rackwright("render", inventory, "--host", "nfv1", "-o", "tree").code == 0
    assert sorted(path.name for path in here.iterdir()) == ["inventory.yaml", "tree"]


def test_replaces_its_own_tree(rackwright: Call, write: Callable[..., Path], here: Path) -> None:
    rackwright("render", write(), "--host", "nfv1", "-o", "tree")
    (here / "tree/stale").write_bytes(b"")
    record = here / "tree/.rackwright.json"
    entry = {"path": "/stale", "mode": "0644", "owner": "root:root", "scope": "image"}
    record.write_text(json.dumps([*json.loads(record.read_text()), entry]), encoding="utf-8")
    edited = write(("    sriov:\n", "    sysctl: {vm.swappiness: 1}\n    sriov:\n"))
    assert rackwright("render", edited, "--host", "nfv1", "-o", "tree").code == 0
    assert not (here / "tree/stale").exists()
    text = (here / "tree/etc/sysctl.d/99-zz-rackwright.conf").read_text(encoding="utf-8")
    assert "vm.swappiness = 1\n" in text
    assert sorted(path.name for path in here.iterdir()) == ["inventory.yaml", "tree"]


def test_directories_made_on_the_way_are_told(
    rackwright: Call, inventory: Path, here: Path
) -> None:
    """So that a misspelt path is noticed."""
    render = ("render", inventory, "--host", "nfv1", "-o", "a/b/c")
    first, again = rackwright(*render).err, rackwright(*render).err
    assert first.splitlines()[1:] == ["made the directory a"]
    assert len(again.splitlines()) == 1


def test_keeps_files_of_others_in_its_own_tree(
    rackwright: Call, inventory: Path, here: Path
) -> None:
    rackwright("render", inventory, "--host", "nfv1", "-o", "tree")
    (here / "tree/etc/mine").write_bytes(b"years of work")
    before = snapshot(here)
    assert rackwright("render", inventory, "--host", "nfv1", "-o", "tree") == (
        1,
        "",
        (
            "rackwright: error: tree has files that rackwright did not write: etc/mine\n"
            "  hint: move them elsewhere, or choose another directory with -o\n"
        ),
    )
    assert snapshot(here) == before


def test_the_current_directory_is_not_replaced(
    rackwright: Call, inventory: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell in it would be in a directory that is gone."""
    inside = here / "tree/etc"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    for out in (".", ".."):
        said = rackwright("render", here / inventory, "--host", "nfv1", "-o", out)
        assert said.code == 1
        assert "would be replaced, and the current directory is in it" in said.err


def test_a_current_directory_that_is_gone(
    rackwright: Call, inventory: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = here / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert rackwright("check", inventory) == (
        1,
        "",
        "rackwright: error: the current directory no longer exists\n  hint: change to another one\n",
    )


def test_a_full_disk_leaves_the_old_tree(
    rackwright: Call, inventory: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rackwright("render", inventory, "--host", "nfv1", "-o", "tree")
    before = snapshot(here)
    write_bytes, written = Path.write_bytes, []

    def fill_up(path: Path, content: bytes) -> int:
        written.append(path)
        if len(written) == 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    said = rackwright("render", inventory, "--host", "nfv1", "-o", "tree")
    assert said == (
        1,
        "",
        (
            f"rackwright: error: {here}/tree: No space left on device\n"
            "  hint: free some space, or write to another disk\n"
        ),
    )
    assert snapshot(here) == before


DIFF = """\
diff /etc/rackwright/image-release
--- a/etc/rackwright/image-release
+++ b/etc/rackwright/image-release
@@ -2,4 +2,4 @@
 # file: the next image replaces it.
 # In the syntax of os-release(5).
 IMAGE_ID=nfv-node
-IMAGE_VERSION=PLAN
+IMAGE_VERSION=PLAN
diff /etc/rackwright/node.json
--- a/etc/rackwright/node.json
+++ b/etc/rackwright/node.json
@@ -1,6 +1,6 @@
 {
   "version": 2,
-  "plan-id": "PLAN",
+  "plan-id": "PLAN",
   "offline-cpus": "",
   "hugepages": [
     {
diff /etc/sysctl.d/99-zz-rackwright.conf
--- a/etc/sysctl.d/99-zz-rackwright.conf
+++ b/etc/sysctl.d/99-zz-rackwright.conf
@@ -6,6 +6,6 @@
 # whose memory is placed already [hardware.e5-2620v4.numa]
 kernel.numa_balancing = 0
\x20
-# file cache is dropped before memory of processes is swapped out, should a node get swap
-# [profiles.nfv.hugepages]
-vm.swappiness = 10
+# set in the inventory instead of 10 (file cache is dropped before memory of processes is
+# swapped out, should a node get swap) [profiles.nfv.sysctl.vm.swappiness]
+vm.swappiness = 1
"""


def test_diff_of_a_setting(rackwright: Call, write: Callable[..., Path]) -> None:
    rackwright("render", write(), "--host", "nfv1", "-o", "tree")
    edited = write(("    sriov:\n", "    sysctl: {vm.swappiness: 1}\n    sriov:\n"))
    said = rackwright("render", edited, "--host", "nfv1", "--diff", "tree")
    assert (said.code, said.err) == (0, "")
    assert re.sub(r"[0-9a-f]{64}", "PLAN", said.out) == DIFF


def test_no_difference(rackwright: Call, inventory: Path) -> None:
    rackwright("render", inventory, "--host", "nfv1", "-o", "tree")
    said = rackwright("render", inventory, "--host", "nfv1", "--diff", "tree")
    assert said == (0, "", "")


def test_diff_with_no_tree(rackwright: Call, inventory: Path) -> None:
    assert rackwright("render", inventory, "--host", "nfv1", "--diff", "none") == (
        1,
        "",
        (
            "rackwright: error: none is not a tree written by rackwright\n"
            "  hint: write one with: render -o none\n"
        ),
    )


def test_files_that_do_not_parse_are_not_written(
    rackwright: Call, inventory: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "accept_tree", lambda *_: ("netplan: no",))
    assert rackwright("render", inventory, "--host", "nfv1", "-o", "tree") == (
        1,
        "",
        (
            "rackwright: error: the rendered files do not parse back\n    netplan: "
            "no\n  hint: this is a bug in rackwright: please report it with the inventory\n"
        ),
    )
    assert not (here / "tree").exists()
