"""docs/reference is what the registries say, and each rule says what its text declares."""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from pathlib import Path
from types import ModuleType

import pytest

from builder.model.rules import RULES
from builder.model.rules.about import RULE_TEXTS
from builder.plan.checks import PLAN_CHECKS
from builder.plan.checks.about import CHECK_TEXTS
from tests.errors.cases import CASES

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


@pytest.mark.parametrize("name", ["rules.md", "ovs-options.md", "plan-json.md"])
def test_a_page_is_current(reference: ModuleType, name: str) -> None:
    committed = (ROOT / "docs/reference" / name).read_text(encoding="utf-8")
    assert committed == reference.PAGES[name](), "run: python scripts/reference.py --write"


def test_no_page_is_left_out_of_these_tests(reference: ModuleType) -> None:
    assert list(reference.PAGES) == ["rules.md", "ovs-options.md", "plan-json.md"]


def test_each_rule_has_a_text() -> None:
    assert RULES.keys() == RULE_TEXTS.keys()
    assert PLAN_CHECKS.keys() == CHECK_TEXTS.keys()


def test_texts_are_one_sentence() -> None:
    texts = {name: text.about for name, text in {**RULE_TEXTS, **CHECK_TEXTS}.items()}
    odd = {name for name, about in texts.items() if not about.endswith(".") or ". " in about}
    assert odd == set()
    assert len(set(texts.values())) == len(texts)


def test_each_rule_weighs_what_its_text_says(reference: ModuleType) -> None:
    """Over all cases of tests/errors: `either` has one of each, others have no other."""
    found = defaultdict(set)
    for case in CASES:
        for item in reference.diagnose(case):
            found[item.rule].add(item.severity)
    declared = {
        name: {"error", "warning"} if text.weight == "either" else {text.weight}
        for name, text in {**RULE_TEXTS, **CHECK_TEXTS}.items()
    }
    assert {name: found[name] for name in declared} == declared
