"""SR-IOV of ports: what the machine says beside what the NIC table does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made import Made, Port, describe, write

from builder.discover.config_space import find_sriov_capability
from builder.discover.description import nic_data
from builder.discover.emit import to_yaml
from tests.plans import check

Discover = Callable[[Made], Any]


def port(pci: str, device_id: str, driver: str | None, sriov: str, name: str | None = None) -> Port:
    """sriov: total, offset, stride and VF device; `-` for a file that is not there."""
    names = ("sriov_totalvfs", "sriov_offset", "sriov_stride", "sriov_vf_device")
    values = zip(names, sriov.split(), strict=True)
    files = {name: f"{value}\n" for name, value in values if value != "-"}
    return Port(pci, device_id, driver, name or f"p{pci[5:7]}{pci[-1]}", files=files)


def sriov_of(discover: Discover, *ports: Port) -> list[tuple[Any, tuple[str, ...]]]:
    found = discover(Made(ports=ports))
    return [(nic_data(nic).get("sriov"), nic.notes) for nic in found.nics]


AS_THE_TABLE = {
    "82599": [port("0000:01:00.0", "8086:10fb", "ixgbe", "63 128 2 10ed")],
    # Its own driver keeps one of 64 for the PF; with another one the card's number shows.
    "82599 on vfio-pci": [port("0000:01:00.0", "8086:10fb", "vfio-pci", "64 128 2 10ed")],
    "I350": [port(f"0000:01:00.{n}", "8086:1521", "igb", "7 128 4 1520") for n in range(4)],
    "X710 with two ports": [
        port("0000:01:00.0", "8086:1572", "i40e", "64 16 1 154c"),
        port("0000:01:00.1", "8086:1572", "i40e", "64 79 1 154c"),
    ],
    "X710 with four ports": [
        port(f"0000:01:00.{n}", "8086:1572", "i40e", f"32 {16 + 31 * n} 1 154c") for n in range(4)
    ],
    "ConnectX as delivered": [
        port("0000:01:00.0", "15b3:1017", "mlx5_core", "8 2 1 1018"),
        port("0000:01:00.1", "15b3:1017", "mlx5_core", "8 9 1 1018"),
    ],
    "no offset, no surprise": [port("0000:01:00.0", "8086:10fb", "ixgbe", "63 - - -")],
}


@pytest.mark.parametrize("name", AS_THE_TABLE)
def test_what_the_table_says_is_not_said_again(discover: Discover, name: str) -> None:
    found = sriov_of(discover, *AS_THE_TABLE[name])
    assert [sriov for sriov, _ in found] == [None] * len(found)
    assert all("sriov" not in note for _, notes in found for note in notes)


def test_the_number_of_ports_is_written_where_vfs_depend_on_it(discover: Discover) -> None:
    """Not of a card that is the same whatever there is beside it."""
    cards = {
        "8086:1572": [port(f"0000:01:00.{n}", "8086:1572", "i40e", "- - - -") for n in range(2)],
        "8086:10fb": [port("0000:02:00.0", "8086:10fb", "ixgbe", "63 128 2 10ed")],
        "8086:1533": [port("0000:03:00.0", "8086:1533", "igb", "- - - -")],
    }
    found = discover(Made(ports=[each for ports in cards.values() for each in ports]))
    ports = {nic.pci[5:]: nic_data(nic).get("card-ports") for nic in found.nics}
    assert ports == {"01:00.0": 2, "01:00.1": 2, "02:00.0": None, "03:00.0": None}
    inventory, _ = check(to_yaml(found))
    assert inventory is not None


def test_a_card_with_more_vfs_than_the_table_has(discover: Discover) -> None:
    found = sriov_of(
        discover,
        port("0000:60:00.0", "8086:37d0", "i40e", "64 16 1 37cd"),
        port("0000:60:00.1", "8086:37d0", "i40e", "64 79 1 37cd"),
    )
    total = "sriov is as the machine has it: sriov_totalvfs is 64, that of a card as delivered 32"
    place = "sriov_offset is 79 and sriov_stride 1, which by the NIC table would be 47 and 1"
    setting = "the number of VFs is a setting of the card: discover again if you change it"
    assert found == [
        ({"total-vfs": 64, "vf-offset": 16, "vf-stride": 1}, (total, setting)),
        ({"total-vfs": 64, "vf-offset": 79, "vf-stride": 1}, (f"{total}; {place}", setting)),
    ]


def test_a_card_that_is_set_to_fewer_vfs(discover: Discover) -> None:
    found = sriov_of(
        discover,
        port("0000:3b:00.0", "15b3:101d", "mlx5_core", "4 2 1 101e"),
        port("0000:3b:00.1", "15b3:101d", "mlx5_core", "4 5 1 101e"),
    )
    assert [sriov for sriov, _ in found] == [
        {"total-vfs": 4, "vf-offset": 2, "vf-stride": 1},
        {"total-vfs": 4, "vf-offset": 5, "vf-stride": 1},
    ]
    assert found[0][1] == (
        "sriov is as the machine has it: sriov_totalvfs is 4, that of a card as delivered 8",
        "the number of VFs is a setting of the card: discover again if you change it",
    )


def test_a_root_port_that_does_not_forward_ari(discover: Discover) -> None:
    ((sriov, _),) = sriov_of(discover, port("0000:01:00.0", "8086:10fb", "ixgbe", "63 384 2 10ed"))
    assert sriov == {"total-vfs": 63, "vf-offset": 384, "vf-stride": 2}


def test_a_port_that_the_table_does_not_have(discover: Discover) -> None:
    """Its VFs' driver follows from its own, or from the id of the VFs."""
    known = port("0000:05:00.0", "8086:abcd", "ice", "128 8 1 1889")
    new = port("0000:06:00.0", "1234:0003", "newdrv", "16 1 1 0004")
    layout = {"vf-offset": 8, "vf-stride": 1}
    (first, notes), (second, others) = sriov_of(discover, known, new)
    assert first == {"total-vfs": 128, **layout, "vf-id": "8086:1889"}
    assert notes == ("sriov is as the machine has it: the NIC table does not have the port",)
    assert second == {"total-vfs": 16, "vf-offset": 1, "vf-stride": 1, "vf-id": "1234:0004"}
    assert others[1] == "the kernel driver of its VFs is not known: add vf-driver to use them"


