"""An image of Ubuntu 24.04 by the ordinary code, from an archive with Ubuntu's names on loopback.

What that proves and what not is in docs/reference/ubuntu.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest
from boot_seed import HOST, smaller_seed
from ubuntu_archive import make_archive, served

from builder.build_host import PROXY_VARIABLES, mirrors_for
from builder.catalog.releases import RELEASES
from builder.cli import call, parse
from builder.command import CLEAN_ENV, Command, SubprocessRunner
from builder.prepare import host_named, prepare
from builder.resources import data_dir
from builder.targets.image import from_plan

RUNNER = SubprocessRunner()
# What the stand-ins cannot be: Debian's kernel, Open vSwitch and DPDK under Ubuntu's names.
STAND_INS = {"os.kernel-flavour", "ovs.version", "ovs.dpdk-version"}


class Made(NamedTuple):
    inventory: Path
    archive: Path
    keyring: Path
    image: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Made:
    work = tmp_path_factory.mktemp("rehearsal")
    inventory, out = work / "inventory.yaml", work / "image"
    text = smaller_seed().replace("os: host", "os: ubuntu-24.04\n  mirror: MIRROR")
    assert "MIRROR" in text
    inventory.write_text(text.replace("MIRROR", "http://127.0.0.1"), encoding="utf-8")
    names = [p.name for p in prepare(inventory, host_named(HOST)).plan.image.packages]
    keyring = make_archive(names, work / "ubuntu", cache, RUNNER)
    with served(work / "ubuntu") as mirror, pytest.MonkeyPatch.context() as patch:
        inventory.write_text(text.replace("MIRROR", mirror), encoding="utf-8")
        # The archive is signed by a key of its own, and no proxy leads to it.
        patch.setattr(from_plan, "keyring_for", lambda _release: keyring)
        for name in PROXY_VARIABLES:
            patch.delenv(name, raising=False)
            patch.delenv(name.upper(), raising=False)
        argv = ["image", str(inventory), "--host", HOST, "-o", str(out), "--format", "raw"]
        assert call(parse([*argv, "--cache", str(work / "cache")])) == 0
    return Made(inventory, work / "ubuntu", keyring, out)


@pytest.fixture(scope="module")
def etc(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("tree")
    disk = made.image / f"nfv-node-{HOST}.raw"
    for name in ("etc", "boot"):
        argv = ("debugfs", "-R", f"rdump /{name} {target}", f"{disk}?offset={42 * 2**20}")
        RUNNER.run(Command(argv))
    return target / "etc"


def test_packages_of_all_suites_and_components(made: Made) -> None:
    packages = json.loads((made.image / "manifest.json").read_text())["packages"]
    assert {"netplan.io", "openssh-server", "librte-net-ixgbe24", "linux-image-generic"} <= {
        *packages
    }
    # What the signed GRUB of Ubuntu depends on, chosen by apt.
    assert "grub-efi-amd64" in packages
    assert "grub-pc" not in packages


def test_the_nodes_own_package_sources(etc: Path) -> None:
    """Those of the distribution, by its cloud-init: not the mirror of the build."""
    text = (etc / "apt/sources.list.d/ubuntu.sources").read_text()
    assert "URIs: http://archive.example/ubuntu" in text
    assert "Suites: noble noble-updates" in text
    assert "127.0.0.1" not in text


def test_a_mirror_in_a_directory(made: Made, tmp_path: Path) -> None:
    """Apt copies the packages: mmdebstrap refuses to read them in place."""
    element = data_dir("elements") / "rackwright-root"
    lines = mirrors_for(RELEASES["ubuntu-24.04"], made.archive.as_uri(), RUNNER)
    root = tmp_path / "root"
    root.mkdir()
    env = {
        "PATH": f"{element / 'host-bin'}:{CLEAN_ENV['PATH']}",
        "TARGET_ROOT": str(root),
        "DIB_RACKWRIGHT_ROOT_CACHE": str(tmp_path / "root.tar.zst"),
        "DIB_RACKWRIGHT_SOURCES": "\n".join(lines),
        "DIB_RACKWRIGHT_SUITE": "noble",
        "DIB_RACKWRIGHT_KEYRING": str(made.keyring),
        "DIB_RACKWRIGHT_PACKAGES": "librte-bus-pci24",
        "DIB_RACKWRIGHT_DPKG_OPTIONS": "path-exclude=/usr/share/man/*",
    }
    RUNNER.run(Command((str(element / "root.d/08-rackwright-root"),), env))
    packages = (tmp_path / "root.tar.zst.packages").read_text(encoding="utf-8")
    assert "librte-bus-pci24\t1rehearsal\tamd64\n" in packages


def test_what_ssh_starts_by(etc: Path) -> None:
    units = etc / "systemd/system"
    assert (units / "sockets.target.wants/ssh.socket").is_symlink()
    assert not (units / "multi-user.target.wants/ssh.service").exists()


def test_the_node_is_as_planned(made: Made, tmp_path: Path) -> None:
    argv = ["verify", str(made.image), str(made.inventory), "--host", HOST, "--firmware", "bios"]
    code = call(parse([*argv, "-o", str(tmp_path)]))
    report = json.loads((tmp_path / "report.json").read_text())
    wrong = {c["name"] for c in report["checks"] if c["status"] not in ("pass", "skip")}
    assert (code, wrong) == (1, STAND_INS)
    passed = {c["name"] for c in report["checks"] if c["status"] == "pass"}
    assert {"os.id", "os.version", "units.dropped", "units.rackwright-ssh-keys.service"} <= passed
    assert len(passed) > 150
