"""Bad inventories and the exact report each gets: one for every rule and every message."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from builder.diagnostics import Report, format_report
from builder.inventory.loader import Loaded, load
from builder.model.rules import RULES
from builder.model.validate import validate
from builder.model.wording import _WORDS
from builder.plan.checks import PLAN_CHECKS, check_plans
from builder.plan.releases import RELEASES

HERE = Path(__file__).resolve().parent
CASES = sorted(path.parent.name for path in HERE.glob("*/inventory.yaml"))


def report_of(case: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Loaded, Report]:
    """Load as `rackwright check inventory.yaml` does in the case's directory."""
    monkeypatch.chdir(HERE / case)
    loaded = load(Path("inventory.yaml"))
    inventory, report = validate(loaded)
    assert (inventory is None) == report.is_fatal
    if inventory is not None:
        wanted = inventory.image.os
        release = RELEASES["debian-13" if wanted == "host" else wanted]
        report = report.plus(check_plans(inventory, loaded.marks, release))
    return loaded, report


@pytest.mark.parametrize("case", CASES)
def test_report(case: str, monkeypatch: pytest.MonkeyPatch, *, update_golden: bool) -> None:
    loaded, report = report_of(case, monkeypatch)
    text = format_report(report, loaded.marks.lines) + "\n"
    expected = HERE / case / "expected.txt"
    if update_golden:
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_no_word_of_the_libraries(case: str) -> None:
    text = (HERE / case / "expected.txt").read_text(encoding="utf-8")
    foreign = r"pydantic|Input should|validation|Field required|while (parsing|scanning)|Traceback"
    assert re.search(foreign, text, re.IGNORECASE) is None


def test_each_rule_has_a_case(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {item.rule for case in CASES for item in report_of(case, monkeypatch)[1].items}
    assert {*RULES, *PLAN_CHECKS} - found == set()


def test_each_case_of_a_rule_shows_that_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    for case in set(CASES) & {*RULES, *PLAN_CHECKS}:
        assert case in {item.rule for item in report_of(case, monkeypatch)[1].items}, case


def test_no_directory_without_expectation() -> None:
    directories = {path.name for path in HERE.iterdir() if path.is_dir()} - {"__pycache__"}
    assert directories == set(CASES)
    assert all((HERE / case / "expected.txt").is_file() for case in CASES)


def test_each_wording_is_met(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wording no case leads to would be dead, or untested."""
    met = set()
    for kind, word in list(_WORDS.items()):
        monkeypatch.setitem(
            _WORDS, kind, lambda fault, word=word, kind=kind: (met.add(kind), word(fault))[1]
        )
    for case in CASES:
        report_of(case, monkeypatch)
    assert met == set(_WORDS)
