"""Whatever fails while results are written leaves the earlier ones, and nothing else."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import pytest
from killing import killed_before_each_step

from builder import execute
from builder.errors import BuilderError
from builder.execute import (
    RECORD,
    new_directory,
    read_tree,
    replacing_directory,
    write_file,
    write_tree,
)
from builder.render.tree import SYMLINK, FileTree, RenderedFile
from builder.workdir import sweep

OLD = FileTree((RenderedFile("/etc/a", b"old\n"),))
NEW = FileTree((
    RenderedFile("/etc/a", b"new\n", 0o600, scope="host"),
    RenderedFile("/etc/link", b"/dev/null", SYMLINK),
    RenderedFile("/usr/lib/x", b"#!/bin/sh\n", 0o755),
))  # fmt: skip


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def names(base: Path) -> list[str]:
    return sorted(path.name for path in base.iterdir())


def test_a_tree_is_read_back_as_written(tmp_path: Path) -> None:
    write_tree(NEW, tmp_path / "deep/tree")
    assert read_tree(tmp_path / "deep/tree") == NEW


def test_replacing(tmp_path: Path) -> None:
    out = tmp_path / "tree"
    write_tree(OLD, out)
    write_tree(NEW, out)
    assert read_tree(out) == NEW
    assert names(tmp_path) == ["tree"]


@pytest.fixture
def without_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that cannot exchange two paths, as NFS."""
    monkeypatch.setattr(execute, "_exchange", lambda *_: False)


@pytest.mark.usefixtures("without_exchange")
def test_replacing_in_two_steps(tmp_path: Path) -> None:
    write_tree(OLD, tmp_path / "tree")
    write_tree(NEW, tmp_path / "tree")
    assert read_tree(tmp_path / "tree") == NEW
    assert names(tmp_path) == ["tree"]


@pytest.mark.usefixtures("without_exchange")
@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("fault", [OSError(errno.EIO, "I/O error"), KeyboardInterrupt()])
def test_a_swap_that_fails_leaves_a_whole_tree(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failing: int,
    after: bool,
    fault: BaseException,
) -> None:
    out = tmp_path / "tree"
    write_tree(OLD, out)
    rename: Callable[[Path, Path], Path] = Path.rename
    calls: list[Path] = []

    def fail(path: Path, target: Path) -> Path:
        calls.extend([path] if tmp_path / "tree" in {path, target} else [])
        if len(calls) != failing:
            return rename(path, target)
        if after:
            rename(path, target)
        raise fault

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(type(fault)):
        write_tree(NEW, out)
    assert read_tree(out) == (NEW if after and failing == 2 else OLD)
    assert names(tmp_path) == ["tree"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.EXDEV])
