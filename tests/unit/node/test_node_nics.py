"""VFs and bindings, against a kernel that reacts as the real one does."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from fake_kernel import DEVICES, FakeKernel, load_program
from rackwright_node import Binding, Config, Pf, Status, Vf

nics = load_program("nics")

PF = "0000:01:00.0"
VFS = ["0000:01:10.0", "0000:01:10.2", "0000:01:10.4"]
PORT = "0000:09:00.0"


def vf(index: int, driver: str | None = "vfio-pci", **settings: Any) -> Vf:
    plain = {"mac": None, "vlan": None, "trust": None, "spoofchk": None}
    return Vf(index=index, pci=VFS[index], driver=driver, **{**plain, **settings})


def pf(*vfs: Vf, **changes: Any) -> Pf:
    fields = {
        "name": "ens11f0",
        "pci": PF,
        "id": "8086:10fb",
        "driver": "ixgbe",
        "mode": "sysfs",
        "num_vfs": len(vfs),
        "vf_id": "8086:10ed",
        "vfs": vfs,
    }
    return Pf(**{**fields, **changes})


def port(**changes: str) -> Binding:
    fields = {"name": "enp9s0", "pci": PORT, "id": "8086:1533", "driver": "vfio-pci"}
    return Binding(**{**fields, **changes})


def config(*pfs: Pf, bindings: tuple[Binding, ...] = ()) -> Config:
    return Config(hugepages=(), pfs=pfs, bindings=bindings, other_config=None, bridges=())


def run(kernel: FakeKernel, *pfs: Pf, bindings: tuple[Binding, ...] = ()) -> Status:
    status = Status()
    nics.work(kernel, config(*pfs, bindings=bindings), status)
    return status


def did(status: Status) -> list[str]:
    return [f"{step['what']}: {step['did']} ({step['why']})" for step in status.steps]


def driver(kernel: FakeKernel, pci: str) -> str | None:
    return kernel.link(f"{DEVICES}/{pci}/driver")


@pytest.fixture
def machine(kernel: FakeKernel) -> FakeKernel:
    """The how-to's machine before the program: kernel drivers on the PF and on a whole port."""
    kernel.add_pf(PF, "8086:10fb", "ixgbe", ("8086:10ed", "ixgbevf", VFS), total=63)
    kernel.add_device(PORT, "8086:1533", "igb", "igb")
    kernel.add_driver("vfio-pci")
    kernel.add_driver("ixgbevf")
    return kernel


def make_twin(kernel: FakeKernel, *strings: str) -> None:
    kernel.put("sys/class/dmi/id/sys_vendor", "rackwright\n")
    kernel.put("sys/class/dmi/id/product_name", "twin\n")
    body = b"".join(text.encode() + b"\0" for text in strings) + b"\0"
    bios = bytes([0, 4, 0, 0]) + b"vendor\0\0"
    oem = bytes([11, 5, 1, 0, len(strings)]) + body
    kernel.put("sys/firmware/dmi/tables/DMI", "")
    kernel.path("sys/firmware/dmi/tables/DMI").write_bytes(
        bios + oem + bytes([1, 4, 2, 0]) + b"\0\0" + bytes([127, 4, 3, 0]) + b"\0\0"
    )


# The whole pass


def test_makes_vfs_and_gives_each_to_its_driver(machine: FakeKernel) -> None:
    status = run(machine, pf(vf(0), vf(1, None)), bindings=(port(),))
    assert status.errors == []
    assert did(status) == [
        "0000:01:00.0: created 2 VFs (there were 0)",
        "0000:01:10.0: bound to vfio-pci (VF 0 of ens11f0 is for userspace)",
        "0000:01:10.2: bound to ixgbevf (VF 1 of ens11f0 keeps its interface)",
        "0000:09:00.0: bound to vfio-pci, taken from igb (enp9s0 is for userspace)",
    ]
    assert [driver(machine, pci) for pci in (PF, *VFS[:2], PORT)] == [
        "ixgbe",
        "vfio-pci",
        "ixgbevf",
        "vfio-pci",
    ]
    assert machine.read(f"{DEVICES}/{PF}/sriov_drivers_autoprobe") == "1"


