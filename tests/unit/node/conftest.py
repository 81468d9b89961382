"""A machine to work on, and no way out to the real one."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_kernel import FakeKernel
from nic_plans import PF, PORT, VFS
from rackwright_node import Status


@pytest.fixture
def kernel(tmp_path: Path) -> FakeKernel:
    return FakeKernel(tmp_path)


@pytest.fixture
def status() -> Status:
    return Status()


@pytest.fixture(autouse=True)
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit test that starts a program tests the machine it runs on."""

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError(f"a unit test ran {arguments[0]}")

    monkeypatch.setattr("subprocess.run", refuse)


@pytest.fixture
def machine(kernel: FakeKernel) -> FakeKernel:
    """The how-to's machine before the program: kernel drivers on the PF and on a whole port."""
    kernel.add_pf(PF, "8086:10fb", "ixgbe", ("8086:10ed", "ixgbevf", VFS), total=63)
    kernel.add_device(PORT, "8086:1533", "igb", "igb")
    kernel.add_driver("vfio-pci")
    kernel.add_driver("ixgbevf")
    return kernel
