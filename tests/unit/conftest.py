"""Unit tests touch neither other programs nor the network: both are forbidden here."""

from __future__ import annotations

import socket
import subprocess
from typing import Any, NoReturn

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "allow_subprocess: this unit test is about running programs itself"
    )


@pytest.fixture(autouse=True)
def no_other_programs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that is about the runner itself says so by the marker `allow_subprocess`."""
    if request.node.get_closest_marker("allow_subprocess") is None:
        monkeypatch.setattr(subprocess, "Popen", _refuse("a unit test started a program"))
    monkeypatch.setattr(socket.socket, "connect", _refuse("a unit test opened a connection"))
    monkeypatch.setattr(socket, "getaddrinfo", _refuse("a unit test looked up a name"))


def _refuse(what: str) -> Any:
    def refuse(*args: object, **_: object) -> NoReturn:
        pytest.fail(f"{what}: {args!r}")

    return refuse
