"""The pass over PFs and ports, against a kernel that reacts as the real one does."""

from __future__ import annotations

import errno

import pytest
from fake_kernel import DEVICES, FakeKernel
from nic_plans import PF, PORT, VFS, did, driver, make_twin, pf, port, run, vf

# The whole pass


def test_makes_vfs_and_gives_each_to_its_driver(machine: FakeKernel) -> None:
    status = run(machine, pf(vf(0), vf(1, None)), bindings=(port(),))
    assert status.errors == []
    assert did(status) == [
        "0000:01:00.0: created 2 VFs (there were 0)",
        "0000:01:00.0: set up (a VF starts only while its PF is up)",
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
        "$ ip link set dev n0100f0 up",
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
        "0000:01:00.0: set up (a VF starts only while its PF is up)",
        "0000:01:10.0: bound to vfio-pci (VF 0 of ens11f0 is for userspace)",
    ]


def test_leaves_out_vfs_a_stand_in_cannot_have(kernel: FakeKernel) -> None:
    make_twin(kernel, "rackwright.substitute=8086:10fb=8086:10c9")
    kernel.add_pf(PF, "8086:10c9", "igb", ("8086:10ca", "igbvf", VFS))
    kernel.put(f"{DEVICES}/{PF}/sriov_totalvfs", "2\n")
    kernel.add_driver("vfio-pci")
    status = run(kernel, pf(vf(0), vf(1), vf(2)))
    assert status.errors == []
    assert did(status)[1:3] == [
        "0000:01:00.0: left out VFs 2-2 (the stand-in can have 2)",
        "0000:01:00.0: created 2 VFs (there were 0)",
    ]
    assert driver(kernel, VFS[1]) == "vfio-pci"


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


# Drivers


def test_loads_a_driver_that_is_missing(kernel: FakeKernel) -> None:
    kernel.add_device(PORT, "8086:1533", "igb")
    kernel.modules["vfio-pci"] = "vfio-pci"
    status = run(kernel, bindings=(port(),))
    assert did(status) == ["0000:09:00.0: bound to vfio-pci (enp9s0 is for userspace)"]
    assert kernel.log[0] == "$ modprobe vfio-pci"


def test_a_driver_that_takes_the_device_as_it_loads(machine: FakeKernel) -> None:
    """The VF's override is there before the module is."""
    machine.remove_driver("vfio-pci")
    machine.modules["vfio-pci"] = "vfio-pci"
    status = run(machine, pf(vf(0)))
    assert status.errors == []
    assert did(status)[-1] == "0000:01:10.0: bound to vfio-pci (VF 0 of ens11f0 is for userspace)"
    assert not any("unbind" in line for line in machine.log)


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


def test_a_refused_write_names_the_file(machine: FakeKernel) -> None:
    machine.refuse[f"{DEVICES}/{PORT}/driver/unbind"] = errno.EPERM
    status = run(machine, bindings=(port(),))
    assert status.errors == [
        (
            "0000:09:00.0: writing '0000:09:00.0' to "
            "/sys/bus/pci/devices/0000:09:00.0/driver/unbind: Operation not permitted"
        )
    ]
