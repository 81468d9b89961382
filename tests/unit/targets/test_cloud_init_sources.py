"""The sources a stock image gets, by what images of the distributions have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rackwright_seed import Node
from seed_sources import ASIDE, HEADER, OURS, configure_sources

from builder.catalog.releases import RELEASES
from builder.targets.cloud_init.order import package_sources

DEBIAN, UBUNTU = RELEASES["debian-13"], RELEASES["ubuntu-24.04"]
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
OWN = "etc/apt/sources.list.d/debian.sources"
# As Debian's cloud images have them; those of Debian 12 have no Signed-By.
CLOUD = f"""\
Types: deb deb-src
URIs: mirror+file:///etc/apt/mirrors/debian.list
Suites: trixie trixie-updates trixie-backports
Components: main
Signed-By: {KEYS}

Types: deb deb-src
URIs: mirror+file:///etc/apt/mirrors/debian-security.list
Suites: trixie-security
Components: main
Signed-By: {KEYS}
"""
ADDED = f"""\
Types: deb
URIs: mirror+file:///etc/apt/mirrors/debian.list
Suites: trixie trixie-updates
Components: non-free-firmware
Signed-By: {KEYS}

Types: deb
URIs: mirror+file:///etc/apt/mirrors/debian-security.list
Suites: trixie-security
Components: non-free-firmware
Signed-By: {KEYS}
"""
CLOUD_CFG = """\
system_info:
  package_mirrors:
    - arches: [i386, amd64]
      failsafe:
        primary: http://archive.example/debian
        security: http://security.example/debian
      search: {security: []}
    - arches: [default]
      failsafe:
        primary: http://ports.example/debian
"""
UBUNTU_CLOUD = """\
# See http://help.example/ for how to upgrade
Types: deb
URIs: http://archive.example/ubuntu/
Suites: noble noble-updates noble-backports
Components: main restricted universe multiverse
Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg

## Security
Types: deb
URIs: http://security.example/ubuntu/
Suites: noble-security
Components: main restricted universe multiverse
Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg
"""

Configure = Callable[..., str | None]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Run the step on a node with these files; what it wrote, without the header."""

    def run(files: dict[str, str], mirror: str | None = None, release: Any = DEBIAN) -> str | None:
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")
        image = {"boots": "stock", "sources": package_sources(release, mirror)}
        configure_sources(Node(tmp_path, {"id": "f" * 16}, image))
        ours = tmp_path / OURS
        return ours.read_text(encoding="utf-8").removeprefix(HEADER) if ours.exists() else None

    return run


def test_what_a_cloud_image_of_debian_lacks(configure: Configure, tmp_path: Path) -> None:
    assert configure({OWN: CLOUD}) == ADDED
    assert (tmp_path / OWN).read_text(encoding="utf-8") == CLOUD
    # Cut off, or for another bundle, it does the same once more.
    assert configure({}) == ADDED


def test_the_same_options_as_the_rest_of_the_suite(configure: Configure) -> None:
    """Two of one address that differ in Signed-By make apt refuse all of its sources."""
    unsigned = CLOUD.replace(f"Signed-By: {KEYS}\n", "")
    assert configure({OWN: unsigned}) == ADDED.replace(f"Signed-By: {KEYS}\n", "")
    block = "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINB\n -----END\n"
    added = configure({OWN: CLOUD.replace(f"Signed-By: {KEYS}\n", block)})
    assert added is not None
    assert added.count("-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINB\n -----END\n") == 2


def test_one_line_a_source(configure: Configure) -> None:
    text = (
        "# deb http://m.example/debian trixie main non-free-firmware\n"
        "deb [arch=amd64,i386 signed-by=/k.gpg] http://m.example/debian trixie main contrib # x\n"
        "deb-src http://m.example/debian trixie non-free-firmware\n"
        "deb [ arch=amd64,i386 signed-by=/k.gpg ] http://m.example/debian/ trixie-updates main\n"
        "deb http://m.example/security trixie-security main non-free-firmware\n"
    )
    assert configure({"etc/apt/sources.list": text}) == (
        "Types: deb\nURIs: http://m.example/debian\nSuites: trixie\n"
        "Components: non-free-firmware\nArchitectures: amd64 i386\nSigned-By: /k.gpg\n\n"
        "Types: deb\nURIs: http://m.example/debian/\nSuites: trixie-updates\n"
        "Components: non-free-firmware\nArchitectures: amd64 i386\nSigned-By: /k.gpg\n"
    )


@pytest.mark.parametrize(
    ("files", "release"),
    [
        ({"etc/apt/sources.list.d/ubuntu.sources": UBUNTU_CLOUD}, UBUNTU),
        ({OWN: CLOUD.replace("main", "main contrib non-free-firmware")}, DEBIAN),
        ({OWN: CLOUD, "etc/apt/sources.list.d/own.sources": ADDED}, DEBIAN),
    ],
)
def test_nothing_is_named_twice(
    configure: Configure, files: dict[str, str], release: object
) -> None:
    assert configure(files, None, release) is None


