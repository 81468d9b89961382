"""`completion`: a script for each shell, with every verb and option in it."""

from __future__ import annotations

from typing import Any

import pytest

from builder.verbs import VERBS
from builder.verbs.completion import SHELLS, actions_of
from builder.verbs.parser import build_parser

Call = Any


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_has_all_that_can_be_typed(rackwright: Call, shell: str) -> None:
    said = rackwright("completion", shell)
    assert (said.code, said.err) == (0, "")
    options = {word for action in actions_of(build_parser()) for word in action.option_strings}
    # fish has the names of options without their hyphens.
    words = {word.lstrip("-") for word in options} | set(VERBS)
    assert "explain" in words
    assert {word for word in words if word not in said.out} == set()


def test_no_other_shell(rackwright: Call) -> None:
    said = rackwright("completion", "tcsh")
    assert (said.code, said.out) == (2, "")
    assert said.err.endswith("invalid choice: 'tcsh' (choose from 'bash', 'zsh', 'fish')\n")
