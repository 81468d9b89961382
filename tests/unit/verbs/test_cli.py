"""Exit codes and messages are a contract with scripts and people."""

from __future__ import annotations

import errno
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder import __version__, cli
from builder.errors import BuilderError
from builder.verbs import VERBS, check

Call = Any


def replace_check(monkeypatch: pytest.MonkeyPatch, run: Callable[..., int]) -> None:
    monkeypatch.setattr(check, "run", run)


def raising(fault: BaseException) -> Callable[..., int]:
    def run(_args: object) -> int:
        raise fault

    return run


def test_version(rackwright: Call) -> None:
    assert rackwright("--version") == (0, f"rackwright {__version__}\n", "")


def test_no_verb(rackwright: Call) -> None:
    assert rackwright() == (
        2,
        "",
        (
            "usage: rackwright [-h] [--version] VERB ...\n"
            "rackwright: error: no verb is given\n"
            "  hint: rackwright --help lists the verbs\n"
        ),
    )


def test_help_names_each_verb(rackwright: Call) -> None:
    said = rackwright("--help")
    assert (said.code, said.err) == (0, "")
    assert re.findall(r"^    ([\w-]+)(?= |$)", said.out, re.MULTILINE) == [
        "check",
        "plan",
        "render",
        "diff",
        "cloud-init",
        "image",
        "verify",
        "discover",
        "doctor",
        "completion",
    ]


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_ends_in_an_example(rackwright: Call, verb: str) -> None:
    said = rackwright(verb, "--help")
    assert (said.code, said.err) == (0, "")
    assert said.out.endswith(f"\n\nexample:\n  {VERBS[verb].example}\n")


@pytest.mark.parametrize("verb", VERBS)
def test_an_example_is_a_call_that_is_understood(verb: str) -> None:
    program, *argv = VERBS[verb].example.split()
    assert (program, argv[0]) == ("rackwright", verb)
    assert cli.parse(argv).verb == verb


def test_an_option_is_spelt_out(rackwright: Call) -> None:
    """Or a script breaks on the day another option begins as it does."""
    said = rackwright("plan", "inventory.yaml", "--host", "nfv1", "--exp")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("usage: rackwright plan [-h] --host H ")
    assert said.err.endswith(
        "\nrackwright plan: error: there is no option --exp\n  hint: did you mean --explain?\n"
    )
    assert rackwright("--vers").code == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("chek", "i.yaml"), ": error: there is no verb 'chek'\n  hint: did you mean check?\n"),
        (
            ("zzz",),
            (
                ": error: there is no verb 'zzz'\n  hint: there are check, plan, render, diff, "
                "cloud-init, image, verify, discover, doctor, completion\n"
            ),
        ),
        # The option that is missing is the one that is misspelt.
        (
            ("plan", "i.yaml", "--hots=nfv1"),
            " plan: error: there is no option --hots\n  hint: did you mean --host?\n",
        ),
        (
            ("doctor", "--quiet"),
            " doctor: error: there is no option --quiet\n  hint: there are -h, --help\n",
        ),
        (("check", "i.yaml", "-x"), " check: error: unrecognized arguments: -x\n"),
        (("check", "i.yaml", "--", "--json"), " check: error: unrecognized arguments: --json\n"),
    ],
    ids=str,
)
def test_what_was_probably_meant(rackwright: Call, words: tuple[str, ...], message: str) -> None:
    said = rackwright(*words)
    assert (said.code, said.out) == (2, "")
    assert said.err.endswith(f"\nrackwright{message}")


def test_help_needs_no_home_directory(
    rackwright: Call, inventory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert rackwright("check", inventory).code == 0


@pytest.mark.parametrize(
    ("fault", "err"),
    [
        (BuilderError("it broke"), "rackwright: error: it broke\n"),
        (
            BuilderError("it broke", hint="mend it"),
            "rackwright: error: it broke\n  hint: mend it\n",
        ),
        (
            BuilderError("it broke", detail="one\ntwo", hint="mend it"),
            "rackwright: error: it broke\n    one\n    two\n  hint: mend it\n",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", "/data/x"),
            (
                "rackwright: error: /data/x: No space left on device\n"
                "  hint: free some space, or write to another disk\n"
            ),
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "/data/x"),
            (
                "rackwright: error: /data/x: Permission denied\n  hint: choose a directory that "
                "you can write to, or use sudo\n"
            ),
        ),
        (OSError("odd"), "rackwright: error: odd\n"),
    ],
)
def test_what_the_user_can_mend(
    rackwright: Call, monkeypatch: pytest.MonkeyPatch, fault: Exception, err: str
) -> None:
    replace_check(monkeypatch, raising(fault))
    assert rackwright("check", "x") == (1, "", err)


def test_interrupt(rackwright: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_check(monkeypatch, raising(KeyboardInterrupt()))
    assert rackwright("check", "x") == (130, "", "rackwright: interrupted\n")


def test_a_service_manager_stops_us_as_ctrl_c_does(
    rackwright: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(_args: object) -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("not reached")

    replace_check(monkeypatch, run)
    assert rackwright("check", "x") == (130, "", "rackwright: interrupted\n")


def test_broken_pipe_is_silent(rackwright: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_check(monkeypatch, raising(BrokenPipeError(errno.EPIPE, "Broken pipe")))
    assert rackwright("check", "x") == (1, "", "")


def test_a_bug_leaves_a_log(
    rackwright: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cli.tempfile, "tempdir", str(tmp_path))
    replace_check(monkeypatch, raising(ZeroDivisionError("by nothing")))
    said = rackwright("check", "x")
    (log,) = tmp_path.glob("rackwright-bug-*.log")
    assert said == (
        3,
        "",
        f"rackwright: bug: ZeroDivisionError: by nothing\n  hint: please report it with {log}\n",
    )
    lines = log.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith(f"rackwright {__version__}, Python 3.")
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[-1] == "ZeroDivisionError: by nothing"


def test_a_bug_with_no_room_for_its_log(rackwright: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cli.tempfile, "mkstemp", full)
    replace_check(monkeypatch, raising(ZeroDivisionError("by nothing")))
    said = rackwright("check", "x")
    assert said.code == 3
    assert said.err.startswith(f"rackwright {__version__}, Python 3.")
    assert said.err.endswith(
        "\nZeroDivisionError: by nothing\n"
        "rackwright: bug: ZeroDivisionError: by nothing\n"
        "  hint: please report it with the lines above; no log: No space left on device\n"
    )
