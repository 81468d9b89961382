"""What is wrong with an inventory and where: collected, sorted, shown on the user's own file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from builder.errors import BuilderError
from builder.phrases import count_text, format_names, one_line, plural

Severity = Literal["error", "warning"]
# Characters of a source line that are shown; a line of an inventory is rarely half as long.
LONGEST_LINE = 200
# So many with one text, or with texts that differ in numbers only, are not all told in full.
MANY_OF_ONE = 4
MANY_OF_A_KIND = 9
KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in an inventory file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fault. rule: the stable name of the check that found it.

    is_secret: what stands there must not be repeated, in a terminal or a log.
    """

    severity: Severity
    where: Location
    path: KeyPath
    message: str
    hint: str | None = None
    rule: str = "schema"
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Marks:
    """Where each key path of a loaded inventory stands in its file.

    keys: position of the key itself (or of the list item); values: position of its value.
    """

    file: str
    keys: Mapping[KeyPath, Location] = field(default_factory=dict)
    values: Mapping[KeyPath, Location] = field(default_factory=dict)
    lines: tuple[str, ...] = ()

    def value_at(self, path: KeyPath) -> Location:
        """Position of the value at `path`, or of the nearest ancestor the file has."""
        return self._nearest(self.values, path)

    def key_at(self, path: KeyPath) -> Location:
        """Position of the key `path` ends in, or of the nearest ancestor the file has."""
        return self._nearest(self.keys, path)

    def _nearest(self, marks: Mapping[KeyPath, Location], path: KeyPath) -> Location:
        for length in range(len(path), 0, -1):
            found = marks.get(path[:length])
            if found is not None:
                return found
        return Location(self.file, 1, 1)


@dataclass(frozen=True, slots=True)
class Report:
    """All diagnostics of one run, sorted by place."""

    items: tuple[Diagnostic, ...] = ()

    @property
    def is_fatal(self) -> bool:
        return any(item.severity == "error" for item in self.items)

    def plus(self, more: Iterable[Diagnostic]) -> Report:
        return Report(tuple(sorted({*self.items, *more}, key=_order)))


class Refused(BuilderError):
    """An inventory with errors. report: all that is to be said of it; marks: of its file."""

    def __init__(self, report: Report, marks: Marks) -> None:
        super().__init__(f"{marks.file} has errors")
        self.report = report
        self.marks = marks

    def as_text(self) -> str:
        return format_report(self.report, self.marks.lines)


def _order(item: Diagnostic) -> tuple[Location, str, str, str]:
    """By place; the path last, or several keys missing at one place would change places."""
    return item.where, item.severity, item.message, format_path(item.path)


def format_path(path: KeyPath) -> str:
    """Key path as people write it: `profiles.nfv.sriov[0].num-vfs`."""
    text = ""
    for part in path:
        name = part if isinstance(part, int) else one_line(part)
        text += f"[{name}]" if isinstance(part, int) else f".{name}" if text else str(name)
    return text


def format_diagnostic(item: Diagnostic, lines: tuple[str, ...]) -> str:
    """`file:line:col: error: key.path: message`, the source line, a caret, the hint."""
    path = f"{format_path(item.path)}: " if item.path else ""
    out = [f"{item.where}: {item.severity}: {path}{item.message}"]
    if 0 < item.where.line <= len(lines) and not item.is_secret:
        source, column = _window(lines[item.where.line - 1], item.where.column)
        # A tab before the caret must stay a tab, or the caret points elsewhere.
        pad = "".join("\t" if c == "\t" else " " for c in source[: column - 1])
        out += [f"    {source}", f"    {pad}^"]
    if item.hint:
        out.append(f"  hint: {item.hint}")
    return "\n".join(out)


def _told(items: tuple[Diagnostic, ...], lines: tuple[str, ...]) -> Iterator[str]:
    """The texts in order of place."""
    kinds: dict[object, list[Diagnostic]] = {}
    for item in items:
        kinds.setdefault(_kind(item), []).append(item)
    last: dict[Diagnostic, str | None] = {}
    for alike in kinds.values():
        number = _number_told(alike)
        others = alike[number:]
        last |= dict.fromkeys(others, None)
        if others:
            on = list(dict.fromkeys(str(item.where.line) for item in others))
            text = f"  and {len(others)} more like this, on {plural('line', len(on))}"
            last[alike[number - 1]] = f"{text} {format_names(on)}"
    for item in items:
        more = last.get(item, "")
        if more is not None:
            yield "\n".join(filter(None, [format_diagnostic(item, lines), more]))


def _kind(item: Diagnostic) -> tuple[str, ...]:
    """The same for what differs in nothing but names with numbers in them: p0, 0000:01:00.0."""
    texts = (item.message, item.hint or "")
    return (item.severity, item.rule, *(re.sub(r"\S*\d\S*", "#", text) for text in texts))


def _number_told(alike: list[Diagnostic]) -> int:
    """How many are told in full."""
    if len({(item.message, item.hint) for item in alike}) == 1:
        return 1 if len(alike) >= MANY_OF_ONE else len(alike)
    return 3 if len(alike) >= MANY_OF_A_KIND else len(alike)


def _window(source: str, column: int) -> tuple[str, int]:
    """A line to show, and the column in it: of a very long one only what is around the place."""
    if len(source) <= LONGEST_LINE:
        return source, column
    first = max(0, min(column - 1 - LONGEST_LINE // 2, len(source) - LONGEST_LINE))
    shown = source[first : first + LONGEST_LINE]
    before = "..." if first > 0 else ""
    after = "..." if first + LONGEST_LINE < len(source) else ""
    return f"{before}{shown}{after}", column - first + len(before)


def format_report(report: Report, lines: tuple[str, ...]) -> str:
    """Every diagnostic, of many alike the first ones and the lines of the others; the count."""
    errors = sum(item.severity == "error" for item in report.items)
    warnings = len(report.items) - errors
    parts = list(_told(report.items, lines))
    counts = [(errors, "error"), (warnings, "warning")]
    told = ", ".join(count_text(number, noun) for number, noun in counts if number)
    return "\n".join([*parts, told]) if parts else ""
