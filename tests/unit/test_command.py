"""Commands as values, and the hint that names a missing program's package."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from builder import command
from builder.accept import ACCEPTORS
from builder.command import (
    CLEAN_ENV,
    PACKAGE_OF,
    Command,
    Result,
    SubprocessRunner,
    find_tool,
    last_lines,
    start,
)
from builder.errors import CommandFailed, ToolMissing
from builder.targets.registry import TARGETS


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
    targets = {tool for target in TARGETS.values() for tool in target.all_tools}
    assert {*targets, *ACCEPTORS} - {"sh"} <= PACKAGE_OF.keys()


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


@pytest.fixture
def pid_file(tmp_path: Path) -> Path:
    return tmp_path / "pid"


def sleeper(pid_file: Path) -> Command:
    """A program that tells its process id and would go on for an hour."""
    return Command(
        ("sh", "-c", 'echo $$ >"$0.new"; mv "$0.new" "$0"; exec sleep 3600', str(pid_file))
    )


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Zombies are not: what is left of them is for the process they were given to."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def killed_while_running(action: Callable[[], object], pid_file: Path) -> int:
    """Kill a process that does `action` once the program in it runs; returns that one's id."""
    parent = os.fork()
    if parent == 0:
        try:
            action()
        finally:
            os._exit(1)
    wait_until(pid_file.exists)
    os.kill(parent, signal.SIGKILL)
    _, status = os.waitpid(parent, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    return int(pid_file.read_text())


@pytest.mark.allow_subprocess
def test_a_program_ends_with_us(pid_file: Path) -> None:
    pid = killed_while_running(lambda: SubprocessRunner().run(sleeper(pid_file)), pid_file)
    wait_until(lambda: not is_running(pid))


@pytest.mark.allow_subprocess
def test_a_program_of_a_thread_ends_with_us(pid_file: Path) -> None:
    """PR_SET_PDEATHSIG is about the thread that started a program: it waits for its end."""

    def work() -> None:
        with ThreadPoolExecutor() as pool:
            pool.submit(SubprocessRunner().run, sleeper(pid_file))

    pid = killed_while_running(work, pid_file)
    wait_until(lambda: not is_running(pid))


@pytest.mark.allow_subprocess
def test_a_program_beside_us_ends_with_us(pid_file: Path) -> None:
    def work() -> None:
        start(sleeper(pid_file))
        time.sleep(3600)

    pid = killed_while_running(work, pid_file)
    wait_until(lambda: not is_running(pid))


@pytest.mark.allow_subprocess
def test_an_orphan_does_not_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parent died before it could ask to be told."""
    monkeypatch.setattr(os, "getpid", lambda: 1)
    with pytest.raises(CommandFailed):
        SubprocessRunner().run(Command(("touch", str(tmp_path / "begun"))))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.allow_subprocess
def test_what_a_program_gets(tmp_path: Path) -> None:
    """Its arguments as they are, the clean environment, and nothing of ours."""
    argv = ("sh", "-c", 'printf "<%s>" "$@" >&2; cat; exec env', "sh", "", "a b", "$HOME", "*")
    done = SubprocessRunner().run(Command(argv, {"A": "x y"}, input=b"in\n", cwd=tmp_path))
    assert done.stderr == b"<><a b><$HOME><*>"
    said = dict(line.split("=", 1) for line in done.stdout.decode().splitlines()[1:])
    assert done.stdout.startswith(b"in\n")
    # The last one is of the shell in this test.
    assert said == {**CLEAN_ENV, "A": "x y", "PWD": str(tmp_path)}


@pytest.mark.allow_subprocess
def test_how_a_program_ends(tmp_path: Path) -> None:
    run = SubprocessRunner().run
    assert run(Command(("sh", "-c", "exit 3"), accept=(3,))).status == 3
    with pytest.raises(CommandFailed) as failed:
        run(Command(("sh", "-c", "echo why >&2; exit 3"), log=tmp_path / "log"))
    assert failed.value.message == "sh failed with status 3"
    assert failed.value.detail == "$ sh -c 'echo why >&2; exit 3'\nwhy"
    with pytest.raises(CommandFailed) as late:
        run(Command(("sleep", "3600"), timeout_s=0.05))
    assert late.value.message == "sleep did not finish within 0.05 s"
    with pytest.raises(ToolMissing):
        run(Command(("no-such-program",)))
