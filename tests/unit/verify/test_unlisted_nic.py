"""A NIC that is not in the table, whose VFs the inventory describes (`sriov:` of the NIC)."""

from __future__ import annotations

import pytest

from builder.plan.nouns.image import ImagePlan
from builder.render.tree import FileTree
from builder.verify.checks.case import Case
from builder.verify.checks.standins import expected_devices, substituted_drivers
from builder.verify.facts import Facts
from tests.plans import SEED, plan_of

LISTED = 'id: "8086:10fb", driver: ixgbe, name: {}, numa: 0}}'
OWN = """id: "1234:5678", driver: foo, name: {}, numa: 0,
         sriov: {{total-vfs: 16, vf-offset: 128, vf-stride: 2, vf-id: "1234:5679", vf-driver: {}}}}}"""


def image_with(**vf_drivers: str) -> ImagePlan:
    """The seed's, some of its NICs replaced: name of the port, and driver of its VFs."""
    text = SEED.read_text(encoding="utf-8")
    for name, vf_driver in vf_drivers.items():
        assert LISTED.format(name) in text
        text = text.replace(LISTED.format(name), OWN.format(name, vf_driver))
    return plan_of(text).image


@pytest.fixture(scope="module")
def image() -> ImagePlan:
    return image_with(ens11f1="foovf")


def case_of(image: ImagePlan, **substitutions: str) -> Case:
    return Case(image, None, FileTree(()), Facts(), substitutions)


def test_its_vfs_have_the_driver_the_inventory_names(image: ImagePlan) -> None:
    found = {
        str(device.pci): (device.device_id, device.driver, device.note)
        for device in expected_devices(case_of(image))
    }
    assert found["0000:01:00.1"] == ("1234:5678", "foo", "")
    assert found["0000:01:10.1"] == found["0000:01:10.3"] == ("1234:5679", "foovf", "")


def test_its_drivers_have_no_device_where_another_stands_in(image: ImagePlan) -> None:
    note = "in the twin Intel 82576 (8086:10c9) stands in for 1234:5678"
    case = case_of(image, **{"1234:5678": "8086:10c9"})
    assert substituted_drivers(case) == {"foo": note, "foovf": note}
    (port,) = (d for d in expected_devices(case) if str(d.pci) == "0000:01:00.1")
    assert (port.device_id, port.driver, port.note) == ("8086:10c9", "igb", note)


def test_two_ports_of_one_model_have_their_own_drivers() -> None:
    case = case_of(image_with(ens11f0="barvf", ens11f1="foovf"), **{"1234:5678": "8086:10c9"})
    note = "in the twin Intel 82576 (8086:10c9) stands in for 1234:5678"
    assert substituted_drivers(case) == dict.fromkeys(("foo", "foovf", "barvf"), note)
