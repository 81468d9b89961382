"""A machine against an inventory: each key that differs, and none that does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made import GIB_KIB, SEED, Made, Port

from builder.discover.compare import Difference, compare_machine
from builder.discover.emit import to_yaml
from tests.plans import sound

Discover = Callable[[Made], Any]
SEED_TEXT = (Path(__file__).resolve().parents[3] / "examples/seed/inventory.yaml").read_text(
    encoding="utf-8"
)


def against(
    discover: Discover, made: Made, *edits: tuple[str, str], host: str | None = "nfv1"
) -> tuple[Difference, ...]:
    text = SEED_TEXT
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    inventory, marks = sound(text)
    return compare_machine(discover(made), inventory, marks, "e5-2620v4", host)


def with_port(name: str, /, **changes: Any) -> Made:
    ports = [replace(port, **changes) if port.name == name else port for port in SEED.ports]
    return replace(SEED, ports=ports)


def test_the_seeds_machine_is_as_the_seed_says(discover: Discover) -> None:
    assert against(discover, SEED) == ()


def test_a_machine_is_what_was_discovered_of_it(discover: Discover) -> None:
    found = discover(SEED)
    inventory, marks = sound(to_yaml(found))
    assert compare_machine(found, inventory, marks, found.class_name, "nfv1") == ()


A, B = SEED.nodes
CASES: dict[str, tuple[Made, tuple[str, ...]]] = {
    "vendor": (
        replace(SEED, vendor="AuthenticAMD"),
        (
            (
                "inventory.yaml:11:19: different: hardware.e5-2620v4.cpu.vendor: the inventory has intel, the "
                "machine has amd"
            ),
        ),
    ),
    "pdpe1gb": (
        replace(SEED, flags="fpu"),
        (
            (
                "inventory.yaml:11:35: different: hardware.e5-2620v4.cpu.pdpe1gb: the inventory has true, the "
                "machine has false"
            ),
        ),
    ),
    "memory": (
        replace(SEED, nodes=(A, (1, "8-15,24-31", 95 * GIB_KIB))),
        (
            (
                "inventory.yaml:14:38: different: hardware.e5-2620v4.numa[1].memory: the inventory has 47GiB, "
                "the machine has 97GiB"
            ),
        ),
    ),
    "a node more": (
        replace(SEED, nodes=(A, B, (2, "", 64 * GIB_KIB))),
        (
            (
                "inventory.yaml:13:7: different: hardware.e5-2620v4.numa: the inventory has 2 nodes, the "
                "machine has 3 nodes"
            ),
        ),
    ),
    "no SMT": (
        replace(SEED, cores=()),
        (
            (
                "inventory.yaml:15:15: different: hardware.e5-2620v4.siblings: the inventory has 16 cores of 2 "
                "CPUs (0,16; 1,17; …), the machine has 32 cores of 1 CPU (0; 1; …)"
            ),
        ),
    ),
    "CPUs elsewhere": (
        replace(
            SEED,
            nodes=((0, "0-15", A[2]), (1, "16-31", B[2])),
            cores=tuple(f"{cpu},{cpu + 1}" for cpu in range(0, 32, 2)),
        ),
        (
            (
                "inventory.yaml:13:16: different: hardware.e5-2620v4.numa[0].cpus: the inventory has 0-7,16-23, "
                "the machine has 0-15"
            ),
            (
                "inventory.yaml:14:16: different: hardware.e5-2620v4.numa[1].cpus: the inventory has "
                "8-15,24-31, the machine has 16-31"
            ),
            (
                "inventory.yaml:15:15: different: hardware.e5-2620v4.siblings: the inventory has 16 cores of 2 "
                "CPUs (0,16; 1,17; …), the machine has 16 cores of 2 CPUs (0-1; 2-3; …)"
            ),
        ),
    ),
    "a NIC moved": (
        with_port("enp9s0", pci="0000:0a:00.0"),
        (
            (
                "inventory.yaml:18:9: different: hardware.e5-2620v4.nics[1]: the inventory has enp9s0 at "
                "0000:09:00.0, the machine has no port there"
            ),
            (
                "inventory.yaml:17:7: different: hardware.e5-2620v4.nics: the inventory has no port there, the "
                "machine has enp9s0 at 0000:0a:00.0 (8086:1533, igb)"
            ),
        ),
    ),
    "another card": (
        with_port("ens11f0", id="8086:1572", driver="i40e"),
        (
            (
                "inventory.yaml:19:35: different: hardware.e5-2620v4.nics[2].id: the inventory has 8086:10fb, "
                "the machine has 8086:1572"
            ),
            (
                "inventory.yaml:19:56: different: hardware.e5-2620v4.nics[2].driver: the inventory has ixgbe, "
                "the machine has i40e"
            ),
        ),
    ),
    "another node": (
        with_port("ens11f0", numa=1),
        (
            (
                "inventory.yaml:19:84: different: hardware.e5-2620v4.nics[2].numa: the inventory has 0, the "
                "machine has 1"
            ),
        ),
    ),
    "a node not told": (
        with_port("ens11f0", numa=-1),
        (
            (
                "inventory.yaml:19:84: note: hardware.e5-2620v4.nics[2].numa: the inventory has 0, the machine "
                "has nothing"
            ),
        ),
    ),
    "another name": (
        with_port("ens11f0", name="eno1"),
        (
            (
                "inventory.yaml:19:69: note: hardware.e5-2620v4.nics[2].name: the inventory has ens11f0, the "
                "machine has eno1"
            ),
        ),
    ),
    "more VFs than the table has, elsewhere": (
        with_port(
            "ens11f1",
            total_vfs=32,
            files={"sriov_offset": "384", "sriov_stride": "4", "sriov_vf_device": "10ee"},
        ),
        (
            (
                "inventory.yaml:20:9: different: hardware.e5-2620v4.nics[3].sriov.total-vfs: the inventory has "
                "63, the machine has 32"
            ),
            (
                "inventory.yaml:20:9: different: hardware.e5-2620v4.nics[3].sriov.vf-offset: the inventory has "
                "128, the machine has 384"
            ),
            (
                "inventory.yaml:20:9: different: hardware.e5-2620v4.nics[3].sriov.vf-stride: the inventory has "
                "2, the machine has 4"
            ),
            (
                "inventory.yaml:20:9: different: hardware.e5-2620v4.nics[3].sriov.vf-id: the inventory has "
                "8086:10ed, the machine has 8086:10ee"
            ),
        ),
    ),
    "SR-IOV off": (
        with_port("ens11f0", total_vfs=None),
        (
            (
                "inventory.yaml:19:9: different: hardware.e5-2620v4.nics[2].sriov: the inventory has 2 VFs, the "
                "machine has nothing"
            ),
        ),
    ),
    "SR-IOV not recorded": (with_port("ens11f0", total_vfs=None, whole=False), ()),
    "the VFs of the card, not of its driver": (
        with_port("ens11f0", total_vfs=64, driver="vfio-pci"),
        (),
    ),
    "on vfio": (with_port("enp9s0", driver="vfio-pci", name=None), ()),
    "secure boot": (
        replace(SEED, secure_boot=b"\x06\0\0\0\1"),
        (
            (
                "inventory.yaml:11:5: different: hardware.e5-2620v4.secure-boot: the inventory has false, the "
                "machine has true"
            ),
        ),
    ),
    "secure boot not readable": (replace(SEED, secure_boot=b""), ()),
    "another machine of the class": (
        with_port("enp8s0", mac="cc:37:ab:e1:21:99"),
        (
            (
                "inventory.yaml:51:15: different: hosts.nfv1.boot-mac: the inventory has cc:37:ab:e1:21:64, the "
                "machine has 90:e2:ba:00:00:10, 90:e2:ba:00:00:11, cc:37:ab:e1:21:99, cc:37:ab:e1:21:65"
            ),
        ),
    ),
    "a MAC not readable": (
        with_port("enp8s0", name=None),
        (
            (
                "inventory.yaml:51:15: note: hosts.nfv1.boot-mac: the inventory has cc:37:ab:e1:21:64, the "
                "machine has 90:e2:ba:00:00:10, 90:e2:ba:00:00:11, cc:37:ab:e1:21:65"
            ),
        ),
    ),
    "offline CPUs": (replace(SEED, offline="3,31"), ()),
    "SMT off": (replace(SEED, offline="16-31"), ()),
}


@pytest.mark.parametrize("name", CASES)
def test_each_key(discover: Discover, name: str) -> None:
    made, said = CASES[name]
    assert tuple(str(item) for item in against(discover, made)) == said


@pytest.mark.parametrize(
    ("mib", "same"),
    [("45GiB", False), ("46GiB", True), ("47500MiB", True), ("48GiB", True), ("49GiB", False)],
)
def test_memory_may_be_written_as_free_shows_it_or_as_it_was_bought(
    discover: Discover, mib: str, same: bool
) -> None:
    """MemTotal is 46.2 GiB of a machine's 47, of which firmware may have kept one more."""
    edit = ('{cpus: "0-7,16-23", memory: 47GiB}', f'{{cpus: "0-7,16-23", memory: {mib}}}')
    found = against(discover, SEED, edit)
    assert [item.inventory for item in found] == ([] if same else [mib])


