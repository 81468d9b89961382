"""Our units among the distribution's own, Open vSwitch's and ssh's too: no cycle, nothing unknown."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from builder.command import Command, SubprocessRunner
from builder.render.tree import FileTree

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "golden"))

import golden  # beside the golden cases, which are in no package

UNITS = Path("/usr/lib/systemd/system")
SSH_KEYS = "rackwright-ssh-keys.service"
NODE_FILES = Path(__file__).resolve().parents[2] / "elements/rackwright-node/rackwright-node-files"
# How openssh-server starts: Debian's service, or since 22.10 the socket Ubuntu enables instead.
SSH_SERVICE = "[Service]\nExecStart=/usr/bin/sleep inf\n"
BY_SERVICE = {"ssh.service": SSH_SERVICE + "[Install]\nWantedBy=multi-user.target\n"}
BY_SOCKET = {
    "ssh.service": SSH_SERVICE,
    "ssh.socket": "[Unit]\nBefore=sockets.target ssh.service\n[Socket]\nListenStream=22\n"
    "Accept=no\n[Install]\nWantedBy=sockets.target\nRequiredBy=ssh.service\n",
}
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


def enable(root: Path, units: Mapping[str, str]) -> None:
    """Write `units` and the links their [Install] sections ask for."""
    for name, text in units.items():
        (root / "etc/systemd/system" / name).write_text(text, encoding="utf-8")
        for kind, targets in re.findall(r"^(Wanted|Required)By=(.*)$", text, re.MULTILINE):
            for target in targets.split():
                suffix = "wants" if kind == "Wanted" else "requires"
                links = root / f"etc/systemd/system/{target}.{suffix}"
                links.mkdir(exist_ok=True)
                (links / name).symlink_to(f"../{name}")


def verify(root: Path) -> list[str]:
    argv = ("systemd-analyze", "verify", "--man=no", "--generators=no", f"--root={root}", *TARGETS)
    result = SubprocessRunner().run(Command(argv, accept=tuple(range(256))))
    said = (result.stderr + result.stdout).decode()
    return [line for line in said.splitlines() if "cycle" in line or "rackwright" in line]


@pytest.mark.parametrize("ssh", [BY_SERVICE, BY_SOCKET], ids=["service", "socket"])
@pytest.mark.parametrize("case", ["seed", "pf-on-vfio", "ubuntu-static"])
def test_the_boot_has_an_order(case: str, ssh: Mapping[str, str], tmp_path: Path) -> None:
    make_root(tmp_path, golden.tree_of(golden.plan_case(golden.read_case(case))))
    enable(tmp_path, {**ssh, SSH_KEYS: (NODE_FILES / SSH_KEYS).read_text(encoding="utf-8")})
    assert verify(tmp_path) == []


def test_keys_before_the_socket_would_be_a_cycle(tmp_path: Path) -> None:
    """A socket starts before basic.target, which services with default dependencies wait for."""
    make_root(tmp_path, golden.tree_of(golden.plan_case(golden.read_case("ubuntu-static"))))
    text = (NODE_FILES / SSH_KEYS).read_text(encoding="utf-8")
    assert "Before=ssh.service\n" in text
    early = text.replace("Before=ssh.service\n", "Before=ssh.service ssh.socket\n")
    enable(tmp_path, {**BY_SOCKET, SSH_KEYS: early})
    assert any("deleted to break ordering cycle" in line for line in verify(tmp_path))


def test_a_cycle_would_be_seen(tmp_path: Path) -> None:
    make_root(tmp_path, golden.tree_of(golden.plan_case(golden.read_case("seed"))))
    extra = tmp_path / "etc/systemd/system/rackwright-nics.service.d/cycle.conf"
    extra.parent.mkdir()
    extra.write_text("[Unit]\nAfter=ovs-vswitchd.service\n", encoding="utf-8")
    assert any("cycle" in line for line in verify(tmp_path))
