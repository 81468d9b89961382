"""Our units among the distribution's own, Open vSwitch's too: no cycle, nothing unknown."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from builder.command import Command, SubprocessRunner
from builder.render.tree import FileTree

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "golden"))

import golden  # beside the golden cases, which are in no package

UNITS = Path("/usr/lib/systemd/system")
TARGETS = ("multi-user.target", "openvswitch-switch.service", "rackwright-ovs-bridges.service")

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not (UNITS / "ovs-vswitchd.service").exists(), reason="needs openvswitch-switch"
    ),
]


def make_root(root: Path, tree: FileTree) -> None:
    """The machine's own units with ours over them, and its programs."""
    shutil.copytree(UNITS, root / "usr/lib/systemd/system", symlinks=True)
    for name in ("bin", "sbin", "share"):
        (root / "usr" / name).symlink_to(f"/usr/{name}")
    for name in ("bin", "sbin", "lib"):
        (root / name).symlink_to(f"usr/{name}")
    for file in tree:
        target = root / file.path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.is_symlink:
            target.symlink_to(file.text)
        else:
            target.write_bytes(file.content)
            target.chmod(file.mode)


def verify(root: Path) -> list[str]:
    argv = ("systemd-analyze", "verify", "--man=no", "--generators=no", f"--root={root}", *TARGETS)
    result = SubprocessRunner().run(Command(argv, accept=tuple(range(256))))
    said = (result.stderr + result.stdout).decode()
    return [line for line in said.splitlines() if "cycle" in line or "rackwright" in line]


@pytest.mark.parametrize("case", ["seed", "pf-on-vfio", "ubuntu-static"])
def test_the_boot_has_an_order(case: str, tmp_path: Path) -> None:
    make_root(tmp_path, golden.tree_of(golden.plan_case(golden.read_case(case))))
    assert verify(tmp_path) == []


def test_a_cycle_would_be_seen(tmp_path: Path) -> None:
    make_root(tmp_path, golden.tree_of(golden.plan_case(golden.read_case("seed"))))
    extra = tmp_path / "etc/systemd/system/rackwright-nics.service.d/cycle.conf"
    extra.parent.mkdir()
    extra.write_text("[Unit]\nAfter=ovs-vswitchd.service\n", encoding="utf-8")
    assert any("cycle" in line for line in verify(tmp_path))
