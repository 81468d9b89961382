"""Booting a twin, with QEMU played by the test: facts, faults, and that nothing is left behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from recording import NullMonitor

from builder.catalog.nics import NIC_TYPES
from builder.command import Command, Process, Result
from builder.errors import BuilderError, CommandFailed, ToolMissing
from builder.model.values import PciAddress
from builder.verify import qemu
from builder.verify.qemu import BootResult, boot, find_document, find_stage, read_console
from builder.verify.twin import TwinMachine, TwinNic, TwinNode, TwinSpec, plan_twin

FACTS = b'{"version": 1}'
GPT_SECTORS = 8


def raw_image(path: Path) -> Path:
    """The smallest thing with both copies of a GPT header."""
    backup = GPT_SECTORS - 1
    header = bytearray(512)
    header[:8] = b"EFI PART"
    header[32:40] = backup.to_bytes(8, "little")
    header[48:56] = (backup - 1).to_bytes(8, "little")
    sectors = [bytes(512), bytes(header), *[bytes(512)] * (GPT_SECTORS - 3), bytes(header)]
    path.write_bytes(b"".join(sectors))
    return path


class FakeRunner:
    """Answers for qemu-img and QEMU's version; the KVM probe fails."""

    def __init__(self, version: str = "QEMU emulator version 10.0.2") -> None:
        self.version = version
        self.commands: list[tuple[str, ...]] = []

    def run(self, command: Command) -> Result:
        self.commands.append(command.argv)
        if command.argv[1] == "--version":
            return Result(0, self.version.encode())
        if command.argv[:2] == ("qemu-img", "create"):
            Path(command.argv[-2]).write_bytes(b"overlay")
            return Result(0)
        if "isa-debug-exit,iobase=0x501,iosize=2" in command.argv:
            raise CommandFailed("no KVM")
        raise AssertionError(command.argv)


class FakeProcess(Process):
    """A QEMU that has written what it has to say before it is looked at."""

    def __init__(self, status: int | None) -> None:
        self.status = status
        self.stops = 0

    def poll(self) -> int | None:
        return self.status

    def stop(self, grace_s: float = 5.0) -> None:
        self.stops += 1


class Play:
    """Stands in for `start`: each boot writes console, facts and QEMU's log, or raises."""

    def __init__(self, *acts: Callable[[Command, Path, Path], int | None]) -> None:
        self.acts = list(acts)
        self.commands: list[Command] = []
        self.processes: list[FakeProcess] = []
        self.scratch: list[Path] = []

    def __call__(self, command: Command) -> Process:
        self.commands.append(command)
        chardevs = {
            word.split(",")[1]: word.split("path=")[1]
            for word in command.argv
            if word.startswith("file,id=")
        }
        facts, console = Path(chardevs["id=facts"]), Path(chardevs["id=console"])
        self.scratch.append(facts.parent)
        assert (facts.parent / "disk.qcow2").exists()
        process = FakeProcess(self.acts.pop(0)(command, facts, console))
        self.processes.append(process)
        return process


def act(
    console: str = "", facts: bytes = b"", status: int | None = None, log: str = ""
) -> Callable[[Command, Path, Path], int | None]:
    def play(command: Command, facts_file: Path, console_file: Path) -> int | None:
        console_file.write_text(console)
        facts_file.write_bytes(facts)
        assert command.log is not None
        command.log.write_text(log)
        return status

    return play


def machine(firmware: str = "bios") -> TwinMachine:
    node, nic = (
        TwinNode((0,), 1024),
        TwinNic(PciAddress.parse("0000:01:00.0"), NIC_TYPES["8086:10c9"], 0, 0),
    )
    assert firmware in {"bios", "uefi"}
    return plan_twin(TwinSpec((node,), (nic,), "bios" if firmware == "bios" else "uefi"))


class Log(NullMonitor):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qemu, "POLL_S", 0.0)


def run_boot(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    play: Play,
    timeout_s: float = 60,
    monitor: Log | None = None,
) -> BootResult:
    monkeypatch.setattr(qemu, "start", play)
    return boot(
        machine(),
        raw_image(tmp_path / "node.raw"),
        timeout_s=timeout_s,
        workdir=tmp_path / "work",
        monitor=monitor or Log(),
        runner=FakeRunner(),
    )


