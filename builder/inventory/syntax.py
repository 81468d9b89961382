"""What a YAML parser complains of, in words for the person who wrote the file."""

from __future__ import annotations

import re
from typing import Any

import yaml

from builder.diagnostics import Location

LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
# c-printable of YAML 1.1, section 5.1.
FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

SyntaxFault = tuple[Location, str, str | None]

# (what PyYAML and libyaml say, our message, our hint); {begin}: where the broken piece began.
_WORDS: tuple[tuple[str, str, str | None], ...] = (
    (
        r"tab character|'\\t'",
        "this line is indented with a tab",
        "use only spaces for indentation",
    ),
    (
        r"mapping values are not allowed",
        'a ":" where no key is allowed',
        'quote a string that contains ": "; otherwise check the indentation of this line',
    ),
    (
        r"cannot start any token",
        "an unquoted string cannot begin with {char}",
        "quote the string",
    ),
    (
        r"could not find expected ':'",
        'this is not "key: value"',
        'a ":" is missing, or the quotes or the indentation of the line above are wrong',
    ),
    (
        r"unexpected end of stream",
        "the quoted string that begins at {begin} is not closed",
        None,
    ),
    (
        r"unknown escape character",
        "a backslash followed by a character that YAML does not know",
        "in single quotes a backslash is just a backslash",
    ),
    (
        r"expected ',' or '\}'",
        "the map that begins at {begin} is not closed before this",
        (
            'a "," or a "}" is missing, a quoted string before this is not closed, or one with ": " or " #" '
            "in it is not quoted"
        ),
    ),
    (
        r"expected ',' or '\]'",
        "the list that begins at {begin} is not closed before this",
        (
            'a "," or a "]" is missing, a quoted string before this is not closed, or one with ": " or " #" '
            "in it is not quoted"
        ),
    ),
    (
        r"expected '-' indicator|block collection.*expected <block end>",
        "this does not fit the list that begins at {begin}",
        'items of one list must begin with "- " in the same column',
    ),
    (
        r"expected key|block mapping.*expected <block end>",
        "this does not fit the map that begins at {begin}",
        "keys of one map must begin in the same column",
    ),
    (
        r"scanning a tag|expected whitespace or line break",
        "! at the beginning of a value makes a tag of it",
        "quote a string that begins with !",
    ),
    (
        r"expected (the )?node content",
        "a value cannot begin with {char}",
        None,
    ),
    (
        r"(scanning an alias|scanning an anchor).*expected alphabetic",
        "{char} must be followed directly by a name",
        "quote a string that begins with * or &",
    ),
    (
        r"expected '?<document start>|unknown directive|directive",
        "this does not belong to the YAML document",
        "an inventory is one map: version, image, hardware, profiles, hosts",
    ),
)


def describe_fault(fault: yaml.MarkedYAMLError, text: str, file: str) -> SyntaxFault:
    """Place, message and hint for a parser's error."""
    mark = fault.problem_mark or fault.context_mark
    where = place_of(mark, file)
    begin = place_of(fault.context_mark, file) if fault.context_mark else where
    said = f"{fault.context}: {fault.problem}"
    if "\N{NO-BREAK SPACE}" in _line(text, where) + _line(text, begin):
        return where, "a no-break space (U+00A0) is no space to YAML", "write a space instead"
    char = _char_at(text, begin if "scanning an a" in said else where)
    if char == "tab":
        said = "tab character"
    for pattern, message, hint in _WORDS:
        if re.search(pattern, said):
            return where, message.replace("{begin}", str(begin)).replace("{char}", char), hint
    return where, f"this is not YAML: {fault.problem}", None


def find_forbidden(text: str, file: str) -> SyntaxFault | None:
    """The first character YAML does not allow."""
    found = FORBIDDEN.search(text)
    if found is None:
        return None
    before = LINE_BREAK.split(text[: found.start()])
    return (
        Location(file, len(before), len(before[-1]) + 1),
        f"the character U+{ord(found[0]):04X} is not allowed in YAML",
        "the file is not text, or was damaged; remove the character",
    )


def split_lines(text: str) -> tuple[str, ...]:
    """Lines as YAML counts them, safe to print on a terminal."""
    if not text:
        return ()
    return tuple(FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", part) for part in _split(text))


def _split(text: str) -> list[str]:
    return LINE_BREAK.split(text)


def place_of(mark: Any | None, file: str) -> Location:
    """A parser's mark, counted from 1."""
    return Location(file, mark.line + 1, mark.column + 1) if mark else Location(file, 1, 1)


def _line(text: str, where: Location) -> str:
    lines = _split(text)
    return lines[where.line - 1] if where.line <= len(lines) else ""


def _char_at(text: str, where: Location) -> str:
    line = _line(text, where)
    char = line[where.column - 1 : where.column]
    return {"": "the end of the line", "\t": "tab"}.get(char, char)
