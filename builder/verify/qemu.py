"""Boots a twin under QEMU from a throw-away copy of an image, and brings its facts back."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from builder.command import Command, Process, Runner, SubprocessRunner, start
from builder.errors import BuilderError, CommandFailed
from builder.monitor import Monitor, step
from builder.verify.accelerator import check_qemu, find_accelerator
from builder.verify.artefact import DiskImage, inspect_image
from builder.verify.firmware import find_firmware
from builder.verify.twin import Accelerator, TwinFiles, TwinMachine, twin_argv
from builder.workdir import work_dir

# Room for the node to grow its root file system into, as it does on a real disk.
GROWTH = 4 * 1024**3
# Linux counts 10 ticks of the timer early on and gives up when it sees fewer than 5: on a build
# host with much else to do TCG can be too slow for that, once (timer_irq_works(), io_apic.c).
LOST_TIMER = "timer doesn't work through Interrupt-remapped IO-APIC"
ATTEMPTS = 3
POLL_S = 0.2
# What the console shows of each stage, the last stage first.
STAGES = (
    (r" login: ", "the login prompt"),
    (r"Reached target .*(multi-user|Multi-User)", "the multi-user target"),
    (r"systemd\[1\]: |Welcome to ", "systemd"),
    (r"Run /init as init|Loading, please wait|Starting systemd-udevd", "the initramfs"),
    (r"Linux version ", "the kernel"),
    (r"GRUB", "the boot loader"),
)
# Lines of the console after which no facts will come.
DEAD_ENDS = (
    (r"Kernel panic - not syncing: (.*)", "the twin's kernel panicked: {}"),
    (r"BdsDxe: No bootable option", "the twin's firmware found nothing that it is allowed to boot"),
    (r"Dropping to a shell!", "the twin's initramfs gave up"),
    (r"You are in emergency mode", "the twin's systemd went into emergency mode"),
)


@dataclass(frozen=True, slots=True)
class BootResult:
    """facts_json: the document the node sent. seconds: from power-on until it was here."""

    facts_json: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class Guest:
    """A twin that runs: its process and the files it writes."""

    process: Process
    facts: Path
    console: Path
    log: Path
    may_reboot: bool = False


class LostTimerError(BuilderError):
    """The guest's kernel gave up for want of timer ticks: the build host's fault, not the image's."""


def boot(
    twin: TwinMachine,
    image: Path,
    *,
    timeout_s: float,
    workdir: Path,
    monitor: Monitor,
    runner: Runner | None = None,
    may_reboot: bool = False,
) -> BootResult:
    """Boot `image` on `twin` until it sends its facts; `image` is never written to.

    may_reboot: the node may reboot on its way there. workdir keeps console.log
    and qemu.log. Raises BuilderError when no facts come.
    """
    runner = SubprocessRunner() if runner is None else runner
    check_qemu(runner)
    disk = inspect_image(image, runner)
    workdir.mkdir(parents=True, exist_ok=True)
    accelerator = find_accelerator(runner, workdir)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with step(monitor, f"boot the twin ({twin.firmware}, {accelerator})"):
                machine = run_twin(twin, disk, accelerator, workdir, runner, may_reboot=may_reboot)
                return _observe(machine, timeout_s, twin.memory_mib)
        except LostTimerError as lost:
            if attempt == ATTEMPTS:
                raise
            monitor.log(f"{lost.message}; retrying")
    raise AssertionError("unreachable: the last attempt returns or raises")


def _observe(
    machine: AbstractContextManager[Guest], timeout_s: float, memory_mib: int
) -> BootResult:
    with machine as guest:
        started = time.monotonic()
        document = _wait_for_facts(guest, started + timeout_s, timeout_s, memory_mib)
        seconds = time.monotonic() - started
    return BootResult(document, seconds)


@contextmanager
def run_twin(
    twin: TwinMachine,
    disk: DiskImage,
    accelerator: Accelerator,
    workdir: Path,
    runner: Runner,
    *,
    may_reboot: bool = False,
) -> Iterator[Guest]:
    """The twin running on an overlay of `disk`; on leaving, process and overlay are gone."""
    with work_dir(workdir) as scratch:
        files = _prepare(twin, disk, scratch, workdir / "console.log", runner)
        log = workdir / "qemu.log"
        log.unlink(missing_ok=True)
        argv = twin_argv(twin, files, accelerator, may_reboot=may_reboot)
        process = start(Command(argv, log=log))
        try:
            yield Guest(process, Path(files.facts), Path(files.console), log, may_reboot)
        finally:
            process.stop()


