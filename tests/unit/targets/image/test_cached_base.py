"""The cache of bases: what is whole is used, what is damaged is made again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from base_facts import FACTS
from recording import NullMonitor, RecordingRunner

from builder.catalog.releases import RELEASES
from builder.jsonfile import encode
from builder.targets.image import cached_base
from builder.targets.image.request import ImageRequest
from builder.targets.image.solve import Solution

PLAN = cached_base.BasePlan((), (), (), (), Solution((), 7, 0.0), "r" * 64, "b" * 64)


def write_base(path: Path) -> None:
    path.mkdir()
    (path / "base.json").write_text(json.dumps(encode(FACTS)))
    (path / "tree.json").write_text(json.dumps({"/etc": "d", "/bin": "l:usr/bin"}))


@pytest.fixture
def ensure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], cached_base.Base]:
    """`ensure_base` with a cache in `tmp_path` and a base that is made at once."""
    request = ImageRequest(
        name="node",
        release=RELEASES["debian-13"],
        packages=(),
        files=(),
        cmdline=(),
        formats=("raw",),
        out_dir=tmp_path / "out",
        cache_dir=tmp_path,
        plan_id="p",
        mirror=None,
        keyring=tmp_path / "keyring.gpg",
    )
    monkeypatch.setattr(
        cached_base, "_make", lambda _plan, _request, work, *_: write_base(work / "base")
    )
    return lambda: cached_base.ensure_base(PLAN, request, RecordingRunner(), NullMonitor())


def test_a_base_is_made_once(ensure: Callable[[], cached_base.Base], tmp_path: Path) -> None:
    base = ensure()
    assert base.facts == FACTS
    assert base.listing.kinds == {"/etc": "d", "/bin": "l:usr/bin"}
    assert base.disk == tmp_path / "bases" / PLAN.key / "disk.raw"
    (base.path / "mark").touch()
    assert (ensure().path / "mark").exists()


@pytest.mark.parametrize(
    ("name", "text"),
    [("base.json", "{"), ("base.json", "{}"), ("tree.json", "[]"), ("tree.json", '{"/": 1}')],
)
def test_a_damaged_base_is_made_again(
    ensure: Callable[[], cached_base.Base], name: str, text: str
) -> None:
    base = ensure()
    (base.path / "mark").touch()
    (base.path / name).write_text(text)
    assert ensure() == base
    assert not (base.path / "mark").exists()
