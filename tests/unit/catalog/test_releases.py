"""A release is one row: what the rows say, and that nothing else is keyed by a release."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from builder.catalog.releases import RELEASES, OsRelease, PackageNames
from builder.catalog.versions import Version
from builder.model.schema import inventory_schema
from tests.plans import SEED, plan_of

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("stem", "release", "package"),
    [
        ("librte-net-ixgbe", "debian-13", "librte-net-ixgbe25"),
        ("librte-net-e1000", "debian-13", "librte-net-e1000-25"),
        ("librte-net-e1000", "debian-12", "librte-net-e1000-23"),
        ("librte-net-mlx5", "ubuntu-24.04", "librte-net-mlx5-24"),
        ("librte-bus-pci", "ubuntu-22.04", "librte-bus-pci22"),
    ],
)
def test_dpdk_library(stem: str, release: str, package: str) -> None:
    assert RELEASES[release].dpdk_library(stem) == package


@pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
def test_releases(release: OsRelease) -> None:
    assert RELEASES[release.id] is release
    assert release.id == f"{release.family}-{release.version}"
    # OVS and DPDK pair up as Open vSwitch's FAQ (releases.rst) has them.
    pairs = {
        (2, 17): (21, 11),
        (3, 1): (22, 11),
        (3, 3): (23, 11),
        (3, 5): (24, 11),
        (3, 7): (25, 11),
    }
    assert pairs[release.ovs] == release.dpdk
    # librte-eal22 is DPDK 21.11: the suffix is the ABI's year.
    assert int(release.dpdk_abi) == release.dpdk[0] + 1
    assert release.kernels[0].no_hz_full
    # What Ubuntu's kernels have as modules since 6.x, and Debian's always had.
    assert {kernel.version for kernel in release.kernels if kernel.vfio_built_in} <= {
        Version(5, 15)
    }


def test_the_inventory_takes_every_release() -> None:
    os = inventory_schema()["$defs"]["Image"]["properties"]["os"]
    assert os["enum"] == ["host", *RELEASES]


def test_a_release_of_tomorrow_is_one_row() -> None:
    """All that is asked of a release is in its row: one nobody has heard of plans as well."""
    release = replace(
        RELEASES["debian-13"],
        id="debian-99",
        suite="tomorrow",
        version="99",
        dpdk_abi="99",
        names=PackageNames(("systemd-repart",)),
    )
    plan = plan_of(SEED.read_text(encoding="utf-8"), release=release)
    names = {package.name for package in plan.image.packages}
    assert {"linux-image-amd64", "librte-net-ixgbe99", "systemd-repart"} <= names
    assert "systemd-resolved" not in names


@pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
def test_no_other_file_names_a_release(release: OsRelease) -> None:
    places = (ROOT / name for name in ("builder", "elements", "templates", "systemd"))
    name = re.compile(rf"\b({re.escape(release.id)}|{re.escape(release.suite)})\b")
    naming = {
        str(path.relative_to(ROOT))
        for place in places
        for path in place.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and "_data" not in path.parts
        if name.search(path.read_text(encoding="utf-8"))
    }
    assert naming == {"builder/catalog/releases.py"}
