"""A machine to work on, and no way out to the real one."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_kernel import FakeKernel
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
