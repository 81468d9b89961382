"""Work directories: gone after use, swept when their owner died, left alone while it lives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from builder.targets.image import workdir


def test_gone_after_the_block_and_after_a_fault(tmp_path: Path) -> None:
    with workdir.work_dir(tmp_path) as work:
        (work / "x").write_text("x")
        assert work.parent == tmp_path
        assert str(os.getpid()) in work.name
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ZeroDivisionError), workdir.work_dir(tmp_path):
        _ = 1 / 0
    assert list(tmp_path.iterdir()) == []


def test_the_living_are_not_swept(tmp_path: Path) -> None:
    with workdir.work_dir(tmp_path) as work:
        assert workdir.sweep(tmp_path) == ()
        assert work.is_dir()


def test_the_dead_are(tmp_path: Path) -> None:
    dead = tmp_path / ".rackwright-1-dead"
    dead.mkdir()
    (dead / workdir.LOCK).write_text("")
    (tmp_path / "node.raw").write_text("")
    assert workdir.sweep(tmp_path) == (dead,)
    assert [path.name for path in tmp_path.iterdir()] == ["node.raw"]


def test_one_without_a_lock_is_given_time(tmp_path: Path) -> None:
    young, old = tmp_path / ".rackwright-1-young", tmp_path / ".rackwright-1-old"
    young.mkdir()
    old.mkdir()
    os.utime(old, (1, 1))
    assert workdir.sweep(tmp_path) == (old,)
    assert young.is_dir()