def test_no_network_driver_sees_a_vf_meant_for_userspace(machine: FakeKernel) -> None:
    run(machine, pf(vf(0)))
    assert [line for line in machine.log if "modprobe" not in line] == [
        f"{DEVICES}/{PF}/sriov_drivers_autoprobe < 0",
        f"{DEVICES}/{PF}/sriov_numvfs < 1",
        f"{DEVICES}/{VFS[0]}/driver_override < vfio-pci",
        f"{DEVICES}/{PF}/sriov_drivers_autoprobe < 1",
        f"{DEVICES}/{VFS[0]}/driver_override < vfio-pci",
        "sys/bus/pci/drivers_probe < 0000:01:10.0",
    ]


def test_a_second_run_touches_nothing_and_says_so(machine: FakeKernel) -> None:
    plan = pf(vf(0), vf(1, None))
    run(machine, plan, bindings=(port(),))
    machine.log.clear()
    status = run(machine, plan, bindings=(port(),))
    assert machine.log == []
    assert status.errors == []
    assert did(status) == [
        "0000:01:00.0: left its 2 VFs alone (there are as many as planned)",
        "0000:01:10.0: left on vfio-pci (VF 0 of ens11f0 is for userspace)",
        "0000:01:10.2: left on ixgbevf (VF 1 of ens11f0 keeps its interface)",
        "0000:09:00.0: left on vfio-pci (enp9s0 is for userspace)",
    ]


def test_goes_on_after_a_run_that_was_cut_short(machine: FakeKernel) -> None:
    """The VFs are there, but nothing may bind: autoprobe was left at 0."""
    machine.put(f"{DEVICES}/{PF}/sriov_drivers_autoprobe", "0\n")
    machine.set_vfs(PF, 2)
    status = run(machine, pf(vf(0), vf(1, None)))
    assert status.errors == []
    assert [driver(machine, pci) for pci in VFS[:2]] == ["vfio-pci", "ixgbevf"]


def test_a_fault_of_one_device_does_not_stop_the_others(machine: FakeKernel) -> None:
    missing = pf(vf(0), pci="0000:05:00.0", name="ens5f0")
    status = run(machine, missing, pf(vf(0)), bindings=(port(),))
    assert status.errors == ["0000:05:00.0: no device there, the plan has 8086:10fb (ens5f0)"]
    assert [driver(machine, pci) for pci in (VFS[0], PORT)] == ["vfio-pci", "vfio-pci"]


# Identity


def test_refuses_a_device_of_another_kind(machine: FakeKernel) -> None:
    machine.put(f"{DEVICES}/{PORT}/device", "0x1521\n")
    status = run(machine, bindings=(port(),))
    assert status.errors == [
        "0000:09:00.0: found 8086:1521, the plan has 8086:1533 (enp9s0); left alone"
    ]
    assert machine.log == []


def test_waits_for_a_device_that_is_late(kernel: FakeKernel) -> None:
    kernel.add_driver("vfio-pci")
    kernel.later = [lambda: kernel.add_device(PORT, "8086:1533", "igb")]
    status = run(kernel, bindings=(port(),))
    assert status.errors == []
    assert driver(kernel, PORT) == "vfio-pci"


def test_takes_a_stand_in_on_a_twin_and_says_so(kernel: FakeKernel) -> None:
    make_twin(kernel, "other", "rackwright.substitute=8086:10fb=8086:10c9")
    kernel.add_pf(PF, "8086:10c9", "igb", ("8086:10ca", "igbvf", VFS))
    kernel.add_driver("vfio-pci")
    status = run(kernel, pf(vf(0)))
    assert status.errors == []
    assert did(status) == [
        "0000:01:00.0: took 8086:10c9 for 8086:10fb (this machine is a twin)",
        "0000:01:00.0: created 1 VFs (there were 0)",
        "0000:01:10.0: bound to vfio-pci (VF 0 of ens11f0 is for userspace)",
    ]


@pytest.mark.parametrize("product", ["twin2", ""])
def test_takes_no_stand_in_on_a_machine_that_is_no_twin(kernel: FakeKernel, product: str) -> None:
    make_twin(kernel, "rackwright.substitute=8086:1533=8086:10c9")
    kernel.put("sys/class/dmi/id/product_name", product)
    kernel.add_device(PORT, "8086:10c9", "igb", "igb")
    status = run(kernel, bindings=(port(),))
    assert status.errors == [
        "0000:09:00.0: found 8086:10c9, the plan has 8086:1533 (enp9s0); left alone"
    ]


