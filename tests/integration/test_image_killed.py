"""kill -9 of the program at any moment: the earlier image stays whole, and nothing runs on.

The kill is of the program alone, as by the kernel when memory is short, or of its whole
process group, as by a shell or a CI runner.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from processes import descendants, mounts_below, programs_below, wait_for

from builder import workdir
from builder.targets.image.request import Artefacts, ImageRequest
from tests.plans import SEED

pytestmark = pytest.mark.integration

ROOT = SEED.parents[2]
GOLDEN = ("--profile", "nfv", "--format", "raw")
OF_HOST = ("--host", "nfv1", "--format", "raw")
ALL = ("--host", "nfv1", "--format", "raw,qcow2,raw.zst")
Kill = Callable[[subprocess.Popen[bytes]], None]


def kill_alone(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def kill_group(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def start(*arguments: object) -> subprocess.Popen[bytes]:
    """The program in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "builder", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def start_build(out: Path, cache: Path, *subject: str) -> subprocess.Popen[bytes]:
    return start("image", SEED, "--os", "debian-13", "-o", out, "--cache", cache, *subject)


def kill_when(process: subprocess.Popen[bytes], kill: Kill, condition: Callable[[], bool]) -> None:
    is_met = wait_for(condition, 240, every_s=0.01)
    kill(process)
    assert is_met


def kill_when_it_runs(process: subprocess.Popen[bytes], kill: Kill, program: str) -> None:
    """Kill `process` once it, or what it started, has started `program`."""
    kill_when(process, kill, lambda: program in descendants(process.pid).values())


def build_in(out: Path) -> dict[str, Any]:
    """The manifest in `out`; asserts that all it lists is there."""
    manifest: dict[str, Any] = json.loads((out / "manifest.json").read_bytes())
    for item in manifest["artefacts"].values():
        with (out / item["file"]).open("rb") as file:
            assert hashlib.file_digest(file, "sha256").hexdigest() == item["sha256"]
    return manifest


def names_of(manifest: dict[str, Any]) -> set[str]:
    files = {item["file"]: item["sha256"][:12] for item in manifest["artefacts"].values()}
    links = {name.replace(f"-{digits}.", ".") for name, digits in files.items()}
    return {"manifest.json", "notes.txt", *files, *links}


@pytest.fixture(scope="module")
def cache(request_: ImageRequest, built: Artefacts) -> Path:
    """It has the base of the seed's node, which the sample shares."""
    assert built.manifest.exists()
    return request_.cache_dir


@pytest.fixture(scope="module")
def out(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an image and a file of its user."""
    path = tmp_path_factory.mktemp("killed") / "out"
    path.mkdir()
    (path / "notes.txt").write_text("mine")
    assert start_build(path, cache, *GOLDEN).wait() == 0
    return path


def assert_nothing_is_left(out: Path, cache: Path) -> None:
    assert names_of(build_in(out)) == {path.name for path in out.iterdir()}
    assert (out / "notes.txt").read_text() == "mine"
    assert list(cache.glob(f"{workdir.PREFIX}*")) == []
    assert list((cache / "bases").glob(f"{workdir.PREFIX}*")) == []


@pytest.mark.parametrize(
    ("program", "kill"),
    [
        *((program, kill_alone) for program in ("cp", "debugfs", "qemu-img", "zstd")),
        ("qemu-img", kill_group),
    ],
)
def test_while_a_program_runs(out: Path, cache: Path, program: str, kill: Kill) -> None:
    before = build_in(out)
    kill_when_it_runs(start_build(out, cache, *ALL), kill, program)
    assert wait_for(lambda: programs_below(out) == [], 20)
    assert build_in(out) == before


def test_at_any_moment(out: Path, cache: Path) -> None:
    """Six kills, spread over a build and what follows its last program."""
    began = time.monotonic()
    assert start_build(out, cache, *OF_HOST).wait() == 0
    seconds = time.monotonic() - began
    assert_nothing_is_left(out, cache)
    for step in range(1, 7):
        process = start_build(out, cache, *(GOLDEN if step % 2 else OF_HOST))
        time.sleep(seconds * (0.4 + 0.1 * step))
        kill_group(process)
        assert build_in(out)["name"] in {"nfv-node", "nfv-node-nfv1"}
    assert start_build(out, cache, *GOLDEN).wait() == 0
    assert_nothing_is_left(out, cache)


@pytest.mark.parametrize(
    ("program", "root", "kill"),
    [
        ("mmdebstrap", "", kill_alone),
        ("mmdebstrap", "", kill_group),
        ("mkinitramfs", "roots", kill_alone),
    ],
)
def test_while_the_system_is_composed(
    cache: Path, tmp_path: Path, program: str, root: str, kill: Kill
) -> None:
    """Neither mount nor program outlives us, and mmdebstrap's own files go with ours."""
    own = tmp_path / "cache"
    for name in filter(None, ("solved", root)):
        shutil.copytree(cache / name, own / name, copy_function=os.link)
    before = set(Path(tempfile.gettempdir()).glob("mmdebstrap.*"))
    kill_when_it_runs(start_build(tmp_path / "out", own, *GOLDEN), kill, program)
    assert wait_for(lambda: programs_below(own) == [], 20)
    assert mounts_below(own) == []
    assert set(Path(tempfile.gettempdir()).glob("mmdebstrap.*")) == before
    (left,) = (own / "bases").glob(f"{workdir.PREFIX}*")
    assert workdir.sweep(own / "bases") == (left,)
    assert list((own / "bases").glob(f"{workdir.PREFIX}*")) == []


@pytest.mark.parametrize("kill", [kill_alone, kill_group])
def test_while_a_twin_runs(out: Path, tmp_path: Path, kill: Kill) -> None:
    arguments = ("verify", out / "manifest.json", SEED, "--os", "debian-13", "--host", "nfv1")
    verify = start(*arguments, "-o", tmp_path)
    kill_when(verify, kill, (tmp_path / "console.log").exists)
    assert wait_for(lambda: programs_below(tmp_path) == [], 20)
    assert len(workdir.sweep(tmp_path)) == 1