def test_what_cannot_be_exchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The first two are a file system's and an old kernel's way to say so, others are faults."""
    write_tree(OLD, tmp_path / "tree")
    monkeypatch.setattr(execute.ctypes, "CDLL", lambda *_, **__: Libc())
    monkeypatch.setattr(execute.ctypes, "get_errno", lambda: number)
    if number != errno.EXDEV:
        write_tree(NEW, tmp_path / "tree")
        assert read_tree(tmp_path / "tree") == NEW
    else:
        with pytest.raises(OSError, match="cross-device") as caught:
            write_tree(NEW, tmp_path / "tree")
        assert caught.value.filename == str(tmp_path / "tree")
        assert read_tree(tmp_path / "tree") == OLD
    assert names(tmp_path) == ["tree"]


class Libc:
    """A C library whose exchange fails."""

    def renameat2(self, *_: object) -> int:
        return -1


def test_a_c_library_without_exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute.ctypes, "CDLL", lambda *_, **__: object())
    write_tree(OLD, tmp_path / "tree")
    write_tree(NEW, tmp_path / "tree")
    assert read_tree(tmp_path / "tree") == NEW


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(OLD, tmp_path / "tree")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left") as caught:
        write_tree(NEW, tmp_path / "tree")
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path / "tree"))
    assert read_tree(tmp_path / "tree") == OLD
    assert names(tmp_path) == ["tree"]


def test_a_link_to_the_tree_stays_one(tmp_path: Path) -> None:
    write_tree(OLD, tmp_path / "tree")
    (tmp_path / "link").symlink_to("tree")
    write_tree(NEW, tmp_path / "link")
    assert (tmp_path / "link").readlink() == Path("tree")
    assert read_tree(tmp_path / "tree") == NEW


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"mine")
    with pytest.raises(BuilderError) as caught:
        write_tree(NEW, tmp_path / "out")
    assert (caught.value.message, caught.value.hint) == (
        f"{tmp_path}/out is a file",
        "name a directory with -o",
    )
    assert (tmp_path / "out").read_bytes() == b"mine"


@pytest.mark.parametrize("code", [errno.EIO, None])
def test_a_fault_of_another_file_keeps_its_name(tmp_path: Path, code: int | None) -> None:
    """The block reads files too; and an OSError of a library has no number."""
    fault = OSError(code, "cannot be read", "/srv/key") if code else OSError("cannot be read")
    with pytest.raises(OSError, match="cannot be read") as caught, new_directory(tmp_path / "out"):
        raise fault
    assert caught.value is fault
    assert names(tmp_path) == []


def test_nothing_is_made_when_the_block_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with replacing_directory(tmp_path / "out", lambda _record: ()) as staging:
            (staging / "x").write_bytes(b"")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "listing",
    ["", "7", "[7]", '[{"path": 7}]', '[{"path": "/../x", "mode": "0644", "owner": "r:r"}]'],
)
def test_a_damaged_listing(tmp_path: Path, listing: str) -> None:
    (tmp_path / RECORD).write_text(listing, encoding="utf-8")
    with pytest.raises(BuilderError) as caught:
        read_tree(tmp_path)
    assert caught.value.message == f"{tmp_path} is not a tree written by rackwright"
    assert caught.value.hint == f"write one with: render -o {tmp_path}"


def test_the_listing_tells_what_a_directory_cannot_hold(tmp_path: Path) -> None:
    write_tree(NEW, tmp_path / "tree")
    assert json.loads((tmp_path / "tree" / RECORD).read_text(encoding="utf-8"))[0] == {
        "path": "/etc/a",
        "mode": "0600",
        "owner": "root:root",
        "scope": "host",
    }


def test_a_file_is_replaced_with_its_mode(tmp_path: Path) -> None:
    write_file(tmp_path / "new/report.json", b"1")
    write_file(tmp_path / "new/report.json", b"2", 0o600)
    assert (tmp_path / "new/report.json").read_bytes() == b"2"
    assert (tmp_path / "new/report.json").stat().st_mode & 0o777 == 0o600
    assert names(tmp_path / "new") == ["report.json"]


def test_a_file_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "report.json"
    target.write_bytes(b"old")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left") as caught:
        write_file(target, b"new")
    assert caught.value.filename == str(target)
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["report.json"]


def later(base: Path) -> None:
    """A minute passes for what a killed process left in `base`."""
    for left in base.glob(".rackwright-*"):
        os.utime(left, (1, 1))


@pytest.mark.parametrize("exchange", [True, False])
def test_killed_while_it_replaces_a_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchange: bool
) -> None:
    """What is there is the old tree or the new one; the next run leaves nothing else.

    Where two paths cannot be exchanged there is a moment without either, which the next
    run mends.
    """
    if not exchange:
        monkeypatch.setattr(execute, "_exchange", lambda *_: False)
    out = tmp_path / "tree"
    states = []

    def prepare() -> None:
        write_tree(OLD, out)
        assert names(tmp_path) == ["tree"]

    for _ in killed_before_each_step(lambda: write_tree(NEW, out), prepare):
        states.append({OLD: "old", NEW: "new"}[read_tree(out)] if out.exists() else "none")
        later(tmp_path)
        sweep(tmp_path)
        assert read_tree(out) in (OLD, NEW)
    assert read_tree(out) == NEW
    phases = [state for state, _ in groupby(states)]
    assert phases == (["old", "new"] if exchange else ["old", "none", "new"])


def test_killed_while_it_replaces_a_file(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    states = []
    for _ in killed_before_each_step(
        lambda: write_file(target, b"new"), lambda: write_file(target, b"old")
    ):
        states.append(target.read_bytes())
        later(tmp_path)
    assert [state for state, _ in groupby(states)] == [b"old", b"new"]
    write_file(target, b"newer")
    assert names(tmp_path) == ["report.json"]