def test_refuses_a_vf_that_is_not_where_it_was_computed_to_be(machine: FakeKernel) -> None:
    machine.vf_slots[PF] = ("8086:10ed", "ixgbevf", ["0000:01:10.1", *VFS[1:]])
    status = run(machine, pf(vf(0), vf(1)))
    assert status.errors == [
        "0000:01:00.0: VF 0 is at 0000:01:10.1, the plan has 0000:01:10.0; left alone"
    ]
    assert driver(machine, "0000:01:10.1") is None
    assert driver(machine, VFS[1]) == "vfio-pci"


def test_refuses_a_vf_of_another_kind(machine: FakeKernel) -> None:
    machine.vf_slots[PF] = ("8086:1515", "ixgbevf", VFS)
    status = run(machine, pf(vf(0)))
    assert status.errors == [
        "0000:01:10.0: found 8086:1515, the plan has 8086:10ed (VF 0 of ens11f0); left alone"
    ]
    assert driver(machine, VFS[0]) is None


# VF counts


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (
            errno.ENOMEM,
            (
                "Cannot allocate memory; the firmware left no room for the VFs' memory: "
                "enable SR-IOV and Above 4G Decoding in the BIOS, or boot with pci=realloc"
            ),
        ),
        (
            errno.ENOSPC,
            "No space left on device; the device or the machine is out of interrupt vectors",
        ),
        (
            errno.EBUSY,
            (
                "Device or resource busy; the kernel still has VFs of it, or its bus has no numbers "
                "left for them: enable SR-IOV in the BIOS, or boot with pci=realloc,assign-busses"
            ),
        ),
        (
            errno.ENOENT,
            (
                "No such file or directory; its driver does not make VFs; "
                "vfio-pci does with the option enable_sriov=1"
            ),
        ),
        (errno.EIO, "Input/output error; dmesg has the kernel's reason"),
    ],
)
def test_says_why_the_kernel_may_refuse_vfs(machine: FakeKernel, code: int, text: str) -> None:
    machine.refuse[f"{DEVICES}/{PF}/sriov_numvfs"] = code
    status = run(machine, pf(vf(0)))
    assert status.errors == [f"0000:01:00.0: 1 VFs refused: {text}"]
    assert machine.read(f"{DEVICES}/{PF}/sriov_drivers_autoprobe") == "1"


def test_changes_a_wrong_count_by_way_of_none(machine: FakeKernel) -> None:
    machine.set_vfs(PF, 1)
    status = run(machine, pf(vf(0), vf(1)))
    assert status.errors == []
    assert did(status)[0] == "0000:01:00.0: created 2 VFs (there were 1)"
    counts = [line for line in machine.log if "sriov_numvfs" in line]
    assert counts == [f"{DEVICES}/{PF}/sriov_numvfs < {n}" for n in (0, 2)]


def test_keeps_a_wrong_count_when_a_process_uses_a_vf(machine: FakeKernel) -> None:
    run(machine, pf(vf(0)))
    group = machine.link(f"{DEVICES}/{VFS[0]}/iommu_group")
    machine.put("proc/77/comm", "testpmd\n")
    machine.symlink("proc/77/fd/9", f"/dev/vfio/{group}")
    status = run(machine, pf(vf(0), vf(1)))
    assert status.errors == [
        (
            "0000:01:00.0: has 1 VFs, the plan has 2; left alone: "
            f"0000:01:10.0: testpmd (process 77) has /dev/vfio/{group} open"
        )
    ]
    assert driver(machine, VFS[0]) == "vfio-pci"


def test_keeps_a_wrong_count_when_a_pod_has_a_vf(machine: FakeKernel) -> None:
    run(machine, pf(vf(0, None)))
    machine.path(f"{DEVICES}/{VFS[0]}/net/{machine.interface(VFS[0])}").rmdir()
    status = run(machine, pf(vf(0, None), vf(1, None)))
    assert status.errors == [
        (
            "0000:01:00.0: has 1 VFs, the plan has 2; left alone: "
            "0000:01:10.0: its interface is in another network namespace, as a pod's is"
        )
    ]


