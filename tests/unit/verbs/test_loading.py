"""What a call loads: the start of the program is the loading of its modules."""

from __future__ import annotations

import json
import subprocess
import sys

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


def loaded(*argv: str, before: str = "") -> set[str]:
    """Modules there are once the arguments are read."""
    done = subprocess.run(
        [sys.executable, "-c", before + LOAD, *argv], capture_output=True, text=True, check=True
    )
    modules: list[str] = json.loads(done.stderr)
    return set(modules)


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_what_calls_no_verb_loads_none(option: str) -> None:
    ours = {name for name in loaded(option) if packages({name}) == {"builder"}}
    assert ours == {
        "builder",
        "builder.__main__",
        "builder.cli",
        "builder.errors",
        "builder.targets",
        "builder.targets.registry",
        "builder.verbs",
    }


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_loads_no_other(verb: str) -> None:
    assert loaded(*VERBS[verb].example.split()[1:]) & VERB_MODULES == {VERBS[verb].module}


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "cloud-init"])
def test_schemas_of_cloud_init_are_for_its_bundles_alone(verb: str) -> None:
    argv = VERBS[verb].example.split()[1:]
    assert VERBS[verb].module in loaded(*argv, before=WITHOUT)
