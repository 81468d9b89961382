"""Elements: their closure, and a digest of what they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.errors import BuilderError
from builder.resources import data_dir
from builder.targets.image import elements

OURS = (data_dir("elements"),)
ALL = ("rackwright-boot", "rackwright-node", "rackwright-ovs-dpdk", "rackwright-root")


def make(base: Path, name: str, **files: str) -> None:
    for file, text in files.items():
        path = base / name / file.replace("_", "-")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_ours_expand_to_all() -> None:
    assert tuple(e.name for e in elements.expand(("rackwright-ovs-dpdk",), OURS)) == ALL


def test_earlier_directories_win(tmp_path: Path) -> None:
    make(tmp_path / "mine", "a", README="x")
    make(tmp_path / "theirs", "a", README="y")
    (found,) = elements.expand(("a",), (tmp_path / "mine", tmp_path / "theirs"))
    assert found.path == tmp_path / "mine" / "a"


def test_unknown_element(tmp_path: Path) -> None:
    with pytest.raises(BuilderError) as caught:
        elements.expand(("nosuch",), (tmp_path,))
    assert caught.value.message == f"there is no element nosuch in {tmp_path}"


def test_digest_sees_content_mode_and_name(tmp_path: Path) -> None:
    make(tmp_path, "a", x="1")
    (element,) = elements.expand(("a",), (tmp_path,))
    seen = {elements.digest_elements((element,))}
    (tmp_path / "a" / "x").write_text("2")
    seen.add(elements.digest_elements((element,)))
    (tmp_path / "a" / "x").chmod(0o755)
    seen.add(elements.digest_elements((element,)))
    (tmp_path / "a" / "x").rename(tmp_path / "a" / "y")
    seen.add(elements.digest_elements((element,)))
    assert len(seen) == 4
