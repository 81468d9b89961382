"""Programs that run beside us: stopped for good, and gone when we are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.command import Command, start

pytestmark = pytest.mark.integration


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_real_program_is_stopped(tmp_path: Path) -> None:
    process = start(Command(("sh", "-c", "trap '' TERM; echo up; sleep 60"), log=tmp_path / "log"))
    wait_until(lambda: (tmp_path / "log").read_bytes() == b"up\n")
    process.stop(grace_s=0.1)
    assert process.poll() == -9


def test_a_program_that_ended_needs_no_stopping() -> None:
    process = start(Command(("true",)))
    wait_until(lambda: process.poll() is not None)
    process.stop()
    assert process.poll() == 0


def test_a_program_dies_with_the_one_that_started_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = f"Command(('sh', '-c', 'echo $$; exec sleep 60'), log=Path({str(log)!r}))"
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            (
                "import time; from pathlib import Path; from builder.command import Command, start; "
                f"start({command}); time.sleep(60)"
            ),
        ],
        cwd=Path(__file__).resolve().parents[2],
    )
    wait_until(lambda: log.exists() and log.read_bytes().endswith(b"\n"))
    child = Path("/proc") / log.read_text().strip()
    assert child.exists()
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    wait_until(lambda: not child.exists() or "State:\tZ" in (child / "status").read_text())
