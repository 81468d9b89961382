"""Names, serial number, the management port: what is taken, and what is only a filler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made import SEED, Made, Port, describe, write

from builder.discover.description import host_data
from builder.discover.identity import find_host
from builder.discover.machine import Machine
from builder.discover.ports import FoundNic

Discover = Callable[[Made], Any]


def test_the_seeds_machine(discover: Discover) -> None:
    found = discover(SEED)
    assert (found.class_name, found.title) == (
        "sys-6018r-mt",
        "Supermicro SYS-6018R-MT, Intel(R) Xeon(R) CPU E5-2620 v4 @ 2.10GHz",
    )
    assert found.host.name == "nfv1"
    assert host_data(found) == {
        "hardware": "sys-6018r-mt",
        "profile": "nfv",
        "serial": "S212345X6789",
        "boot-mac": "cc:37:ab:e1:21:64",
        "interfaces": {
            "enp8s0": {"role": "management", "dhcp4": True, "mac": "cc:37:ab:e1:21:64"},
        },
    }
    assert found.host.notes == (
        "enp8s0 has the routes now: assumed to be the management port, with DHCP",
    )


@pytest.mark.parametrize(
    ("product", "model", "name"),
    [
        ("PowerEdge R740\n", "x", "poweredge-r740"),
        ("Standard PC (Q35 + ICH9, 2009)", "x", "standard-pc-q35-ich9-2009"),
        (
            "To Be Filled By O.E.M.",
            "Intel(R) Xeon(R) CPU E5-2620 v4 @ 2.10GHz",
            "intel-xeon-e5-2620-v4",
        ),
        ("System Product Name", "AMD EPYC 7763 64-Core Processor", "amd-epyc-7763-64-core"),
        ("", "QEMU Virtual CPU version 2.5+", "qemu-virtual-version-2.5"),
        ("", "", "machine"),
        ("…", "", "machine"),
        ("x" * 80, "", "machine"),
        ("ab" * 40, "", ("ab" * 40)[:63]),
    ],
)
def test_the_class_is_named_by_product_or_cpu(
    discover: Discover, product: str, model: str, name: str
) -> None:
    assert discover(Made(dmi={"product_name": product}, model=model)).class_name == name


@pytest.mark.parametrize(
    ("hostname", "name", "notes"),
    [
        ("Node-7.example", "node-7.example", ()),
        (
            "with_underscore",
            "node-1",
            ('the machine\'s host name is "with_underscore": choose one',),
        ),
        ("", "node-1", ("the machine's host name is not readable: choose one",)),
    ],
)
def test_the_host_has_its_own_name_if_it_can(
    discover: Discover, hostname: str, name: str, notes: tuple[str, ...]
) -> None:
    host = discover(replace(SEED, hostname=hostname)).host
    assert (host.name, host.notes[:-1]) == (name, notes)


@pytest.mark.parametrize(
    "serial",
    ["Not Specified", "0000000", "XXXX", "", "System Serial Number", "12\x0734", "é1", "9" * 65],
)
def test_a_filler_is_no_serial_number(discover: Discover, serial: str) -> None:
    host = discover(Made(dmi={"product_serial": serial})).host
    assert host.serial is None
    assert host.notes[-1].startswith("no serial number: sys/class/dmi/id/product_serial is ")


def test_without_root_the_serial_number_is_missed(tmp_path: Path) -> None:
    """Its file is for root only; so are others on a hardened machine."""
    root = write(SEED, tmp_path)
    serial = root / "sys/class/dmi/id/product_serial"
    serial.unlink()
    serial.mkdir()  # root, who runs these tests, may read any file
    host = describe(root).host
    assert (host.serial, host.notes[-1]) == (
        None,
        "no serial number: sys/class/dmi/id/product_serial: not a file",
    )


def test_the_reason_is_told_where_only_root_may_read() -> None:
    path = "sys/class/dmi/id/product_serial"
    machine = Machine(hostname="a", efi=False, faults={path: "permission denied"})
    nic = FoundNic("0000:01:00.0", "8086:1533", "igb", "a0", 0)
    assert find_host(machine, [nic], None).notes == (
        "no port has an IPv4 route: a0 is assumed to be the management port, with DHCP",
        f"no serial number: {path}: permission denied; only root can read it",
    )


ROUTES = {
    "default": ("b0 00000000 0102A8C0 0003 0 0 100 00000000 0 0 0\n", "b0"),
    "default after others": (
        (
            "a0 0002A8C0 00000000 0001 0 0 100 00FFFFFF 0 0 0\n"
            "b0 00000000 0102A8C0 0003 0 0 100 00000000 0 0 0\n"
        ),
        "b0",
    ),
    "no default": ("b0 0002A8C0 00000000 0001 0 0 100 00FFFFFF 0 0 0\n", "b0"),
    "of a bond": ("bond0 00000000 0102A8C0 0003 0 0 100 00000000 0 0 0\n", "c0"),
    "of a bridge of pods": ("cni0 0002A8C0 00000000 0001 0 0 100 00FFFFFF 0 0 0\n", "a0"),
    "short": ("b0 0\n", "a0"),
}


@pytest.mark.parametrize("name", ROUTES)
def test_management_is_where_the_routes_are(tmp_path: Path, name: str) -> None:
    route, expected = ROUTES[name]
    ports = [
        Port("0000:00:01.0", "8086:1533", "vfio-pci"),
        *(Port(f"0000:0{n}:00.0", "8086:1533", "igb", f"{c}0") for n, c in enumerate("abc", 1)),
    ]
    root = write(Made(ports=ports, route=route), tmp_path)
    bonded = root / "sys/bus/pci/devices/0000:03:00.0/net/c0/master"
    bonded.symlink_to("../../../../../virtual/net/bond0")
    assert describe(root).host.management.name == expected


@pytest.mark.parametrize(
    ("variable", "value", "notes"),
    [
        (b"\x06\0\0\0\1", True, ()),
        (b"\x06\0\0\0\0", False, ()),
        (
            b"\x06",
            None,
            (
                (
                    "it is not known whether Secure Boot is on: "
                    "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c: "
                    "too short"
                ),
            ),
        ),
        (None, False, ("the machine booted with BIOS, so without Secure Boot",)),
    ],
)
def test_secure_boot(
    discover: Discover, variable: bytes | None, value: bool | None, notes: tuple[str, ...]
) -> None:
    found = discover(Made(secure_boot=variable))
    assert (found.secure_boot, found.secure_boot_notes) == (value, notes)


def test_firmware_that_was_not_copied(tmp_path: Path) -> None:
    root = write(Made(), tmp_path)
    (root / "sys/firmware").rename(root / "gone")
    found = describe(root)
    assert (found.secure_boot, found.secure_boot_notes) == (
        None,
        ("whether Secure Boot is on is not recorded: there is no sys/firmware here",),
    )
