"""Writes the pages of docs/reference that are made from registries, or says which are stale.

python scripts/reference.py --write
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import chdir
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from builder.catalog.ovs_forms import OvsOption  # noqa: E402
from builder.catalog.ovs_options import OVS_OPTIONS, PORT_OPTIONS  # noqa: E402
from builder.diagnostics import Diagnostic, format_path  # noqa: E402
from builder.model.rules import RULES  # noqa: E402
from builder.plan.checks import FLEET_CHECKS, PLAN_CHECKS  # noqa: E402
from builder.render.effect import Effect  # noqa: E402
from builder.render.file_kind import FileKind  # noqa: E402
from builder.render.files import FILES  # noqa: E402
from builder.rule import Rule  # noqa: E402
from builder.targets.registry import TARGETS  # noqa: E402
from scripts.reference_packages import packages_page  # noqa: E402
from scripts.reference_plan import plan_sections  # noqa: E402
from tests.errors.cases import CASES, report_of  # noqa: E402

REFERENCE = ROOT / "docs" / "reference"
MADE = "<!-- Made by `python scripts/reference.py --write`. -->"
WEIGHTS = {"error": "error", "warning": "warning", "either": "error or warning"}


def rules_page() -> str:
    """Every rule: what must hold, its severity, and an example message."""
    examples = find_examples()
    lines = [
        "# Rules",
        "",
        MADE,
        "",
        "What `rackwright check` checks beyond the schema of an inventory. Each entry states what",
        "must hold, and shows a message for a case where it does not. An error stops every verb",
        "with exit code 1; a warning is printed and the verb continues. `check --json` gives the",
        "rule of each diagnostic; schema and YAML errors have the rule `schema` or `yaml`.",
    ]
    parts: tuple[tuple[str, tuple[Rule[Any], ...]], ...] = (
        ("Rules of the inventory", RULES),
        (
            "Checks of the plan: derived values, and limits of the release",
            (*PLAN_CHECKS, *FLEET_CHECKS),
        ),
    )
    for heading, rules in parts:
        lines += ["", f"## {heading}"]
        for rule in rules:
            lines += ["", *_rule(rule, examples.get(rule.name))]
    return "\n".join(lines) + "\n"


def _rule(rule: Rule[Any], found: Diagnostic | None) -> Iterator[str]:
    yield f"### `{rule.name}`"
    yield ""
    yield f"{rule.about} ({WEIGHTS[rule.weight]})"
    if found is not None:
        yield ""
        yield "```text"
        yield f"{found.severity}: {format_path(found.path)}: {found.message}"
        if found.hint:
            yield f"  hint: {found.hint}"
        yield "```"


def find_examples() -> dict[str, Diagnostic]:
    """The first diagnostic of each rule: of the case of its name, else of any."""
    named: dict[str, Diagnostic] = {}
    found: dict[str, Diagnostic] = {}
    with TemporaryDirectory() as directory, chdir(directory):
        for case in CASES:
            for item in report_of(case)[0].items:
                found.setdefault(item.rule, item)
                if case == item.rule:
                    named.setdefault(item.rule, item)
    return {**found, **named}


def ovs_options_page() -> str:
    """Options of Open vSwitch and of its ports, by release."""
    lines = [
        "# Options of Open vSwitch",
        "",
        MADE,
        "",
        "The options allowed under `ovs.other-config`, and those set for DPDK ports. Options that",
        "follow from other keys of the inventory are derived, and setting them by hand is an error",
        "(rule `ovs-option-derived`). If the default is empty, it depends on other options.",
    ]
    for heading, options in (("The switch", OVS_OPTIONS), ("DPDK ports", PORT_OPTIONS)):
        lines += [
            "",
            f"## {heading}",
            "",
            "| option | value | default | takes effect | releases | meaning |",
            "|---|---|---|---|---|---|",
            *(_option(option) for option in options.values()),
        ]
    return "\n".join(lines) + "\n"


def _option(option: OvsOption) -> str:
    forms = [f"before {until}: {form.about}" for until, form in option.older_forms]
    cells = (
        f"`{option.key}`",
        "; ".join([option.form.about, *forms]),
        f"`{option.default}`" if option.default else "",
        option.applies,
        _releases(option),
        f"{option.about} ({option.source})",
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _releases(option: OvsOption) -> str:
    words = [f"from {option.since}"] if option.since else []
    words += [f"deprecated in {option.deprecated}"] if option.deprecated else []
    words += [f"gone in {option.removed}"] if option.removed else []
    words += [f"now `{option.renamed_to}`"] if option.renamed_to else []
    return ", ".join(words) or "all"


def plan_json_page() -> str:
    """The keys of `plan --json`: one section a class of the plan."""
    lines = [
        "# Keys of `plan --json`",
        "",
        MADE,
        "",
        "`rackwright plan INV --host H --json` prints one object, a host plan. Keys are only ever",
        "added. CPU sets, PCI addresses and MACs are strings in the kernel's notation (`0-7,16-23`).",
        "Every `why` is an object with the reason and the inventory keys that the value depends on.",
    ]
    lines += plan_sections()
    lines += ["", "## Why", "", "Why a value was chosen.", "", "| key | value | meaning |"]
    lines += [
        "|---|---|---|",
        "| `reason` | text | one sentence |",
        "| `origins` | list of objects | inventory keys: `key` (`profiles.nfv.cpu`), `file`, `line` |",
    ]
    return "\n".join(lines) + "\n"


def files_page() -> str:
    """Every kind of file on a node, and what changing it requires."""
    lines = [
        "# Files on a node",
        "",
        MADE,
        "",
        "The files that `render` writes, `image` puts into an image and `cloud-init` into a bundle.",
        "Words in capitals stand for a name. Each file is parsed with the grammar of its reader before",
        "it is written, and also by the distribution's own program where there is one. `verify`",
        "compares mode, owner and bytes of all files on the booted node (`files`), and their effect.",
        "",
        "| path | part of | parsed by | changing it requires | verified by |",
        "|---|---|---|---|---|",
        *(_file(kind) for kind in sorted(FILES, key=lambda kind: kind.path)),
    ]
    return "\n".join(lines) + "\n"


def _file(kind: FileKind[Any]) -> str:
    if isinstance(kind.needs, Effect):
        needs = f"{kind.needs.level}: {kind.needs.reason}"
        needs += f" (`{kind.needs.command}`)" if kind.needs.command else ""
    else:
        needs = f"depends on what differs ({kind.needs})"
    cells = (
        f"`{kind.path}`",
        kind.scope,
        f"`{kind.accepted_by}`" if kind.accepted_by else "",
        needs,
        f"`{kind.check}`",
    )
    return "| " + " | ".join(cells) + " |"


def targets_page() -> str:
    """What each target writes, and the programs it uses."""
    lines = [
        "# Targets",
        "",
        MADE,
        "",
        "What a plan can be built into. `rackwright doctor` lists the programs that are missing.",
    ]
    for name, target in TARGETS.items():
        lines += ["", f"## `{name}`", "", f"Verb: {target.summary}. `{target.example}`", ""]
        lines += ["| format | description | programs for this format |", "|---|---|---|"]
        for form, row in target.forms.items():
            tools = ", ".join(f"`{tool}`" for tool in row.tools)
            lines.append(f"| `{form}` | {row.about} | {tools} |")
        if target.tools:
            lines += ["", f"Programs: {', '.join(f'`{tool}`' for tool in target.tools)}."]
        if target.needs_root:
            lines += ["", "It needs root."]
    return "\n".join(lines) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "rules.md": rules_page,
    "ovs-options.md": ovs_options_page,
    "plan-json.md": plan_json_page,
    "files.md": files_page,
    "targets.md": targets_page,
    "ubuntu.md": partial(packages_page, MADE),
}


def main(argv: list[str]) -> int:
    """Write all pages, or report which are stale."""
    stale = 0
    for name, make in PAGES.items():
        path, text = REFERENCE / name, make()
        if argv == ["--write"]:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            sys.stderr.write(f"{path} is stale: python scripts/reference.py --write\n")
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
