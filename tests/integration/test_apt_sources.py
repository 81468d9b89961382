"""What the real apt makes of package sources in both their forms, before it has fetched any list."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.build_host import AptSource, apt_sources
from builder.command import SubprocessRunner
from builder.errors import CommandFailed

pytestmark = pytest.mark.integration

DEB822 = """\
# the archive
Types: deb deb-src
# where it was
URIs: http://m.example/debian http://second.example/debian
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
Trusted: yes
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
URIs: mirror+file:///etc/apt/mirrors/debian.list
Suites: trixie
Components: main
"""
ONE_LINE = """\
deb http://one.example/debian bookworm main contrib # comment
# deb http://off.example/debian bookworm main
deb-src http://src.example/one bookworm main
deb [arch=amd64,i386 signed-by=/k.gpg] https://o.example/apt stable main
deb [ trusted=yes ] http://flat.example/x ./
"""


def write(root: Path, name: str, text: str) -> None:
    path = root / "etc/apt" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_both_forms(tmp_path: Path) -> None:
    write(tmp_path, "sources.list", ONE_LINE)
    write(tmp_path, "sources.list.d/debian.sources", DEB822)
    write(tmp_path, "sources.list.d/a.list", "deb http://third.example/apt stable main\n")
    write(tmp_path, "sources.list.d/b.save", "deb http://no.example/debian bookworm main\n")
    write(tmp_path, "mirrors/debian.list", "http://near.example/debian\n")
    archive = ("main", "contrib")
    assert apt_sources(SubprocessRunner(), tmp_path) == (
        AptSource("http://one.example/debian", "bookworm", archive),
        AptSource("https://o.example/apt", "stable", ("main",)),
        AptSource("http://third.example/apt", "stable", ("main",)),
        AptSource("http://m.example/debian", "bookworm", archive),
        AptSource("http://m.example/debian", "bookworm-updates", archive),
        AptSource("http://second.example/debian", "bookworm", archive),
        AptSource("http://second.example/debian", "bookworm-updates", archive),
        AptSource("http://m.example/debian-security", "bookworm-security", ("main",)),
        AptSource("http://near.example/debian", "trixie", ("main",)),
    )


def test_no_sources(tmp_path: Path) -> None:
    assert apt_sources(SubprocessRunner(), tmp_path) == ()


def test_sources_apt_does_not_understand(tmp_path: Path) -> None:
    write(tmp_path, "sources.list", "deb nonsense\n")
    with pytest.raises(CommandFailed) as caught:
        apt_sources(SubprocessRunner(), tmp_path)
    assert caught.value.message == "apt-get failed with status 100"
    assert "E: Malformed entry 1 in list file" in (caught.value.detail or "")
