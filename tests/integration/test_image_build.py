"""Images built with the real tools: whole, clean, the same again, and nothing left by failures.

Needs root and a network.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from processes import mounts_below
from recording import NullMonitor

from builder import workdir
from builder.command import Command, SubprocessRunner
from builder.errors import BuilderError
from builder.resources import data_dir
from builder.targets.image.build import build_image
from builder.targets.image.ext4 import e2fsck
from builder.targets.image.request import Artefacts, ImageRequest

pytestmark = pytest.mark.integration

RUNNER = SubprocessRunner()
ROOT_OFFSET = 42 * 2**20


@pytest.fixture(scope="module")
def tree(built: Artefacts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is in /etc, /boot and /var of the disk."""
    target = tmp_path_factory.mktemp("tree")
    disk = f"{built.files['raw'].path}?offset={ROOT_OFFSET}"
    for name in ("etc", "boot", "var"):
        RUNNER.run(Command(("debugfs", "-R", f"rdump /{name} {target}", disk)))
    return target


def test_the_manifest_tells_what_is_there(built: Artefacts) -> None:
    manifest = json.loads(built.manifest.read_text())
    assert set(manifest["artefacts"]) == {"raw", "qcow2", "raw.zst", "kernel", "initrd"}
    for artefact in manifest["artefacts"].values():
        path = built.manifest.parent / artefact["file"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == artefact["sha256"]
        assert path.stat().st_size == artefact["size"]
    assert manifest["packages"]["openvswitch-switch-dpdk"]
    files = {item["file"] for item in manifest["artefacts"].values()}
    links = {path for path in built.manifest.parent.iterdir() if path.is_symlink()}
    kinds = ("raw", "qcow2", "raw.zst", "vmlinuz", "initrd")
    assert {path.name for path in links} == {f"node.{kind}" for kind in kinds}
    assert {str(path.readlink()) for path in links} == files
    left = {path.name for path in set(built.manifest.parent.iterdir()) - links}
    assert left == {*files, "manifest.json"}


def test_the_formats_hold_one_disk(built: Artefacts, tmp_path: Path) -> None:
    raw = built.files["raw"].path
    qcow2 = built.files["qcow2"].path
    RUNNER.run(Command(("qemu-img", "compare", str(raw), str(qcow2))))
    RUNNER.run(Command(("qemu-img", "check", str(qcow2))))
    back = tmp_path / "back.raw"
    packed = built.files["raw.zst"].path
    RUNNER.run(Command(("zstd", "-dq", "--sparse", "-o", str(back), str(packed))))
    RUNNER.run(Command(("cmp", str(raw), str(back))))


def test_the_disk_is_sound(built: Artefacts) -> None:
    RUNNER.run(e2fsck(built.files["raw"].path, ROOT_OFFSET))
    found = RUNNER.run(Command(("sgdisk", "--verify", str(built.files["raw"].path))))
    assert b"No problems found." in found.stdout


def test_rendered_files_are_there_as_asked(built: Artefacts, tree: Path) -> None:
    disk = f"{built.files['raw'].path}?offset={ROOT_OFFSET}"
    assert (tree / "etc/rackwright" / 'a "b" c').read_bytes() == b"odd\n"
    stat = Command(("debugfs", "-R", 'stat "/etc/rackwright/a ""b"" c"', disk))
    text = RUNNER.run(stat).stdout.decode()
    assert "Mode:  04750" in text
    assert "User:     1   Group:     2" in text
    assert (tree / "etc/modprobe.d/ixgbe.conf").read_bytes() == b"options ixgbe max_vfs=2\n"


def test_the_command_line_is_in_one_place(built: Artefacts, tree: Path) -> None:
    lines = [
        line
        for line in (tree / "boot/grub/grub.cfg").read_text().splitlines()
        if line.lstrip().startswith("linux ")
    ]
    assert lines == [
        (
            f'    linux /boot/vmlinuz-{built.kernel} "root=UUID=$root_uuid"'
            " 'ro' 'console=tty0' 'console=ttyS0,115200'"
        )
    ]


def test_the_initramfs_on_disk_is_the_one_handed_out(built: Artefacts, tree: Path) -> None:
    initrd = (tree / f"boot/initrd.img-{built.kernel}").read_bytes()
    assert initrd == built.files["initrd"].path.read_bytes()
    assert initrd.startswith(b"070701")
    assert b"options ixgbe max_vfs=2\n" in initrd[:4096]


def test_nothing_of_one_machine_is_in_it(tree: Path) -> None:
    unwanted = [
        *("etc/hostname", "etc/openvswitch/conf.db", "etc/openvswitch/system-id.conf"),
        *("var/lib/systemd/random-seed", "var/lib/dbus/machine-id", "etc/dib-manifests"),
    ]
    assert [path for path in unwanted if (tree / path).exists()] == []
    assert list(tree.glob("etc/ssh/ssh_host_*")) == []
    assert (tree / "etc/machine-id").read_bytes() == b""
    assert list((tree / "var/lib/apt/lists").iterdir()) == []
    assert list((tree / "var/cache/apt/archives").glob("*.deb")) == []
    logs = [path for path in (tree / "var/log").rglob("*") if path.is_file()]
    assert [path.name for path in logs] in ([], ["README"])
    assert str((tree / "etc/resolv.conf").readlink()) == "../run/systemd/resolve/stub-resolv.conf"
    assert list((tree / "etc/apt/apt.conf.d").glob("*mmdebstrap")) == []
    assert "force-unsafe-io" not in "".join(
        path.read_text() for path in (tree / "etc/dpkg/dpkg.cfg.d").iterdir()
    )


def test_the_package_sources_are_the_distribution_s(tree: Path, request_: ImageRequest) -> None:
    files = [path for path in (tree / "etc/apt").rglob("*") if path.suffix in {".list", ".sources"}]
    assert [path.name for path in files] == ["debian.sources"]
    text = files[0].read_text()
    assert "Suites: trixie-security" in text
    assert "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg" in text


def test_same_request_same_bytes(built: Artefacts, request_: ImageRequest, tmp_path: Path) -> None:
    again = build_image(replace(request_, out_dir=tmp_path / "out"), RUNNER, NullMonitor())
    assert {kind: file.sha256 for kind, file in again.files.items() if kind != "qcow2"} == {
        kind: file.sha256 for kind, file in built.files.items() if kind != "qcow2"
    }


@pytest.fixture
def own_elements(tmp_path: Path) -> Path:
    """Our elements and room for more; root.d, and so the package cache's key, is the same."""
    copy = tmp_path / "elements"
    shutil.copytree(data_dir("elements"), copy)
    return copy


def add_element(elements: Path, name: str, script: str) -> None:
    path = elements / name / "install.d" / f"70-{name}"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/bash\nset -eu\n{script}\n")
    path.chmod(0o755)
    (elements / name / "element-deps").write_text("rackwright-ovs-dpdk\n")


def leftovers(request: ImageRequest) -> list[Path]:
    """Work directories of builds."""
    bases = request.cache_dir / "bases"
    return [*bases.glob(f"{workdir.PREFIX}*"), *request.out_dir.glob(f"{workdir.PREFIX}*")]


@pytest.mark.usefixtures("built")
def test_a_failing_element_is_named(request_: ImageRequest, own_elements: Path) -> None:
    add_element(own_elements, "broken", "echo the reason >&2\nfalse")
    request = replace(request_, elements=("broken",), element_dirs=(own_elements,))
    before = request.out_dir.joinpath("manifest.json").read_bytes()
    with pytest.raises(BuilderError) as caught:
        build_image(request, RUNNER, NullMonitor())
    assert caught.value.message == "element broken failed in install.d/70-broken"
    assert "the reason" in (caught.value.detail or "")
    assert leftovers(request) == []
    assert mounts_below(request.cache_dir) == []
    assert request.out_dir.joinpath("manifest.json").read_bytes() == before


@pytest.mark.usefixtures("built")
def test_a_full_disk_is_said_and_leaves_the_earlier_image(
    request_: ImageRequest, tmp_path: Path
) -> None:
    out = tmp_path / "small"
    out.mkdir()
    RUNNER.run(Command(("mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", str(out))))
    try:
        (out / "node.raw").write_text("earlier")
        (out / "manifest.json").write_text("{}")
        with pytest.raises(BuilderError) as caught:
            build_image(replace(request_, out_dir=out), RUNNER, NullMonitor())
        assert caught.value.message == f"no space left on the disk of {out}"
        assert sorted(path.name for path in out.iterdir()) == ["manifest.json", "node.raw"]
        assert (out / "node.raw").read_text() == "earlier"
    finally:
        RUNNER.run(Command(("umount", str(out))))


def test_a_mirror_that_is_away(request_: ImageRequest, tmp_path: Path) -> None:
    request = replace(
        request_,
        mirror="http://127.0.0.1:9/debian",
        cache_dir=tmp_path / "cache",
    )
    with pytest.raises(BuilderError) as caught:
        build_image(request, RUNNER, NullMonitor())
    assert caught.value.message == "the package lists of trixie cannot be fetched"
    assert "127.0.0.1" in (caught.value.detail or "")
