"""The twin of a hardware class: the whole QEMU command, and every sentence about its limits."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from builder.catalog.nics import NIC_TYPES, find_nic_type, unlisted_nic_type
from builder.errors import BuilderError
from builder.model.values import CpuSet, PciAddress
from builder.verify.spec import VfWishes
from builder.verify.topology import Port, RootBus, node_table, plan_root_buses
from builder.verify.twin import (
    TwinFiles,
    TwinMachine,
    TwinNic,
    TwinNode,
    TwinSpec,
    plan_twin,
    twin_argv,
)

GIB = 1024
FILES = TwinFiles("/t/disk", "/t/facts", "/w/console", "/t/acpi", "/fw/code", "/t/vars")
BOARD = "q35,hpet=off,kernel-irqchip=split,sata=off,smbus=off,vmport=off"
IOMMU = ("-device", "intel-iommu,intremap=on,eim=on,caching-mode=on")
TWIN = ("-smbios", "type=1,manufacturer=rackwright,product=twin")
ALWAYS = (
    "CPU model: QEMU's own under TCG, the host's under KVM",
    "disk: virtio-blk; network ports: 1 Gbit/s, each on its own network",
)


def node(cpus: str, gib: int) -> TwinNode:
    return TwinNode(tuple(CpuSet.parse(cpus)) if cpus else (), gib * GIB)


def nic(
    pci: str, device_id: str = "8086:10c9", numa: int | None = None, num_vfs: int = 0
) -> TwinNic:
    model = find_nic_type(device_id) or unlisted_nic_type(device_id, "e1000e")
    return TwinNic(PciAddress.parse(pci), model, numa, num_vfs)


SEED = TwinSpec(
    nodes=(node("0-7,16-23", 47), node("8-15,24-31", 47)),
    nics=(
        TwinNic(
            PciAddress.parse("0000:08:00.0"), NIC_TYPES["8086:1533"], 0, 0, mac="cc:37:ab:e1:21:64"
        ),
        TwinNic(PciAddress.parse("0000:09:00.0"), NIC_TYPES["8086:1533"], 0, 0),
        TwinNic(PciAddress.parse("0000:01:00.0"), NIC_TYPES["8086:10fb"], 0, 2),
        TwinNic(PciAddress.parse("0000:01:00.1"), NIC_TYPES["8086:10fb"], 0, 2),
    ),
    firmware="bios",
    smt=True,
)


def small(*nics: TwinNic, nodes: int = 2) -> TwinSpec:
    """A machine of one CPU a node with `nics`."""
    return TwinSpec(tuple(node(str(n), 2) for n in range(nodes)), nics, "bios")


def devices(machine: TwinMachine) -> list[str]:
    """Values of `-device` that are bridges or NICs."""
    values = [value for word, value in pairwise(machine.argv) if word == "-device"]
    return [value for value in values if not value.startswith("intel-iommu")]


def test_the_seed_machine_is_this_qemu_command() -> None:
    assert twin_argv(plan_twin(SEED), FILES, "tcg") == (
        *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none"),
        *("-no-reboot", "-accel", "tcg,thread=multi"),
        "-cpu",
        "max,vendor=GenuineIntel,family=6,model=28,stepping=10,svm=off,monitor=off",
        *("-machine", BOARD, "-smp", "32,sockets=4,cores=8,threads=1", "-m", "96256M"),
        *("-object", "memory-backend-ram,id=mem0,size=48128M,reserve=off"),
        *("-numa", "node,nodeid=0,memdev=mem0,cpus=0-7,cpus=16-23"),
        *("-object", "memory-backend-ram,id=mem1,size=48128M,reserve=off"),
        *("-numa", "node,nodeid=1,memdev=mem1,cpus=8-15,cpus=24-31"),
        *IOMMU,
        *TWIN,
        *("-smbios", "type=11,value=rackwright.substitute=8086:10fb=8086:10c9"),
        *("-smbios", "type=11,value=rackwright.substitute=8086:1533=8086:10c9"),
        "-device",
        "pcie-root-port,id=bus1,bus=pcie.0,addr=01.0,chassis=1,slot=1,hotplug=off",
        *("-device", "pxb-pcie,id=pxb7,bus=pcie.0,addr=02.0,bus_nr=7,numa_node=0"),
        *("-device", "pcie-root-port,id=bus8,bus=pxb7,addr=00.0,chassis=8,slot=8,hotplug=off"),
        *("-device", "pcie-root-port,id=bus9,bus=pxb7,addr=01.0,chassis=9,slot=9,hotplug=off"),
        *("-netdev", "user,id=net0,restrict=on", "-device"),
        "igb,netdev=net0,romfile=,bus=bus1,addr=00.0,multifunction=on,x-pcie-ari-nextfn-1=on",
        *("-netdev", "user,id=net1,restrict=on"),
        *("-device", "igb,netdev=net1,romfile=,bus=bus1,addr=00.1"),
        *("-netdev", "user,id=net2,restrict=on"),
        *("-device", "igb,netdev=net2,romfile=,bus=bus8,addr=00.0,mac=cc:37:ab:e1:21:64"),
        *("-netdev", "user,id=net3,restrict=on"),
        *("-device", "igb,netdev=net3,romfile=,bus=bus9,addr=00.0"),
        *("-acpitable", "file=/t/acpi"),
        *("-drive", "if=none,id=disk,format=qcow2,cache=unsafe,file=/t/disk"),
        *("-device", "virtio-blk-pci,drive=disk,bus=pcie.0,addr=03.0,bootindex=0"),
        *("-chardev", "file,id=console,path=/w/console", "-serial", "chardev:console"),
        *("-chardev", "file,id=facts,path=/t/facts"),
        *("-device", "virtio-serial-pci,bus=pcie.0,addr=04.0"),
        *("-device", "virtserialport,chardev=facts,name=rackwright.facts"),
        *("-object", "rng-random,id=rng,filename=/dev/urandom"),
        *("-device", "virtio-rng-pci,rng=rng,bus=pcie.0,addr=05.0"),
    )


def test_the_seed_machine_says_what_it_is_not() -> None:
    machine = plan_twin(SEED)
    assert machine.limits == (
        "8086:1533 (0000:08:00.0, 0000:09:00.0) is an igb, 8086:10c9, with 7 VFs instead of 0",
        "8086:10fb (0000:01:00.0, 0000:01:00.1) is an igb, 8086:10c9, with 7 VFs instead of 63",
        ALWAYS[0],
        "SMT siblings: each CPU is its own core; QEMU numbers siblings consecutively",
        ALWAYS[1],
    )
    assert machine.substitutions == {"8086:10fb": "8086:10c9", "8086:1533": "8086:10c9"}


def test_ports_that_describe_their_own_vfs_are_told_one_by_one() -> None:
    model = unlisted_nic_type("1234:5678", "foo")
    ports = [
        TwinNic(PciAddress.parse(f"0000:3b:00.{function}"), replace(model, total_vfs=vfs), None, 0)
        for function, vfs in enumerate((16, 8, 16))
    ]
    what = "an igb, 8086:10c9, with 7 VFs instead of"
    assert plan_twin(small(*ports[:2])).limits[:2] == (
        f"1234:5678 (0000:3b:00.0) is {what} 16",
        f"1234:5678 (0000:3b:00.1) is {what} 8",
    )
    # Function 2 can only be an e1000e, and so are the others.
    assert plan_twin(small(*ports)).limits[0] == (
        "1234:5678 (0000:3b:00.0, 0000:3b:00.1, 0000:3b:00.2) is an e1000e, 8086:10d3, without VFs"
    )


def test_uefi_adds_flash_and_may_reset_once() -> None:
    flash = (
        *("-drive", "if=pflash,format=raw,unit=0,readonly=on,file=/fw/code"),
        *("-drive", "if=pflash,format=raw,unit=1,file=/t/vars"),
    )
    bios = twin_argv(plan_twin(SEED), FILES, "tcg")
    uefi = twin_argv(plan_twin(replace(SEED, firmware="uefi")), FILES, "tcg")
    secure = plan_twin(replace(SEED, firmware="uefi-secure-boot"))
    at = bios.index("-acpitable") + 2
    with_flash = (*bios[:at], *flash, *bios[at:])
    assert uefi == tuple(word for word in with_flash if word != "-no-reboot")
    assert twin_argv(secure, FILES, "tcg") == uefi
    assert "Secure Boot: enforced, but its variables are not guarded by SMM" in secure.limits


def test_kvm_takes_the_host_cpu() -> None:
    argv = twin_argv(plan_twin(SEED), FILES, "kvm")
    assert argv[5:11] == ("-no-reboot", "-accel", "kvm", "-cpu", "host", "-machine")


def test_a_cpu_without_1_gib_pages_has_none_in_the_twin() -> None:
    argv = twin_argv(plan_twin(replace(SEED, pdpe1gb=False)), FILES, "tcg")
    assert argv[argv.index("-cpu") + 1].endswith(",monitor=off,pdpe1gb=off")


def test_a_comma_in_a_path_is_doubled() -> None:
    argv = twin_argv(plan_twin(SEED), replace(FILES, console="/a,b/console"), "tcg")
    assert "file,id=console,path=/a,,b/console" in argv


def test_amd_gets_an_intel_iommu_and_says_so() -> None:
    machine = plan_twin(replace(SEED, vendor="amd"))
    assert machine.limits[-2] == (
        "IOMMU: Intel VT-d; Linux cannot receive interrupts through QEMU's AMD-Vi under TCG"
    )
    assert machine.argv[14:16] == IOMMU


def test_nics_on_bus_0_are_on_pcie_0_and_ours_keep_out_of_their_way() -> None:
    machine = plan_twin(
        small(nic("0000:00:02.0", num_vfs=2, numa=1), nic("0000:00:1f.6", "8086:10d3"))
    )
    assert devices(machine) == [
        "igb,netdev=net0,romfile=,bus=pcie.0,addr=02.0",
        "e1000e,netdev=net1,romfile=,bus=pcie.0,addr=1f.6",
    ]
    # 00:02.0 is taken, and 00:12.0 to 00:13.4 by its VFs.
    assert machine.slots == (1, 3, 4)
    assert machine.acpi == node_table(1)
    assert machine.limits == ALWAYS


def test_nics_on_node_1_and_far_buses_are_behind_root_buses_of_that_node() -> None:
    machine = plan_twin(
        small(nic("0000:81:00.0", numa=1), nic("0000:3b:00.0"), nic("0000:5e:00.0", numa=0))
    )
    assert devices(machine) == [
        "pxb-pcie,id=pxb58,bus=pcie.0,addr=01.0,bus_nr=58",
        "pcie-root-port,id=bus59,bus=pxb58,addr=00.0,chassis=59,slot=59,hotplug=off",
        "pxb-pcie,id=pxb93,bus=pcie.0,addr=02.0,bus_nr=93,numa_node=0",
        "pcie-root-port,id=bus94,bus=pxb93,addr=00.0,chassis=94,slot=94,hotplug=off",
        "pxb-pcie,id=pxb128,bus=pcie.0,addr=03.0,bus_nr=128,numa_node=1",
        "pcie-root-port,id=bus129,bus=pxb128,addr=00.0,chassis=129,slot=129,hotplug=off",
        "igb,netdev=net0,romfile=,bus=bus59,addr=00.0",
        "igb,netdev=net1,romfile=,bus=bus94,addr=00.0",
        "igb,netdev=net2,romfile=,bus=bus129,addr=00.0",
    ]
    assert machine.acpi is None
    assert machine.limits == ALWAYS


@pytest.mark.parametrize(
    ("ports", "roots"),
    [
        pytest.param([], [RootBus(0, (), None)], id="no NIC"),
        pytest.param([("00:19.0", 1)], [RootBus(0, (), 1)], id="bus 0"),
        pytest.param([("01:00.0", 0), ("02:00.0", 0)], [RootBus(0, (1, 2), 0)], id="from 1 on"),
        pytest.param(
            [("01:00.0", 0), ("03:00.0", 1)],
            [RootBus(0, (1,), 0), RootBus(2, (3,), 1)],
            id="one bus between",
        ),
        pytest.param(
            [("02:00.0", None)], [RootBus(0, (), None), RootBus(1, (2,), None)], id="bus 2 only"
        ),
        pytest.param(
            [("fe:00.0", 1), ("ff:00.0", 1)],
            [RootBus(0, (), None), RootBus(253, (254, 255), 1)],
            id="the last buses",
        ),
        pytest.param(
            [("04:00.0", 0), ("05:00.0", 1), ("06:00.0", 1)],
            [RootBus(0, (), None), RootBus(3, (4, 5, 6), 1)],
            id="neighbours on two nodes: most win",
        ),
    ],
)
def test_root_buses(ports: list[tuple[str, int | None]], roots: list[RootBus]) -> None:
    planned = plan_root_buses([Port(PciAddress.parse(pci), numa) for pci, numa in ports])
    assert planned == tuple(roots)


def test_a_node_that_cannot_be_met_is_said() -> None:
    machine = plan_twin(small(nic("0000:04:00.0", numa=0), nic("0000:05:00.0", numa=1)))
    assert machine.limits == (
        (
            "0000:05:00.0 is on NUMA node 0 instead of 1: "
            "QEMU cannot put neighbouring buses on two nodes"
        ),
        *ALWAYS,
    )


def test_nics_that_cannot_be_are_missing_and_said() -> None:
    machine = plan_twin(
        small(
            nic("0001:01:00.0"),
            nic("0000:3d:02.0"),
            nic("0000:00:00.0"),
            nic("0000:00:1f.0"),
            nic("0000:01:00.0"),
        )
    )
    assert machine.limits == (
        "0001:01:00.0 (8086:10c9) is missing: QEMU's q35 machine has PCI domain 0000 only",
        "0000:3d:02.0 (8086:10c9) is missing: a PCIe root port of QEMU carries device 00 only",
        "0000:00:00.0 (8086:10c9) is missing: device 00:00 of q35 is its host bridge",
        "0000:00:1f.0 (8086:10c9) is missing: device 00:1f.0 of q35 is its ISA bridge",
        *ALWAYS,
    )
    assert devices(machine)[1:] == ["igb,netdev=net0,romfile=,bus=bus1,addr=00.0"]


def test_more_vfs_than_igb_has_and_vfs_elsewhere_are_said() -> None:
    machine = plan_twin(
        small(TwinNic(PciAddress.parse("0000:3b:00.0"), NIC_TYPES["8086:1572"], None, 32))
    )
    assert machine.limits == (
        "8086:1572 (0000:3b:00.0) is an igb, 8086:10c9, with 7 VFs instead of 64",
        "0000:3b:00.0 can have 7 VFs, not the 32 of the plan",
        (
            "VFs of 0000:3b:00.0 are where an 82576 has them: from 0000:3b:10.0 in steps of 2, "
            "not where 8086:1572 has them"
        ),
        *ALWAYS,
    )


@pytest.mark.parametrize(
    ("device_id", "model"),
    [
        ("8086:10c9", "igb"),
        ("8086:10d3", "e1000e"),
        ("15ad:07b0", "vmxnet3"),
        ("1af4:1041", "virtio-net-pci,disable-legacy=on,iommu_platform=on"),
    ],
)
def test_what_qemu_has_itself_is_not_substituted(device_id: str, model: str) -> None:
    machine = plan_twin(small(nic("0000:01:00.0", device_id)))
    assert machine.substitutions == {}
    assert devices(machine)[1] == f"{model},netdev=net0,romfile=,bus=bus1,addr=00.0"


@pytest.mark.parametrize(
    ("nodes", "smp"),
    [
        (("0-7,16-23", "8-15,24-31"), "32,sockets=4,cores=8,threads=1"),
        (("0-15", "16-31"), "32,sockets=2,cores=16,threads=1"),
        (("0,2", "1,3"), "4,sockets=4,cores=1,threads=1"),
        (("0-3",), "4,sockets=1,cores=4,threads=1"),
        (("0-3", ""), "4,sockets=1,cores=4,threads=1"),
        (("0-3", "4-5"), "6,sockets=3,cores=2,threads=1"),
        (("0",), "1,sockets=1,cores=1,threads=1"),
    ],
)
def test_no_socket_is_on_two_nodes(nodes: tuple[str, ...], smp: str) -> None:
    machine = plan_twin(TwinSpec(tuple(node(cpus, 1) for cpus in nodes), (), "bios"))
    assert machine.argv[machine.argv.index("-smp") + 1] == smp


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (
            (node("0-3,8-11", 1),),
            "the twin needs CPUs numbered from 0 without gaps, the class has 0-3,8-11",
        ),
        (
            (node("0-3", 1), node("3-5", 1)),
            "the twin needs CPUs numbered from 0 without gaps, the class has 0-5",
        ),
        ((node("", 1),), "the twin needs CPUs numbered from 0 without gaps, the class has none"),
        ((node("0-255", 1),), "the twin can have 255 CPUs, the class has 256"),
        (
            (node("0", 512), node("1", 512)),
            "the twin can have 1024000 MiB of memory, the class has 1048576 MiB",
        ),
    ],
)
def test_machines_qemu_cannot_be(nodes: tuple[TwinNode, ...], message: str) -> None:
    with pytest.raises(BuilderError) as caught:
        plan_twin(TwinSpec(nodes, (), "bios"))
    assert caught.value.message == message


def test_more_root_ports_than_slots() -> None:
    with pytest.raises(BuilderError) as caught:
        plan_twin(small(*(nic(f"0000:{bus:02x}:00.0") for bus in range(2, 70, 2))))
    assert caught.value.message == (
        "the twin has no free slot left on PCI bus 00 for its own devices"
    )


def test_the_acpi_table_is_scope_pci0_name_pxm() -> None:
    table = node_table(1)
    assert table[:9] == b"SSDT" + (55).to_bytes(4, "little") + b"\x02"
    assert sum(table) % 256 == 0
    assert table[36:] == b"\x10\x12\\\x2e_SB_PCI0\x08_PXM\x0a\x01"
    assert len(table) == 55


def test_an_igb_whose_vfs_would_be_on_the_next_bus_is_an_e1000e() -> None:
    machine = plan_twin(small(nic("0000:00:19.0", "8086:1502", num_vfs=1)))
    assert devices(machine) == ["e1000e,netdev=net0,romfile=,bus=pcie.0,addr=19.0"]
    assert machine.substitutions == {"8086:1502": "8086:10d3"}
    assert machine.limits == (
        "8086:1502 (0000:00:19.0) is an e1000e, 8086:10d3, without VFs",
        "0000:00:19.0 can have 0 VFs, not the 1 of the plan",
        *ALWAYS,
    )


def quad(num_vfs: int) -> list[TwinNic]:
    """A card of four ports; its first has VFs."""
    first = nic("0000:02:00.0", "8086:1572", num_vfs=num_vfs)
    return [first, *(nic(f"0000:02:00.{port}", "8086:1572") for port in (1, 2, 3))]


def test_four_ports_without_vfs_are_e1000e() -> None:
    machine = plan_twin(small(*quad(num_vfs=0)))
    ari = ",multifunction=on,x-pcie-ari-nextfn-1=on"
    assert devices(machine)[2:] == [
        f"e1000e,netdev=net0,romfile=,bus=bus2,addr=00.0{ari}",
        "e1000e,netdev=net1,romfile=,bus=bus2,addr=00.1",
        "e1000e,netdev=net2,romfile=,bus=bus2,addr=00.2",
        "e1000e,netdev=net3,romfile=,bus=bus2,addr=00.3",
    ]
    where = ", ".join(f"0000:02:00.{port}" for port in range(4))
    assert machine.limits == (
        f"8086:1572 ({where}) is an e1000e, 8086:10d3, without VFs",
        *ALWAYS,
    )


def test_of_four_ports_with_vfs_two_are_missing() -> None:
    machine = plan_twin(small(*quad(num_vfs=2)))
    assert [device.split(",")[0] for device in devices(machine)[2:]] == ["igb", "igb"]
    why = "VFs of an igb at function 2 or more would be where function 0 or 1 has its own"
    assert machine.limits[:3] == (
        f"0000:02:00.2 (8086:1572) is missing: {why}",
        f"0000:02:00.3 (8086:1572) is missing: {why}",
        "8086:1572 (0000:02:00.0, 0000:02:00.1) is an igb, 8086:10c9, with 7 VFs instead of 64",
    )


def test_a_second_port_alone_gets_a_first_one() -> None:
    machine = plan_twin(small(nic("0000:02:00.1"), nic("0000:00:1f.6")))
    assert devices(machine)[2:] == [
        "e1000e,netdev=net0,romfile=,bus=pcie.0,addr=1f.6",
        ("e1000e,netdev=net1,romfile=,bus=bus2,addr=00.0,multifunction=on,x-pcie-ari-nextfn-1=on"),
        "e1000e,netdev=net2,romfile=,bus=bus2,addr=00.1",
    ]
    assert machine.limits[0] == (
        "0000:02:00.0 is a port too, 8086:10c9: a PCI device is found by its function 0"
    )


def test_what_an_igb_cannot_set_of_vfs_is_said() -> None:
    wishes = VfWishes(switchdev=True, rate=5000, floor=True, link_state=True)
    port = TwinNic(PciAddress.parse("0000:3b:00.0"), NIC_TYPES["8086:10fb"], None, 2, wishes=wishes)
    assert plan_twin(small(port)).limits == (
        "8086:10fb (0000:3b:00.0) is an igb, 8086:10c9, with 7 VFs instead of 63",
        "0000:3b:00.0 stays in legacy mode: QEMU has no NIC with a switchdev mode",
        "VFs of 0000:3b:00.0 have no link state of their own: igb cannot set it",
        "VFs of 0000:3b:00.0 have no min-tx-rate: igb cannot set it",
        (
            "VFs of 0000:3b:00.0 have no max-tx-rate over 1000 Mbit/s, the speed of igb's link; "
            "the plan has up to 5000"
        ),
        *ALWAYS,
    )
    port = replace(port, model=NIC_TYPES["8086:10c9"], wishes=VfWishes(rate=200))
    assert plan_twin(small(port)).limits == (
        "rates of VFs of 0000:3b:00.0 are set and read back; QEMU sends as fast as it can",
        *ALWAYS,
    )


def test_idle_cpus_that_spin_are_said() -> None:
    assert plan_twin(replace(small(), idle_poll=True)).limits == (
        ALWAYS[0],
        "idle=poll: idle CPUs spin on the build host's own; the boot takes much longer",
        ALWAYS[1],
    )
