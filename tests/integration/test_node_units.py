"""The node's units, as systemd and udev read them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SYSTEMD = ROOT / "systemd"
# The program of bundles that a host's image runs too (builder/render/access.py).
SECRETS = ROOT / "templates/cloud-init/seed_secrets.py"
UNITS = sorted(path.name for path in SYSTEMD.glob("*.service"))
# Units of the distribution ours refer to: as the packages have them, in what matters here.
STUBS = {
    "ovsdb-server.service": "[Unit]\nDefaultDependencies=no\nAfter=network-pre.target\n"
    "Before=network.target\nPartOf=openvswitch-switch.service\n",
    "ovs-vswitchd.service": "[Unit]\nDefaultDependencies=no\n"
    "After=ovsdb-server.service network-pre.target\nBefore=network.target\n"
    "Requires=ovsdb-server.service\nPartOf=openvswitch-switch.service\n",
    "openvswitch-switch.service": "[Unit]\nAfter=ovsdb-server.service ovs-vswitchd.service\n"
    "Requires=ovsdb-server.service ovs-vswitchd.service\n",
    # cloud-init's stages run before sysinit.target but after the network is up.
    "systemd-networkd.service": "[Unit]\nDefaultDependencies=no\nAfter=network-pre.target\n"
    "Before=network.target\nWants=network.target\n",
    "cloud-init.service": "[Unit]\nDefaultDependencies=no\n"
    "After=systemd-networkd.service network.target\nBefore=sysinit.target\n",
    "kubelet.service": "[Unit]\n",
    "dpdk.service": "[Unit]\nBefore=network-pre.target\nDefaultDependencies=no\n",
    "systemd-modules-load.service": "[Unit]\nDefaultDependencies=no\nBefore=sysinit.target\n",
    "systemd-udevd.service": "[Unit]\nDefaultDependencies=no\nBefore=sysinit.target\n",
    "systemd-udev-trigger.service": "[Unit]\nDefaultDependencies=no\nBefore=sysinit.target\n",
    "systemd-sysctl.service": "[Unit]\nDefaultDependencies=no\nBefore=sysinit.target\n",
    "sysinit.target": "[Unit]\nDefaultDependencies=no\nWants=cloud-init.service\n",
    "basic.target": "[Unit]\nDefaultDependencies=no\nRequires=sysinit.target\nAfter=sysinit.target\n",
    "network-pre.target": "[Unit]\n",
    "network.target": "[Unit]\nAfter=network-pre.target\n",
    "shutdown.target": "[Unit]\nDefaultDependencies=no\n",
    "sockets.target": "[Unit]\n",
    "multi-user.target": "[Unit]\nRequires=basic.target\nAfter=basic.target\n"
    "Wants=openvswitch-switch.service kubelet.service systemd-networkd.service\n",
}
SERVICE = "[Service]\nType=oneshot\nExecStart=/bin/true\n"

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here"),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root directory with our programs and units, enabled as their [Install] sections say."""
    units = tmp_path / "usr/lib/systemd/system"
    units.mkdir(parents=True)
    for name, text in STUBS.items():
        (units / name).write_text(text + (SERVICE if name.endswith(".service") else ""))
    programs = tmp_path / "usr/lib/rackwright"
    programs.mkdir()
    for path in SYSTEMD.glob("rackwright-*.py"):
        shutil.copy(path, programs / path.stem.removeprefix("rackwright-"))
    shutil.copyfile(SECRETS, programs / "secrets")
    (programs / "secrets").chmod(0o755)
    (tmp_path / "bin").mkdir()
    shutil.copy("/bin/true", tmp_path / "bin/true")
    for name in UNITS:
        text = (SYSTEMD / name).read_text()
        (units / name).write_text(text)
        for line in text.splitlines():
            key, _, targets = line.partition("=")
            for target in targets.split() if key == "WantedBy" else ():
                wants = units / f"{target}.wants"
                wants.mkdir(exist_ok=True)
                (wants / name).symlink_to(f"../{name}")
    return tmp_path


def verify(root: Path, *units: str) -> str:
    done = subprocess.run(
        ["systemd-analyze", "verify", f"--root={root}", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"{done.returncode} {done.stderr.strip()}"


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_has_nothing_to_say(root: Path, unit: str) -> None:
    assert verify(root, unit) == "0 "


def test_a_whole_boot_has_no_ordering_cycle(root: Path) -> None:
    """With cloud-init before sysinit.target, default dependencies of ours would be one."""
    assert verify(root, "multi-user.target") == "0 "


@pytest.mark.parametrize("unit", ["rackwright-ovs-options.service", "rackwright-nics.service"])
def test_default_dependencies_would_be_a_cycle(root: Path, unit: str) -> None:
    """The test above can fail."""
    path = root / "usr/lib/systemd/system" / unit
    path.write_text(path.read_text().replace("DefaultDependencies=no\n", ""))
    assert "ordering cycle" in verify(root, "multi-user.target")


def test_an_unknown_key_would_be_noticed(root: Path) -> None:
    path = root / "usr/lib/systemd/system/rackwright-nics.service"
    path.write_text(path.read_text() + "Wanted=x\n")
    assert "'Wanted'" in verify(root, path.name)


def test_every_program_a_unit_starts_is_there(root: Path) -> None:
    (root / "usr/lib/rackwright/ovs").unlink()
    assert "/usr/lib/rackwright/ovs" in verify(root, "rackwright-ovs-bridges.service")
