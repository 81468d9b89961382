"""Network ports: which are taken, what they are called, and what cannot be read of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made import GIB_KIB, Made, Port, describe, write

from builder.discover.description import nic_data
from builder.discover.emit import to_yaml
from builder.errors import BuilderError
from tests.plans import check

Discover = Callable[[Made], Any]
TWO_NODES = ((0, "0-1", 15 * GIB_KIB), (1, "2-3", 15 * GIB_KIB))


def only(discover: Discover, *ports: Port, made: Made | None = None) -> Any:
    (nic,) = discover(replace(made or Made(), ports=ports)).nics
    return nic


def test_ports_come_by_their_address_whatever_the_order_of_files(discover: Discover) -> None:
    ports = (
        Port("0001:01:00.0", "8086:1572", "i40e", "c0", total_vfs=64),
        Port("0000:3b:00.1", "15b3:1017", "mlx5_core", "b1", numa=1, total_vfs=8),
        Port("0000:08:00.0", "8086:1533", "igb", "a0"),
    )
    found = discover(Made(nodes=TWO_NODES, ports=ports))
    assert [nic_data(nic) for nic in found.nics] == [
        {"pci": "0000:08:00.0", "id": "8086:1533", "driver": "igb", "name": "a0", "numa": 0},
        {"pci": "0000:3b:00.1", "id": "15b3:1017", "driver": "mlx5_core", "name": "b1", "numa": 1},
        {"pci": "0001:01:00.0", "id": "8086:1572", "driver": "i40e", "name": "c0", "numa": 0},
    ]
    assert [nic.notes for nic in found.nics] == [(), (), ()]
    assert found.nics_notes == ()


def test_a_port_on_vfio_gets_driver_and_name_without_an_interface(discover: Discover) -> None:
    nic = only(discover, Port("0000:01:00.0", "8086:10fb", "vfio-pci", total_vfs=63))
    assert (nic.driver, nic.name, nic.mac) == ("ixgbe", "enp1s0", None)
    assert nic.notes == (
        "bound to vfio-pci now; the driver of Intel 82599ES (SFP+) is ixgbe",
        "has no interface here now: named by its address, as systemd-udevd does",
    )


@pytest.mark.parametrize(
    ("pci", "name"),
    [
        ("0000:01:00.0", "enp1s0f0"),
        ("0000:01:00.1", "enp1s0f1"),
        ("0000:af:1f.7", "enp175s31f7"),
        ("0000:3b:00.0", "enp59s0"),
        ("10ab:3b:00.0", "enP4267p59s0"),
    ],
)
def test_names_are_those_of_systemd(discover: Discover, pci: str, name: str) -> None:
    ports = [Port(pci, "8086:1572", "vfio-pci", total_vfs=1)]
    if pci == "0000:01:00.0":
        ports.append(replace(ports[0], pci="0000:01:00.1"))
    assert discover(Made(ports=ports)).nics[0].name == name


def test_a_name_that_another_port_has_is_not_given_again(discover: Discover) -> None:
    ports = (
        Port("0000:01:00.0", "8086:1533", "igb", "enp2s0"),
        Port("0000:02:00.0", "8086:1533", "vfio-pci"),
        Port("0000:03:00.0", "8086:1533", "igb", "enp2s0"),
    )
    names = [nic.name for nic in discover(Made(ports=ports)).nics]
    assert names == ["enp2s0", "p000002000", "enp3s0"]


@pytest.mark.parametrize(
    ("now", "why"),
    [
        ("eth0", "the kernel gives to ports in the order in which it finds them"),
        ("usb12", "the kernel gives to ports in the order in which it finds them"),
        ("bond0", "the kernel gives to virtual interfaces created without one"),
        ("rename7", "udev gives to an interface that it cannot rename"),
    ],
)
def test_a_name_the_kernel_gives_is_not_taken_over(discover: Discover, now: str, why: str) -> None:
    nic = only(discover, Port("0000:01:00.0", "8086:1533", "igb", now))
    assert (nic.name, nic.kernel_name) == ("enp1s0", now)
    assert nic.notes == (
        (
            f"its interface is {now} now, a name that {why}: named by its address, as systemd-udevd "
            "does"
        ),
    )


def test_vfs_are_left_out_and_counted(discover: Discover) -> None:
    pf = Port("0000:01:00.0", "8086:10fb", "ixgbe", "ens11f0", total_vfs=63)
    vf = Port("0000:01:10.0", "8086:10ed", "vfio-pci", physfn=pf.pci)
    other = replace(vf, pci="0000:01:10.2", driver="ixgbevf", name="ens11f0v1")
    found = discover(Made(ports=(pf, vf, other)))
    assert [nic.pci for nic in found.nics] == ["0000:01:00.0"]
    assert found.nics_notes == ("left out: 2 VFs, which a profile creates",)


@pytest.mark.parametrize(
    ("device_id", "driver"),
    [
        ("8086:154c", "iavf"),
        ("8086:154c", None),
        ("8086:10ed", "vfio-pci"),
        ("15b3:1018", "mlx5_core"),
        ("14e4:16dc", "bnxt_en"),
        ("8086:15a9", "ixgbevf"),
        ("1234:5678", "igbvf"),
        ("1425:6801", "cxgb4vf"),
    ],
)
def test_vfs_are_known_without_a_link_to_their_pf(
    discover: Discover, device_id: str, driver: str | None
) -> None:
    pf = Port("0000:01:00.0", "8086:1533", "igb", "a0")
    vf = Port("0000:01:10.0", device_id, driver, "a0v0")
    found = discover(Made(ports=(pf, vf)))
    assert [nic.pci for nic in found.nics] == ["0000:01:00.0"]
    assert found.nics_notes[0] == (
        f"left out: 0000:01:10.0 ({device_id}) is a VF whose PF is not there; to use it as a port of "
        "this machine, add:"
    )
    assert found.nics_notes[1].startswith(f'- {{pci: "0000:01:10.0", id: "{device_id}", driver: ')


def test_vfs_are_known_by_what_their_pf_says(discover: Discover) -> None:
    """By its links, or by the id it says its VFs have."""
    pf = Port(
        "0000:01:00.0", "1234:0001", "newdrv", "a0", total_vfs=4,
        files={"sriov_vf_device": "2\n"},
    )  # fmt: skip
    other = Port("0000:02:00.0", "1234:0003", "newdrv", "b0", total_vfs=4)
    vfs = [Port("0000:01:10.0", "1234:0002", "newdrv"), Port("0000:02:10.0", "1234:0003", "newdrv")]
    links = {"0000:02:00.0/virtfn0": "../0000:02:10.0"}
    found = discover(Made(ports=(pf, other, *vfs), links=links))
    assert [nic.pci for nic in found.nics] == ["0000:01:00.0", "0000:02:00.0"]
    assert found.nics_notes == ("left out: 2 VFs, which a profile creates",)


def test_a_machine_with_vfs_only(discover: Discover) -> None:
    vf = Port("0000:00:06.0", "8086:1889", "iavf", "ens6")
    with pytest.raises(BuilderError) as caught:
        discover(Made(ports=(vf,)))
    assert (caught.value.message, caught.value.hint) == (
        (
            "sys/bus/pci/devices has no network port, and an inventory needs one: 0000:00:06.0 "
            "(8086:1889) is a VF whose PF is not there"
        ),
        (
            "a virtual machine that was given VFs; describe the machine that has their PF, or, to use "
            'them as ports, write nics: [{pci: "0000:00:06.0", id: "8086:1889", driver: iavf, name: '
            "ens6}]"
        ),
    )


def test_a_vf_is_a_port_of_a_virtual_machine(discover: Discover) -> None:
    ports = (
        Port("0000:00:03.0", "1af4:1041", "virtio-pci", whole=False),
        Port("0000:00:06.0", "8086:1889", "vfio-pci"),
        Port("0000:00:07.0", "1234:0001", "ixgbevf", "ens7"),
    )
    found = discover(Made(ports=ports, flags="fpu pdpe1gb hypervisor"))
    assert [(nic.pci[5:], nic.driver) for nic in found.nics] == [
        ("00:03.0", "virtio-pci"),
        ("00:06.0", "iavf"),
        ("00:07.0", "ixgbevf"),
    ]
    assert found.nics_notes == (
        (
            "0000:00:06.0 (8086:1889), 0000:00:07.0 (1234:0001) are VFs whose PF is not there: of the "
            "host of this virtual machine, taken as a port"
        ),
    )
    inventory, report = check(to_yaml(found))
    assert inventory is not None
    assert [item for item in report.items if item.severity == "error"] == []


def test_devices_whose_links_lead_nowhere(discover: Discover) -> None:
    lost = {"0000:03:00.0": "../../../devices/pci0000:00/0000:03:00.0"}
    found = discover(Made(links=lost))
    assert found.nics_notes == ("left out: 1 device cannot be read: 0000:03:00.0",)
    with pytest.raises(BuilderError) as caught:
        discover(Made(ports=(), files={"sys/bus/pci/devices/0000:04:00.0/x": ""}, links=lost))
    assert caught.value.hint == (
        "2 devices cannot be read: 0000:03:00.0, 0000:04:00.0; copy what the links there lead to, "
        "too (cp -rL)"
    )


def test_two_interfaces_of_one_function(discover: Discover) -> None:
    """mlx4: dev_port tells them apart, before Linux 3.15 dev_id."""
    for number, value in (("dev_port", "1"), ("dev_id", "0x1")):
        files = {f"net/a1/{number}": "0x0\n" if number == "dev_id" else "0\n"}
        files |= {"net/a0/address": "02:00:00:00:00:02\n", f"net/a0/{number}": f"{value}\n"}
        port = Port("0000:05:00.0", "15b3:1017", "mlx5_core", "a1", total_vfs=8, files=files)
        nic = only(discover, port)
        assert (nic.name, nic.mac, nic.others) == ("a1", "02:00:00:00:00:01", ("a0",))
        assert nic.notes == (
            (
                "has 2 interfaces (a1, a0), and an inventory can describe one port for each PCI "
                "function: a1; the node must not use the other"
            ),
        )


def test_a_port_on_infiniband(discover: Discover) -> None:
    """Its interface tells, and its class: 20 bytes are no MAC address."""
    files = {"net/ibs1/type": "32\n", "net/ibs1/address": "80:00:02:08:fe:80" + 14 * ":00" + "\n"}
    port = Port("0000:1a:00.0", "15b3:1017", "mlx5_core", "ibs1", total_vfs=8, files=files)
    note = (
        "InfiniBand now: Open vSwitch with DPDK needs Ethernet, which the card may be set to "
        "(mlxconfig -d 0000:1a:00.0 set LINK_TYPE_P1=2)"
    )
    nic = only(discover, port)
    assert (nic.name, nic.mac, nic.notes) == ("ibs1", None, (note,))
    nic = only(discover, replace(port, name=None, files={}, kind="0x020700"))
    assert (nic.name, nic.notes[0]) == ("ibp26s0", note)
    # A card of either kind that is set to Ethernet.
    nic = only(discover, replace(port, name="a0", kind="0x028000", files={"net/a0/type": "1\n"}))
    assert (nic.name, nic.notes) == ("a0", ())


def test_what_was_not_copied_is_not_said_to_be_missing(discover: Discover) -> None:
    nic = only(discover, Port("0000:01:00.0", "8086:1533", None, whole=False))
    assert nic.notes == (
        "its driver now is not recorded; the driver of Intel I210 is igb",
        "its interface is not recorded: named by its address, as systemd-udevd does",
    )
    nic = only(discover, Port("0000:01:00.0", "1924:0b03", None, whole=False))
    assert nic.notes[0].startswith("its kernel driver is not known (it is not recorded, and 1924:")


def test_the_node_of_a_port_that_is_not_described(discover: Discover) -> None:
    nic = only(discover, Port("0000:01:00.0", "8086:1533", "igb", "a0", numa=1))
    assert (nic.numa, nic.notes[0][:50]) == (
        None,
        "its NUMA node is not known (numa_node is 1): the m",
    )


def test_wireless_and_unreadable_ones_are_left_out(discover: Discover) -> None:
    ports = (
        Port("0000:02:00.0", "8086:2723", "iwlwifi", "wlp2s0", kind="0x028000"),
        Port("0000:03:00.0", "8086:zzzz", "igb", "x0"),
        Port("0000:04:00.0", "15b3:101b", "mlx5_core", "ib0", kind="0x020700", total_vfs=8),
        Port("0000:05:00.0", "8086:a0a0", "nvme", kind="0x010802"),
        Port("nonsense", "8086:1533", "igb"),
    )
    found = discover(Made(ports=ports))
    assert [nic.name for nic in found.nics] == ["ibp4s0"]
    assert found.nics_notes == (
        '0000:02:00.0 is left out: class "0x028000" is not a wired port',
        "0000:03:00.0 is left out: its vendor and device could not be read",
        'left out: "nonsense" is not a PCI address like "0000:01:00.0"',
    )


def test_a_machine_without_ports_is_refused(discover: Discover) -> None:
    with pytest.raises(BuilderError) as caught:
        discover(Made(ports=(Port("0000:05:00.0", "8086:a0a0", "nvme", kind="0x010802"),)))
    assert caught.value.message == (
        "sys/bus/pci/devices has no network port, and an inventory needs one"
    )
    with pytest.raises(BuilderError) as caught:
        discover(Made(ports=()))
    assert (caught.value.message, caught.value.hint) == (
        (
            "sys/bus/pci/devices cannot be read (no such directory), and an inventory needs a network "
            "port"
        ),
        "copy it too",
    )


@pytest.mark.parametrize("inner", ["", "/virtio3"])
def test_an_interface_that_is_only_in_its_class(discover: Discover, inner: str) -> None:
    """As copies have it that do not follow the links of devices."""
    port = Port("0000:02:00.0", "8086:1533", "igb")
    files = {
        "sys/class/net/a7/device": f"../../../0000:00:1c.0/0000:02:00.0{inner}",
        "sys/class/net/a7/address": "02:00:00:00:00:07\n",
        "sys/class/net/a7/addr_assign_type": "0\n",
        "sys/class/net/lo/address": "00:00:00:00:00:00\n",
    }
    nic = only(discover, port, made=Made(files=files))
    assert (nic.name, nic.mac, nic.notes) == ("a7", "02:00:00:00:00:07", ())


def test_the_node_by_the_cpus_that_are_near(discover: Discover, tmp_path: Path) -> None:
    port = Port("0000:02:00.0", "8086:1533", "igb", "a0", files={"local_cpulist": "2-3\n"})
    root = write(Made(nodes=TWO_NODES, ports=(port,)), tmp_path)
    (root / "sys/bus/pci/devices/0000:02:00.0/numa_node").unlink()
    assert describe(root).nics[0].numa == 1


def test_a_port_not_in_the_table_keeps_its_driver(discover: Discover) -> None:
    nic = only(discover, Port("0000:01:00.0", "1924:0b03", "sfc", "sf0"))
    assert (nic.driver, nic.notes) == ("sfc", ())


@pytest.mark.parametrize(("driver", "has"), [("vfio-pci", "vfio-pci"), (None, "no driver")])
def test_a_driver_nobody_knows_is_to_be_replaced(
    discover: Discover, driver: str | None, has: str
) -> None:
    nic = only(discover, Port("0000:01:00.0", "1924:0b03", driver))
    assert nic.driver == "unknown"
    assert nic.notes[0] == (
        f"its kernel driver is not known ({has} has it, and 1924:0b03 is not in the NIC table): "
        "replace `unknown`, modinfo and /sys/bus/pci/devices/0000:01:00.0/modalias help to find it; "
        "check refuses it until then"
    )


def test_a_driver_the_table_does_not_expect_is_told(discover: Discover) -> None:
    nic = only(discover, Port("0000:01:00.0", "8086:1533", "igc", "a0"))
    assert (nic.driver, nic.notes) == (
        "igb",
        ("bound to igc now, not to igb, the driver of Intel I210",),
    )
    nic = only(discover, Port("0000:01:00.0", "8086:1533", None))
    assert nic.notes[0] == "it has no driver now; the driver of Intel I210 is igb"


def test_the_node_a_firmware_does_not_tell(discover: Discover) -> None:
    port = Port("0000:01:00.0", "8086:1533", "igb", "a0", numa=-1)
    nic = only(discover, port, made=Made(nodes=TWO_NODES))
    assert "numa" not in nic_data(nic)
    assert nic.notes == (
        (
            "its NUMA node is not known (numa_node is -1): the manual of the board says which "
            "socket its slot belongs to"
        ),
    )
    # With one node there is nothing to choose.
    nic = only(discover, port)
    assert (nic.numa, nic.notes) == (None, ())


def test_an_interface_that_a_pod_has(discover: Discover) -> None:
    nic = only(discover, Port("0000:01:00.0", "8086:1533", "igb", net=True))
    assert nic.notes == (
        (
            "has its interface in another network namespace: named by its address, as systemd-udevd "
            "does"
        ),
    )


def test_the_interface_of_a_virtio_nic(discover: Discover) -> None:
    inner = "virtio2/net/ens3"
    files = {f"{inner}/address": "52:54:00:00:00:01\n", f"{inner}/addr_assign_type": "0\n"}
    nic = only(discover, Port("0000:00:03.0", "1af4:1041", "virtio-pci", files=files))
    assert (nic.name, nic.driver, nic.mac) == ("ens3", "virtio-pci", "52:54:00:00:00:01")


def test_representors_are_not_the_port(discover: Discover) -> None:
    """switchdev: eth0 is of VF 0, though it comes first."""
    files = {
        "net/eth0/phys_port_name": "pf0vf0\n",
        "net/eth1/phys_port_name": "c1pf0sf4\n",
        "net/np0/phys_port_name": "p0\n",
    }
    port = Port("0000:01:00.0", "15b3:101d", "mlx5_core", "np0", total_vfs=8, files=files)
    assert only(discover, port).name == "np0"


@pytest.mark.parametrize(
    ("files", "mac", "notes"),
    [
        ({}, "02:00:00:00:00:01", ()),
        ({"net/a0/bonding_slave/perm_hwaddr": "02:00:00:00:00:09\n"}, "02:00:00:00:00:09", ()),
        (
            {"net/a0/addr_assign_type": "3\n"},
            None,
            (
                (
                    'its MAC address is left out: "02:00:00:00:00:01" may not be the card\'s own '
                    "(addr_assign_type is 3); ethtool -P a0 shows that"
                ),
            ),
        ),
        ({"net/a0/address": "nonsense\n"}, None, ()),
    ],
)
def test_only_the_cards_own_address_is_taken(
    discover: Discover, files: dict[str, str], mac: str | None, notes: tuple[str, ...]
) -> None:
    nic = only(discover, Port("0000:01:00.0", "8086:1533", "igb", "a0", files=files))
    assert (nic.mac, nic.notes) == (mac, notes)


@pytest.mark.parametrize(
    ("total", "said"), [(None, "has no sriov_totalvfs"), (0, "sriov_totalvfs is 0")]
)
def test_sriov_that_is_switched_off(discover: Discover, total: int | None, said: str) -> None:
    nic = only(discover, Port("0000:01:00.0", "8086:10fb", "ixgbe", "a0", total_vfs=total))
    assert nic.notes == (
        (
            f"{said}, though Intel 82599ES (SFP+) can have 63 VFs: SR-IOV is off in the firmware of "
            "the machine or of the card"
        ),
    )