def test_a_card_that_is_set_to_more_vfs_as_it_should_be(discover: Discover) -> None:
    """Of a ConnectX the number is a setting, and the plan counts with what it needs."""
    inventory = """\
version: 1
image: {name: node, os: debian-13}
hardware:
  a:
    cpu: {vendor: intel}
    numa: [{cpus: "0-3", memory: 16GiB}]
    nics:
      - {pci: "0000:3b:00.0", id: "15b3:1017", driver: mlx5_core, name: m0, numa: 0}
      - {pci: "0000:3b:00.1", id: "15b3:1017", driver: mlx5_core, name: m1, numa: 0}
profiles:
  nfv: {hugepages: {size: "2M"}, sriov: [{pf: m0, num-vfs: 16, pool: p}]}
hosts:
  h: {hardware: a, profile: nfv, interfaces: {m0: {role: management, dhcp4: true}}}
"""

    def differ(total: int) -> list[tuple[Any, str, str]]:
        ports = [
            Port(
                f"0000:3b:00.{n}", "15b3:1017", "mlx5_core", f"m{n}", total_vfs=total,
                files={"sriov_offset": f"{2 + n * (total - 1)}", "sriov_stride": "1"},
            )
            for n in range(2)
        ]  # fmt: skip
        found = discover(Made(ports=ports))
        differences = compare_machine(found, *sound(inventory), "a", None)
        return [(item.path[3:], item.inventory, item.machine) for item in differences]

    assert differ(16) == []
    assert differ(8) == [
        ((0, "sriov", "total-vfs"), "16", "8"),
        ((1, "sriov", "total-vfs"), "16", "8"),
        ((1, "sriov", "vf-offset"), "17", "9"),
    ]


