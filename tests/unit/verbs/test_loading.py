"""What a call loads: the start of the program is the loading of its modules."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

import pytest

from builder.verbs import VERBS

pytestmark = pytest.mark.allow_subprocess

# Ends before the verb is called, with what its module brought with it.
LOAD = """
import json, sys
from builder.__main__ import main
from builder import cli
cli.call = lambda args: 0
try:
    main()
except SystemExit:
    pass
json.dump(sorted(sys.modules), sys.stderr)
"""
# A wheel that is not there: the import of it fails.
WITHOUT = "import sys; sys.modules['jsonschema_rs'] = None\n"
VERB_MODULES = {verb.module for verb in VERBS.values()}


@cache
def loaded(*argv: str, before: str = "") -> frozenset[str]:
    """Modules there are once the arguments are read."""
    done = subprocess.run(
        [sys.executable, "-c", before + LOAD, *argv], capture_output=True, text=True, check=True
    )
    modules: list[str] = json.loads(done.stderr)
    return frozenset(modules)


def packages(modules: frozenset[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_what_calls_no_verb_loads_none(option: str) -> None:
    ours = {name for name in loaded(option) if name.split(".")[0] == "builder"}
    assert ours == {
        "builder",
        "builder.__main__",
        "builder.cli",
        "builder.errors",
        "builder.targets",
        "builder.targets.registry",
        "builder.verbs",
        "builder.verbs.parser",
    }


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_loads_no_other(verb: str) -> None:
    assert loaded(*VERBS[verb].example.split()[1:]) & VERB_MODULES == {VERBS[verb].module}


# What verbs load of others' packages; Jinja comes with the first template that is filled.
USUAL = {"pydantic", "yaml"}
USES = {"cloud-init": {*USUAL, "jsonschema_rs"}, "completion": {"shtab"}}
OTHERS = {*USUAL, "jinja2", "jsonschema_rs", "shtab"}
# Layers that are about what comes after a plan.
AFTER_PLANS = {"accept", "changes", "execute", "page", "render", "targets", "trees"}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_loads_the_packages_it_uses(verb: str) -> None:
    found = packages(loaded(*VERBS[verb].example.split()[1:]))
    assert found & OTHERS == USES.get(verb, USUAL)


def test_check_loads_nothing_that_comes_after_plans() -> None:
    """It is what people run after each line they write."""
    modules = loaded("check", "x") - {"builder.targets", "builder.targets.registry"}
    found = {name.split(".")[1] for name in modules if name.startswith("builder.")}
    assert found & {*AFTER_PLANS, "discover", "verify"} == set()


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "cloud-init"])
def test_without_the_schema_validator_all_other_verbs_work(verb: str) -> None:
    argv = VERBS[verb].example.split()[1:]
    assert VERBS[verb].module in loaded(*argv, before=WITHOUT)


def test_what_is_loaded_is_no_matter_of_the_garbage_collector() -> None:
    """Looking through it would take a fifth of the time of `check`."""
    watch = LOAD.replace(
        "lambda args: 0", "lambda args: print(gc.isenabled(), gc.get_freeze_count())"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import gc\n{watch}", "check", "x"],
        capture_output=True,
        text=True,
        check=True,
    )
    enabled, frozen = done.stdout.split()
    assert enabled == "True"
    assert int(frozen) > 10_000