def test_refuses_more_vfs_than_the_device_has(machine: FakeKernel) -> None:
    machine.put(f"{DEVICES}/{PF}/sriov_totalvfs", "2\n")
    status = run(machine, pf(vf(0), vf(1), vf(2)))
    assert status.errors == ["0000:01:00.0: the plan has 3 VFs, the device can have 2"]
    assert machine.log == []


def test_notices_fewer_vfs_than_asked(machine: FakeKernel) -> None:
    machine.set_vfs = lambda pci, count: machine.put(  # type: ignore[method-assign]
        f"{DEVICES}/{pci}/sriov_numvfs", f"{count - 1}\n"
    )
    status = run(machine, pf(vf(0), vf(1)))
    assert status.errors == ["0000:01:00.0: asked for 2 VFs, got 1"]


def test_a_device_without_sriov(machine: FakeKernel) -> None:
    machine.path(f"{DEVICES}/{PF}/sriov_numvfs").unlink()
    status = run(machine, pf(vf(0)))
    assert status.errors == ["0000:01:00.0: the device has no SR-IOV; is it disabled in the BIOS?"]


# Module parameter


def test_module_parameter_only_looks_at_the_count(machine: FakeKernel) -> None:
    machine.later = [lambda: machine.set_vfs(PF, 1)]
    status = run(machine, pf(vf(0), mode="module-parameter"))
    assert status.errors == []
    assert did(status) == [
        "0000:01:00.0: left its 1 VFs alone (there are as many as planned)",
        "0000:01:10.0: bound to vfio-pci, taken from ixgbevf (VF 0 of ens11f0 is for userspace)",
    ]
    assert not any("sriov_numvfs" in line for line in machine.log)


def test_module_parameter_without_effect(machine: FakeKernel) -> None:
    status = run(machine, pf(vf(0), mode="module-parameter"))
    assert status.errors == [
        (
            "0000:01:00.0: has 0 VFs, the plan has 1 by a parameter of ixgbe; "
            "is its file in modprobe.d also in the initramfs?"
        )
    ]
    assert machine.log == []


def test_a_stand_in_has_no_module_parameter(kernel: FakeKernel) -> None:
    make_twin(kernel, "rackwright.substitute=8086:10fb=8086:10c9")
    kernel.add_pf(PF, "8086:10c9", "igb", ("8086:10ca", "igbvf", VFS))
    kernel.add_driver("vfio-pci")
    status = run(kernel, pf(vf(0), mode="module-parameter"))
    assert status.errors == []
    assert did(status)[1] == (
        "0000:01:00.0: created 1 VFs (a stand-in's driver does not know the parameter of ixgbe)"
    )


# A PF on a userspace driver (the how-to's literal form)


def test_a_userspace_pf_is_bound_before_its_vfs_are_made(machine: FakeKernel) -> None:
    status = run(machine, pf(vf(0), driver="vfio-pci"))
    assert status.errors == []
    assert did(status) == [
        "0000:01:00.0: bound to vfio-pci, taken from ixgbe (ens11f0 is for userspace)",
        "0000:01:00.0: created 1 VFs (there were 0)",
        "0000:01:10.0: bound to vfio-pci (VF 0 of ens11f0 is for userspace)",
    ]


def test_igb_uio_has_its_own_file_for_the_count(machine: FakeKernel) -> None:
    machine.modules["igb_uio"] = "igb_uio"
    machine.put(f"{DEVICES}/{PF}/max_vfs", "0\n")
    status = run(machine, pf(vf(0, "igb_uio"), driver="igb_uio"))
    assert status.errors == []
    assert f"{DEVICES}/{PF}/max_vfs < 1" in machine.log
    assert driver(machine, VFS[0]) == "igb_uio"


# Drivers


def test_loads_a_driver_that_is_missing(kernel: FakeKernel) -> None:
    kernel.add_device(PORT, "8086:1533", "igb")
    kernel.modules["vfio-pci"] = "vfio-pci"
    status = run(kernel, bindings=(port(),))
    assert did(status) == ["0000:09:00.0: bound to vfio-pci (enp9s0 is for userspace)"]
    assert kernel.log[0] == "$ modprobe vfio-pci"


