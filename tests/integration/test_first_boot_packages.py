"""Packages cut off in the middle, mended by dpkg and apt of the distribution themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[2] / "templates/cloud-init/first_boot.py"
# What is left of the program for a node that wants one package and nothing else.
CALL = """
import sys
from pathlib import Path
sys.path.insert(0, "/root")
import first_boot
first_boot.install_packages(first_boot.Node(Path("/"), {"id": "a"}, {"packages": ["bc"]}))
"""

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Debian with Python, and without the lists apt installs from."""
    work = tmp_path_factory.mktemp("system")
    root = work / "root"
    # Other tests look whether a killed build leaves files of mmdebstrap in /tmp.
    env = {**os.environ, "TMPDIR": str(work)}
    options = ("--variant=apt", "--include=python3,bc", "--format=directory", "--quiet")
    recommends = '--aptopt=APT::Install-Recommends "false"'
    subprocess.run(["mmdebstrap", *options, recommends, "trixie", str(root)], check=True, env=env)
    shutil.copy(PROGRAM, root / "root/first_boot.py")
    return root


def inside(root: Path, *argv: str) -> str:
    """What a program says in the system, with its own /proc and terminals."""
    mounts = (
        'mkdir -p "$1/dev/pts" && mount -t devpts devpts "$1/dev/pts" && '
        'mount -t proc proc "$1/proc" && root=$1 && shift && exec chroot "$root" "$@"'
    )
    call = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", mounts, "sh", str(root), *argv]
    return subprocess.run(call, check=True, capture_output=True, text=True).stdout


# dpkg(1): half-installed, cut off while its files were unpacked; unpacked, while those of the
# version before were removed.
@pytest.mark.parametrize("state", ["half-installed", "unpacked"])
def test_a_package_that_must_be_reinstalled(system: Path, state: str) -> None:
    status = system / "var/lib/dpkg/status"
    before, package, rest = status.read_text(encoding="utf-8").partition("Package: bc\n")
    line = "Status: install ok installed"
    assert line in rest
    cut = rest.replace(line, f"Status: install reinstreq {state}", 1)
    status.write_text(before + package + cut, encoding="utf-8")
    inside(system, "python3", "-c", CALL)
    found = inside(system, "dpkg-query", "-W", "-f", "${db:Status-Status}${db:Status-Eflag}", "bc")
    assert found == "installedok"
    assert inside(system, "dpkg", "--audit") == ""
