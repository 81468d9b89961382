"""Bad inventories and the exact report each gets: one for every rule and every message."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from builder.diagnostics import format_report
from builder.model.rules import RULES
from builder.model.wording import _WORDS
from builder.plan.checks import FLEET_CHECKS, PLAN_CHECKS
from tests.errors.cases import (
    CASES,
    HERE,
    change,
    report_of,
    report_text,
    write_report,
)

NAMES = {rule.name for rule in (*RULES, *PLAN_CHECKS, *FLEET_CHECKS)}


@pytest.fixture(autouse=True)
def _in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("case", CASES)
def test_report(case: str, *, update_golden: bool) -> None:
    report, marks = report_of(case)
    text = format_report(report, marks.lines) + "\n"
    if update_golden:
        write_report(case, text)
    assert text == report_text(case)


@pytest.mark.parametrize("case", CASES)
def test_no_word_of_the_libraries(case: str) -> None:
    text = report_text(case)
    foreign = r"pydantic|Input should|validation|Field required|while (parsing|scanning)|Traceback"
    assert re.search(foreign, text, re.IGNORECASE) is None


def test_each_rule_has_a_case() -> None:
    found = {item.rule for case in CASES for item in report_of(case)[0].items}
    assert NAMES - found == set()


def test_each_case_of_a_rule_shows_that_rule() -> None:
    for case in set(CASES) & NAMES:
        assert case in {item.rule for item in report_of(case)[0].items}, case


def test_nothing_else_is_stored() -> None:
    """An inventory nobody looks at would pass unseen."""
    wholes = {path.stem for path in HERE.glob("*.yaml")} - {"base"}
    assert wholes - set(CASES) == set()
    others = {path.name for path in HERE.iterdir() if path.suffix not in (".txt", ".yaml")}
    assert others - {"__pycache__"} == {"cases.py", "test_errors.py"}


def test_a_change_of_the_base() -> None:
    base = "a: 1\nb:\n  x: 1\nc:\n  x: 1\n"
    assert change(base, "") == base
    assert change(base, "+ top: 0\n- a: 1\n") == "top: 0\nb:\n  x: 1\nc:\n  x: 1\n"
    assert change(base, "  c:\n-   x: 1\n+   x: 2\n+\n") == "a: 1\nb:\n  x: 1\nc:\n  x: 2\n\n"


@pytest.mark.parametrize("changes", ["- a: 2\n", "  c: 3\n- a: 1\n", "a: 1\n"])
def test_a_change_that_fits_no_line_is_refused(changes: str) -> None:
    with pytest.raises(ValueError, match="a: "):
        change("a: 1\nb: 2\nc: 3\n", changes)


def test_each_wording_is_met(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wording no case leads to would be dead, or untested."""
    met = set()
    for kind, word in list(_WORDS.items()):
        monkeypatch.setitem(
            _WORDS, kind, lambda fault, word=word, kind=kind: (met.add(kind), word(fault))[1]
        )
    for case in CASES:
        report_of(case)
    assert met == set(_WORDS)
