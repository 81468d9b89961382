"""CPUs taken offline, and what is said when one cannot be."""

from __future__ import annotations

import errno

import pytest
from fake_kernel import FakeKernel, load_program
from nic_plans import config, did
from rackwright_node import Status

cpus = load_program("cpus")


def switch(cpu: int) -> str:
    return f"sys/devices/system/cpu/cpu{cpu}/online"


@pytest.fixture
def machine(kernel: FakeKernel) -> FakeKernel:
    """Four CPUs; of CPU 0, on which the kernel boots, there is no switch."""
    kernel.put("sys/devices/system/cpu/cpu0/topology/core_id", "0\n")
    for cpu in (1, 2, 3):
        kernel.put(switch(cpu), "1\n")
    return kernel


def run(kernel: FakeKernel, *planned: int) -> Status:
    status = Status()
    cpus.work(kernel, config(offline_cpus=planned), status)
    return status


def test_takes_them_offline_once(machine: FakeKernel) -> None:
    status = run(machine, 2, 3)
    assert status.errors == []
    assert did(status) == [f"CPU {cpu}: taken offline (the plan has it offline)" for cpu in (2, 3)]
    assert machine.log == [f"{switch(2)} < 0", f"{switch(3)} < 0"]
    machine.log.clear()
    status = run(machine, 2, 3)
    assert did(status) == [f"CPU {cpu}: left offline (as planned)" for cpu in (2, 3)]
    assert machine.log == []


def test_a_cpu_of_no_plan_is_none_of_ours(machine: FakeKernel) -> None:
    machine.put(switch(1), "0\n")
    run(machine, 2)
    assert [machine.read(switch(cpu)) for cpu in (1, 2, 3)] == ["0", "0", "1"]


def test_one_that_cannot_does_not_keep_the_next(machine: FakeKernel) -> None:
    machine.refuse[switch(1)] = errno.EBUSY
    status = run(machine, 0, 1, 2, 9)
    assert status.errors == [
        (
            "CPU 0: cannot be taken offline, there is no /sys/devices/system/cpu/cpu0/online; "
            "the kernel keeps the CPU it boots on"
        ),
        "CPU 1: taking it offline: Device or resource busy",
        "CPU 9: the machine has no such CPU",
    ]
    assert did(status) == ["CPU 2: taken offline (the plan has it offline)"]


def test_a_write_without_effect(machine: FakeKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "write", lambda path, text: None)
    assert run(machine, 1).errors == ["CPU 1: still online after it was taken offline"]
