"""NIC models: where their VFs are, and what is known of each."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from builder.catalog.nic_types import NicType, VfType
from builder.catalog.nics import (
    NIC_TYPES,
    described_vf,
    find_nic_type,
    passed_through,
    unlisted_nic_type,
)
from builder.catalog.port_drivers import PORT_DRIVERS
from builder.model.values import PciAddress


def vf_addresses(device_id: str, pf: str, count: int, ports: int) -> list[str]:
    model, address = NIC_TYPES[device_id], PciAddress.parse(pf)
    first = model.first_vf_offset(address.function, ports)
    return [str(address.vf(first, model.vf_stride, index)) for index in range(count)]


@pytest.mark.parametrize(
    ("device_id", "pf", "ports", "expected"),
    [
        # As `lspci` shows them on machines with these cards, and as QEMU's igb does.
        ("8086:10fb", "0000:01:00.0", 2, ["0000:01:10.0", "0000:01:10.2"]),
        ("8086:10fb", "0000:01:00.1", 2, ["0000:01:10.1", "0000:01:10.3"]),
        ("8086:10c9", "0000:01:00.1", 2, ["0000:01:10.1", "0000:01:10.3"]),
        ("8086:1521", "0000:04:00.2", 4, ["0000:04:10.2", "0000:04:10.6"]),
        ("8086:1572", "0000:81:00.0", 2, ["0000:81:02.0", "0000:81:02.1"]),
        ("8086:1572", "0000:81:00.1", 2, ["0000:81:0a.0", "0000:81:0a.1"]),
        ("8086:1572", "0000:81:00.3", 4, ["0000:81:0e.0", "0000:81:0e.1"]),
        ("8086:159b", "0000:18:00.0", 2, ["0000:18:01.0", "0000:18:01.1"]),
        ("8086:159b", "0000:18:00.1", 2, ["0000:18:11.0", "0000:18:11.1"]),
        ("15b3:1017", "0000:03:00.0", 2, ["0000:03:00.2", "0000:03:00.3"]),
        ("15b3:1017", "0000:03:00.1", 2, ["0000:03:01.2", "0000:03:01.3"]),
        ("15b3:1021", "0000:23:00.0", 1, ["0000:23:00.1", "0000:23:00.2"]),
        # Four ports in the chipset, of which a board may use two.
        ("8086:37d2", "0000:3d:00.0", 2, ["0000:3d:02.0", "0000:3d:02.1"]),
        ("8086:37d2", "0000:3d:00.1", 2, ["0000:3d:06.0", "0000:3d:06.1"]),
    ],
)
def test_vf_addresses(device_id: str, pf: str, ports: int, expected: list[str]) -> None:
    assert vf_addresses(device_id, pf, 2, ports) == expected


def test_vfs_cross_to_the_next_bus() -> None:
    # Routing id 0x1800 + 8 + 255 = 0x1907.
    assert vf_addresses("8086:1592", "0000:18:00.0", 256, 1)[-1] == "0000:19:00.7"


def test_second_port_of_a_card_set_to_more_vfs() -> None:
    model = NIC_TYPES["15b3:1017"]
    assert [model.first_vf_offset(1, 2, wanted) for wanted in (0, 4, 8, 16)] == [9, 9, 9, 17]


@pytest.mark.parametrize(
    ("device_id", "most"),
    [
        ("8086:10fb", [63, 63, 63]),
        ("8086:1572", [64, 64, 32]),
        ("8086:1584", [128, 64, 32]),
        ("8086:37d2", [128, 128, 128]),
        ("8086:1592", [256, 128, 64]),
        # As many as the card is set to.
        ("15b3:1017", [127, 127, 127]),
        ("14e4:16d7", [64, 64, 64]),
        ("8086:1533", [0, 0, 0]),
    ],
)
def test_most_vfs_of_cards_with_1_2_and_4_ports(device_id: str, most: list[int]) -> None:
    assert [NIC_TYPES[device_id].most_vfs(ports) for ports in (1, 2, 4)] == most


@pytest.mark.parametrize(
    ("device_id", "at_least", "expected"),
    [
        ("8086:1572", 1, (2, 4)),
        ("8086:1572", 4, (4,)),
        ("8086:0dd2", 1, (4,)),
        # A port mode with more functions than any card has ports.
        ("8086:1583", 4, (4,)),
        # Not known of this model.
        ("8086:1585", 2, (2,)),
    ],
)
def test_how_many_ports_a_card_may_have(
    device_id: str, at_least: int, expected: tuple[int, ...]
) -> None:
    assert NIC_TYPES[device_id].likely_ports(at_least) == expected


def test_find_nic_type() -> None:
    model = find_nic_type("8086:10fb")
    assert model is not None
    assert model.vf is not None
    assert (
        model.name,
        model.driver.name,
        model.vf.device_id,
        model.vf.driver,
        model.total_vfs,
    ) == (
        "Intel 82599ES (SFP+)",
        "ixgbe",
        "8086:10ed",
        "ixgbevf",
        63,
    )
    assert find_nic_type("dead:beef") is None


def test_a_port_that_is_not_listed_has_what_its_driver_has() -> None:
    model, listed = unlisted_nic_type("8086:12df", "ice"), NIC_TYPES["8086:1593"]
    assert (model.is_listed, model.total_vfs, model.vf) == (False, 0, None)
    assert model.driver is listed.driver
    assert model.settings == listed.settings
    assert model.most_vf_queues(8) == 16
    # modprobe takes either spelling.
    assert unlisted_nic_type("1af4:beef", "virtio_pci").driver.name == "virtio-pci"
    stranger = unlisted_nic_type("dead:beef", "foo").driver
    assert (stranger.name, stranger.is_known, stranger.pmd_packages) == ("foo", False, ())


@pytest.mark.parametrize(
    ("device_id", "driver", "vf_id", "most"),
    [
        # X710-TM4: two ports of 15ff and two of 104e.
        ("8086:104e", "i40e", "8086:154c", 32),
        ("8086:104f", "i40e", "8086:154c", 32),
        ("8086:101f", "i40e", "8086:154c", 32),
        ("8086:0dd2", "i40e", "8086:154c", 32),
        ("8086:0dda", "i40e", "8086:37cd", 128),
        ("8086:1890", "ice", "8086:1889", 64),
        ("8086:188c", "ice", "8086:1889", 64),
        ("8086:124d", "ice", "8086:1889", 64),
        ("8086:579e", "ice", "8086:1889", 64),
        ("8086:12d3", "ice", "8086:1889", 64),
    ],
)
def test_models_of_a_family(device_id: str, driver: str, vf_id: str, most: int) -> None:
    """With its VFs, and how many a port of a card with four ports has."""
    model = NIC_TYPES[device_id]
    assert model.vf is not None
    assert (model.driver.name, model.vf.device_id, model.vf.driver) == (driver, vf_id, "iavf")
    assert model.most_vfs(4) == most


def test_whose_layout_is_assumed() -> None:
    """Those of the E82x and E830 families, and no others."""
    found = {nic.name.split()[1].split("-")[0] for nic in NIC_TYPES.values() if nic.layout_of}
    assert found == {"E822", "E823", "E825", "E830"}
    assert {nic.driver.name for nic in NIC_TYPES.values() if nic.layout_of} == {"ice"}


@pytest.mark.parametrize(
    ("device_id", "driver"),
    [("15b3:1018", "mlx5_core"), ("8086:10ed", "ixgbevf"), ("8086:154c", "iavf")],
)
def test_a_vf_passed_through_to_a_machine_is_a_port_of_its(device_id: str, driver: str) -> None:
    model = passed_through(device_id)
    assert model is not None
    assert (model.driver.name, model.is_listed, model.total_vfs) == (driver, True, 0)
    assert model.driver.pmd_packages
    assert passed_through("8086:10fb") is None


def test_described_vfs() -> None:
    """A model of VFs we know keeps its quirks on a port that is not listed."""
    e8 = unlisted_nic_type("8086:10e8", "igb")
    assert described_vf(e8, "8086:10ca", None) == NIC_TYPES["8086:10c9"].vf
    assert described_vf(NIC_TYPES["8086:10fb"], None, "mine") == replace(
        NIC_TYPES["8086:10fb"].vf or VfType("", ""), driver="mine"
    )
    assert described_vf(e8, "8086:beef", None) == VfType("8086:beef", "igbvf")
    assert described_vf(unlisted_nic_type("dead:beef", "foo"), "dead:bee5", None) is None
    assert described_vf(e8, None, None) is None


def test_contracted_models_are_known() -> None:
    wanted = (
        "8086:10c9 8086:1533 8086:10fb 8086:1528 8086:1563 8086:1572 8086:1583 8086:158b "
        "8086:1592 8086:1593 8086:159b 15b3:1013 15b3:1015 15b3:1017 15b3:1019 15b3:101b "
        "15b3:101d 15b3:1021 1af4:1041"
    )
    assert set(wanted.split()) <= NIC_TYPES.keys()


@pytest.mark.parametrize("model", NIC_TYPES.values(), ids=NIC_TYPES)
def test_entries_are_whole(model: NicType) -> None:
    """A model has SR-IOV or not, with all that belongs to it."""
    assert re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{4}", model.device_id)
    stems = model.driver.pmd_packages
    assert stems
    assert all(re.fullmatch(r"librte-[a-z0-9-]+", stem) for stem in stems)
    if model.total_vfs == 0:
        assert (model.vf, model.vf_offset, model.vf_stride) == (None, 0, 0)
        return
    assert model.vf is not None
    assert re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{4}", model.vf.device_id)
    assert model.vf.driver == model.driver.vf_driver
    # Offset 0: behind the last port, which only cards with blocks have.
    assert model.vf_offset > 0 or model.has_blocks
    assert model.vf_stride > 0
    assert model.driver is PORT_DRIVERS[model.driver.name]


@pytest.mark.parametrize(
    "model", [m for m in NIC_TYPES.values() if m.total_vfs], ids=lambda m: m.device_id
)
def test_vfs_of_two_ports_never_meet(model: NicType) -> None:
    each = min(model.block(2), model.total_vfs)
    first = vf_addresses(model.device_id, "0000:01:00.0", each, 2)
    second = vf_addresses(model.device_id, "0000:01:00.1", each, 2)
    assert len({*first, *second, "0000:01:00.0", "0000:01:00.1"}) == 2 * each + 2


@pytest.mark.parametrize(
    ("device_id", "expected"),
    [
        ("8086:10c9", 16),
        ("8086:1521", 8),
        ("8086:1533", 4),
        ("8086:1539", 2),
        ("8086:10fb", None),
        ("15b3:1017", None),
    ],
)
def test_queues_of_a_port(device_id: str, expected: int | None) -> None:
    assert NIC_TYPES[device_id].queues == expected


def test_queues_of_every_igb_are_known() -> None:
    igb = [nic for nic in NIC_TYPES.values() if nic.driver.name == "igb"]
    assert len(igb) > 5
    assert [nic.name for nic in igb if nic.queues is None] == []
    assert [nic.name for nic in igb if nic.vf and nic.most_vf_queues(1) is None] == []


@pytest.mark.parametrize(
    ("device_id", "num_vfs", "expected"),
    [
        ("8086:10fb", 1, 4),
        ("8086:10fb", 31, 4),
        ("8086:10fb", 32, 2),
        ("8086:10fb", 63, 2),
        ("8086:1572", 64, 16),
        ("8086:1593", 8, 16),
        ("8086:10c9", 7, 2),
        ("8086:1521", 7, 1),
        ("15b3:1017", 8, None),
    ],
)
def test_queues_of_a_vf(device_id: str, num_vfs: int, expected: int | None) -> None:
    assert NIC_TYPES[device_id].most_vf_queues(num_vfs) == expected


def test_only_ixgbevf_wants_a_power_of_two() -> None:
    found = {driver.name for driver in PORT_DRIVERS.values() if driver.vf_queues_power_of_two}
    assert found == {"ixgbe"}
