"""Rules: each module's are listed, each check is a rule's, and a finding is shown at its place."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import builder.model.rules
import builder.plan.checks
from builder.diagnostics import Diagnostic, Location, Marks
from builder.model.inventory import Inventory
from builder.model.rules import RULES
from builder.plan.checks import FLEET_CHECKS, PLAN_CHECKS
from builder.rule import SEE, Finding, Rule, Weight, diagnose, each
from tests.plans import SEED, check

REGISTRIES: list[tuple[Any, tuple[Rule[Any], ...]]] = [
    (builder.model.rules, RULES),
    (builder.plan.checks, (*PLAN_CHECKS, *FLEET_CHECKS)),
]
ALL = [rule for _, rules in REGISTRIES for rule in rules]


def sources() -> Iterator[tuple[str, ast.Module, tuple[Rule[Any], ...]]]:
    """Each module beside a registry: its name, its text and the registry."""
    for package, registry in REGISTRIES:
        for path in sorted(Path(package.__file__).parent.glob("*.py")):
            if path.stem != "__init__":
                tree = ast.parse(path.read_text(encoding="utf-8"))
                yield f"{package.__name__}.{path.stem}", tree, registry


def test_each_module_is_listed() -> None:
    for name, tree, registry in sources():
        has_checks = any(isinstance(n, ast.FunctionDef) and is_check(n.name) for n in tree.body)
        own = getattr(import_module(name), "RULES", ())
        assert has_checks == bool(own), name
        assert {id(rule) for rule in own} <= {id(rule) for rule in registry}, name
    listed = {
        rule for name, _, _ in sources() for rule in getattr(import_module(name), "RULES", ())
    }
    assert listed == set(ALL)


def is_check(name: str) -> bool:
    return name.startswith("check_")


def test_each_check_is_that_of_one_rule() -> None:
    for name, tree, _ in sources():
        checks = [n.name for n in tree.body if isinstance(n, ast.FunctionDef) and is_check(n.name)]
        used = Counter(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and is_check(n.id))
        assert used == Counter(checks), name


def test_names_and_texts_are_of_one_rule() -> None:
    assert len({rule.name for rule in ALL}) == len({rule.about for rule in ALL}) == len(ALL)
    assert all(rule.name.replace("-", "").isalnum() and rule.name.islower() for rule in ALL)
    assert {rule.name.startswith("plan-") for rule in (*PLAN_CHECKS, *FLEET_CHECKS)} == {True}


def test_a_text_is_one_sentence() -> None:
    odd = {rule.name for rule in ALL if not rule.about.endswith(".") or ". " in rule.about}
    assert odd == set()


def test_a_row_is_all_a_rule_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not there yet, and what `check` tells of it."""

    def check_seed(inventory: Inventory) -> Iterator[Finding]:
        for name in inventory.hosts:
            yield Finding(("hosts", name), "no host is welcome", at_key=True)

    row = Rule("host-welcome", "warning", "A host is welcome.", check_seed)
    monkeypatch.setattr("builder.model.rules.RULES", (*RULES, row))
    (item,) = (
        item
        for item in check(SEED.read_text(encoding="utf-8"))[1].items
        if item.rule == "host-welcome"
    )
    assert (item.severity, item.path, item.message) == (
        "warning", ("hosts", "nfv1"), "no host is welcome",
    )  # fmt: skip
    assert item.where.line > 1


MARKS = Marks(
    "i.yaml",
    keys={("a",): Location("i.yaml", 1, 1), ("a", "b"): Location("i.yaml", 2, 3)},
    values={("a",): Location("i.yaml", 2, 3), ("a", "b"): Location("i.yaml", 2, 6)},
)


def told(finding: Finding, weight: Weight = "error") -> Diagnostic:
    (item,) = diagnose([Rule("r", weight, "About.", lambda _: [finding])], None, MARKS)
    return item


def test_a_finding_is_shown_at_its_value() -> None:
    item = told(Finding(("a", "b"), "message", "hint", is_secret=True))
    where = Location("i.yaml", 2, 6)
    assert item == Diagnostic("error", where, ("a", "b"), "message", "hint", "r", is_secret=True)


@pytest.mark.parametrize(
    ("finding", "place"),
    [
        (Finding(("a", "b"), "m", at_key=True), "i.yaml:2:3"),
        # What the file does not have stands at the key of what there is of it.
        (Finding(("a", "c", 1), "m"), "i.yaml:1:1"),
        (Finding(("x",), "m"), "i.yaml:1:1"),
    ],
)
def test_a_finding_is_shown_at_its_key(finding: Finding, place: str) -> None:
    assert str(told(finding).where) == place


def test_the_other_place_is_told_where_it_belongs() -> None:
    item = told(Finding(("a",), f"as in ({SEE})", f"see {SEE}", see=("a", "b")))
    assert (item.message, item.hint) == ("as in (a.b, i.yaml:2:3)", "see a.b, i.yaml:2:3")
    assert told(Finding(("a",), f"as in {SEE}", see=("a",))).hint is None


@pytest.mark.parametrize(("message", "see"), [(f"see {SEE}", None), ("see there", ("a",))])
def test_the_other_place_has_its_place(message: str, see: tuple[str] | None) -> None:
    with pytest.raises(ValueError, match="neither goes alone"):
        Finding(("a",), message, see=see)


@pytest.mark.parametrize(
    ("weight", "severity"), [("error", "error"), ("warning", "warning"), ("either", "warning")]
)
def test_the_rule_says_how_much_a_finding_weighs(weight: Weight, severity: str) -> None:
    assert told(Finding(("a",), "m", severity="warning"), weight).severity == severity
    assert told(Finding(("a",), "m"), "either").severity == "error"


def test_each_part_is_looked_at() -> None:
    check = each(str.split, lambda word: [Finding((word,), "m")] if word != "b" else [])
    assert [found.key for found in check("a b c")] == [("a",), ("c",)]
