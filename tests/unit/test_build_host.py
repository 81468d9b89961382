"""Facts of a build host, from files of a made-up one and what its apt says."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.build_host import (
    AptSource,
    apt_sources,
    keyring_for,
    keyring_hint,
    knows_suite,
    mirrors_for,
    proxy_variables,
    read_os_release,
)
from builder.catalog.releases import RELEASES
from builder.command import Command, Result
from builder.errors import ToolMissing

# Of a machine with two architectures, a repository without components, and a mirror list.
SAID = """\
http://third.example/apt/ stable main
http://flat.example/x/ ./ $(COMPONENT)
http://m.example/debian/ bookworm main
http://m.example/debian/ bookworm contrib
http://m.example/debian/ bookworm main
http://m.example/debian/ bookworm-updates main
http://second.example/debian/ bookworm main
http://m.example/debian-security/ bookworm-security main
mirror+file:/etc/apt/mirrors/debian.list/ trixie main
"""


class FakeApt:
    """apt-get that says `said`, or is not there."""

    def __init__(self, said: str | None = "") -> None:
        self.said = said
        self.commands: list[Command] = []

    def run(self, command: Command) -> Result:
        self.commands.append(command)
        if self.said is None:
            raise ToolMissing("apt-get is not installed")
        return Result(0, self.said.encode())


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    release = 'NAME="Debian"\nID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
    write(tmp_path, "etc/os-release", release)
    return tmp_path


def test_sources(root: Path) -> None:
    write(root, "etc/apt/mirrors/debian.list", "# none\nhttp://near.example/debian/\n")
    assert apt_sources(FakeApt(SAID), root) == (
        AptSource("http://third.example/apt", "stable", ("main",)),
        AptSource("http://m.example/debian", "bookworm", ("main", "contrib")),
        AptSource("http://m.example/debian", "bookworm-updates", ("main",)),
        AptSource("http://second.example/debian", "bookworm", ("main",)),
        AptSource("http://m.example/debian-security", "bookworm-security", ("main",)),
        AptSource("http://near.example/debian", "trixie", ("main",)),
    )


def test_a_list_of_mirrors_that_is_not_there(root: Path) -> None:
    (source,) = apt_sources(FakeApt("mirror+file:/etc/apt/none.list/ trixie main\n"), root)
    assert source.uri == "mirror+file:/etc/apt/none.list"


def test_a_host_shares_its_mirror(root: Path) -> None:
    apt = FakeApt(SAID)
    assert mirrors_for(RELEASES["debian-13"], None, apt, root) == (
        "deb http://m.example/debian trixie main non-free-firmware",
        "deb http://m.example/debian trixie-updates main non-free-firmware",
        "deb http://m.example/debian-security trixie-security main non-free-firmware",
    )
    assert f"Dir={root}" in apt.commands[0].argv


@pytest.mark.parametrize("said", [None, ""])
def test_host_without_sources(root: Path, said: str | None) -> None:
    assert mirrors_for(RELEASES["debian-13"], None, FakeApt(said), root) == ()


def test_a_machine_that_is_no_linux_distribution(tmp_path: Path) -> None:
    assert read_os_release(tmp_path) == {}
    assert mirrors_for(RELEASES["debian-13"], None, FakeApt(SAID), tmp_path) == ()


def test_another_family_does_not_get_our_mirror(root: Path) -> None:
    assert mirrors_for(RELEASES["ubuntu-24.04"], None, FakeApt(SAID), root) == ()


def test_the_inventory_wins(root: Path) -> None:
    """And apt, which may be configured badly, is not even asked."""
    apt = FakeApt(SAID)
    assert mirrors_for(RELEASES["debian-13"], "http://own.example/debian/", apt, root)[::2] == (
        "deb http://own.example/debian trixie main non-free-firmware",
        "deb http://own.example/debian-security trixie-security main non-free-firmware",
    )
    assert mirrors_for(RELEASES["ubuntu-24.04"], "http://own.example/ubuntu", apt, root)[2] == (
        "deb http://own.example/ubuntu noble-security main universe"
    )
    assert apt.commands == []


@pytest.mark.parametrize(
    ("release", "file", "hint"),
    [
        ("debian-13", "debian-archive-keyring.gpg", "apt-get install debian-archive-keyring"),
        (
            "ubuntu-24.04",
            "ubuntu-archive-keyring.gpg",
            "apt-get install ubuntu-keyring (Debian 12 has it in backports)",
        ),
    ],
)
def test_keyring(release: str, file: str, hint: str) -> None:
    assert keyring_for(RELEASES[release]) == Path("/usr/share/keyrings") / file
    assert keyring_hint(RELEASES[release]) == hint


def test_suites_mmdebstrap_knows(tmp_path: Path) -> None:
    """Ubuntu's by distro-info-data; one it does not know it looks for at Debian's mirror."""
    noble, resolute = RELEASES["ubuntu-24.04"], RELEASES["ubuntu-26.04"]
    assert not knows_suite(noble, tmp_path)
    write(
        tmp_path,
        "usr/share/distro-info/ubuntu.csv",
        "version,codename,series,created,release,eol\n24.04 LTS,Noble Numbat,noble,2023-10-26\n",
    )
    assert knows_suite(noble, tmp_path)
    assert not knows_suite(resolute, tmp_path)
    assert knows_suite(RELEASES["debian-13"], tmp_path)


def test_a_mirror_in_a_directory_is_copied_from() -> None:
    """A file: source is read in place, which mmdebstrap refuses: nothing in the target sees it."""
    lines = mirrors_for(RELEASES["ubuntu-24.04"], "file:///srv/ubuntu/", FakeApt(), Path("/none"))
    assert lines == (
        "deb copy:///srv/ubuntu noble main universe",
        "deb copy:///srv/ubuntu noble-updates main universe",
        "deb copy:///srv/ubuntu noble-security main universe",
    )


def test_a_host_that_has_its_archive_in_a_directory(root: Path) -> None:
    said = (
        "file:/srv/debian/ bookworm main\n"
        "http://m.example/debian-security/ bookworm-security main\n"
    )
    lines = mirrors_for(RELEASES["debian-13"], None, FakeApt(said), root)
    assert lines[0] == "deb copy:/srv/debian trixie main non-free-firmware"
    assert lines[2].startswith("deb http://m.example/debian-security trixie-security ")


def test_proxy_variables() -> None:
    environ = {
        "http_proxy": "http://p.example",
        "NO_PROXY": "x",
        "HOME": "/root",
        "https_proxy": "",
    }
    assert proxy_variables(environ) == {"NO_PROXY": "x", "http_proxy": "http://p.example"}
