"""The program as a process: pipes, signals, terminals, a full device, a truncated qcow2."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]
SEED = str(ROOT / "examples/seed/inventory.yaml")
PLAN = ("plan", SEED, "--host", "nfv1", "--os", "debian-13", "--explain")
START = (sys.executable, "-m", "builder")


def test_a_reader_that_goes_away() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        done = subprocess.run(
            [*START, *PLAN], cwd=ROOT, stdout=closed, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert done.stderr == b""


@pytest.mark.parametrize("words", [PLAN, ("--help",), ("plan", "--help")], ids=" ".join)
def test_a_full_device(words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*START, *words], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-2:] == [
        "rackwright: error: No space left on device",
        "  hint: free some space, or write to another disk",
    ]


def test_nobody_listens() -> None:
    """A service manager may have closed stdout and stderr."""
    shell = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *START, "check", SEED]
    assert subprocess.run(shell, cwd=ROOT, check=False).returncode == 0


def test_a_terminal_without_arrows() -> None:
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([*START, *PLAN], cwd=ROOT, env=env, capture_output=True, check=False)
    assert done.returncode == 0
    assert b"\\u2190 " in done.stdout


def test_a_truncated_qcow2(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.qcow2", tmp_path / "cut.qcow2"
    raw = tmp_path / "data"
    raw.write_bytes(os.urandom(1 << 20))
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", raw, whole], check=True)
    cut.write_bytes(whole.read_bytes()[: 5 * 65536 + 10])
    done = subprocess.run(
        [*START, "verify", cut, SEED, "--host", "nfv1", "--os", "debian-13"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert f"rackwright: error: {cut} is truncated or damaged: `qemu-img check` fails" in lines
    assert lines[-1] == "  hint: build it again with `rackwright image`"


@pytest.mark.parametrize("after_ms", [40, 120, 200, 300])
def test_interrupted_while_it_loads(after_ms: int) -> None:
    """Dead by the signal, or done before it came: never a traceback."""
    process = subprocess.Popen(
        [*START, "check", SEED, "--os", "debian-13"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        process.communicate(timeout=after_ms / 1000)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode in (-signal.SIGINT, 130, 0)
    # The interpreter's own start, some 20 ms, is before any line of ours.
    assert b"builder/" not in said
