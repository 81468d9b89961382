"""Commands as values, and the hint that names a missing program's package."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder import command
from builder.accept import ACCEPTORS
from builder.command import PACKAGE_OF, Command, Result, find_tool, last_lines
from builder.errors import ToolMissing
from builder.targets.image.build import TOOLS


def test_a_command_can_be_pasted_into_a_shell() -> None:
    call = Command(("tar", "-C", "a b", "x;y"), env={"B": "2", "A": "1 1"})
    assert str(call) == "'A=1 1' B=2 tar -C 'a b' 'x;y'"


@pytest.mark.parametrize(("tool", "package"), sorted(PACKAGE_OF.items()))
def test_a_missing_tool_names_its_package(
    monkeypatch: pytest.MonkeyPatch, tool: str, package: str
) -> None:
    monkeypatch.setattr(command.shutil, "which", lambda *_, **__: None)
    with pytest.raises(ToolMissing) as caught:
        find_tool(tool)
    assert (caught.value.message, caught.value.hint) == (
        f"{tool} is not installed",
        f"apt-get install {package}",
    )


def test_each_tool_has_a_package() -> None:
    assert {*TOOLS, *ACCEPTORS, "setpriv"} - {"sh"} <= PACKAGE_OF.keys()


def test_the_end_of_what_a_program_said(tmp_path: Path) -> None:
    call = Command(("x",))
    assert last_lines(call, Result(1, b"out\n", b"")) == ["out"]
    assert last_lines(call, Result(1, b"out\n", b"a\nb\xff\n\n"), count=1) == [
        "b\N{REPLACEMENT CHARACTER}"
    ]
    (tmp_path / "log").write_bytes(b"one\ntwo\n")
    assert last_lines(Command(("x",), log=tmp_path / "log"), Result(1)) == ["one", "two"]


def test_a_printed_command_has_no_passwords() -> None:
    command = Command(("apt-get", "update"), env={"http_proxy": "http://user:secret@proxy:1"})
    assert str(command) == "http_proxy=http://***@proxy:1 apt-get update"
