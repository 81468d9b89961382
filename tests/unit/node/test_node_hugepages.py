"""Hugepages of each node: read back, put right, and what is said when that is not possible."""

from __future__ import annotations

import errno

import pytest
from fake_kernel import FakeKernel, load_program
from nic_plans import config
from rackwright_node import Pages, Status

hugepages = load_program("hugepages")

GIB = 1048576


def pool(node: int, size_kib: int = GIB) -> str:
    return f"sys/devices/system/node/node{node}/hugepages/hugepages-{size_kib}kB/nr_hugepages"


def run(kernel: FakeKernel, *pages: Pages) -> Status:
    status = Status()
    hugepages.work(kernel, config(hugepages=pages), status)
    return status


@pytest.fixture
def machine(kernel: FakeKernel) -> FakeKernel:
    """Two nodes; the kernel put one of two pages on the wrong one."""
    kernel.put(pool(0), "0\n")
    kernel.put(pool(1), "2\n")
    kernel.put("proc/sys/vm/compact_memory", "")
    return kernel


def test_right_counts_are_left_alone(machine: FakeKernel) -> None:
    machine.put(pool(0), "4\n")
    status = run(machine, Pages(0, GIB, 4), Pages(1, GIB, 2))
    assert status.errors == []
    assert machine.log == []
    assert status.steps == [
        {
            "what": f"node {node}, pages of 1048576 kB",
            "did": f"left its {count} pages alone",
            "why": "as many as planned",
        }
        for node, count in ((0, 4), (1, 2))
    ]


def test_gives_back_before_it_asks_for_more(machine: FakeKernel) -> None:
    status = run(machine, Pages(0, GIB, 1), Pages(1, GIB, 1))
    assert status.errors == []
    assert machine.log == [f"{pool(1)} < 1", f"{pool(0)} < 1"]
    assert [(step["what"], step["did"], step["why"]) for step in status.steps] == [
        ("node 1, pages of 1048576 kB", "set to 1", "the kernel had reserved 2"),
        ("node 0, pages of 1048576 kB", "set to 1", "the kernel had reserved 0"),
    ]


def test_a_node_the_plan_does_not_name_is_to_have_none(machine: FakeKernel) -> None:
    """Kernels without the node syntax spread the total over the nodes."""
    status = run(machine, Pages(0, GIB, 2))
    assert status.errors == []
    assert machine.log == [f"{pool(1)} < 0", f"{pool(0)} < 2"]


def test_a_size_the_plan_does_not_name_is_none_of_ours(machine: FakeKernel) -> None:
    machine.put(pool(0, 2048), "64\n")
    run(machine, Pages(0, GIB, 0), Pages(1, GIB, 2))
    assert machine.read(pool(0, 2048)) == "64"


def test_several_sizes_are_each_set_on_each_node(machine: FakeKernel) -> None:
    """Kernels before 5.16 know no node in hugepages=, and spread each size by themselves."""
    for node, count in ((0, 48), (1, 16)):
        machine.put(pool(node, 2048), f"{count}\n")
    plan = [Pages(node, size, n) for size, n in ((GIB, 1), (2048, 32)) for node in (0, 1)]
    status = run(machine, *plan)
    assert status.errors == []
    assert machine.log == [
        f"{pool(0, 2048)} < 32",
        f"{pool(1)} < 1",
        f"{pool(0)} < 1",
        f"{pool(1, 2048)} < 32",
    ]
    machine.log.clear()
    assert run(machine, *plan).errors == []
    assert machine.log == []


def test_compacts_memory_and_asks_once_more(machine: FakeKernel) -> None:
    machine.page_room[pool(0)] = 1
    status = run(machine, Pages(0, GIB, 3), Pages(1, GIB, 2))
    assert status.errors == [
        (
            "node 0, pages of 1048576 kB: the plan has 3, the node has 1; "
            "too little memory in one piece"
        )
    ]
    assert machine.log == [
        f"{pool(0)} < 3",
        "proc/sys/vm/compact_memory < 1",
        f"{pool(0)} < 3",
    ]


def test_pages_that_cannot_be_given_back(machine: FakeKernel) -> None:
    machine.set_pages = lambda path, count: None  # type: ignore[method-assign]
    status = run(machine, Pages(1, GIB, 1))
    assert status.errors == [
        "node 1, pages of 1048576 kB: the plan has 1, the node has 2; they are in use"
    ]


def test_a_cpu_without_such_pages(kernel: FakeKernel) -> None:
    kernel.put(pool(0, 2048), "0\n")
    status = run(kernel, Pages(0, GIB, 4), Pages(0, 2048, 8))
    assert status.errors == [
        (
            "node 0, pages of 1048576 kB: the kernel has no such size; "
            "1 GiB pages want a CPU with pdpe1gb"
        )
    ]
    assert kernel.read(pool(0, 2048)) == "8"


def test_a_node_that_is_not_there(machine: FakeKernel) -> None:
    status = run(machine, Pages(2, GIB, 1))
    assert "node 2, pages of 1048576 kB: the machine has no such node" in status.errors


def test_a_write_the_kernel_refuses(machine: FakeKernel) -> None:
    machine.refuse[pool(0)] = errno.EINVAL
    status = run(machine, Pages(0, GIB, 1), Pages(1, GIB, 2))
    assert status.errors == ["node 0, pages of 1048576 kB: setting 1: Invalid argument"]
