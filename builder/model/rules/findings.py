"""How a rule says what it found, and the pairs of class and profile most rules look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from builder.diagnostics import Diagnostic, KeyPath, Marks, Severity, format_path
from builder.model.hardware import HardwareClass
from builder.model.inventory import Inventory
from builder.model.profile import Profile
from builder.model.values import CpuSet


@dataclass(frozen=True, slots=True)
class Pair:
    """A hardware class with a profile some host uses it with."""

    class_name: str
    hardware: HardwareClass
    profile_name: str
    profile: Profile

    @property
    def class_path(self) -> KeyPath:
        return ("hardware", self.class_name)

    @property
    def path(self) -> KeyPath:
        return ("profiles", self.profile_name)


def pairs(inventory: Inventory) -> Iterator[Pair]:
    """Each combination in use, once, in the order of the hosts."""
    for class_name, profile_name in inventory.used_pairs:
        hardware = inventory.hardware.get(class_name)
        profile = inventory.profiles.get(profile_name)
        if hardware is not None and profile is not None:
            yield Pair(class_name, hardware, profile_name, profile)


def error(
    marks: Marks, path: KeyPath, message: str, hint: str | None = None, *, at_key: bool = False
) -> Diagnostic:
    """An error at the value of `path`, or at its key."""
    return _finding("error", marks, path, message, hint, at_key=at_key)


def warning(
    marks: Marks, path: KeyPath, message: str, hint: str | None = None, *, at_key: bool = False
) -> Diagnostic:
    """Something that works and is probably not meant."""
    return _finding("warning", marks, path, message, hint, at_key=at_key)


def _finding(
    severity: Severity,
    marks: Marks,
    path: KeyPath,
    message: str,
    hint: str | None,
    *,
    at_key: bool,
) -> Diagnostic:
    # A path that is not in the file (a default) is shown at the key of what is there of it.
    where = marks.value_at(path) if path in marks.values and not at_key else marks.key_at(path)
    return Diagnostic(severity, where, path, message, hint)


def at(marks: Marks, path: KeyPath) -> str:
    """The other place of a conflict: `hardware.a.nics[0].pci, inventory.yaml:9:14`."""
    return f"{format_path(path)}, {marks.key_at(path)}"


def numbers(noun: str, which: CpuSet) -> str:
    """`CPU 3`, `CPUs 3-5`."""
    return f"{noun}{'' if len(which) == 1 else 's'} {which}"


def is_are(which: CpuSet) -> str:
    return "is" if len(which) == 1 else "are"
