"""A directory has one build, whole by its manifest, whenever its publisher dies."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import pytest
from killing import killed_before_each_step

from builder.jsonfile import encode
from builder.targets.image.manifest import (
    MANIFEST,
    Manifest,
    ManifestFile,
    ManifestRelease,
    format_manifest,
    read_manifest,
)
from builder.targets.image.publish import JOURNAL, publish, settle
from builder.workdir import sweep, work_dir

OWN = {"notes.txt": "mine", "node-0123456789ab.raw": "a copy", "verify/report.json": "{}"}


@dataclass(frozen=True)
class Build:
    """A build of `name` with one file a kind, whose content is the text."""

    name: str
    content: dict[str, str]

    def items(self) -> dict[str, ManifestFile]:
        items = {}
        for kind, text in self.content.items():
            digest = hashlib.sha256(text.encode()).hexdigest()
            items[kind] = ManifestFile(f"{self.name}-{digest[:12]}.{kind}", len(text), digest)
        return items

    def manifest(self) -> Manifest:
        release = ManifestRelease("debian-13", "trixie", "debian")
        items = self.items()
        return Manifest(1, self.name, None, "p", release, "6.12", "u", (), "b", 7, items, {})

    def publish(self, out: Path) -> tuple[str, ...]:
        with work_dir(out) as work:
            made = {}
            for kind, text in self.content.items():
                made[kind] = work / f"{self.name}.{kind}"
                made[kind].write_text(text)
            return publish(self.manifest(), made, work, out)

    def names(self) -> set[str]:
        return {MANIFEST, *(n for i in self.items().values() for n in (i.file, i.link))}


ONE = Build("node", {"raw": "one", "qcow2": "one, packed", "initrd": "same"})
OTHERS = {
    "of the same formats": Build("node", {"raw": "two", "qcow2": "two, packed", "initrd": "same"}),
    "of fewer formats": Build("node", {"raw": "two", "initrd": "same"}),
    "of more formats": Build("node", {**ONE.content, "raw.zst": "packed"}),
    "of another host": Build("node-nfv1", {"raw": "two", "initrd": "same"}),
    "the same again": ONE,
}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A directory with files of its user."""
    return new_directory(tmp_path / "out")


def new_directory(out: Path) -> Path:
    for name, text in OWN.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text)
    return out


def names(out: Path) -> set[str]:
    return {path.name for path in out.iterdir()} - {Path(name).parts[0] for name in OWN}


def build_in(out: Path) -> Manifest | None:
    """What is there by its manifest: asserts that all of it is, and the user's own files."""
    assert {name: (out / name).read_text() for name in OWN} == OWN
    if not (out / MANIFEST).exists():
        return None
    manifest = read_manifest(out / MANIFEST)
    for item in manifest.artefacts.values():
        content = (out / item.file).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (item.size, item.sha256)
    return manifest


def links(out: Path) -> dict[str, str]:
    found = (path for path in out.iterdir() if path.is_symlink())
    return {path.name: str(path.readlink()) for path in found}


def test_the_first_build(out: Path) -> None:
    ONE.publish(out)
    assert build_in(out) == ONE.manifest()
    assert names(out) == ONE.names()
    assert (out / "node.raw").read_text() == "one"
    digest = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    assert links(out)["node.raw"] == f"node-{digest[:12]}.raw"
    assert json.loads((out / MANIFEST).read_text())["artefacts"]["raw"] == {
        "file": f"node-{digest[:12]}.raw",
        "size": 3,
        "sha256": digest,
    }


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_another_build(out: Path, other: Build) -> None:
    assert ONE.publish(out) == ()
    ours, theirs = ({item.file for item in one.items().values()} for one in (ONE, other))
    assert set(other.publish(out)) == ours - theirs
    assert build_in(out) == other.manifest()
    assert names(out) == other.names()
    assert links(out) == {item.link: item.file for item in other.items().values()}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("first", [None, ONE], ids=["nothing", "a build"])
