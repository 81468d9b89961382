"""Running programs: the only module that imports `subprocess`."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from builder.errors import CommandFailed, ToolMissing

# What a program of ours may see of the caller's environment: nothing that changes its
# output (locale, terminal) and nothing that could hold a secret.
CLEAN_ENV = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "HOME": "/root",
}

# If we died before our child had asked for a signal then (PR_SET_PDEATHSIG, prctl(2)), it has
# another parent by now. PWD and SHLVL are what a shell adds to an environment.
_EXEC_UNLESS_ORPHANED = 'unset PWD SHLVL; test "$PPID" = "$0" && exec "$@"'

# Debian and Ubuntu package that holds a program, for the hint of `ToolMissing`.
PACKAGE_OF = {
    "apt-get": "apt",
    "debugfs": "e2fsprogs",
    "e2fsck": "e2fsprogs",
    "mcopy": "mtools",
    "mformat": "mtools",
    "mke2fs": "e2fsprogs",
    "mmd": "mtools",
    "mmdebstrap": "mmdebstrap",
    "modprobe": "kmod",
    "netplan": "netplan.io",
    "qemu-img": "qemu-utils",
    "qemu-system-x86_64": "qemu-system-x86",
    "flock": "util-linux",
    "fstrim": "util-linux",
    "setpriv": "util-linux",
    "systemd-analyze": "systemd",
    "tar": "tar",
    "tune2fs": "e2fsprogs",
    "unshare": "util-linux",
    "zstd": "zstd",
}


@dataclass(frozen=True, slots=True)
class Command:
    """One program call, as a value: what a failure prints is what was run.

    argv: program and arguments, never a shell line. env: added to `CLEAN_ENV`.
    log: file that gets stdout and stderr (appended); without it both are captured.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    input: bytes | None = None
    cwd: Path | None = None
    timeout_s: float | None = None
    log: Path | None = None
    accept: tuple[int, ...] = (0,)

    def __str__(self) -> str:
        """The call as a line to paste into a shell, without passwords of proxies and mirrors."""
        line = shlex.join([*(f"{k}={v}" for k, v in sorted(self.env.items())), *self.argv])
        return re.sub(r"://[^/@\s]+@", "://***@", line)


@dataclass(frozen=True, slots=True)
class Result:
    """What a finished program left: exit status and, unless logged to a file, its output."""

    status: int
    stdout: bytes = b""
    stderr: bytes = b""


class Runner(Protocol):
    """How commands are carried out: really, or in tests only written down."""

    def run(self, command: Command) -> Result: ...


def find_tool(name: str) -> str:
    """Path of the program `name`; raises `ToolMissing` naming its package."""
    found = shutil.which(name, path=CLEAN_ENV["PATH"]) or shutil.which(name)
    if found is None:
        package = PACKAGE_OF.get(name, name)
        raise ToolMissing(f"{name} is not installed", hint=f"apt-get install {package}")
    return found


def contained(*argv: str) -> tuple[str, ...]:
    """`argv` in mount and PID namespaces of its own, for root: none of its children outlives it.

    For programs that start others. Neither a process nor a mount of theirs is left,
    whatever ends them.
    """
    namespaces = ("--mount", "--propagation", "private", "--pid", "--mount-proc")
    return ("unshare", *namespaces, "--fork", "--kill-child", "--", *argv)


def _dying_with_us(command: Command) -> tuple[str, ...]:
    """The call of `command` as a process that is killed when the thread that starts it ends.

    Not by `preexec_fn`, which may hang where other threads run, as ours do.
    """
    program = command.argv[0] if "/" in command.argv[0] else find_tool(command.argv[0])
    guard = (find_tool("setpriv"), "--pdeathsig", "KILL", "--")
    own = (find_tool("sh"), "-c", _EXEC_UNLESS_ORPHANED, str(os.getpid()))
    return (*guard, *own, program, *command.argv[1:])


class SubprocessRunner:
    """Runs commands for real: argv only, clean environment, stdin closed by default.

    They end with us, also when we are killed.
    """

    def run(self, command: Command) -> Result:
        argv = _dying_with_us(command)
        sink = command.log.open("ab") if command.log is not None else None
        try:
            done = subprocess.run(
                argv,
                env={**CLEAN_ENV, **command.env},
                cwd=command.cwd,
                input=command.input,
                stdin=subprocess.DEVNULL if command.input is None else None,
                stdout=sink if sink is not None else subprocess.PIPE,
                stderr=subprocess.STDOUT if sink is not None else subprocess.PIPE,
                timeout=command.timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise CommandFailed(
                f"{command.argv[0]} did not finish within {command.timeout_s:g} s",
                detail=str(command),
            ) from None
        finally:
            if sink is not None:
                sink.close()
        result = Result(done.returncode, done.stdout or b"", done.stderr or b"")
        if result.status not in command.accept:
            raise CommandFailed(
                f"{command.argv[0]} failed with status {result.status}",
                detail="\n".join([f"$ {command}", *last_lines(command, result)]),
            )
        return result


def last_lines(command: Command, result: Result, count: int = 30) -> list[str]:
    """The end of what a failed program said: what its user needs to see of it."""
    if command.log is not None and command.log.exists():
        text = command.log.read_bytes()[-65536:].decode(errors="replace")
    else:
        text = (result.stderr or result.stdout).decode(errors="replace")
    return text.rstrip().splitlines()[-count:]


def is_out_of_space(text: str) -> bool:
    """Whether a program ended because a disk is full; apt tells the call and the error's number."""
    return re.search(r"No space left on device|\bwrite \(28\b", text) is not None


def is_root() -> bool:
    """Whether we may change owners and enter a chroot."""
    return os.geteuid() == 0


class Process:
    """A program that runs beside us until it ends or is stopped."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self._popen = popen

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._popen.poll()

    def stop(self, grace_s: float = 5.0) -> None:
        """Ask it to end, kill it if it does not, and wait until it is gone."""
        if self._popen.poll() is None:
            self._popen.terminate()
            try:
                self._popen.wait(grace_s)
            except subprocess.TimeoutExpired:
                self._popen.kill()
        self._popen.wait()


def start(command: Command) -> Process:
    """Start `command` and return at once; its output is appended to `command.log`.

    It has a session of its own, so that Ctrl-C on our terminal is ours alone to act on.
    """
    argv = _dying_with_us(command)
    sink = command.log.open("ab") if command.log is not None else None
    try:
        popen = subprocess.Popen(
            argv,
            env={**CLEAN_ENV, **command.env},
            cwd=command.cwd,
            stdin=subprocess.DEVNULL,
            stdout=sink if sink is not None else subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    finally:
        if sink is not None:
            sink.close()
    return Process(popen)
