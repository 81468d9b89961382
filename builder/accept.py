"""Rendered files read by the node's own programs, in a throw-away root."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from builder.catalog.modules import module_name
from builder.command import Command, Runner, find_tool
from builder.errors import ToolMissing
from builder.render.file_kind import Acceptor
from builder.render.files import kind_of
from builder.render.grub import read_grub_cmdline
from builder.render.ini import read_ini
from builder.render.kernel import MODPROBE
from builder.render.tree import FileTree, RenderedFile
from builder.render.units import UNIT
from builder.workdir import scratch_dir

TIMEOUT_S = 60.0
# netplan's generator, of 1.2 first: it reads and writes below the root it is given, no more.
# `netplan generate --root-dir`, which calls it, also reloads udevd and systemd of the machine it
# runs on (since 1.1: netplan_cli/cli/commands/generate.py), and complains where it may not.
NETPLAN_GENERATORS = (
    "/usr/libexec/netplan/configure",
    "/usr/libexec/netplan/generate",
    "/usr/lib/netplan/generate",
)
# What one program reads of a tree; at their places below its root when it is asked.
Files = Sequence[RenderedFile]

_UNIT_NAME = r"[\w@:.\\-]+\.(service|target|socket|timer|path)"
# Every unit with default dependencies asks for these (systemd.service(5)).
_BASE_UNITS = ("basic.target", "shutdown.target", "sysinit.target", "sockets.target")
_STUB = {
    "service": "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/bin/true\n",
    "socket": "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/stub\n",
}
_STUB_UNIT = "[Unit]\nDefaultDependencies=no\n"
# Prefixes of a command, systemd.service(5), "Command lines".
_EXEC_PREFIX = "@-:+!|"


def accept_tree(tree: FileTree, runner: Runner, workdir: Path) -> tuple[str, ...]:
    """Faults the distribution's own parsers find in `tree`; one this machine lacks is left out.

    Writes below `workdir`.
    """
    faults: list[str] = []
    for tool, accept in ACCEPTORS.items():
        if not _has(tool):
            continue
        files = [file for file in tree if _acceptor_of(file) == tool]
        if files:
            root = workdir / tool
            root.mkdir(parents=True)
            for file in files:
                _write(root, file)
            faults += accept(files, runner, root)
    return tuple(faults)


def _has(tool: str) -> bool:
    try:
        find_tool(tool)
    except ToolMissing:
        return False
    return True


def _acceptor_of(file: RenderedFile) -> Acceptor | None:
    kind = kind_of(file.path)
    return None if kind is None else kind.accepted_by


def _accept_units(files: Files, runner: Runner, root: Path) -> Iterable[str]:
    """systemd-analyze verify of our units, and of distribution units with drop-ins of ours."""
    for stub in _stubs(files):
        _write(root, stub)
    units = sorted({unit for file in files if (unit := _unit_of(file))})
    if units:
        argv = (
            "systemd-analyze",
            "verify",
            "--man=no",
            "--generators=no",
            f"--root={root}",
            *units,
        )
        yield from _said(runner, argv, "systemd-analyze verify", root)


def _unit_of(file: RenderedFile) -> str:
    """The unit a file defines or extends; nothing for links and programs."""
    match = re.search(r"/systemd/system/([^/]+?)(\.d/[^/]+\.conf)?$", file.path)
    return match[1] if match is not None and not file.is_symlink else ""


def _stubs(files: Files) -> list[RenderedFile]:
    """What our units name and the tree does not have: units and programs of the distribution."""
    have = {_unit_of(file) for file in files if ".d/" not in file.path}
    wanted, programs = set(_BASE_UNITS), {"/bin/true"}
    for file in files:
        if not _unit_of(file):
            continue
        wanted.add(_unit_of(file))
        for entry in read_ini(file.text):
            if entry.section in {"Unit", "Install"}:
                wanted.update(w for w in entry.value.split() if re.fullmatch(_UNIT_NAME, w))
            if entry.key.startswith("Exec") and entry.value:
                programs.add(entry.value.split()[0].lstrip(_EXEC_PREFIX))
    ours = {file.path for file in files}
    units = [(name, _STUB.get(name.rpartition(".")[2], _STUB_UNIT)) for name in wanted - have]
    return [
        *(UNIT.file(text.encode(), name) for name, text in units),
        *(RenderedFile(path, b"#!/bin/sh\n", 0o755) for path in programs - ours),
    ]


def _accept_netplan(_files: Files, runner: Runner, root: Path) -> Iterable[str]:
    """Netplan is the only parser that knows all keys below an interface."""
    generator = next(filter(_has, NETPLAN_GENERATORS), None)
    if generator is not None:
        yield from _said(runner, (generator, "--root-dir", str(root)), "netplan", root)


def accept_network(configuration: Mapping[str, object], runner: Runner) -> tuple[str, ...]:
    """What netplan has against cloud-init's network configuration; nothing where it is not."""
    if not _has("netplan"):
        return ()
    with scratch_dir() as root:
        # As cloud-init's renderer writes it (net/netplan.py).
        text = json.dumps({"network": configuration})
        file = RenderedFile("/etc/netplan/50-cloud-init.yaml", text.encode(), 0o600)
        _write(root, file)
        return tuple(_accept_netplan((file,), runner, root))


