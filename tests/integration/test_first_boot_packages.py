"""The first boot of a stock image, with dpkg and apt of the distribution themselves."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from subprocess import PIPE, STDOUT

import pytest

from builder.catalog.releases import RELEASES
from builder.targets.cloud_init.order import package_sources

PROGRAMS = Path(__file__).resolve().parents[2] / "templates/cloud-init"
# What is left of the program for a node that wants a package and nothing else.
CALL = """
import sys
from pathlib import Path
sys.path.insert(0, "/root/cloud-init")
import rackwright_seed, seed_sources, seed_stock
sources = {sources!r}
node = rackwright_seed.Node(Path("/"), {{"id": "a"}}, {{"packages": ["bc"], "sources": sources}})
"""
SOURCES = package_sources(RELEASES["debian-13"], None)
# As Debian's cloud images have it, of one archive; Signed-By is not in all of them.
CLOUD = """\
Types: deb deb-src
URIs: mirror+file:///etc/apt/mirrors/debian.list
Suites: trixie trixie-updates
Components: main
"""
SIGNED = "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"

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
    shutil.copytree(PROGRAMS, root / "root/cloud-init")
    return root


def inside(root: Path, *argv: str) -> str:
    """What a program says in the system, with its own /proc and terminals."""
    mounts = (
        'mkdir -p "$1/dev/pts" && mount -t devpts devpts "$1/dev/pts" && '
        'mount -t proc proc "$1/proc" && root=$1 && shift && exec chroot "$root" "$@"'
    )
    call = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", mounts, "sh", str(root), *argv]
    done = subprocess.run(call, check=True, stdout=PIPE, stderr=STDOUT, text=True)
    return done.stdout


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
    call = CALL.format(sources=SOURCES) + "seed_stock.install_packages(node)\n"
    inside(system, "python3", "-c", call)
    found = inside(system, "dpkg-query", "-W", "-f", "${db:Status-Status}${db:Status-Eflag}", "bc")
    assert found == "installedok"
    assert inside(system, "dpkg", "--audit") == ""


@pytest.mark.parametrize("signed", [SIGNED, ""])
def test_a_cloud_image_gets_the_components_it_lacks(system: Path, signed: str) -> None:
    """Apt takes what was written without a word, and has what the image alone had not."""
    apt = system / "etc/apt"
    shutil.copytree(apt, system.parent / f"apt-{bool(signed)}")
    try:
        own = (apt / "sources.list").read_text(encoding="utf-8").split()[1]
        (apt / "sources.list").unlink()
        (apt / "mirrors").mkdir(exist_ok=True)
        (apt / "mirrors/debian.list").write_text(f"{own}\n", encoding="utf-8")
        (apt / "sources.list.d/debian.sources").write_text(CLOUD + signed, encoding="utf-8")
        microcode = "print(seed_stock.candidates(['bc', 'intel-microcode']))\n"
        only = {**SOURCES, "suites": {"trixie": "archive", "trixie-updates": "archive"}}
        call = CALL.format(sources=only) + "rackwright_seed.run('apt-get', 'update')\n"
        assert "{'bc'}" in inside(system, "python3", "-c", call + microcode)
        said = inside(
            system,
            "python3",
            "-c",
            f"{call}seed_sources.configure_sources(node)\n"
            f"rackwright_seed.run('apt-get', 'update')\n{microcode}",
        )
        assert "intel-microcode" in said
        assert not re.search(r"^(W|E|N): ", said, re.MULTILINE), said
    finally:
        shutil.rmtree(apt)
        shutil.copytree(system.parent / f"apt-{bool(signed)}", apt)
