"""Virtual functions that are known as such without their PF."""

from __future__ import annotations

import pytest

from builder.catalog.nics import NIC_TYPES, VF_TYPES
from builder.catalog.virtual_functions import is_virtual_function


@pytest.mark.parametrize("device_id", [*VF_TYPES, "15b3:1004", "8086:1571", "1077:8090"])
def test_by_the_id(device_id: str) -> None:
    assert is_virtual_function(device_id, None)


@pytest.mark.parametrize("driver", ["iavf", "ixgbevf", "igbvf", "thunder-nicvf", "LiquidIO_VF"])
def test_by_the_driver(driver: str) -> None:
    assert is_virtual_function("1234:5678", driver)


def test_no_port_of_the_table_is_one() -> None:
    assert [nic for nic in NIC_TYPES if is_virtual_function(nic, NIC_TYPES[nic].driver.name)] == []
