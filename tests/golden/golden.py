"""Golden cases: what is stored of a tree, and how a case's tree is made."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from builder.catalog.releases import RELEASES
from builder.diagnostics import Report, format_report
from builder.plan.checks import check_plan
from builder.plan.host import plan_hosts
from builder.plan.nouns.host import HostPlan
from builder.render import render_host
from builder.render.templates import SEED_PROGRAMS, seed_programs
from builder.render.tree import FileTree
from builder.resources import read_texts
from tests.plans import sound

BASE = Path(__file__).resolve().parent
CASES = sorted(path.parent.name for path in BASE.glob("*/inventory.yaml"))
# What `os: host` stands for here: goldens must not depend on the machine that tests.
HOST_RELEASE = "debian-13"

TEMPLATES = read_texts("templates")
PROGRAMS = read_texts("systemd")


def read_case(case: str) -> str:
    return (BASE / case / "inventory.yaml").read_text(encoding="utf-8")


@cache
def plan_case(text: str) -> HostPlan:
    """The plan of the first host of an inventory without errors."""
    inventory, marks = sound(text)
    wanted = inventory.image.os
    release = RELEASES[HOST_RELEASE if wanted == "host" else wanted]
    plan = next(plan_hosts(inventory, marks, inventory.hosts, release))
    faults = Report().plus(check_plan(plan, marks))
    assert not faults.is_fatal, format_report(faults, marks.lines)
    return plan


def tree_of(plan: HostPlan) -> FileTree:
    return render_host(plan, TEMPLATES, PROGRAMS)


def to_golden(tree: FileTree) -> dict[str, bytes]:
    """A tree as the files a case stores, by path below the case.

    MANIFEST has mode, owner, scope and path of every file, and the target of a link. Files
    copied from systemd/ and templates/ as they are stand there by the name of their source, so that a
    change of a program shows once in a diff and not in every case.
    """
    sources = {text.encode(): f"systemd/{name}" for name, text in PROGRAMS.items()}
    sources |= {
        text.encode(): f"templates/{SEED_PROGRAMS}{name}"
        for name, text in seed_programs(TEMPLATES).items()
    }
    lines: list[str] = []
    stored: dict[str, bytes] = {}
    for file in tree:
        line = f"{file.mode_text} {file.owner} {file.scope} {file.path}"
        if file.is_symlink:
            line += f" -> {file.text}"
        elif file.content in sources:
            line += f" = {sources[file.content]}"
        else:
            stored[f"tree{file.path}"] = file.content
        lines.append(line)
    return {**stored, "MANIFEST": "".join(f"{line}\n" for line in lines).encode()}


def read_golden(case: str) -> dict[str, bytes]:
    """What the case stores, all of it: a file no longer rendered must not stay unseen."""
    return {
        str(path.relative_to(BASE / case)): path.read_bytes()
        for path in sorted((BASE / case).rglob("*"))
        if path.is_file() and path.name != "inventory.yaml"
    }


def write_golden(case: str, files: Mapping[str, bytes]) -> None:
    for name in read_golden(case).keys() - files.keys():
        (BASE / case / name).unlink()
    for name, content in files.items():
        target = BASE / case / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
