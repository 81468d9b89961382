"""A strict reader of systemd's INI syntax (systemd.syntax(7)), for our own units only."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SECTION = re.compile(r"\[([A-Z][A-Za-z0-9]*)\]")
_ENTRY = re.compile(r"([A-Z][A-Za-z0-9]*)=(.*)")


@dataclass(frozen=True, slots=True)
class Entry:
    """`Key=value` of a section; the line counts from 1."""

    section: str
    key: str
    value: str
    line: int


def read_ini(text: str) -> tuple[Entry, ...]:
    """All entries in order; raises ValueError naming the first line that is none.

    Stricter than systemd: a line it would skip with a warning is a fault here.
    """
    entries: list[Entry] = []
    section = ""
    for number, line in _joined_lines(text):
        heading, entry = _SECTION.fullmatch(line), _ENTRY.fullmatch(line)
        if heading is not None:
            section = heading[1]
        elif entry is None:
            raise ValueError(f"line {number}: {line!r} is neither [Section] nor Key=value")
        elif not section:
            raise ValueError(f"line {number}: {line!r} stands before any [Section]")
        else:
            entries.append(Entry(section, entry[1], entry[2].strip(), number))
    return tuple(entries)


def _joined_lines(text: str) -> list[tuple[int, str]]:
    """Lines without comments and blanks; those ending in a backslash joined with the next."""
    out: list[tuple[int, str]] = []
    pending: tuple[int, str] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if (not stripped and pending is None) or stripped.startswith(("#", ";")):
            continue
        start, before = pending or (number, "")
        if stripped.endswith("\\"):
            pending = (start, f"{before}{stripped[:-1]} ")
            continue
        pending = None
        out.append((start, before + stripped))
    if pending is not None:
        raise ValueError(f"line {pending[0]}: ends in a backslash, and the file ends after it")
    return out


def values_of(entries: tuple[Entry, ...], section: str, key: str) -> list[str]:
    """Words of a list setting; an empty assignment resets it, as systemd does."""
    words: list[str] = []
    for entry in entries:
        if (entry.section, entry.key) == (section, key):
            words = [*words, *entry.value.split()] if entry.value else []
    return words
