"""The element that installs the system, with a mmdebstrap that only does what its hooks ask for."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from builder.catalog.releases import RELEASES

ELEMENT = Path(__file__).resolve().parents[2] / "elements/rackwright-root"
# Runs a hook as mmdebstrap(1) has it, before the first package, whose files are then unpacked.
MMDEBSTRAP = """\
#!/bin/bash
set -eu
root=${*: -2:1}
for word; do
    case $word in
    --setup-hook=*) sh -c "${word#--setup-hook=}" exec "$root" ;;
    esac
done
mkdir -p "$root"/{bin,lib,sbin,etc/apt/apt.conf.d,etc/dpkg/dpkg.cfg.d}
touch "$root/bin/true" "$root/lib/os-release"
cat >"$root/sources"
env >"$root/environment"
"""
CHROOT = "#!/bin/sh\nprintf 'base-files\\t12\\tamd64\\n'\n"
# As sudo-rs says it; the build host's own must never be reached.
SUDO_RS = "#!/bin/sh\necho 'preserving the entire environment is not supported' >&2\nexit 1\n"

pytestmark = pytest.mark.integration


def install(directory: Path, usr_links: tuple[str, ...]) -> Path:
    """The tree it leaves."""
    programs = directory / "bin"
    programs.mkdir()
    for name, text in (("mmdebstrap", MMDEBSTRAP), ("chroot", CHROOT), ("sudo", SUDO_RS)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    root = directory / "root"
    root.mkdir()
    env = {
        "PATH": f"{ELEMENT / 'host-bin'}:{programs}:{os.environ['PATH']}",
        "TARGET_ROOT": str(root),
        "DIB_RACKWRIGHT_ROOT_CACHE": str(directory / "root.tar.zst"),
        "DIB_RACKWRIGHT_SOURCES": "deb http://m.example/ubuntu jammy main",
        "DIB_RACKWRIGHT_SUITE": "jammy",
        "DIB_RACKWRIGHT_KEYRING": "/k.gpg",
        "DIB_RACKWRIGHT_PACKAGES": "kmod udev",
        "DIB_RACKWRIGHT_USR_LINKS": " ".join(usr_links),
        "http_proxy": "http://p.example",
    }
    subprocess.run([ELEMENT / "root.d/08-rackwright-root"], env=env, check=True)
    return root


def test_usr_is_merged_where_no_package_does_it(tmp_path: Path) -> None:
    links = RELEASES["ubuntu-22.04"].names.usr_links
    root = install(tmp_path, links)
    found = {name: str((root / name).readlink()) for name in links}
    assert found == {name: f"usr/{name}" for name in links}
    assert (root / "usr/bin/true").exists()
    assert (root / "usr/lib/os-release").exists()


def test_elsewhere_the_packages_do(tmp_path: Path) -> None:
    assert RELEASES["ubuntu-24.04"].names.usr_links == ()
    root = install(tmp_path, ())
    assert not (root / "bin").is_symlink()
    assert not (root / "usr").exists()


def test_the_environment_reaches_the_target_whatever_sudo_the_host_has(tmp_path: Path) -> None:
    root = install(tmp_path, ())
    environment = (root / "environment").read_text(encoding="utf-8").splitlines()
    assert {"http_proxy=http://p.example", "INITRD=No"} <= set(environment)
    assert (root / "sources").read_text() == "deb http://m.example/ubuntu jammy main\n"