def test_killed(out: Path, first: Build | None, other: Build) -> None:
    """Before each step: what is there is the earlier build or the new one, and no name is dead."""
    earlier = None if first is None else first.manifest()
    states = []

    def prepare() -> None:
        shutil.rmtree(out)
        new_directory(out)
        if first is not None:
            first.publish(out)

    for _ in killed_before_each_step(lambda: other.publish(out), prepare):
        there = build_in(out)
        assert there in (earlier, other.manifest())
        assert all((out / name).exists() for name in links(out))
        states.append(there == other.manifest())
        for left in out.glob(".rackwright-*-*"):
            os.utime(left, (1, 1))  # a minute later
        sweep(out)
        settle(out)
        assert build_in(out) == there
        assert names(out) == (set() if there is None else (other if states[-1] else ONE).names())
    assert build_in(out) == other.manifest()
    assert names(out) == other.names()
    if first != other:
        assert [state for state, _ in groupby(states)] == [False, True]


@pytest.mark.parametrize(
    "fault", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()]
)
@pytest.mark.parametrize("failing", range(1, 9))
def test_what_fails_is_undone_or_done(
    out: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException, failing: int
) -> None:
    """The renames: journal, three files, manifest, three links; what follows a fault works again."""
    ONE.publish(out)
    other = Build("node", {"raw": "2", "qcow2": "2, packed", "initrd": "another"})
    rename: Callable[[Path, Path], Path] = Path.replace
    calls: list[Path] = []

    def fail(path: Path, target: Path) -> Path:
        calls.append(path)
        if len(calls) == failing:
            raise fault
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(type(fault)):
        other.publish(out)
    monkeypatch.undo()
    done = failing > 5
    assert build_in(out) == (other if done else ONE).manifest()
    settle(out)
    assert names(out) == (other if done else ONE).names()


def test_files_of_no_build_are_replaced_when_they_have_its_names_only(out: Path) -> None:
    """A build made before files were named for their content, and one whose manifest went."""
    (out / "node.raw").write_text("old")
    (out / "node.raw.zst").write_text("old")
    (out / MANIFEST).write_text(
        format_manifest(
            replace(
                ONE.manifest(), artefacts={"raw.zst": ManifestFile("node.raw.zst", 3, "0" * 64)}
            )
        )
    )
    (out / "node.vmlinuz").write_text("of no manifest")
    ONE.publish(out)
    assert names(out) == {*ONE.names(), "node.vmlinuz"}


@pytest.mark.parametrize("text", ["", "{}", '{"format-version": 2}'])
def test_nothing_is_removed_by_a_manifest_that_cannot_be_read(out: Path, text: str) -> None:
    """The next build, whose manifest can, removes what the journal kept in mind."""
    ONE.publish(out)
    two = OTHERS["of the same formats"]
    before = names(out)
    (out / JOURNAL).write_text(json.dumps({"files": [encode(i) for i in ONE.items().values()]}))
    (out / MANIFEST).write_text(text)
    settle(out)
    assert names(out) == {*before, JOURNAL}
    two.publish(out)
    assert build_in(out) == two.manifest()
    assert names(out) == two.names()


def test_a_journal_removes_nothing_elsewhere(out: Path) -> None:
    ONE.publish(out)
    outside = out.parent / "passwd"
    outside.write_text("root")
    item = {"size": 4, "sha256": "0" * 64}
    named = [{"file": name, **item} for name in ("../passwd", "..", ".", "", "verify/report.json")]
    for text in (*(json.dumps({"files": [one]}) for one in named), "damaged"):
        (out / JOURNAL).write_text(text)
        settle(out)
        assert outside.exists()
        assert names(out) == ONE.names()


@pytest.mark.parametrize("code", ["EPERM", "EACCES", "EOPNOTSUPP", "ENOSYS"])
def test_a_file_system_without_links(out: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    def refuse(*_: object) -> None:
        fault = getattr(errno, code)
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(Path, "symlink_to", refuse)
    ONE.publish(out)
    OTHERS["of the same formats"].publish(out)
    assert build_in(out) == OTHERS["of the same formats"].manifest()
    assert links(out) == {}


def test_two_at_once_wait_for_each_other(out: Path) -> None:
    """Both publish: one build is there in the end, with nothing of the other."""
    builds = [Build("node", {"raw": str(number), "initrd": "same"}) for number in range(8)]
    with ThreadPoolExecutor(max_workers=8) as pool:
        for done in [pool.submit(build.publish, out) for build in builds]:
            done.result()
    there = build_in(out)
    assert there is not None
    assert names(out) == next(b for b in builds if b.manifest() == there).names()
