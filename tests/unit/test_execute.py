"""Whatever fails while results are written leaves the earlier ones, and nothing else."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.errors import BuilderError
from builder.execute import LISTING, read_tree, replacing_directory, write_file, write_tree
from builder.render.tree import SYMLINK, FileTree, RenderedFile

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


@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize("fault", [OSError(errno.EIO, "I/O error"), KeyboardInterrupt()])
def test_a_swap_that_fails_leaves_the_old_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int, fault: BaseException
) -> None:
    out = tmp_path / "tree"
    write_tree(OLD, out)
    rename: Callable[[Path, Path], Path] = Path.rename
    calls: list[Path] = []

    def fail(path: Path, target: Path) -> Path:
        calls.append(path)
        if len(calls) == failing:
            raise fault
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(type(fault)):
        write_tree(NEW, out)
    assert read_tree(out) == OLD
    assert names(tmp_path) == ["tree"]


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


def test_nothing_is_made_when_the_block_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with replacing_directory(tmp_path / "out") as staging:
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
    (tmp_path / LISTING).write_text(listing, encoding="utf-8")
    with pytest.raises(BuilderError) as caught:
        read_tree(tmp_path)
    assert caught.value.message == f"{tmp_path} is not a tree written by rackwright"
    assert caught.value.hint == f"write one with: render -o {tmp_path}"


def test_the_listing_tells_what_a_directory_cannot_hold(tmp_path: Path) -> None:
    write_tree(NEW, tmp_path / "tree")
    assert json.loads((tmp_path / "tree" / LISTING).read_text(encoding="utf-8"))[0] == {
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
    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(OSError, match="No space left") as caught:
        write_file(target, b"new")
    assert caught.value.filename == str(target)
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["report.json"]
