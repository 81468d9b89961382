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
# How cloud-init starts: in one process since 24.3, before that one for each stage. Of its units,
# what they wait for and what waits for them; 25.1.4 of Debian 13 and 22.4.2 of Debian 12.
_STAGE = (
    "[Unit]\nDefaultDependencies=no\nConflicts=shutdown.target\n{}\n"
    "[Service]\nType=oneshot\nExecStart=/usr/bin/true\n[Install]\nWantedBy=cloud-init.target\n"
)
_LOCAL = (
    "Wants=network-pre.target\nAfter=hv_kvp_daemon.service systemd-remount-fs.service\n"
    "Before=network-pre.target shutdown.target sysinit.target\nRequiresMountsFor=/var/lib/cloud"
)
_NETWORK = (
    "Wants=cloud-init-local.service\nAfter=cloud-init-local.service networking.service\n"
    "After=systemd-networkd-wait-online.service\n"
    "Before=network-online.target systemd-user-sessions.service sysinit.target shutdown.target"
)
_TARGET = "[Install]\nWantedBy=multi-user.target\n"
ONE_PROCESS = {
    "cloud-init-main.service": _STAGE.format(
        "After=systemd-remount-fs.service\nBefore=cloud-init-local.service shutdown.target\n"
        "RequiresMountsFor=/var/lib/cloud"
    ),
    "cloud-init-local.service": _STAGE.format(_LOCAL),
    "cloud-init-network.service": _STAGE.format(_NETWORK),
    "cloud-init.target": _TARGET,
}
A_PROCESS_EACH = {
    "cloud-init-local.service": _STAGE.format(_LOCAL),
    "cloud-init.service": _STAGE.format(_NETWORK),
    "cloud-init.target": _TARGET,
}
SEED = "rackwright-seed.service"
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


def add_seed(root: Path) -> None:
    """As the element rackwright-node installs it, with its part of cloud-init's units."""
    enable(root, {SEED: (NODE_FILES / SEED).read_text(encoding="utf-8")})
    for unit in {*ONE_PROCESS, *A_PROCESS_EACH} - {"cloud-init.target"}:
        dropin = root / f"etc/systemd/system/{unit}.d/10-rackwright-seed.conf"
        dropin.parent.mkdir(parents=True)
        shutil.copy(NODE_FILES / dropin.name, dropin)
    program = root / "usr/lib/rackwright/wait-for-seed"
    shutil.copy(NODE_FILES / "wait_for_seed.py", program)


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


@pytest.mark.parametrize("boots", ["golden", "stock"])
@pytest.mark.parametrize("cloud_init", [ONE_PROCESS, A_PROCESS_EACH], ids=["one", "each"])
@pytest.mark.parametrize("case", ["seed", "ubuntu-static"])
def test_ports_change_after_cloud_init_named_them(
    case: str, cloud_init: Mapping[str, str], boots: str, tmp_path: Path
) -> None:
    make_root(tmp_path, golden.tree_of(golden.plan_case(golden.read_case(case))))
    enable(tmp_path, cloud_init)
    if boots == "golden":
        add_seed(tmp_path)
    assert verify(tmp_path) == []
    # The other way round there is a cycle: so the one is before the other, and both before networkd.
    nics = tmp_path / "usr/lib/systemd/system/rackwright-nics.service"
    for before in ("cloud-init-local.service", SEED if boots == "golden" else "network-pre.target"):
        text = nics.read_text(encoding="utf-8")
        line = f"Before={before}" if before.endswith(".service") else f"After={before}"
        nics.write_text(text.replace("[Service]", f"{line}\n[Service]"), encoding="utf-8")
        assert any("cycle" in said for said in verify(tmp_path)), line
        nics.write_text(text, encoding="utf-8")


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