def test_a_driver_that_cannot_be_loaded(kernel: FakeKernel) -> None:
    kernel.add_device(PORT, "8086:1533", "igb", "igb")
    status = run(kernel, bindings=(port(driver="igb_uio"),))
    assert status.errors == [
        "0000:09:00.0: driver igb_uio is not there: modprobe: FATAL: Module igb_uio not found."
    ]
    assert driver(kernel, PORT) == "igb"


def test_loads_the_driver_of_a_pf_without_waiting_for_udev(kernel: FakeKernel) -> None:
    kernel.add_pf(PF, "8086:10fb", "ixgbe", ("8086:10ed", "ixgbevf", VFS))
    kernel.detach(PF)
    kernel.remove_driver("ixgbe")
    kernel.modules |= {"pci:8086:10fb": "ixgbe", "pci:8086:10ed": "ixgbevf"}
    status = run(kernel, pf(vf(0, None)))
    assert status.errors == []
    assert driver(kernel, PF) == "ixgbe"
    assert driver(kernel, VFS[0]) == "ixgbevf"


def test_a_pf_no_driver_takes(kernel: FakeKernel) -> None:
    kernel.add_pf(PF, "8086:10fb", "ixgbe", ("8086:10ed", "ixgbevf", VFS))
    kernel.detach(PF)
    kernel.remove_driver("ixgbe")
    status = run(kernel, pf(vf(0)))
    assert status.errors == ["0000:01:00.0: no driver took it, the plan has ixgbe"]


def test_a_pf_on_another_driver(machine: FakeKernel) -> None:
    machine.detach(PF)
    machine.attach(PF, "vfio-pci")
    status = run(machine, pf(vf(0)))
    assert status.errors == ["0000:01:00.0: is on vfio-pci, the plan has ixgbe; left alone"]


def test_a_vf_no_network_driver_takes(machine: FakeKernel) -> None:
    machine.remove_driver("ixgbevf")
    status = run(machine, pf(vf(0, None)))
    assert status.errors == ["0000:01:10.0: no driver took 8086:10ed"]


def test_without_an_iommu_the_message_says_so(kernel: FakeKernel) -> None:
    kernel.iommu = False
    kernel.add_device(PORT, "8086:1533", "igb", "igb")
    kernel.add_driver("vfio-pci")
    status = run(kernel, bindings=(port(),))
    assert status.errors == [
        (
            "0000:09:00.0: vfio-pci did not take it, it is on no driver: "
            "the device has no IOMMU group; VT-d or AMD-Vi is off in the BIOS or kernel"
        )
    ]


def test_a_driver_that_fails_to_probe(machine: FakeKernel) -> None:
    machine.probe = lambda pci: None  # type: ignore[method-assign]
    status = run(machine, bindings=(port(),))
    assert status.errors == [
        "0000:09:00.0: vfio-pci did not take it, it is on no driver; dmesg has the driver's reason"
    ]


# Ports in use


@pytest.mark.parametrize(
    ("path", "text", "use"),
    [
        ("route", "n0900f0 00000000 0101A8C0 0003 0 0 0 00000000", "carries the default route"),
        ("route", "n0900f0 0001A8C0 00000000 0001 0 0 0 00FFFFFF", "has an address"),
        ("if_inet6", "20010db8000000000000000000000001 02 40 00 80 n0900f0", "has an address"),
    ],
)
def test_a_port_in_use_stays_with_the_kernel(
    machine: FakeKernel, path: str, text: str, use: str
) -> None:
    machine.put(f"proc/net/{path}", f"{text}\n")
    status = run(machine, bindings=(port(),))
    assert status.errors == [f"0000:09:00.0: left on igb: n0900f0 {use}"]
    assert driver(machine, PORT) == "igb"
    assert machine.read(f"{DEVICES}/{PORT}/driver_override") == "(null)"


def test_a_link_local_address_is_no_use(machine: FakeKernel) -> None:
    machine.put("proc/net/if_inet6", "fe800000000000000000000000000001 02 40 20 80 n0900f0\n")
    assert run(machine, bindings=(port(),)).errors == []


def test_a_port_of_a_bond_stays_with_the_kernel(machine: FakeKernel) -> None:
    machine.symlink("sys/class/net/n0900f0/master", "../bond0")
    status = run(machine, bindings=(port(),))
    assert status.errors == ["0000:09:00.0: left on igb: n0900f0 is a port of bond0"]


