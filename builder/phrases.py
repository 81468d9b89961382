"""Pieces of messages: counts, lists of numbers, and the user's own text on one line."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sized

_ALL_NAMES = 4


def one_line(text: str) -> str:
    """Text of the user's as it stands, but for what would end the line or move the cursor."""
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def quote(value: str) -> str:
    """A text of the user's in a message: one line, no control characters, not too long."""
    shown = value if len(value) <= 60 else value[:57] + "..."
    return f'"{one_line(shown)}"'


def plural(noun: str, number: int) -> str:
    """`node` where it is one, else `nodes`."""
    return noun if number == 1 else f"{noun}s"


def count_text(number: int, noun: str) -> str:
    """`1 VF`, `2 VFs`."""
    return f"{number} {plural(noun, number)}"


def numbers(noun: str, which: Sized) -> str:
    """`CPU 3`, `CPUs 3-5`. which: a set of them that can be told, such as a CpuSet."""
    return f"{plural(noun, len(which))} {which}"


def format_names(names: Iterable[str], limit: int = 10) -> str:
    """`a, b, c`, cut after `limit` with the number left out."""
    every = list(names)
    more = f", and {len(every) - limit} more" if len(every) > limit else ""
    return ", ".join(every[:limit]) + more


def all_names(names: Iterable[str]) -> str:
    """`a and b`; of many the first three, with the number left out."""
    every = list(names)
    return " and ".join(every) if len(every) <= _ALL_NAMES else format_names(every, limit=3)


def close_match(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that was probably meant by `name`."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


def nodes_text(number: int) -> str:
    """The NUMA nodes of a machine that has `number`: `node 0 only`, `nodes 0 to 3`."""
    return "node 0 only" if number == 1 else f"nodes 0 to {number - 1}"


def is_are(which: Sized) -> str:
    """The verb for `numbers`."""
    return "is" if len(which) == 1 else "are"


def either(choices: Iterable[object]) -> str:
    """`2 or 4`, `1, 2 or 4`."""
    *others, last = map(str, choices)
    return f"{', '.join(others)} or {last}" if others else last
