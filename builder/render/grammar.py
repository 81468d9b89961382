"""Grammars that several kinds of file share: readers of a rendered text, which yield its faults."""

from __future__ import annotations

import re
from collections.abc import Iterable

import yaml

from builder.render.file_kind import ReadBack
from builder.render.ini import Entry, read_ini, values_of
from builder.render.syntax import TEXT_CHECKS, escape_path

Faults = Iterable[str]
_UNIT = ("Unit", "Service", "Mount", "Socket", "Timer", "Path", "Install")
# Sections a unit cannot be without, by the end of its name.
_NEEDED = {"service": ("Unit", "Service"), "mount": ("Unit", "Mount")}


def data_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def by_line(pattern: str, kind: str) -> ReadBack:
    """A reader of files in which each line is one `kind`."""

    def read(_path: str, text: str) -> Faults:
        for line in data_lines(text):
            if re.fullmatch(pattern, line) is None:
                yield f"{line!r} is not {kind}"

    return read


def in_sections(allowed: tuple[str, ...], needed: tuple[str, ...]) -> ReadBack:
    """A reader of systemd's files with sections of `allowed`, all of `needed` among them."""

    def read(path: str, text: str) -> Faults:
        return _section_faults(path, read_ini(text), allowed, needed)

    return read


def read_unit(path: str, text: str) -> Faults:
    """A whole unit, of any type."""
    needed = _NEEDED.get(path.rpartition(".")[2], ("Unit",))
    return _section_faults(path, read_ini(text), _UNIT, needed)


# A part of a unit that another package owns.
read_dropin = in_sections(_UNIT, ())


def read_link(_path: str, target: str) -> Faults:
    """A symbolic link: systemd reads relative ones too, and we write none."""
    if not target.startswith("/"):
        yield "the link's target is not absolute"


def read_yaml_mapping(_path: str, text: str) -> Faults:
    if not isinstance(yaml.safe_load(text), dict):
        yield "is not a YAML mapping"


def _section_faults(
    path: str, entries: tuple[Entry, ...], allowed: tuple[str, ...], needed: tuple[str, ...]
) -> Faults:
    found = {entry.section for entry in entries}
    yield from (f"has a section [{name}]" for name in sorted(found - set(allowed)))
    yield from (f"has no section [{name}]" for name in needed if name not in found)
    yield from _value_faults(path, entries)


def _value_faults(path: str, entries: tuple[Entry, ...]) -> Faults:
    """What systemd would only warn about when it loads the file."""
    if path.endswith(".mount"):
        for where in values_of(entries, "Mount", "Where"):
            if path.rpartition("/")[2] != f"{escape_path(where)}.mount":
                yield f"mounts {where}, so its name must be {escape_path(where)}.mount"
    if path.endswith((".link", ".network")):
        for found in values_of(entries, "Match", "Path"):
            TEXT_CHECKS["pci"](found.removeprefix("pci-"))
        if not any(entry.section == "Match" for entry in entries):
            yield "matches every port"
