"""KVM only where a guest ran under it; a QEMU that is too old is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.command import Command, Result
from builder.errors import BuilderError, CommandFailed
from builder.verify.accelerator import BOOT_SECTOR, check_qemu, find_accelerator


class Probe:
    """Runs nothing; `ends` is how the probe's guest ends."""

    def __init__(self, ends: CommandFailed | None, version: str = "") -> None:
        self.ends = ends
        self.version = version
        self.commands: list[Command] = []
        self.disk = b""

    def run(self, command: Command) -> Result:
        self.commands.append(command)
        if command.argv[1] == "--version":
            return Result(0, self.version.encode())
        (drive,) = [word for word in command.argv if word.startswith("if=none")]
        self.disk = Path(drive.split("file=")[1]).read_bytes()
        if self.ends is not None:
            raise self.ends
        return Result(33)


@pytest.fixture
def device(tmp_path: Path) -> Path:
    (tmp_path / "kvm").touch()
    return tmp_path / "kvm"


def test_kvm_where_the_probe_ran(tmp_path: Path, device: Path) -> None:
    probe = Probe(None)
    assert find_accelerator(probe, tmp_path, device) == "kvm"
    (command,) = probe.commands
    assert (command.timeout_s, command.accept) == (3.0, (33,))
    assert probe.disk == BOOT_SECTOR + bytes(1024 * 1024 - 512)
    assert command.argv[: command.argv.index("-drive")] == (
        *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none"),
        *("-no-reboot", "-machine", "q35,kernel-irqchip=split", "-accel", "kvm"),
        *("-cpu", "host", "-smp", "2", "-m", "64M"),
        *("-device", "intel-iommu,intremap=on,caching-mode=on"),
        *("-device", "isa-debug-exit,iobase=0x501,iosize=2"),
    )
    assert [path.name for path in tmp_path.iterdir()] == ["kvm"]


def test_no_kvm_where_the_probe_failed_or_hung(tmp_path: Path, device: Path) -> None:
    failed = Probe(CommandFailed("qemu-system-x86_64 failed with status 1"))
    hung = Probe(CommandFailed("qemu-system-x86_64 did not finish within 3 s"))
    assert find_accelerator(failed, tmp_path, device) == "tcg"
    assert find_accelerator(hung, tmp_path, device) == "tcg"


def test_no_probe_without_the_device(tmp_path: Path) -> None:
    probe = Probe(None)
    assert find_accelerator(probe, tmp_path, tmp_path / "none") == "tcg"
    assert probe.commands == []


def test_the_boot_sector_is_one() -> None:
    assert len(BOOT_SECTOR) == 512
    assert BOOT_SECTOR[:9] == bytes.fromhex("ba0105b010eef4ebfd")
    assert BOOT_SECTOR[-2:] == b"\x55\xaa"


def test_a_qemu_before_igb_is_refused() -> None:
    with pytest.raises(BuilderError) as caught:
        check_qemu(Probe(None, "QEMU emulator version 7.2.19 (Debian 1:7.2+dfsg-7+deb12u15)"))
    assert caught.value.message == ("QEMU 7.2 has no NIC with SR-IOV (igb): 8.0 or later is needed")
    check_qemu(Probe(None, "QEMU emulator version 8.0.0"))
    check_qemu(Probe(None, "a version of its own"))
