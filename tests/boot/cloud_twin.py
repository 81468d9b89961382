"""A twin whose disk stays: it is cut off, started again, switched off, and its files read."""

from __future__ import annotations

import json
import re
import socket
import struct
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from builder.command import Command, Process, Runner, SubprocessRunner, start
from builder.verify.accelerator import find_accelerator
from builder.verify.qemu import (
    ATTEMPTS,
    LOST_TIMER,
    LostTimerError,
    find_document,
    read_console,
)
from builder.verify.twin import TwinFiles, TwinMachine, twin_argv

T = TypeVar("T")
GROWTH = 4 * 1024**3
POLL_S = 0.5
SEED = "/var/lib/rackwright/seed"


@contextmanager
def cloud_twin(
    twin: TwinMachine, image: Path, seed: Path, work: Path, other: Path | None = None
) -> Iterator[CloudTwin]:
    """The twin, until the block ends: then its disk is gone. other: a disk it is not to start from."""
    made = CloudTwin(twin, image, seed, work, other)
    try:
        yield made
    finally:
        made.disk.unlink()


class CloudTwin:
    """A machine with a disk of its own, made of `image`, and a seed beside it."""

    def __init__(
        self, twin: TwinMachine, image: Path, seed: Path, work: Path, other: Path | None = None
    ) -> None:
        self.twin, self.seed, self.work, self.other = twin, seed, work, other
        self.disk = work / "disk.raw"
        self.boots = 0
        self.runner: Runner = SubprocessRunner()
        work.mkdir(parents=True, exist_ok=True)
        copy = ("cp", "--reflink=auto", "--sparse=always", str(image), str(self.disk))
        self.runner.run(Command(copy))
        with self.disk.open("r+b") as disk:
            disk.truncate(image.stat().st_size + GROWTH)

    @property
    def console(self) -> str:
        return read_console(self.work / f"console-{self.boots}.log")

    @contextmanager
    def power(self) -> Iterator[Process]:
        """The machine with power, until the block ends: then it has none, whatever it does."""
        self.boots += 1
        for name in ("facts", "qmp"):
            (self.work / name).unlink(missing_ok=True)
        files = TwinFiles(
            disk=str(self.disk),
            facts=str(self.work / "facts"),
            console=str(self.work / f"console-{self.boots}.log"),
            acpi=str(self.work / "numa.aml"),
            seed=str(self.seed),
        )
        if self.twin.acpi is not None:
            Path(files.acpi).write_bytes(self.twin.acpi)
        accelerator = find_accelerator(self.runner, self.work)
        argv = twin_argv(self.twin, files, accelerator, may_reboot=True)
        # A raw disk without a cache of QEMU's own: after SIGKILL it has what the node had sent
        # to it, as a disk without power has.
        kept = "format=raw,cache=writeback"
        argv = tuple(word.replace("format=qcow2,cache=unsafe", kept) for word in argv)
        qmp = ("-qmp", f"unix:{self.work / 'qmp'},server=on,wait=off")
        process = start(Command((*argv, *qmp, *self._other_disk()), log=self.work / "qemu.log"))
        try:
            yield process
        finally:
            process.stop(grace_s=0)

    def _other_disk(self) -> tuple[str, ...]:
        """Beside the system's disk in its slot; nothing can write to it."""
        if self.other is None:
            return ()
        drive = f"if=none,id=other,format=raw,readonly=on,file={self.other}"
        where = f"bus=pcie.0,addr={self.twin.slots[0]:02x}.2"
        return ("-drive", drive, "-device", f"virtio-blk-pci,drive=other,{where}")

    def wait(
        self, what: str, reached: Callable[[], bool], process: Process, limit_s: float
    ) -> None:
        deadline = time.monotonic() + limit_s
        while not reached():
            assert process.poll() is None, (what, (self.work / "qemu.log").read_text())
            if LOST_TIMER in self.console:
                raise LostTimerError("the build host was too busy")
            assert time.monotonic() < deadline, (what, self.console[-3000:])
            time.sleep(POLL_S)

    def facts(self) -> bytes | None:
        path = self.work / "facts"
        return find_document(path.read_bytes()) if path.exists() else None

    def run_to_facts(self, limit_s: float) -> bytes:
        """Power on, wait for the facts, switch off as its button does."""

        def run(process: Process) -> bytes:
            self.wait("facts", lambda: self.facts() is not None, process, limit_s)
            found = self.facts()
            self._press_power(process)
            assert found is not None
            return found

        return self._power_on(run)

    def cut(self, reached: Callable[[], bool], limit_s: float) -> None:
        """Power on, and off without a warning as soon as `reached`."""

        def run(process: Process) -> None:
            self.wait("the place of the cut", reached, process, limit_s)
            process._popen.kill()

        self._power_on(run)

    def _power_on(self, run: Callable[[Process], T]) -> T:
        """`run` it; once more when its kernel lost the timer, before which it writes nothing."""
        for _ in range(ATTEMPTS - 1):
            with self.power() as process, suppress(LostTimerError):
                return run(process)
        with self.power() as process:
            return run(process)

    def _press_power(self, process: Process) -> None:
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(self.work / "qmp"))
            for command in ("qmp_capabilities", "system_powerdown"):
                monitor.sendall(json.dumps({"execute": command}).encode() + b"\n")
            deadline = time.monotonic() + 180
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(POLL_S)
        assert process.poll() == 0, "the node did not switch itself off"

    def debugfs(self, *requests: str) -> bytes:
        """What debugfs says of the root file system, of a machine without power."""
        where = f"{self.disk}?offset={_root_offset(self.disk)}"
        commands = "".join(f"{request}\n" for request in requests).encode()
        argv = ("debugfs", "-f", "-", where)
        return self.runner.run(Command(argv, input=commands, timeout_s=60)).stdout

    def read(self, path: str) -> str:
        out = self.work / "read"
        out.unlink(missing_ok=True)
        self.debugfs(f'dump "{path}" {out}')
        return out.read_text(encoding="utf-8", errors="replace") if out.exists() else ""

    def listing(self, path: str) -> list[str]:
        text = self.debugfs(f'ls -p "{path}"').decode()
        names = [line.split("/")[5] for line in text.splitlines() if line.startswith("/")]
        return sorted(name for name in names if name not in {".", ".."})

    def cloud_init(self) -> Mapping[str, object]:
        """Errors of the last boot, and every complaint of the log of all boots."""
        result = json.loads(self.read("/run/cloud-init/result.json") or "{}") or json.loads(
            self.read("/var/lib/cloud/data/result.json")
        )
        status = json.loads(self.read("/var/lib/cloud/data/status.json"))
        log = self.read("/var/log/cloud-init.log")
        return {
            "result": result["v1"],
            "recoverable": {
                stage: found["recoverable_errors"]
                for stage, found in status["v1"].items()
                if isinstance(found, dict) and found.get("recoverable_errors")
            },
            "complaints": re.findall(r"^.*\[(?:WARNING|ERROR|CRITICAL)\].*$", log, re.MULTILINE),
        }

    def stamps(self) -> list[str]:
        (directory,) = [n for n in self.listing(SEED) if re.fullmatch(r"[0-9a-f]{16}", n)]
        return self.listing(f"{SEED}/{directory}")


def disk_ids(disk: Path) -> dict[str, str]:
    """Identifiers on a disk as images have it: of its table and partitions, and of the root."""
    with disk.open("rb") as file:
        file.seek(512 + 56)
        found = {"disk": str(uuid.UUID(bytes_le=file.read(16)))}
        for number, name in enumerate(("bios", "esp", "root")):
            file.seek(1024 + 128 * number + 16)
            found[name] = str(uuid.UUID(bytes_le=file.read(16)))
        file.seek(2 * 2**20 + 0x43)
        found["esp volume"] = file.read(4).hex()
        file.seek(_root_offset(disk) + 1024 + 0x68)
        found["root file system"] = str(uuid.UUID(bytes=file.read(16)))
    return found


def _root_offset(disk: Path) -> int:
    """Bytes before the last partition of a GPT, which is the root file system (UEFI, 5.3)."""
    with disk.open("rb") as file:
        file.seek(1024)
        starts = [struct.unpack("<Q", file.read(128)[32:40])[0] for _ in range(128)]
    return int(max(starts)) * 512
