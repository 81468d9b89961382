"""What the drivers of ports set of their VFs, as their sources in the kernel have it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from builder.catalog.nic_types import NicType, VfType
from builder.catalog.nics import NIC_TYPES
from builder.catalog.ovs_forms import OvsOption
from builder.catalog.port_drivers import PORT_DRIVERS, PortDriver
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
    assert {*VF_SETTINGS} - NIC_TYPES[device_id].settings.keys() == has_not


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
    named = {name for d in PORT_DRIVERS.values() for name in (*d.settings, *d.not_in_switchdev)}
    assert named == VF_SETTINGS.keys()


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