def _accept_grub(files: Files, runner: Runner, root: Path) -> Iterable[str]:
    """A shell sources GRUB's settings, as grub-mkconfig does."""
    script = '. "$1"; printf %s "$GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT"'
    for file in files:
        argv = ("sh", "-eu", "-c", script, "sh", str(root / file.path.lstrip("/")))
        result = runner.run(Command(argv, timeout_s=TIMEOUT_S, accept=tuple(range(256))))
        found = result.stdout.decode(errors="replace")
        if result.status or tuple(shlex.split(found)) != read_grub_cmdline(file.text):
            said = result.stderr.decode(errors="replace").strip()
            yield f"{file.path}: sh reads {found.strip()!r}" + (f": {said}" if said else "")


def _accept_modprobe(files: Files, runner: Runner, root: Path) -> Iterable[str]:
    """What modprobe says it read: our options among those of the machine's /proc/cmdline."""
    directory = root / MODPROBE.path.lstrip("/")
    argv = ("modprobe", "--showconfig", "-C", str(directory.parent))
    result = runner.run(Command(argv, timeout_s=TIMEOUT_S, accept=tuple(range(256))))
    read = _options(result.stdout.decode(errors="replace"))
    written = _options("".join(file.text for file in files))
    for line in result.stderr.decode(errors="replace").splitlines():
        yield f"modprobe: {line.replace(str(root), '')}"
    for name, option in sorted(written - read):
        yield f"modprobe --showconfig does not show: options {name} {option}"


def _options(text: str) -> frozenset[tuple[str, str]]:
    """(module, parameter) pairs; kmod prints module names with underscores."""
    found = re.findall(r"^options (\S+) (.+)$", text, re.MULTILINE)
    return frozenset((module_name(name), word) for name, rest in found for word in rest.split())


def _said(runner: Runner, argv: tuple[str, ...], name: str, root: Path) -> Iterable[str]:
    """What a checker wrote, one fault a line: these programs are silent when content."""
    result = runner.run(Command(argv, timeout_s=TIMEOUT_S, accept=tuple(range(256))))
    text = (result.stderr + result.stdout).decode(errors="replace").replace(str(root), "")
    lines = [line for line in text.splitlines() if line.strip()]
    if result.status and not lines:
        lines = [f"exit status {result.status}"]
    yield from (f"{name}: {line}" for line in lines)


def _write(root: Path, file: RenderedFile) -> None:
    target = root / file.path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.is_symlink:
        target.symlink_to(file.content.decode())
    else:
        target.write_bytes(file.content)
        target.chmod(file.mode)


ACCEPTORS: dict[Acceptor, Callable[[Files, Runner, Path], Iterable[str]]] = {
    "systemd-analyze": _accept_units,
    "netplan": _accept_netplan,
    "sh": _accept_grub,
    "modprobe": _accept_modprobe,
}
