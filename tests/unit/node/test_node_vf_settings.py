"""Link state and rates of VFs, and the mode of the switch they hang on."""

from __future__ import annotations

import pytest
from fake_kernel import DEVICES, FakeKernel
from nic_plans import PF, VFS, config, did, driver, make_twin, nics, pf, run, vf
from rackwright_node import Bridge, Finished, Pf, Port, Status

NAME = "n0100f0"
SET = f"$ ip link set dev {NAME}"


def settings(kernel: FakeKernel) -> list[str]:
    """What was set of VFs, in order."""
    return [line.removeprefix(f"{SET} ") for line in kernel.log if line.startswith(f"{SET} vf")]


def give_link(kernel: FakeKernel) -> None:
    kernel.put(f"sys/class/net/{NAME}/carrier", "1\n")


def test_link_state_and_rates_before_any_driver_has_the_vf(machine: FakeKernel) -> None:
    plan = pf(vf(0, None, vlan=7, link_state="enable", max_tx_rate=200, min_tx_rate=50))
    status = run(machine, plan)
    assert status.errors == []
    assert settings(machine) == ["vf 0 vlan 7 state enable", "vf 0 max_tx_rate 200 min_tx_rate 50"]
    assert driver(machine, VFS[0]) == "ixgbevf"
    log = machine.log
    assert log.index(f"{SET} vf 0 max_tx_rate 200 min_tx_rate 50") < log.index(
        "sys/bus/pci/drivers_probe < 0000:01:10.0"
    )


def test_only_what_differs_is_set_again(machine: FakeKernel) -> None:
    plan = pf(vf(0, max_tx_rate=200, min_tx_rate=0, link_state="auto"))
    run(machine, plan)
    assert settings(machine) == ["vf 0 max_tx_rate 200"]
    machine.log.clear()
    assert run(machine, plan).errors == []
    assert machine.log == [f"$ ip -json link show dev {NAME}"] * 2


def test_a_limit_the_plan_lifts_is_set_to_none(machine: FakeKernel) -> None:
    machine.vf_info[NAME] = {0: {"rate": {"max_tx": 200, "min_tx": 0}}}
    run(machine, pf(vf(0, max_tx_rate=0)))
    assert settings(machine) == ["vf 0 max_tx_rate 0"]


def test_a_rate_waits_for_the_link(machine: FakeKernel) -> None:
    """Igb and ixgbe say EINVAL while the port has none."""
    machine.rate_wants_link = True
    machine.put(f"sys/class/net/{NAME}/carrier", "0\n")
    machine.path(f"{DEVICES}/{PF}/net/{NAME}").rename(machine.path(f"{DEVICES}/{PF}/net/ens11f0"))
    machine.path(f"sys/class/net/{NAME}").rename(machine.path("sys/class/net/ens11f0"))
    machine.later = [lambda: machine.put("sys/class/net/ens11f0/carrier", "1\n")]
    status = run(machine, pf(vf(0, max_tx_rate=200), vf(1, max_tx_rate=300)))
    assert status.errors == []
    assert [line for line in did(status) if "rate" in line] == [
        "0000:01:10.0: set max_tx_rate 200 (VF 0 of ens11f0)",
        "0000:01:10.2: set max_tx_rate 300 (VF 1 of ens11f0)",
    ]


def test_without_a_link_the_vf_goes_to_its_driver_without_its_rate(machine: FakeKernel) -> None:
    machine.rate_wants_link = True
    status = run(machine, pf(vf(0, max_tx_rate=200), vf(1)))
    assert status.errors == [
        (
            f"0000:01:10.0: ip link set dev {NAME} vf 0 max_tx_rate 200: "
            "RTNETLINK answers: Invalid argument; ens11f0 has no link, and some drivers take a rate "
            "only while it has one: restart rackwright-nics.service when it has"
        )
    ]
    assert [driver(machine, pci) for pci in VFS[:2]] == ["vfio-pci", "vfio-pci"]


def test_a_rate_over_the_speed_of_the_link(machine: FakeKernel) -> None:
    give_link(machine)
    command = f"ip link set dev {NAME} vf 0 max_tx_rate 20000"
    machine.answers[command] = Finished(2, "", "RTNETLINK answers: Invalid argument")
    status = run(machine, pf(vf(0, max_tx_rate=20000)))
    assert status.errors == [f"0000:01:10.0: {command}: RTNETLINK answers: Invalid argument"]


def open_by(kernel: FakeKernel, pci: str, name: str) -> None:
    group = kernel.link(f"{DEVICES}/{pci}/iommu_group")
    kernel.put("proc/77/comm", f"{name}\n")
    kernel.symlink("proc/77/fd/9", f"/dev/vfio/{group}")