def test_of_a_host_only_what_the_inventory_says(discover: Discover) -> None:
    serial = ("profile: nfv\n", 'profile: nfv\n    serial: "S1"\n')
    mac = ("enp8s0: {role", 'enp8s0: {mac: "cc:37:ab:e1:21:64", role')
    other = ('boot-mac: "cc:37:ab:e1:21:64"', 'boot-mac: "90:e2:ba:00:00:11"')
    assert [str(item) for item in against(discover, SEED, serial)] == [
        (
            "inventory.yaml:51:13: different: hosts.nfv1.serial: the inventory has S1, the machine has "
            "S212345X6789"
        )
    ]
    assert [str(item) for item in against(discover, replace(SEED, dmi={}), serial)] == [
        "inventory.yaml:51:13: note: hosts.nfv1.serial: the inventory has S1, the machine has nothing"
    ]
    assert against(discover, SEED, mac) == ()
    changed = with_port("enp8s0", mac="cc:37:ab:e1:21:99")
    assert [item.path for item in against(discover, changed, mac, other)] == [
        ("hosts", "nfv1", "interfaces", "enp8s0", "mac")
    ]
    # Without a host only the class is compared.
    assert against(discover, replace(SEED, dmi={}), serial, host=None) == ()


def test_threads_are_compared_as_siblings_are(discover: Discover) -> None:
    listed = ", ".join(f"[{cpu}, {cpu + 16}]" for cpu in range(16))
    assert against(discover, SEED, ("siblings: 16", f"threads: [{listed}]")) == ()
    found = against(discover, SEED, ("siblings: 16", "threads: [[0, 16]]"))
    assert [str(item) for item in found] == [
        (
            "inventory.yaml:15:14: different: hardware.e5-2620v4.threads: the inventory has 31 cores of 1 or 2 "
            "CPUs (0,16; 1; …), the machine has 16 cores of 2 CPUs (0,16; 1,17; …)"
        )
    ]


def test_on_one_node_a_numa_that_is_left_out_is_no_difference(discover: Discover) -> None:
    one = replace(SEED, nodes=((0, "0-31", 94 * GIB_KIB),))
    numa = (
        '      - {cpus: "0-7,16-23", memory: 47GiB}\n      - {cpus: "8-15,24-31", memory: 47GiB}\n',
        '      - {cpus: "0-31", memory: 94GiB}\n',
    )
    gone = ("name: ens11f1, numa: 0", "name: ens11f1")
    assert against(discover, one, numa, gone) == ()
    # On two it is.
    assert [str(item) for item in against(discover, SEED, gone)] == [
        (
            "inventory.yaml:20:9: different: hardware.e5-2620v4.nics[3].numa: the inventory has nothing, the "
            "machine has 0"
        )
    ]
