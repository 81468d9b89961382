"""What the drivers of ports set of their VFs, as their sources in the kernel have it."""

from __future__ import annotations

import pytest

from builder.catalog.nics import NIC_TYPES
from builder.catalog.vf_settings import PORT_DRIVERS, VF_SETTINGS, has_setting


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
    nic = NIC_TYPES[device_id]
    driver = PORT_DRIVERS[nic.kernel_driver]
    assert {setting for setting in VF_SETTINGS if not has_setting(driver, nic, setting)} == has_not


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