def test_a_userspace_port_in_use_is_not_moved(machine: FakeKernel) -> None:
    machine.detach(PORT)
    machine.attach(PORT, "igb_uio")
    machine.path(f"{DEVICES}/{PORT}/uio/uio3").mkdir(parents=True)
    machine.put("proc/8/comm", "ovs-vswitchd\n")
    machine.symlink("proc/8/fd/30", "/dev/uio3")
    status = run(machine, bindings=(port(),))
    assert status.errors == [
        "0000:09:00.0: left on igb_uio: ovs-vswitchd (process 8) has /dev/uio3 open"
    ]


# What the PF says about its VFs


def test_sets_attributes_before_any_driver_has_the_vf(machine: FakeKernel) -> None:
    name = machine.interface(PF)
    machine.vf_info[name] = {0: {"address": "00:00:00:00:00:00", "spoofchk": True, "trust": False}}
    planned = vf(0, None, mac="02:00:00:00:00:01", vlan=7, trust=True, spoofchk=False)
    status = run(machine, pf(planned))
    assert status.errors == []
    assert did(status)[1] == (
        "0000:01:10.0: set mac 02:00:00:00:00:01 vlan 7 trust on spoofchk off (VF 0 of ens11f0)"
    )
    command = f"$ ip link set dev {name} vf 0 mac 02:00:00:00:00:01 vlan 7 trust on spoofchk off"
    assert machine.log.index(command) < machine.log.index(
        f"{DEVICES}/{PF}/sriov_drivers_autoprobe < 1"
    )


def test_sets_only_what_differs(machine: FakeKernel) -> None:
    name = machine.interface(PF)
    machine.vf_info[name] = {
        0: {"address": "02:00:00:00:00:01", "vlan_list": [{"vlan": 7}], "trust": False}
    }
    status = run(machine, pf(vf(0, mac="02:00:00:00:00:01", vlan=7, trust=True)))
    assert did(status)[1] == "0000:01:10.0: set trust on (VF 0 of ens11f0)"


def test_an_interface_renamed_meanwhile(machine: FakeKernel) -> None:
    """Udev gives the PF its name while we speak to it by the old one."""
    old, new = machine.interface(PF), "ens11f0"
    machine.vf_info[new] = {0: {"address": "00:00:00:00:00:00"}}
    plain = machine.ip

    def rename_once(words: list[str]) -> Any:
        folder = machine.path(f"{DEVICES}/{PF}/net")
        if words[0] == "link" and (folder / old).exists():
            (folder / old).rename(folder / new)
        return plain(words)

    machine.ip = rename_once  # type: ignore[method-assign]
    status = run(machine, pf(vf(0, mac="02:00:00:00:00:01")))
    assert status.errors == []
    assert [line for line in machine.log if line.startswith("$ ip link set")] == [
        f"$ ip link set dev {name} vf 0 mac 02:00:00:00:00:01" for name in (old, new)
    ]


def test_an_attribute_the_pf_refuses(machine: FakeKernel) -> None:
    status = run(machine, pf(vf(0, trust=True)))
    assert status.errors == [
        '0000:01:10.0: ip link set dev n0100f0 vf 0 trust on: Cannot find device "n0100f0"'
    ]
    assert driver(machine, VFS[0]) is None


def test_a_userspace_pf_has_no_interface_to_set_attributes_by(machine: FakeKernel) -> None:
    status = run(machine, pf(vf(0, mac="02:00:00:00:00:01", vlan=7), driver="vfio-pci"))
    assert status.errors == [
        "0000:01:10.0: mac, vlan cannot be set: ens11f0 (0000:01:00.0) has no interface"
    ]


def test_a_refused_write_names_the_file(machine: FakeKernel) -> None:
    machine.refuse[f"{DEVICES}/{PORT}/driver/unbind"] = errno.EPERM
    status = run(machine, bindings=(port(),))
    assert status.errors == [
        (
            "0000:09:00.0: writing '0000:09:00.0' to "
            "/sys/bus/pci/devices/0000:09:00.0/driver/unbind: Operation not permitted"
        )
    ]
