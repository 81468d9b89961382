"""Work directories: gone after use, swept when their owner died, left alone while it lives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from killing import killed_before_each_step

from builder import workdir


def test_gone_after_the_block_and_after_a_fault(tmp_path: Path) -> None:
    with workdir.work_dir(tmp_path) as work:
        (work / "x").write_text("x")
        assert work.parent == tmp_path
        assert str(os.getpid()) in work.name
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ZeroDivisionError), workdir.work_dir(tmp_path):
        _ = 1 / 0
    assert list(tmp_path.iterdir()) == []


def test_what_was_made_for_it_goes_if_it_stays_empty(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), workdir.work_dir(tmp_path / "a/b"):
        _ = 1 / 0
    assert list(tmp_path.iterdir()) == []
    with workdir.work_dir(tmp_path / "a/b"):
        (tmp_path / "a/x").touch()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["x"]


def test_the_living_are_not_swept(tmp_path: Path) -> None:
    with workdir.work_dir(tmp_path) as work:
        assert workdir.sweep(tmp_path) == ()
        assert work.is_dir()


@pytest.mark.parametrize("step", ["flock", "rename"])
def test_one_that_is_being_made_is_not_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Another run sweeps just before the lock is held, or has its name."""
    owner = workdir.fcntl if step == "flock" else Path
    original = getattr(owner, step)

    def sweep_first(*arguments: object) -> object:
        monkeypatch.undo()
        assert workdir.sweep(tmp_path) == ()
        return original(*arguments)

    monkeypatch.setattr(owner, step, sweep_first)
    with workdir.work_dir(tmp_path) as work:
        assert work.is_dir()
        assert workdir.sweep(tmp_path) == ()


def make_dead(parent: Path, name: str = "deadbeef") -> Path:
    """What a killed process leaves."""
    dead = parent / f".rackwright-1-{name}"
    dead.mkdir()
    (dead / workdir.LOCK).write_text("")
    (dead / "half").mkdir()
    (dead / "half/link").symlink_to("/")
    return dead


def test_the_dead_are(tmp_path: Path) -> None:
    dead = make_dead(tmp_path)
    (dead / "link").symlink_to("/nowhere")
    (tmp_path / "node.raw").write_text("")
    assert workdir.sweep(tmp_path) == (dead,)
    assert [path.name for path in tmp_path.iterdir()] == ["node.raw"]


def test_one_without_a_lock_is_given_time(tmp_path: Path) -> None:
    young, old = tmp_path / ".rackwright-1-deadbee1", tmp_path / ".rackwright-1-deadbee2"
    young.mkdir()
    old.mkdir()
    os.utime(old, (1, 1))
    assert workdir.sweep(tmp_path) == (old,)
    assert young.is_dir()


def test_what_only_looks_like_ours_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files, directories of other names, without a lock, and of other users."""
    (tmp_path / ".rackwright-1-deadbee1").write_text("")
    for name in (".rackwright-1-deadbee2", ".rackwright-old", ".rackwright-1-mine"):
        (tmp_path / name / "work").mkdir(parents=True)
        os.utime(tmp_path / name, (1, 1))
    (tmp_path / ".rackwright-old" / workdir.LOCK).write_text("")
    before = sorted(tmp_path.rglob("*"))
    assert workdir.sweep(tmp_path) == ()
    make_dead(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert workdir.sweep(tmp_path) == ()
    monkeypatch.undo()
    assert len(workdir.sweep(tmp_path)) == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_what_was_moved_away_comes_back_unless_something_took_its_place(tmp_path: Path) -> None:
    dead = make_dead(tmp_path)
    for name in ("gone", "replaced"):
        (dead / workdir.OLD / name).mkdir(parents=True)
        (dead / workdir.OLD / name / "of").write_text("old")
    (tmp_path / "replaced").mkdir()
    assert workdir.sweep(tmp_path) == (dead,)
    assert (tmp_path / "gone/of").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gone", "replaced"]
    assert list((tmp_path / "replaced").iterdir()) == []


def test_one_that_another_run_removes_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other sweeps while this one puts back what was moved away."""
    dead = make_dead(tmp_path)
    (dead / workdir.OLD / "gone").mkdir(parents=True)
    rename = Path.rename
    others: list[tuple[Path, ...]] = []

    def sweep_first(path: Path, target: Path) -> Path:
        others.append(workdir.sweep(tmp_path))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", sweep_first)
    assert workdir.sweep(tmp_path) == (dead,)
    assert others == [()]
    assert [path.name for path in tmp_path.iterdir()] == ["gone"]


def test_one_that_another_run_has_removed_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other swept between our opening of the lock file and our locking it."""
    dead = make_dead(tmp_path)
    flock = workdir.fcntl.flock
    others: list[tuple[Path, ...]] = []

    def sweep_first(lock: int, operation: int) -> None:
        monkeypatch.undo()
        others.append(workdir.sweep(tmp_path))
        flock(lock, operation)

    monkeypatch.setattr(workdir.fcntl, "flock", sweep_first)
    assert workdir.sweep(tmp_path) == ()
    assert others == [(dead,)]


def test_what_cannot_be_removed_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mount of a program that is still ending, say: the lock stays, so the next sweep knows it."""
    dead = make_dead(tmp_path)
    monkeypatch.setattr(workdir.shutil, "rmtree", lambda *_, **__: None)
    assert workdir.sweep(tmp_path) == (dead,)
    monkeypatch.undo()
    assert (dead / workdir.LOCK).exists()
    assert workdir.sweep(tmp_path) == (dead,)
    assert list(tmp_path.iterdir()) == []


def test_killed_while_it_removes_itself(tmp_path: Path) -> None:
    """Whenever the owner dies, the next one leaves nothing."""

    def work() -> None:
        with workdir.work_dir(tmp_path) as path:
            (path / "tree/deep").mkdir(parents=True)
            (path / "tree/file").write_text("x")

    seen = set()
    for _ in killed_before_each_step(work, lambda: None):
        seen |= {path.name for left in tmp_path.iterdir() for path in left.iterdir()}
        for left in tmp_path.iterdir():
            os.utime(left, (1, 1))  # a minute later
        workdir.sweep(tmp_path)
        assert list(tmp_path.iterdir()) == []
    assert seen == {workdir.LOCK, workdir.NEW_LOCK, "tree"}
