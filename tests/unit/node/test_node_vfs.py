"""VFs: how many there are made, and what their PF says about each."""

from __future__ import annotations

import errno
import shutil
from typing import Any

import pytest
from fake_kernel import DEVICES, FakeKernel
from nic_plans import PF, PORT, VFS, config, did, driver, make_twin, nics, pf, run, vf
from rackwright_node import Bridge, Finished, Pf, Port, Status

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


SET_CARD = "mlxconfig -d 0000:01:00.0 set SRIOV_EN=1 NUM_OF_VFS=2"


def test_names_the_setting_of_the_card_when_there_are_fewer(machine: FakeKernel) -> None:
    machine.set_vfs = lambda pci, count: None  # type: ignore[method-assign]
    status = run(machine, pf(vf(0), vf(1), set_in_card=SET_CARD))
    assert status.errors == [(f"0000:01:00.0: asked for 2 VFs, got 0; {SET_CARD}")]


def test_names_the_setting_of_a_card_that_is_set_to_fewer(machine: FakeKernel) -> None:
    machine.put(f"{DEVICES}/{PF}/sriov_totalvfs", "1\n")
    status = run(machine, pf(vf(0), vf(1), set_in_card=SET_CARD))
    assert status.errors == [f"0000:01:00.0: the plan has 2 VFs, the device can have 1; {SET_CARD}"]


def test_names_the_setting_of_a_card_whose_sriov_is_off(machine: FakeKernel) -> None:
    machine.path(f"{DEVICES}/{PF}/sriov_numvfs").unlink()
    status = run(machine, pf(vf(0), set_in_card=SET_CARD))
    assert status.errors == [f"0000:01:00.0: the device has no SR-IOV; {SET_CARD}"]


def test_a_refusal_of_a_pf_that_is_down_names_that(bnxt: FakeKernel) -> None:
    """bnx2x_sriov_configure(): EINVAL, where bnxt_en says nothing."""
    bnxt.refuse[f"{DEVICES}/{PF}/sriov_numvfs"] = errno.EINVAL
    bnxt.answers["ip link set dev n0100f0 up"] = Finished(2, "", "no")
    status = run(bnxt, plan_bnxt())
    assert status.errors[1] == (
        "0000:01:00.0: 2 VFs refused: Invalid argument; dmesg has the kernel's reason; bnxt_en "
        "makes none while ens11f0 is down"
    )


@pytest.fixture
def bnxt(kernel: FakeKernel) -> FakeKernel:
    kernel.add_pf(PF, "14e4:16d7", "bnxt_en", ("14e4:16dc", "bnxt_en", VFS))
    kernel.add_driver("vfio-pci")
    kernel.vfs_want_up = True
    return kernel


def plan_bnxt(**changes: Any) -> Pf:
    ids = {"id": "14e4:16d7", "vf_id": "14e4:16dc", "driver": "bnxt_en", "up_first": True}
    return pf(vf(0), vf(1), **{**ids, **changes})


def test_a_driver_that_makes_vfs_only_of_a_pf_that_is_up(bnxt: FakeKernel) -> None:
    status = run(bnxt, plan_bnxt())
    assert status.errors == []
    assert did(status) == [
        "0000:01:00.0: set up (bnxt_en makes VFs only while their PF is up)",
        "0000:01:00.0: created 2 VFs (there were 0)",
        "0000:01:10.0: bound to vfio-pci (VF 0 of ens11f0 is for userspace)",
        "0000:01:10.2: bound to vfio-pci (VF 1 of ens11f0 is for userspace)",
    ]


def test_without_up_first_such_a_driver_makes_none(bnxt: FakeKernel) -> None:
    status = run(bnxt, plan_bnxt(up_first=False))
    assert status.errors == ["0000:01:00.0: asked for 2 VFs, got 0"]


