"""`doctor`: what is lacking and the one command that installs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder import needs
from builder.command import Result
from builder.errors import ToolMissing
from builder.verbs import doctor
from builder.verify.firmware import UefiFirmware

Call = Any
FINE = "render   ok\nimage    ok\nverify   ok\n"


@pytest.fixture(autouse=True)
def whole(monkeypatch: pytest.MonkeyPatch, without: Callable[..., None]) -> None:
    without()
    monkeypatch.setattr(needs, "is_root", lambda: True)
    firmware = UefiFirmware(Path("code"), Path("vars"))
    monkeypatch.setattr(needs, "find_firmware", lambda **_: firmware)
    monkeypatch.setattr(needs, "keyring_for", lambda _: Path("/"))
    monkeypatch.setattr(needs, "knows_suite", lambda _: True)
    says(monkeypatch, b"QEMU emulator version 10.0.2")


def says(monkeypatch: pytest.MonkeyPatch, version: bytes) -> None:
    class Fake:
        def run(self, _command: object) -> Result:
            return Result(0, version)

    monkeypatch.setattr(doctor, "SubprocessRunner", Fake)


def test_all_is_there(rackwright: Call) -> None:
    assert rackwright("doctor") == (0, FINE, "")


def test_missing_programs(rackwright: Call, without: Callable[..., None]) -> None:
    without("mmdebstrap", "qemu-img", "qemu-system-x86_64")
    assert rackwright("doctor") == (
        1,
        (
            "render   ok\nimage    missing: mmdebstrap, qemu-img\n"
            "verify   missing: qemu-system-x86_64, qemu-img\n"
        ),
        "  hint: apt-get install mmdebstrap qemu-system-x86 qemu-utils\n",
    )


def test_missing_keys_and_names_of_an_archive(
    rackwright: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has Ubuntu's keys goes by the same name on Debian."""
    keys = {"debian": Path("/"), "ubuntu": Path("/none")}
    monkeypatch.setattr(needs, "keyring_for", lambda release: keys[release.family])
    monkeypatch.setattr(needs, "knows_suite", lambda release: release.suite != "resolute")
    assert rackwright("doctor") == (
        1,
        "render   ok\nimage    missing: distro-info-data, ubuntu-keyring\nverify   ok\n",
        "  hint: apt-get install distro-info-data ubuntu-keyring\n",
    )


def test_missing_firmware(rackwright: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(**_: bool) -> None:
        raise ToolMissing("no")

    monkeypatch.setattr(needs, "find_firmware", missing)
    assert rackwright("doctor") == (
        1,
        "render   ok\nimage    ok\nverify   missing: ovmf\n",
        "  hint: apt-get install ovmf\n",
    )


def test_old_qemu(rackwright: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, b"QEMU emulator version 7.2.1 (Debian)")
    assert rackwright("doctor") == (
        1,
        (
            f"{FINE}         QEMU 7.2 has no NIC with SR-IOV (igb): 8.0 or later is needed:"
            " install qemu-system-x86 from the backports of this release\n"
        ),
        "",
    )


def test_a_qemu_that_says_nothing(rackwright: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, b"")
    assert rackwright("doctor") == (0, FINE, "")


def test_no_root(rackwright: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "is_root", lambda: False)
    assert rackwright("doctor") == (
        1,
        "render   ok\nimage    needs root: run it with sudo\nverify   ok\n",
        "",
    )


def test_neither_root_nor_programs(
    rackwright: Call, monkeypatch: pytest.MonkeyPatch, without: Callable[..., None]
) -> None:
    monkeypatch.setattr(needs, "is_root", lambda: False)
    without("mmdebstrap")
    verdict = "image    missing: mmdebstrap; needs root: run it with sudo"
    assert rackwright("doctor").out.splitlines()[1] == verdict