def test_facts_end_the_boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play = Play(act("Linux version 6.12\r\nnode login: ", FACTS + b"\n"))
    monkeypatch.setattr(qemu, "time", SimpleNamespace(monotonic=count(7, 5).__next__))
    # Looked at twice: at power-on, and when the facts are here.
    assert run_boot(tmp_path, monkeypatch, play) == BootResult(FACTS, 5)
    assert "tcg,thread=multi" in play.commands[0].argv
    assert [process.stops for process in play.processes] == [1]
    assert sorted(p.name for p in (tmp_path / "work").iterdir()) == ["console.log", "qemu.log"]


def test_the_image_is_only_a_backing_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qemu, "start", Play(act(facts=FACTS + b"\n")))
    image, runner = raw_image(tmp_path / "node.raw"), FakeRunner()
    before = image.read_bytes()
    boot(
        machine(), image, timeout_s=9, workdir=tmp_path / "w", monitor=NullMonitor(), runner=runner
    )
    (create,) = [argv for argv in runner.commands if argv[:2] == ("qemu-img", "create")]
    assert create[2:9] == ("-q", "-f", "qcow2", "-b", str(image), "-F", "raw")
    assert create[10:] == (str(GPT_SECTORS * 512 + 4 * 1024**3),)
    assert image.read_bytes() == before


@pytest.mark.parametrize("fault", [KeyboardInterrupt, RuntimeError])
def test_process_and_overlay_are_gone_after_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: type[BaseException]
) -> None:
    play = Play(act())

    def interrupt(_seconds: float) -> None:
        assert play.scratch[0].is_dir()
        raise fault

    monkeypatch.setattr(time, "sleep", interrupt)
    with pytest.raises(fault):
        run_boot(tmp_path, monkeypatch, play)
    assert [process.stops for process in play.processes] == [1]
    assert not play.scratch[0].exists()


def test_time_out_names_the_stage_and_the_last_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"line {number}" for number in range(30)]
    play = Play(act("\n".join(["GNU GRUB", "[ 0.0] Linux version 6.12", *lines]), b"half of it"))
    with pytest.raises(BuilderError) as caught:
        run_boot(tmp_path, monkeypatch, play, timeout_s=0)
    console = tmp_path / "work/console.log"
    assert caught.value.message == (
        "the twin sent no facts within 0 s (received 10 bytes, but not a complete document); it "
        "got as far as the kernel"
    )
    assert caught.value.hint == f"the complete console log is in {console}"
    assert caught.value.detail == "\n".join(lines[-20:])
    assert console.exists()


@pytest.mark.parametrize(
    ("console", "message"),
    [
        (
            "[ 1.0] Kernel panic - not syncing: VFS: Unable to mount root fs\r\n",
            "the twin's kernel panicked: VFS: Unable to mount root fs",
        ),
        (
            (
                "BdsDxe: failed to load Boot0001: Access Denied\r\n"
                "BdsDxe: No bootable option or device was found.\r\n"
            ),
            "the twin's firmware found nothing that it is allowed to boot",
        ),
        (
            "ALERT!  UUID=1 does not exist.  Dropping to a shell!\r\n(initramfs) ",
            "the twin's initramfs gave up",
        ),
        (
            "You are in emergency mode. After logging in, type journalctl\r\n",
            "the twin's systemd went into emergency mode",
        ),
    ],
)
def test_a_dead_end_ends_the_boot_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: str, message: str
) -> None:
    with pytest.raises(BuilderError) as caught:
        run_boot(tmp_path, monkeypatch, Play(act(console)))
    assert caught.value.message == message
    assert caught.value.hint == f"the complete console log is in {tmp_path}/work/console.log"


TWICE = "Linux version 6.12\nRebooting\nLinux version 6.12\n"


def test_a_node_that_reboots_unasked_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BuilderError) as caught:
        run_boot(tmp_path, monkeypatch, Play(act(TWICE)))
    assert caught.value.message == "the twin rebooted before it sent its facts"


def test_a_node_that_may_reboot_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = Play(act(TWICE))
    monkeypatch.setattr(qemu, "start", play)

    def arrive(_seconds: float) -> None:
        (play.scratch[0] / "facts.json").write_bytes(FACTS + b"\n")

    monkeypatch.setattr(time, "sleep", arrive)
    result = boot(
        machine(),
        raw_image(tmp_path / "node.raw"),
        timeout_s=60,
        workdir=tmp_path / "work",
        monitor=Log(),
        runner=FakeRunner(),
        may_reboot=True,
    )
    assert result.facts_json == FACTS
    assert "-no-reboot" not in play.commands[0].argv


LOST = "Kernel panic - not syncing: timer doesn't work through Interrupt-remapped IO-APIC\n"


