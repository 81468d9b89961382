"""Kernels of the releases: names, and the end of `uname -r`."""

from __future__ import annotations

import pytest

from builder.catalog.kernels import uname_flavour
from builder.catalog.releases import RELEASES, OsRelease


@pytest.mark.parametrize(
    ("uname", "flavour"),
    [
        ("6.12.117+deb13-amd64", "amd64"),
        ("6.12.117+deb13-rt-amd64", "rt-amd64"),
        ("6.1.0-50-cloud-amd64", "cloud-amd64"),
        ("6.8.0-136-generic", "generic"),
        ("6.8.0-136-lowlatency", "lowlatency"),
        ("6.8.0-1012-gke", "gke"),
        ("6.12.1", None),
        ("6.18.0-rc3", "rc3"),
    ],
)
def test_uname_flavour(uname: str, flavour: str | None) -> None:
    assert uname_flavour(uname) == flavour


@pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
def test_each_release_has_a_flavour_once(release: OsRelease) -> None:
    flavours = [kernel.flavour for kernel in release.kernels]
    assert len({*flavours}) == len(flavours)
    assert not {*flavours} & {*release.archive.no_kernel}
    for flavour in flavours:
        chosen = release.with_kernel(flavour)
        assert chosen.kernel_flavour == flavour
        assert {*chosen.kernels} == {*release.kernels}


def test_a_flavour_the_release_lacks_changes_nothing() -> None:
    release = RELEASES["ubuntu-24.04"]
    assert release.with_kernel("realtime") is release
    assert release.with_kernel(None) is release


@pytest.mark.parametrize(
    ("release", "flavour", "package"),
    [
        ("debian-12", "realtime", "rt-amd64"),
        ("debian-13", "cloud", "cloud-amd64"),
        ("ubuntu-22.04", "hwe", "generic-hwe-22.04"),
        ("ubuntu-24.04", "lowlatency", "lowlatency"),
    ],
)
def test_packages(release: str, flavour: str, package: str) -> None:
    kernels = {kernel.flavour: kernel.package for kernel in RELEASES[release].kernels}
    assert {str(key): value for key, value in kernels.items()}[flavour] == package