def test_the_driver_of_vfs_that_are_there(discover: Discover) -> None:
    pf = port("0000:06:00.0", "1234:0003", "newdrv", "16 1 1 0004")
    vf = Port("0000:06:00.1", "1234:0004", "newvf", physfn=pf.pci)
    made = Made(ports=(pf, vf), links={f"{pf.pci}/virtfn0": f"../{vf.pci}"})
    (nic,) = discover(made).nics
    assert nic_data(nic)["sriov"]["vf-driver"] == "newvf"


def test_where_the_vfs_are_is_not_recorded(discover: Discover) -> None:
    ((sriov, notes),) = sriov_of(discover, port("0000:60:00.0", "8086:37d0", "i40e", "64 - - -"))
    assert (sriov, notes) == (
        None,
        (
            (
                "sriov_totalvfs is 64, which by the NIC table would be 32, but where the VFs are is "
                "not recorded: copy sriov_offset and sriov_stride of "
                "/sys/bus/pci/devices/0000:60:00.0, too, or add sriov (lspci -vvv)"
            ),
        ),
    )


def capability(*, at: int, offset: int, stride: int, vf_device: int) -> bytes:
    """A configuration space with AER (1) at 0x100 and SR-IOV behind it."""
    config = bytearray(4096)
    config[0x100:0x104] = (at << 20 | 0x20001).to_bytes(4, "little")
    config[at : at + 4] = 0x10010.to_bytes(4, "little")
    for place, value in ((0x14, offset), (0x16, stride), (0x1A, vf_device)):
        config[at + place : at + place + 2] = value.to_bytes(2, "little")
    return bytes(config)


def test_an_older_kernel_has_the_number_alone(tmp_path: Path) -> None:
    """Where the VFs are is in the configuration space, which root can read as a whole."""
    nic = port("0000:60:00.0", "8086:37d0", "i40e", "64 - - -")
    root = write(Made(ports=(nic,)), tmp_path)
    config = capability(at=0x160, offset=16, stride=1, vf_device=0x37CD)
    path = root / "sys/bus/pci/devices/0000:60:00.0/config"
    path.write_bytes(config)
    (found,) = describe(root).nics
    assert nic_data(found)["sriov"] == {"total-vfs": 64, "vf-offset": 16, "vf-stride": 1}
    path.write_bytes(config[:64])
    assert "sriov" not in nic_data(describe(root).nics[0])


@pytest.mark.parametrize("config", [b"", b"\x00" * 64, b"\xff" * 4096, b"\x01\x00\x01\x10" * 1024])
def test_a_configuration_space_without_sriov(config: bytes) -> None:
    assert find_sriov_capability(config) is None


@pytest.mark.parametrize(
    ("whole", "flags", "note"),
    [
        (
            True,
            "fpu pdpe1gb",
            (
                "has no sriov_totalvfs, though Intel 82599ES (SFP+) can have 63 VFs: SR-IOV is off in "
                "the firmware of the machine or of the card"
            ),
        ),
        (
            True,
            "fpu pdpe1gb hypervisor",
            (
                "has no sriov_totalvfs, though Intel 82599ES (SFP+) can have 63 VFs: this is a "
                "virtual machine, which the host gives no SR-IOV"
            ),
        ),
        (
            False,
            "fpu pdpe1gb",
            (
                "whether SR-IOV is on is not recorded (sriov_totalvfs, since Linux 3.8): Intel "
                "82599ES (SFP+) can have 63 VFs"
            ),
        ),
    ],
)
def test_no_vfs_are_told_from_none_that_were_copied(
    discover: Discover, whole: bool, flags: str, note: str
) -> None:
    nic = Port("0000:01:00.0", "8086:10fb", "ixgbe", "a0", whole=whole)
    (found,) = discover(Made(ports=(nic,), flags=flags)).nics
    assert found.notes == (note,)


def test_what_is_written_is_accepted(discover: Discover) -> None:
    """With a policy that needs more VFs than the NIC table has of the card."""
    ports = [
        port("0000:60:00.0", "8086:37d0", "i40e", "64 16 1 37cd"),
        replace(port("0000:60:00.1", "8086:37d0", "i40e", "64 79 1 37cd"), numa=0),
    ]
    text = to_yaml(discover(Made(ports=ports)))
    used = text.replace("nfv: {}", "nfv: {sriov: [{pf: p601, num-vfs: 48, pool: a}]}")
    assert used != text
    inventory, report = check(used)
    assert inventory is not None
    assert [item for item in report.items if item.severity == "error"] == []