def test_a_lost_timer_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monitor, play = Log(), Play(act(LOST), act(facts=FACTS + b"\n"))
    assert run_boot(tmp_path, monkeypatch, play, monitor=monitor).facts_json == FACTS
    assert monitor.lines == [
        "the twin's kernel lost its timer: the build host is too busy; retrying"
    ]


def test_a_timer_lost_three_times_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = Play(*[act(LOST)] * 3)
    with pytest.raises(BuilderError) as caught:
        run_boot(tmp_path, monkeypatch, play)
    assert caught.value.message == "the twin's kernel lost its timer: the build host is too busy"
    assert [process.stops for process in play.processes] == [1, 1, 1]


@pytest.mark.parametrize(
    ("status", "message", "hint"),
    [
        (1, "QEMU failed with status 1", None),
        (
            -9,
            "QEMU was killed by signal 9",
            "the build host needs about 3088 MiB of free memory for this twin",
        ),
        (
            0,
            (
                "the twin switched itself off or reset before it sent its facts; "
                "it got as far as systemd"
            ),
            "the complete console log is in {work}/console.log",
        ),
    ],
)
def test_a_qemu_that_ends_early(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    message: str,
    hint: str | None,
) -> None:
    play = Play(act("Welcome to Debian\n", status=status, log="qemu: no such device\n"))
    with pytest.raises(BuilderError) as caught:
        run_boot(tmp_path, monkeypatch, play)
    wanted = None if hint is None else hint.format(work=tmp_path / "work")
    assert (caught.value.message, caught.value.hint) == (message, wanted)
    assert caught.value.detail == ("qemu: no such device" if status else "Welcome to Debian")


def test_uefi_gets_a_copy_of_the_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = tmp_path / "vars"
    template.write_bytes(b"variables")
    copies: list[bytes] = []

    def find(*, secure_boot: bool) -> object:
        assert not secure_boot
        return type("Uefi", (), {"code": tmp_path / "code", "variables": template})

    def look(_command: Command, facts: Path, _console: Path) -> None:
        copies.append((facts.parent / "variables.fd").read_bytes())
        facts.write_bytes(FACTS + b"\n")

    monkeypatch.setattr(qemu, "find_firmware", find)
    monkeypatch.setattr(qemu, "start", Play(look))
    boot(
        machine("uefi"),
        raw_image(tmp_path / "node.raw"),
        timeout_s=9,
        workdir=tmp_path / "w",
        monitor=NullMonitor(),
        runner=FakeRunner(),
    )
    assert copies == [b"variables"]


@pytest.mark.parametrize(
    ("raw", "document"),
    [
        (b"", None),
        (FACTS, None),
        (FACTS + b"\n", FACTS),
        (b"noise\n[1]\n" + FACTS + b"\nmore", FACTS),
        (b'{"cut": \n', None),
    ],
)
def test_find_document(raw: bytes, document: bytes | None) -> None:
    assert find_document(raw) == document


@pytest.mark.parametrize(
    ("console", "stage"),
    [
        ("", "the firmware"),
        ("GNU GRUB  version 2.12\n", "the boot loader"),
        ("GNU GRUB\n[    0.000000] Linux version 6.12\n", "the kernel"),
        ("Linux version 6\nLoading, please wait...\n", "the initramfs"),
        ("Linux version 6\nWelcome to Debian GNU/Linux 13\n", "systemd"),
        ("Welcome to\n[  OK  ] Reached target multi-user.target\n", "the multi-user target"),
        ("Reached target multi-user.target\nnode login: ", "the login prompt"),
    ],
)
def test_find_stage(console: str, stage: str) -> None:
    assert find_stage(console) == stage


def test_the_console_is_read_as_plain_text(tmp_path: Path) -> None:
    console = tmp_path / "console"
    console.write_bytes(b"\x1b[2J\x1b[01;01H\x1b[=3h[\x1b[0;32m  OK  \x1b[0m] \x1b(Bdone\xff\r\n")
    assert read_console(console) == "[  OK  ] done\ufffd\n"
    assert read_console(tmp_path / "none") == ""


def test_a_missing_qemu_names_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name, path=None: None)
    with pytest.raises(ToolMissing) as caught:
        boot(
            machine(),
            tmp_path / "node.raw",
            timeout_s=1,
            workdir=tmp_path,
            monitor=NullMonitor(),
        )
    assert caught.value.message == "qemu-system-x86_64 is not installed"
    assert caught.value.hint == "apt-get install qemu-system-x86"
    assert list(tmp_path.iterdir()) == []