def test_a_repository_of_somebody_elses_is_not_the_archive(configure: Configure) -> None:
    """Its suite and component have the same names, and it comes first."""
    other = "deb [signed-by=/ppa.gpg] http://ppa.example/ubuntu noble main\n"
    archive = UBUNTU_CLOUD.replace("main restricted universe multiverse", "main")
    added = configure(
        {
            "etc/apt/sources.list.d/a-ppa.list": other,
            "etc/apt/sources.list.d/ubuntu.sources": archive,
        },
        None,
        UBUNTU,
    )
    assert added is not None
    assert "ppa" not in added
    assert added.startswith(
        "Types: deb\nURIs: http://archive.example/ubuntu/\n"
        "Suites: noble noble-updates\nComponents: universe\n"
        "Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg\n"
    )


def test_what_is_switched_off_is_not_there(configure: Configure) -> None:
    off = ADDED.replace("Types", "Enabled: no\nTypes")
    assert configure({OWN: CLOUD, "etc/apt/sources.list.d/own.sources": off}) == ADDED


def test_a_suite_nobody_names_is_where_cloud_init_has_it(configure: Configure) -> None:
    only = "deb http://m.example/debian trixie main\n"
    files = {"etc/apt/sources.list": only, "etc/cloud/cloud.cfg": CLOUD_CFG}
    assert configure(files) == (
        "Types: deb\nURIs: http://m.example/debian\nSuites: trixie\n"
        "Components: non-free-firmware\n\n"
        "Types: deb\nURIs: http://archive.example/debian\nSuites: trixie-updates\n"
        f"Components: main non-free-firmware\nSigned-By: {KEYS}\n\n"
        "Types: deb\nURIs: http://security.example/debian\nSuites: trixie-security\n"
        f"Components: main non-free-firmware\nSigned-By: {KEYS}\n"
    )


def test_an_image_without_any(configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    assert configure({}) is None
    assert capsys.readouterr().out.splitlines() == [
        f"rackwright: nothing here says where {suite} is, and the inventory names no mirror"
        for suite in ("trixie", "trixie-updates", "trixie-security")
    ]


MIRRORED = f"""\
Types: deb
URIs: http://mirror.example/debian
Suites: trixie trixie-updates
Components: main non-free-firmware
Signed-By: {KEYS}

Types: deb
URIs: http://mirror.example/debian-security
Suites: trixie-security
Components: main non-free-firmware
Signed-By: {KEYS}
"""


def test_a_mirror_takes_the_place_of_the_archive(configure: Configure, tmp_path: Path) -> None:
    """Which a rack behind a mirror may not even reach."""
    third = "deb [signed-by=/t.gpg] http://third.example/apt trixie stable\n"
    files = {OWN: CLOUD, "etc/apt/sources.list.d/third.list": third}
    for _ in range(2):
        assert configure(files, "http://mirror.example/debian/") == MIRRORED
        files = {}
    assert not (tmp_path / OWN).exists()
    assert (tmp_path / f"{OWN}{ASIDE}").read_text(encoding="utf-8") == CLOUD
    assert (tmp_path / "etc/apt/sources.list.d/third.list").read_text(encoding="utf-8") == third
    # Without it, all is as it was.
    assert configure({}) == ADDED
    assert (tmp_path / OWN).read_text(encoding="utf-8") == CLOUD


def test_an_image_that_has_the_mirror_already(configure: Configure, tmp_path: Path) -> None:
    text = (
        "deb [trusted=yes] http://mirror.example/debian trixie main\n"
        "deb [trusted=yes] http://mirror.example/debian trixie-updates main\n"
        "deb [trusted=yes] http://mirror.example/debian-security trixie-security main\n"
    )
    added = configure({"etc/apt/sources.list": text}, "http://mirror.example/debian")
    assert added == (
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: trixie trixie-updates\n"
        "Components: non-free-firmware\nTrusted: yes\n\n"
        "Types: deb\nURIs: http://mirror.example/debian-security\nSuites: trixie-security\n"
        "Components: non-free-firmware\nTrusted: yes\n"
    )
    assert (tmp_path / "etc/apt/sources.list").exists()


def test_sources_cloud_init_wrote_anew_are_kept(configure: Configure, tmp_path: Path) -> None:
    configure({OWN: CLOUD}, "http://mirror.example/debian")
    fresh = CLOUD.replace("main", "main non-free-firmware")
    assert configure({OWN: fresh}) is None
    assert (tmp_path / OWN).read_text(encoding="utf-8") == fresh
    assert [path.name for path in (tmp_path / OWN).parent.iterdir()] == ["debian.sources"]


def test_ubuntu_has_its_security_updates_on_the_mirror_itself(configure: Configure) -> None:
    files = {"etc/apt/sources.list.d/ubuntu.sources": UBUNTU_CLOUD}
    assert configure(files, "http://mirror.example/ubuntu", UBUNTU) == (
        "Types: deb\nURIs: http://mirror.example/ubuntu\n"
        "Suites: noble noble-updates noble-security\nComponents: main universe\n"
        f"Signed-By: {UBUNTU.archive.keyring}\n"
    )