def _prepare(
    twin: TwinMachine, disk: DiskImage, scratch: Path, console: Path, runner: Runner
) -> TwinFiles:
    """Overlay, ACPI table and UEFI variables in `scratch`."""
    overlay, acpi, facts = scratch / "disk.qcow2", scratch / "numa.aml", scratch / "facts.json"
    console.unlink(missing_ok=True)
    base = ("-b", str(disk.path.resolve()), "-F", disk.format)
    size = str(disk.size + GROWTH)
    runner.run(Command(("qemu-img", "create", "-q", "-f", "qcow2", *base, str(overlay), size)))
    if twin.acpi is not None:
        acpi.write_bytes(twin.acpi)
    code = variables = ""
    if twin.firmware != "bios":
        uefi = find_firmware(secure_boot=twin.firmware == "uefi-secure-boot")
        code, variables = str(uefi.code), str(scratch / "variables.fd")
        shutil.copyfile(uefi.variables, variables)
    return TwinFiles(str(overlay), str(facts), str(console.resolve()), str(acpi), code, variables)


def _wait_for_facts(guest: Guest, deadline: float, timeout_s: float, memory_mib: int) -> bytes:
    while True:
        raw = guest.facts.read_bytes() if guest.facts.exists() else b""
        document = find_document(raw)
        if document is not None:
            return document
        console = read_console(guest.console)
        _check_dead_end(console, guest.console)
        if not guest.may_reboot and console.count("Linux version ") > 1:
            raise _no_facts("the twin rebooted before it sent its facts", console, guest.console)
        status = guest.process.poll()
        if status is not None:
            raise _ended(status, guest, console, memory_mib)
        if time.monotonic() > deadline:
            part = f" (received {len(raw)} bytes, but not a complete document)" if raw else ""
            raise _no_facts(
                f"the twin sent no facts within {timeout_s:g} s{part}; "
                f"it got as far as {find_stage(console)}",
                console,
                guest.console,
            )
        time.sleep(POLL_S)


def find_document(raw: bytes) -> bytes | None:
    """The first whole line of the facts channel that is a JSON object."""
    for line in raw.split(b"\n")[:-1]:
        try:
            if isinstance(json.loads(line), dict):
                return line
        except ValueError:
            continue  # noise before the document
    return None


def find_stage(console: str) -> str:
    """How far the boot got, by what the console shows."""
    found = (stage for pattern, stage in STAGES if re.search(pattern, console))
    return next(found, "the firmware")


def read_console(path: Path) -> str:
    """The serial console as plain text: without terminal control sequences."""
    if not path.exists():
        return ""
    text = path.read_bytes().decode(errors="replace").replace("\r", "")
    return re.sub(r"\x1b(\[[0-9;?!=]*[ -/]*[@-~]|[()][0-9A-Za-z]|[=>78cM])", "", text)


def _check_dead_end(console: str, path: Path) -> None:
    if f"not syncing: {LOST_TIMER}" in console:
        raise LostTimerError(
            "the twin's kernel lost its timer: the build host is too busy",
            hint="verify again when the build host is less busy",
            detail=_tail(console),
        )
    for pattern, message in DEAD_ENDS:
        found = re.search(pattern, console)
        if found is not None:
            raise _no_facts(message.format(*found.groups()).strip(), console, path)


def _ended(status: int, guest: Guest, console: str, memory_mib: int) -> BuilderError:
    if status == 0:
        return _no_facts(
            "the twin switched itself off or reset before it sent its facts; "
            f"it got as far as {find_stage(console)}",
            console,
            guest.console,
        )
    said = guest.log.read_text(errors="replace") if guest.log.exists() else ""
    if status < 0:
        # 64 bytes of struct page for each 4 KiB page, and what kernel and switch really use.
        need = memory_mib // 64 + 3072
        return CommandFailed(
            f"QEMU was killed by signal {-status}",
            hint=f"the build host needs about {need} MiB of free memory for this twin",
            detail=_tail(said),
        )
    return CommandFailed(f"QEMU failed with status {status}", detail=_tail(said))


def _no_facts(message: str, console: str, path: Path) -> BuilderError:
    return BuilderError(
        message, hint=f"the complete console log is in {path}", detail=_tail(console)
    )


def _tail(text: str, count: int = 20) -> str:
    return "\n".join([line for line in text.splitlines() if line.strip()][-count:])
