"""docs/reference is what the registries say."""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from pathlib import Path
from types import ModuleType

import pytest

from builder.model.rules import RULES
from builder.plan.checks import FLEET_CHECKS, PLAN_CHECKS
from tests.errors.cases import CASES, report_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """scripts/reference.py, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts/reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = ["rules.md", "ovs-options.md", "plan-json.md", "files.md", "targets.md", "ubuntu.md"]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_current(reference: ModuleType, name: str) -> None:
    committed = (ROOT / "docs/reference" / name).read_text(encoding="utf-8")
    assert committed == reference.PAGES[name](), "run: python scripts/reference.py --write"


def test_no_page_is_left_out_of_these_tests(reference: ModuleType) -> None:
    assert list(reference.PAGES) == PAGES


def test_each_rule_that_is_either_is_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over all cases of tests/errors."""
    monkeypatch.chdir(tmp_path)
    found = defaultdict(set)
    for case in CASES:
        for item in report_of(case)[0].items:
            found[item.rule].add(item.severity)
    either = {
        rule.name for rule in (*RULES, *PLAN_CHECKS, *FLEET_CHECKS) if rule.weight == "either"
    }
    assert {name for name, severities in found.items() if len(severities) > 1} == either
