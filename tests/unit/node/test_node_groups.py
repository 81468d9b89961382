"""What keeps a port from being opened although its driver has it: its group, its RDMA device."""

from __future__ import annotations

from fake_kernel import DEVICES, FakeKernel
from nic_plans import PF, PORT, did, make_twin, pf, port, run, vf
from rackwright_node import Binding, Bridge, Port

CHIP = ("0000:02:00.0", "0000:02:00.1")


def add_chip(kernel: FakeKernel, *drivers: str) -> None:
    """Two functions of one chip without ACS: one group, that of the first."""
    kernel.add_driver("vfio-pci")
    for pci, driver in zip(CHIP, drivers, strict=True):
        kernel.add_device(pci, "14e4:16d7", driver, driver)
    kernel.path(f"{DEVICES}/{CHIP[1]}/iommu_group").unlink()
    group = kernel.link(f"{DEVICES}/{CHIP[0]}/iommu_group")
    kernel.symlink(f"{DEVICES}/{CHIP[1]}/iommu_group", f"../../../../kernel/iommu_groups/{group}")
    kernel.symlink(f"sys/kernel/iommu_groups/{group}/devices/{CHIP[1]}", f"../../../../{CHIP[1]}")


def chip_port(number: int) -> Binding:
    return port(name=f"data{number}", pci=CHIP[number], id="14e4:16d7")


def test_names_what_keeps_a_group_closed(kernel: FakeKernel) -> None:
    add_chip(kernel, "bnxt_en", "bnxt_en")
    status = run(kernel, bindings=(chip_port(1),))
    assert status.errors == [
        (
            "0000:02:00.1: data1 cannot be opened: IOMMU group 1 also has 0000:02:00.0 (bnxt_en, "
            "n0200f0); use a port with a group of its own"
        )
    ]


def test_two_ports_of_one_group_are_both_bound_before_it_is_judged(kernel: FakeKernel) -> None:
    add_chip(kernel, "bnxt_en", "bnxt_en")
    assert run(kernel, bindings=(chip_port(0), chip_port(1))).errors == []


def test_a_root_port_keeps_no_group_closed(kernel: FakeKernel) -> None:
    add_chip(kernel, "pcieport", "bnxt_en")
    assert run(kernel, bindings=(chip_port(1),)).errors == []


def test_a_vf_in_a_group_with_its_pf(machine: FakeKernel) -> None:
    run(machine, pf(vf(0)))
    group = machine.link(f"{DEVICES}/0000:01:10.0/iommu_group")
    machine.symlink(f"sys/kernel/iommu_groups/{group}/devices/{PF}", f"../../../../{PF}")
    (error,) = run(machine, pf(vf(0))).errors
    assert error.startswith("0000:01:10.0: VF 0 of ens11f0 cannot be opened: IOMMU group ")
    assert "also has 0000:01:00.0 (ixgbe, n0100f0); " in error


# Ports DPDK opens through their kernel driver


def add_mlx5(kernel: FakeKernel) -> None:
    kernel.add_device(PORT, "15b3:1017", "mlx5_core")
    kernel.modules["pci:15b3:1017"] = "mlx5_core"


MLX5 = {"id": "15b3:1017", "driver": "mlx5_core"}


def test_waits_for_a_port_and_its_rdma_device(kernel: FakeKernel) -> None:
    add_mlx5(kernel)
    kernel.later = [lambda: kernel.put(f"{DEVICES}/{PORT}/infiniband/mlx5_0/node_guid", "0\n")]
    status = run(kernel, kernel_ports=(port(**MLX5),))
    assert status.errors == []
    assert did(status) == []
    assert kernel.later == []


def test_does_not_wait_for_ever_for_an_rdma_device(kernel: FakeKernel) -> None:
    add_mlx5(kernel)
    assert run(kernel, kernel_ports=(port(**MLX5),)).errors == [
        ("0000:09:00.0: enp9s0 has no RDMA device, by which DPDK opens it; dmesg has the reason")
    ]


def test_does_not_wait_for_ever_for_a_driver(kernel: FakeKernel) -> None:
    kernel.add_device(PORT, "15b3:1017", "mlx5_core")
    assert run(kernel, kernel_ports=(port(**MLX5),)).errors == [
        "0000:09:00.0: no driver took it, the plan has mlx5_core"
    ]


def test_a_vf_of_open_vswitch_that_stays_with_its_driver_is_waited_for(
    machine: FakeKernel,
) -> None:
    options = {"dpdk-devargs": "0000:01:10.0"}
    bridge = Bridge("br0", "netdev", "standalone", (Port("dpdk0", "dpdk", 1500, options, {}),))
    status = run(machine, pf(vf(0, None), vf(1, None)), bridges=(bridge,))
    assert status.errors == [
        (
            "0000:01:10.0: VF 0 of ens11f0 has no RDMA device, by which DPDK opens it; dmesg "
            "has the reason"
        )
    ]


def test_a_stand_in_has_no_rdma_device(kernel: FakeKernel) -> None:
    kernel.add_device(PORT, "8086:10c9", "igb", "igb")
    make_twin(kernel, "rackwright.substitute=15b3:1017=8086:10c9")
    assert run(kernel, kernel_ports=(port(**MLX5),)).errors == []
