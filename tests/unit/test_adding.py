"""Adding a thing is adding its row: one that is not there yet, through every stage that reads rows."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, fields
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from builder import accept, render
from builder.catalog.nic_types import NicType, VfType
from builder.catalog.nics import NIC_TYPES
from builder.catalog.port_drivers import PORT_DRIVERS
from builder.changes.file_effects import FileChange, file_effects
from builder.command import PACKAGE_OF, Command, Result
from builder.needs import NEEDS
from builder.plan.checks import check_images
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
from builder.targets.registry import TARGETS, Target, TargetForm
from builder.verbs import VERBS
from builder.verify.checks.case import Case
from builder.verify.checks.standins import expected_devices
from builder.verify.facts import Facts
from builder.verify.spec import spec_of
from builder.verify.twin import plan_twin
from scripts.reference import targets_page
from tests.plans import SEED, check, plan_inventory, plan_of, sound

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
    return plan_of(SEED.read_text(encoding="utf-8")).image


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


NIC = NicType(
    "1af9:0042",
    "Tomorrow's NIC",
    PORT_DRIVERS["ixgbe"],
    VfType("1af9:0043", "ixgbevf"),
    total_vfs=5,
    vf_offset=64,
    vf_stride=2,
)


def seed_with(nic: NicType, num_vfs: int = 2) -> str:
    """The seed with this NIC in place of its ports with VFs."""
    text = SEED.read_text(encoding="utf-8").replace("8086:10fb", nic.device_id)
    return text.replace("num-vfs: 2", f"num-vfs: {num_vfs}", 1)


def test_a_nic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NIC_TYPES, NIC.device_id, NIC)
    assert check(seed_with(NIC))[1].items == ()
    inventory, marks = sound(seed_with(NIC))
    plan = plan_inventory(inventory, marks)
    assert [(pf.vf_id, str(pf.vfs[0].pci)) for pf in plan.image.pfs] == [
        ("1af9:0043", "0000:01:08.0"),
        ("1af9:0043", "0000:01:08.1"),
    ]
    assert check_images([plan], marks) == ()
    names = {package.name for package in plan.image.packages}
    assert "librte-net-ixgbe25" in names
    devices = expected_devices(Case(plan.image, None, FileTree(()), Facts(), {}))
    found = {str(device.pci): (device.device_id, device.driver) for device in devices}
    assert found["0000:01:00.0"] == ("1af9:0042", "ixgbe")
    assert found["0000:01:08.1"] == ("1af9:0043", "ixgbevf")
    limits = plan_twin(spec_of(inventory.hardware[plan.image.hardware], plan, "bios")).limits
    where = "0000:01:00.0, 0000:01:00.1"
    assert f"1af9:0042 ({where}) is an igb, 8086:10c9, with 7 VFs instead of 5" in limits


def test_what_the_row_of_a_nic_says_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    (unknown, *_) = check(seed_with(NIC))[1].items
    assert unknown.rule == "nic-model-known"
    monkeypatch.setitem(NIC_TYPES, NIC.device_id, NIC)
    found = {item.rule: item.message for item in check(seed_with(NIC, 6))[1].items}
    said = "num-vfs is 6, but ens11f0 (Tomorrow's NIC) has at most 5 VFs"
    assert found["sriov-num-vfs"] == said


TARGET = Target(
    summary="write what a machine boots from its network",
    example="rackwright pxe inventory.yaml --host nfv1 -o netboot",
    forms={"tar": TargetForm("all of it in one archive", ("tar",))},
    tools=("zstd",),
    needs_root=True,
)


def reread(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module as it is where the program starts with the rows of now."""
    spec = find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


def test_a_target(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    verb = ModuleType("builder.verbs.pxe")
    verb.__dict__.update(
        add_arguments=lambda parser: parser.add_argument("--host"),
        run=lambda args: args.host,
    )
    monkeypatch.setitem(sys.modules, "builder.verbs.pxe", verb)
    monkeypatch.setitem(TARGETS, "pxe", TARGET)
    reread("builder.verbs", monkeypatch)
    parser = reread("builder.verbs.parser", monkeypatch).build_parser(["pxe"])
    args = parser.parse_args(["pxe", "--host", "nfv1"])
    assert args.run(args) == "nfv1"
    assert f"pxe {TARGET.summary}" in " ".join(parser.format_help().split())
    with pytest.raises(SystemExit):
        parser.parse_args(["pxe", "--help"])
    assert TARGET.example in capsys.readouterr().out
    needs = reread("builder.needs", monkeypatch)
    monkeypatch.setattr(needs, "is_root", lambda: False)
    assert needs.NEEDS["pxe"] == ("zstd", "tar")
    assert needs.find_lack(Recorder()).verdict("pxe") == "needs root: run it with sudo"
    page = targets_page()
    assert f"## `pxe`\n\nVerb: {TARGET.summary}. `{TARGET.example}`\n" in page
    assert "| `tar` | all of it in one archive | `tar` |" in page


def test_contributing_names_a_test_of_each_addition() -> None:
    root = Path(__file__).parents[2]
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"\| (.+) \| `(test_\w+)` in `(tests/[\w/.]+)` \|", text)
    assert [what for what, _, _ in named] == [
        "rule", "rendered file", "target", "network card", "release",
    ]  # fmt: skip
    for _, name, path in named:
        assert f"def {name}(" in (root / path).read_text(encoding="utf-8")