def test_a_vf_of_open_vswitch_gets_its_rate_while_it_is_in_use(machine: FakeKernel) -> None:
    """As when the link came up only after the boot."""
    plan = pf(vf(0, max_tx_rate=200))
    machine.rate_wants_link = True
    run(machine, plan)
    open_by(machine, VFS[0], "ovs-vswitchd")
    give_link(machine)
    port = Port("dpdk0", "dpdk", 1500, {"dpdk-devargs": VFS[0]}, {})
    bridges = (Bridge("br0", "netdev", "standalone", (port,)),)
    status = Status()
    nics.work(machine, config(plan, bridges=bridges), status)
    assert status.errors == []
    assert settings(machine)[-1] == "vf 0 max_tx_rate 200"


def test_a_vf_of_a_pod_keeps_the_rate_it_has(machine: FakeKernel) -> None:
    run(machine, pf(vf(0)))
    open_by(machine, VFS[0], "dpdk-app")
    group = machine.link(f"{DEVICES}/{VFS[0]}/iommu_group")
    status = run(machine, pf(vf(0, max_tx_rate=200)))
    assert (
        f"0000:01:10.0: left its rates alone (dpdk-app (process 77) has /dev/vfio/{group} open)"
        in (did(status))
    )
    assert settings(machine) == []


def test_a_pf_without_an_interface_has_no_rates(machine: FakeKernel) -> None:
    status = run(machine, pf(vf(0, max_tx_rate=200), driver="vfio-pci"))
    assert status.errors == [
        "0000:01:10.0: max_tx_rate cannot be set: ens11f0 (0000:01:00.0) has no interface"
    ]
    assert driver(machine, VFS[0]) == "vfio-pci"


@pytest.fixture
def twin(kernel: FakeKernel) -> FakeKernel:
    make_twin(kernel, "rackwright.substitute=8086:10fb=8086:10c9")
    kernel.add_pf(PF, "8086:10c9", "igb", ("8086:10ca", "igbvf", VFS))
    kernel.add_driver("vfio-pci")
    kernel.add_driver("igbvf")
    return kernel


def test_what_a_stand_in_cannot_is_left_out_aloud(twin: FakeKernel) -> None:
    give_link(twin)
    command = f"ip link set dev {NAME} vf 0 max_tx_rate 5000"
    twin.answers[command] = Finished(2, "", "RTNETLINK answers: Invalid argument")
    plan = pf(vf(0, vlan=7, max_tx_rate=5000, link_state="enable"), eswitch="switchdev")
    status = run(twin, plan)
    assert status.errors == []
    assert [line for line in did(status) if "left out" in line] == [
        "0000:01:00.0: left out switchdev mode (a stand-in has no switch of that kind)",
        "0000:01:10.0: left out link state enable (a stand-in has no such setting)",
        (
            "0000:01:10.0: left out max_tx_rate 5000 (the stand-in refuses it: 0000:01:10.0: "
            f"{command}: RTNETLINK answers: Invalid argument)"
        ),
    ]
    assert settings(twin)[0] == "vf 0 vlan 7"
    assert not any("devlink" in line for line in twin.log)


# The switch of the NIC


def switchdev(*vfs: object) -> Pf:
    return pf(*vfs, eswitch="switchdev")  # type: ignore[arg-type]


@pytest.mark.parametrize("wants_vfs", [None, True, False])
def test_switchdev_mode_with_the_vfs_or_without(
    machine: FakeKernel, wants_vfs: bool | None
) -> None:
    machine.eswitch[PF] = "legacy"
    machine.eswitch_wants_vfs = wants_vfs
    status = run(machine, switchdev(vf(0)))
    assert status.errors == []
    assert machine.eswitch[PF] == "switchdev"
    order = ["put into switchdev mode (was in legacy mode)", "created 1 VFs (there were 0)"]
    said = [line.removeprefix(f"{PF}: ") for line in did(status)[:2]]
    assert said == (order[::-1] if wants_vfs else order)
    # Before a driver has the VF.
    assert driver(machine, VFS[0]) == "vfio-pci"
    machine.log.clear()
    assert did(run(machine, switchdev(vf(0))))[0] == f"{PF}: left in switchdev mode (as planned)"
    assert not any("eswitch set" in line for line in machine.log)


def test_a_nic_without_such_a_switch(machine: FakeKernel) -> None:
    status = run(machine, switchdev(vf(0)))
    assert status.errors == [
        (
            f"{PF}: devlink dev eswitch set pci/{PF} mode switchdev: "
            "kernel answers: Operation not supported"
        )
    ]
    assert driver(machine, VFS[0]) == "vfio-pci"


def test_legacy_mode_asks_nothing(machine: FakeKernel) -> None:
    run(machine, pf(vf(0)))
    assert not any("devlink" in line for line in machine.log)


def test_the_pf_is_spoken_to_by_its_own_interface(machine: FakeKernel) -> None:
    """In switchdev mode those that stand for its VFs are in the same directory."""
    for name, label in (("eth0", "pf0vf0"), ("eth1", "c1pf0"), (NAME, "p0")):
        machine.path(f"{DEVICES}/{PF}/net/{name}").mkdir(exist_ok=True)
        machine.put(f"sys/class/net/{name}/phys_port_name", f"{label}\n")
    status = run(machine, pf(vf(0, vlan=7)))
    assert status.errors == []
    assert settings(machine) == ["vf 0 vlan 7"]
