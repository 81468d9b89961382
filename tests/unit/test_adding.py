"""Adding a thing is adding its row: one that is not there yet, through every stage that reads rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import MISSING, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from seed_plans import SEED

from builder import accept, render
from builder.catalog.releases import RELEASES
from builder.changes.file_effects import FileChange, file_effects
from builder.command import PACKAGE_OF, Command, Result
from builder.inventory.loader import load
from builder.model.validate import validate
from builder.needs import NEEDS
from builder.plan.host import plan_host
from builder.plan.nouns.image import ImagePlan
from builder.render import files
from builder.render.effect import Effect, restart
from builder.render.file_kind import FileKind
from builder.render.grammar import read_dropin
from builder.render.header import image_header
from builder.render.parse import parse_back
from builder.render.templates import Sources
from builder.render.tree import FileTree, RenderedFile
from builder.resources import read_texts
from builder.targets.registry import TARGETS
from builder.verbs import VERBS

# What a new rendered file takes when its values are planned: a template, and in render/<family>.py
# a function and a row.
PATH = "/etc/systemd/system/ssh.service.d/10-rackwright.conf"
TEMPLATE = {
    f"rootfs{PATH}.j2": "{{ header | comment }}\n[Service]\nCPUAffinity={{ housekeeping | cpus }}\n"
}


def render_ssh(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    yield SSH.fill(sources, header=image_header(plan), housekeeping=plan.cpus.housekeeping)


SSH = FileKind(
    path=PATH,
    render=render_ssh,
    read_back=read_dropin,
    accepted_by="systemd-analyze",
    needs=restart("systemctl daemon-reload", "logins keep to the housekeeping CPUs"),
    check="units",
    comments=True,
)


@pytest.fixture
def with_ssh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(render, "IMAGE_FILES", (*files.IMAGE_FILES, SSH))
    monkeypatch.setattr(files, "FILES", (*files.FILES, SSH))
    files.kind_of.cache_clear()
    yield
    files.kind_of.cache_clear()


def seed_image() -> ImagePlan:
    loaded = load(SEED)
    inventory, _ = validate(loaded)
    assert inventory is not None
    return plan_host(inventory, loaded.marks, "nfv1", RELEASES["debian-13"]).image


class Recorder:
    """A runner that finds no fault, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def run(self, command: Command) -> Result:
        self.asked.append(command.argv)
        return Result(0)


@pytest.mark.usefixtures("with_ssh")
def test_a_rendered_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = seed_image()
    templates = {**read_texts("templates"), **TEMPLATE}
    tree = render.render_image(plan, templates, read_texts("systemd"))
    file = tree.get(PATH)
    assert file is not None
    assert file.text.endswith("\n[Service]\nCPUAffinity=0,8,16,24\n")
    assert parse_back(tree) == ()
    broken = RenderedFile(PATH, b"CPUAffinity=0\n")
    assert parse_back(FileTree((broken,))) == (
        f"{PATH}: line 1: 'CPUAffinity=0' stands before any [Section]",
    )
    assert file_effects(FileChange(PATH, None, file.content)) == (SSH.needs,)
    assert file_effects(FileChange(PATH, b"# a\n", b"# b\n"))[0].reason == "only comments differ"
    runner = Recorder()
    monkeypatch.setattr(accept, "find_tool", lambda name: name)
    accept.accept_tree(tree, runner, tmp_path)
    (asked,) = [argv for argv in runner.asked if argv[0] == "systemd-analyze"]
    assert "ssh.service" in asked
    assert (tmp_path / "systemd-analyze" / PATH.lstrip("/")).read_bytes() == file.content


def test_without_its_row_a_file_is_a_fault_and_a_new_image() -> None:
    assert parse_back(FileTree((RenderedFile(PATH, b"[Service]\n"),))) == (
        f"{PATH}: no parser knows this file",
    )
    reason = "what a running node does with this file is not known"
    assert file_effects(FileChange(PATH, None, b"")) == (Effect("image", reason),)


COLUMNS: dict[str, Any] = {
    field.name: getattr(SSH, field.name) for field in fields(FileKind) if field.default is MISSING
}


def test_what_has_a_default_is_of_an_ordinary_file() -> None:
    """0644, of the image, of which each line counts, and which is read once the root is there."""
    others = {field.name for field in fields(FileKind)} - set(COLUMNS)
    assert others == {"scope", "mode", "comments", "initramfs"}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_row_cannot_lack_a_column(column: str) -> None:
    rest = {name: value for name, value in COLUMNS.items() if name != column}
    with pytest.raises(TypeError, match=f"'{column}'"):
        FileKind(**rest)


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_is_its_row_its_verb_and_its_package(name: str) -> None:
    target, module = TARGETS[name], name.replace("-", "_")
    verb = VERBS[name]
    assert (verb.module, verb.summary, verb.example) == (
        f"builder.verbs.{module}",
        target.summary,
        target.example,
    )
    assert target.example.split()[1] == name
    assert find_spec(verb.module) is not None
    assert find_spec(f"builder.targets.{module}") is not None
    assert NEEDS.get(name, ()) == target.all_tools
    assert set(target.all_tools) <= PACKAGE_OF.keys()
