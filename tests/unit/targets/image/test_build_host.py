"""Facts of a build host, from files of a made-up one."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.build_host import (
    AptSource,
    BuildHost,
    keyring_for,
    mirrors_for,
    parse_deb822,
    parse_one_line,
    proxy_variables,
    read_build_host,
)
from builder.catalog.releases import RELEASES
from builder.errors import ToolMissing

DEB822 = """\
# the archive
Types: deb deb-src
URIs: http://m.example/debian
Suites: bookworm bookworm-updates
Components: main
 contrib
Signed-By: /usr/share/keyrings/x.gpg

Types: deb-src
URIs: http://src.example/debian
Suites: bookworm
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://m.example/debian-security/
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----
"""


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    release = 'NAME="Debian"\nID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
    write(tmp_path, "etc/os-release", release)
    return tmp_path


def test_one_line() -> None:
    text = (
        "deb http://m.example/debian bookworm main contrib # comment\n"
        "# deb http://off.example/debian bookworm main\n"
        "deb-src http://src.example/debian bookworm main\n"
        "deb [arch=amd64 signed-by=/k.gpg] https://o.example/apt stable main\n"
        "deb\n"
    )
    assert parse_one_line(text) == [
        AptSource("http://m.example/debian", ("bookworm",), ("main", "contrib"), None),
        AptSource("https://o.example/apt", ("stable",), ("main",), "/k.gpg"),
    ]


def test_deb822() -> None:
    assert parse_deb822(DEB822) == [
        AptSource(
            "http://m.example/debian",
            ("bookworm", "bookworm-updates"),
            ("main", "contrib"),
            "/usr/share/keyrings/x.gpg",
        ),
        AptSource("http://m.example/debian-security/", ("bookworm-security",), ("main",), None),
    ]


def test_host_with_deb822_sources(root: Path) -> None:
    write(root, "etc/apt/sources.list.d/debian.sources", DEB822)
    write(root, "etc/apt/sources.list.d/a.list", "deb http://third.example/apt stable main\n")
    write(root, "etc/apt/sources.list.d/b.save", "deb http://no.example/debian bookworm main\n")
    host = read_build_host(root)
    assert (host.id, host.version, host.codename) == ("debian", "12", "bookworm")
    assert host.archive() == "http://m.example/debian"
    assert host.security() == "http://m.example/debian-security/"
    assert mirrors_for(RELEASES["debian-13"], host, None) == (
        "deb http://m.example/debian trixie main non-free-firmware",
        "deb http://m.example/debian trixie-updates main non-free-firmware",
        "deb http://m.example/debian-security trixie-security main non-free-firmware",
    )


def test_host_with_a_list_of_mirrors(root: Path) -> None:
    write(
        root,
        "etc/apt/sources.list.d/debian.sources",
        "Types: deb\nURIs: mirror+file:///etc/apt/mirrors/debian.list\nSuites: bookworm\n"
        "Components: main\n",
    )
    write(root, "etc/apt/mirrors/debian.list", "http://near.example/debian\n")
    assert read_build_host(root).archive() == "http://near.example/debian"


def test_host_without_sources(root: Path) -> None:
    host = read_build_host(root)
    assert host.sources == ()
    assert mirrors_for(RELEASES["debian-13"], host, None) == ()


def test_a_machine_that_is_no_linux_distribution(tmp_path: Path) -> None:
    assert read_build_host(tmp_path) == BuildHost("", "", "", ())


HOST = BuildHost(
    "debian", "12", "bookworm", (AptSource("http://m.example/d", ("bookworm",), ("main",), None),)
)


def test_another_family_does_not_get_our_mirror() -> None:
    assert mirrors_for(RELEASES["ubuntu-24.04"], HOST, None) == ()


def test_the_inventory_wins() -> None:
    assert mirrors_for(RELEASES["debian-13"], HOST, "http://own.example/debian/")[::2] == (
        "deb http://own.example/debian trixie main non-free-firmware",
        "deb http://own.example/debian-security trixie-security main non-free-firmware",
    )
    assert mirrors_for(RELEASES["ubuntu-24.04"], HOST, "http://own.example/ubuntu")[2] == (
        "deb http://own.example/ubuntu noble-security main universe"
    )


def test_keyring(tmp_path: Path) -> None:
    release = RELEASES["ubuntu-24.04"]
    with pytest.raises(ToolMissing) as caught:
        keyring_for(release, tmp_path)
    assert caught.value.message == "the keys of the ubuntu archive are not installed"
    assert caught.value.hint == "apt-get install ubuntu-archive-keyring"
    write(tmp_path, "usr/share/keyrings/ubuntu-archive-keyring.gpg", "")
    assert keyring_for(release, tmp_path).name == "ubuntu-archive-keyring.gpg"


def test_proxy_variables() -> None:
    environ = {
        "http_proxy": "http://p.example",
        "NO_PROXY": "x",
        "HOME": "/root",
        "https_proxy": "",
    }
    assert proxy_variables(environ) == {"NO_PROXY": "x", "http_proxy": "http://p.example"}