def test_says_why_there_are_no_vfs_of_a_pf_that_stays_down(bnxt: FakeKernel) -> None:
    up = "ip link set dev n0100f0 up"
    bnxt.answers[up] = Finished(2, "", "RTNETLINK answers: Input/output error")
    status = run(bnxt, plan_bnxt())
    assert status.errors == [
        f"0000:01:00.0: {up}: RTNETLINK answers: Input/output error",
        "0000:01:00.0: asked for 2 VFs, got 0; bnxt_en makes none while ens11f0 is down",
    ]


def test_a_device_without_sriov(machine: FakeKernel) -> None:
    machine.path(f"{DEVICES}/{PF}/sriov_numvfs").unlink()
    status = run(machine, pf(vf(0)))
    assert status.errors == [
        (
            "0000:01:00.0: the device has no SR-IOV; it is disabled in the BIOS or in the card's own "
            "settings"
        )
    ]


# Module parameter


def test_module_parameter_only_looks_at_the_count(machine: FakeKernel) -> None:
    machine.later = [lambda: machine.set_vfs(PF, 1)]
    status = run(machine, pf(vf(0), mode="module-parameter"))
    assert status.errors == []
    assert did(status) == [
        "0000:01:00.0: left its 1 VFs alone (there are as many as planned)",
        "0000:01:00.0: set up (a VF starts only while its PF is up)",
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


# What the PF says about its VFs


def test_sets_attributes_before_any_driver_has_the_vf(machine: FakeKernel) -> None:
    name = machine.interface(PF)
    machine.vf_info[name] = {0: {"address": "00:00:00:00:00:00", "spoofchk": True, "trust": False}}
    planned = vf(0, None, mac="02:00:00:00:00:01", vlan=7, trust=True, spoofchk=False)
    status = run(machine, pf(planned))
    assert status.errors == []
    assert did(status)[2] == (
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
    assert did(status)[2] == "0000:01:10.0: set trust on (VF 0 of ens11f0)"


def test_an_interface_renamed_meanwhile(machine: FakeKernel) -> None:
    """Udev gives the PF another name while we speak to it by the old one."""
    old, new = machine.interface(PF), "ens11f0"
    plain = machine.ip

    def rename_once(words: list[str]) -> Any:
        for folder in (f"{DEVICES}/{PF}/net", "sys/class/net"):
            if words[-1] == "up" and machine.exists(f"{folder}/{old}"):
                machine.path(f"{folder}/{old}").rename(machine.path(f"{folder}/{new}"))
        return plain(words)

    machine.ip = rename_once  # type: ignore[method-assign]
    status = run(machine, pf(vf(0)))
    assert status.errors == []
    assert [line for line in machine.log if line.startswith("$ ip")] == [
        f"$ ip link set dev {name} up" for name in (old, new)
    ]


def test_a_setting_the_pf_refuses(machine: FakeKernel) -> None:
    command = f"ip link set dev {machine.interface(PF)} vf 0 trust on"
    machine.answers[command] = Finished(2, "", "RTNETLINK answers: Operation not supported")
    status = run(machine, pf(vf(0, trust=True), vf(1)))
    assert status.errors == [f"0000:01:10.0: {command}: RTNETLINK answers: Operation not supported"]
    assert [driver(machine, pci) for pci in VFS[:2]] == [None, "vfio-pci"]


def test_settings_a_pod_has_made_stay(machine: FakeKernel) -> None:
    plan = pf(vf(0, None, mac="02:00:00:00:00:01"))
    run(machine, plan)
    machine.vf_info[machine.interface(PF)][0]["address"] = "02:00:00:00:00:77"
    machine.path(f"{DEVICES}/{VFS[0]}/net/{machine.interface(VFS[0])}").rmdir()
    status = run(machine, plan)
    assert status.errors == []
    assert did(status)[1] == (
        "0000:01:10.0: left its settings alone "
        "(its interface is in another network namespace, as a pod's is)"
    )
    assert machine.vf_info[machine.interface(PF)][0]["address"] == "02:00:00:00:00:77"


def test_the_pf_is_up_before_a_driver_asks_it_for_a_mac(machine: FakeKernel) -> None:
    status = run(machine, pf(vf(0, None, mac="02:00:00:00:00:01")))
    assert status.errors == []
    assert machine.read(f"sys/class/net/{machine.interface(VFS[0])}/address") == (
        "02:00:00:00:00:01"
    )


def test_a_vf_that_did_not_get_its_mac(machine: FakeKernel) -> None:
    machine.mac_of = lambda pci: "0a:00:00:00:00:99"  # type: ignore[method-assign]
    status = run(machine, pf(vf(0, None, mac="02:00:00:00:00:01")))
    assert status.errors == [
        "0000:01:10.0: its MAC is 0a:00:00:00:00:99, the plan has 02:00:00:00:00:01"
    ]


def test_a_stand_in_is_known_not_to_pass_macs_on(kernel: FakeKernel) -> None:
    make_twin(kernel, "rackwright.substitute=8086:10fb=8086:10c9")
    kernel.add_pf(PF, "8086:10c9", "igb", ("8086:10ca", "igbvf", VFS))
    kernel.add_driver("igbvf")
    kernel.mac_of = lambda pci: "0a:00:00:00:00:99"  # type: ignore[method-assign]
    status = run(kernel, pf(vf(0, None, mac="02:00:00:00:00:01")))
    assert status.errors == []
    assert did(status)[-1] == (
        "0000:01:10.0: left its MAC 0a:00:00:00:00:99 (a stand-in's PF does not answer its VFs)"
    )


def test_the_pf_gets_its_name_before_it_is_set_up(machine: FakeKernel) -> None:
    """Kernels before 6.2 do not rename an interface that is up."""

    def rename() -> None:
        for folder in (f"{DEVICES}/{PF}/net", "sys/class/net"):
            machine.path(f"{folder}/n0100f0").rename(machine.path(f"{folder}/ens11f0"))

    machine.later = [rename]
    assert run(machine, pf(vf(0))).errors == []
    assert "$ ip link set dev ens11f0 up" in machine.log


def test_the_pf_takes_no_address_of_the_kernels_choice(machine: FakeKernel) -> None:
    conf = "proc/sys/net/ipv6/conf/n0100f0"
    machine.put(f"{conf}/addr_gen_mode", "0\n")
    machine.put(f"{conf}/accept_ra", "1\n")
    run(machine, pf(vf(0)))
    assert machine.log[2:5] == [
        f"{conf}/addr_gen_mode < 1",
        f"{conf}/accept_ra < 0",
        "$ ip link set dev n0100f0 up",
    ]


def test_the_pf_has_the_longest_mtu_its_vfs_ask_for(machine: FakeKernel) -> None:
    ports = [
        Port(f"dpdk{n}", "dpdk", mtu, {"dpdk-devargs": VFS[n]}, {})
        for n, mtu in ((0, 2000), (1, 9000))
    ]
    other = Port("dpdk9", "dpdk", 9700, {"dpdk-devargs": PORT}, {})
    bridge = Bridge("br0", "netdev", "standalone", (*ports, other))
    status = Status()
    plan = config(pf(vf(0), vf(1)), other_config={}, bridges=(bridge,))
    nics.work(machine, plan, status)
    assert status.errors == []
    assert did(status)[1] == ("0000:01:00.0: set mtu 9000 up (a VF starts only while its PF is up)")
    machine.log.clear()
    nics.work(machine, plan, status)
    assert machine.log == []


def test_a_kernel_pf_without_an_interface(machine: FakeKernel) -> None:
    shutil.rmtree(machine.path(f"{DEVICES}/{PF}/net"))
    status = run(machine, pf(vf(0)))
    assert status.errors == ["0000:01:00.0: ens11f0 has no interface to set its VFs up through"]
    assert driver(machine, VFS[0]) == "vfio-pci"


def test_a_userspace_pf_has_no_interface_to_set_attributes_by(machine: FakeKernel) -> None:
    status = run(machine, pf(vf(0, mac="02:00:00:00:00:01", vlan=7), driver="vfio-pci"))
    assert status.errors == [
        "0000:01:10.0: mac, vlan cannot be set: ens11f0 (0000:01:00.0) has no interface"
    ]
