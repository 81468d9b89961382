"""`rackwright doctor`: what this build host lacks, and the command that installs it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable

from builder.accept import ACCEPTORS
from builder.command import PACKAGE_OF, Runner, SubprocessRunner, find_tool, is_root
from builder.errors import BuilderError, ToolMissing
from builder.targets.registry import TARGETS
from builder.verify.accelerator import check_qemu
from builder.verify.firmware import find_firmware

# Verb -> the programs it calls; those of render read every tree, also those of targets.
NEEDS = {
    "render": tuple(ACCEPTORS),
    **{name: target.all_tools for name, target in TARGETS.items() if target.all_tools},
    "verify": ("qemu-system-x86_64", "qemu-img", "setpriv"),
}


def add_arguments(_parser: ArgumentParser) -> None:
    """It takes none."""


def run(_args: Namespace) -> int:
    lacking = {verb: _lacking(programs) for verb, programs in NEEDS.items()}
    lacking["verify"] += _firmware()
    for verb, names in lacking.items():
        print(f"{verb:<8} {'ok' if not names else 'lacks ' + ', '.join(names)}")
    faults = [] if lacking["verify"] else _qemu_faults(SubprocessRunner())
    if not is_root():
        rooted = [name for name, target in TARGETS.items() if target.needs_root]
        faults += [f"{name} needs root: run it with sudo" for name in rooted]
    for fault in faults:
        print(f"{'':<8} {fault}")
    missing = {PACKAGE_OF.get(name, name) for names in lacking.values() for name in names}
    if missing:
        print(f"  hint: apt-get install {' '.join(sorted(missing))}", file=sys.stderr)
    return 1 if missing or faults else 0


def _lacking(programs: Iterable[str]) -> list[str]:
    """Those not found where the verbs look for them."""
    lacking = []
    for program in programs:
        try:
            find_tool(program)
        except ToolMissing:
            lacking.append(program)
    return lacking


def _firmware() -> list[str]:
    """By the name of its package: UEFI firmware is no program."""
    try:
        find_firmware(secure_boot=True)
    except ToolMissing:
        return ["ovmf"]
    return []


def _qemu_faults(runner: Runner) -> list[str]:
    try:
        check_qemu(runner)
    except BuilderError as fault:
        return [f"{fault.message}: {fault.hint}" if fault.hint else fault.message]
    return []
