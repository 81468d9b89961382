"""What is known of the drivers of ports, as their sources in the kernel and DPDK have it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from builder.catalog.driver_types import PortDriver
from builder.catalog.nic_types import NicType, VfType
from builder.catalog.nics import NIC_TYPES
from builder.catalog.other_drivers import PCI_NAMES
from builder.catalog.ovs_forms import OvsOption
from builder.catalog.port_drivers import PORT_DRIVERS, port_driver
from builder.catalog.releases import RELEASES
from builder.catalog.vf_settings import VF_SETTINGS

BUILDER = Path(__file__).parents[3] / "builder"


@pytest.mark.parametrize(
    ("device_id", "has_not"),
    [
        ("8086:10c9", {"min-tx-rate", "link-state"}),
        # igb_ndo_set_vf_bw() is for the 82576 only.
        ("8086:1521", {"max-tx-rate", "min-tx-rate", "link-state"}),
        ("8086:10fb", {"min-tx-rate"}),
        ("8086:1572", {"min-tx-rate"}),
        ("8086:159b", set()),
        ("15b3:1017", set()),
        ("14e4:16d7", set()),
    ],
)
def test_settings_a_driver_has_not(device_id: str, has_not: set[str]) -> None:
    settings = NIC_TYPES[device_id].settings
    assert settings is not None
    assert {*VF_SETTINGS} - settings.keys() == has_not


def test_switchdev_mode() -> None:
    found = {
        name: driver.not_in_switchdev for name, driver in PORT_DRIVERS.items() if driver.switchdev
    }
    assert found == {
        "ice": ("trust",),
        "mlx5_core": ("vlan", "trust", "spoofchk"),
        "bnxt_en": (),
    }


def test_drivers_set_nothing_else() -> None:
    named = {
        name
        for driver in PORT_DRIVERS.values()
        for name in (*(driver.settings or ()), *driver.not_in_switchdev)
    }
    assert named == VF_SETTINGS.keys()


def test_what_a_driver_has_of_dpdk() -> None:
    """A driver DPDK has one for has its package, another has none."""
    for driver in PORT_DRIVERS.values():
        assert (driver.dpdk_since is not None) == bool(driver.pmd_packages), driver.name
    none = {name for name, driver in PORT_DRIVERS.items() if driver.dpdk_since is None}
    assert {"tg3", "bnx2", "e100", "forcedeth", "be2net", "qlcnic", "cxgb3", "alx"} <= none


@pytest.mark.parametrize(
    ("driver", "release", "has_none"),
    [
        ("tg3", "ubuntu-26.04", True),
        ("r8169", "debian-12", True),
        ("r8169", "ubuntu-24.04", True),
        ("r8169", "debian-13", False),
        ("mana", "debian-12", True),
        ("mana", "ubuntu-24.04", False),
        ("gve", "ubuntu-22.04", True),
        ("ixgbe", "ubuntu-22.04", False),
        # Nothing is known of it.
        ("novel", "ubuntu-22.04", False),
    ],
)
def test_dpdk_has_no_driver(driver: str, release: str, *, has_none: bool) -> None:
    assert port_driver(driver).dpdk_has_none(RELEASES[release].dpdk) is has_none


@pytest.mark.parametrize(
    ("name", "driver"),
    [("mlx5", "mlx5_core"), ("mlx4_en", "mlx4_core"), ("virtio_net", "virtio-pci")],
)
def test_names_that_are_not_of_the_pci_driver(name: str, driver: str) -> None:
    assert port_driver(name) is PORT_DRIVERS[driver]


def test_other_names_are_of_rows() -> None:
    assert {port_driver(name).is_known for name in PCI_NAMES.values()} == {True}


def test_bifurcated_drivers() -> None:
    found = {name for name, driver in PORT_DRIVERS.items() if driver.bifurcated}
    assert found == {"mlx4_core", "mlx5_core", "mana"}


def test_what_dpdk_makes_of_a_port_with_vfs() -> None:
    found = {name: driver.dpdk_vf_host for name, driver in PORT_DRIVERS.items()}
    assert {name: host for name, host in found.items() if host is not None} == {
        "igb": "no-rss",
        "ixgbe": "pools",
        "i40e": "any",
        "ice": "none",
    }


def test_queues_in_powers_of_two_have_a_limit() -> None:
    """The message that a number is none names those that are, up to it."""
    drivers = PORT_DRIVERS.values()
    assert all(driver.vf_queues for driver in drivers if driver.vf_queues_power_of_two)


def compared_texts(path: Path) -> Iterator[str]:
    """Every text that something in a module is compared with."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Compare):
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


@pytest.mark.parametrize("row", [PortDriver, NicType, VfType, OvsOption])
def test_every_column_is_read(row: type[Any]) -> None:
    """A column nobody reads says what no stage acts on."""
    read = {
        node.attr
        for path in BUILDER.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }
    assert {column.name for column in fields(row)} - read == set()


def test_quirks_are_columns() -> None:
    """Outside the catalog nothing depends on the name of a NIC's driver, or on an id."""
    known = {*PORT_DRIVERS, *NIC_TYPES}
    found = {
        str(path.relative_to(BUILDER))
        for path in BUILDER.rglob("*.py")
        if "catalog" not in path.parts and known & set(compared_texts(path))
    }
    assert found == set()
