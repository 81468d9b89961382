"""A plan told to people: each value, why it is so, and the inventory line it rests on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from builder.plan.encode import Json, plan_data
from builder.plan.nouns.host import HostPlan
from builder.plan.subjects import STEP, Line, subjects_of

WIDTH = 120
INDENT = "  "
# A longer value has its line to itself, with the reason below it.
VALUE_WIDTH = 44


def to_json(plan: HostPlan) -> dict[str, Json]:
    """The plan as JSON data: the fields of `builder.plan.nouns` in kebab-case.

    Stable: keys are only ever added. CPU sets, PCI addresses and MACs are text; each `why` is
    {"reason": text, "origins": [{"key": "profiles.nfv.…", "file": text, "line": number}]}.
    """
    data = plan_data(plan, reasons=True)
    assert isinstance(data, dict)  # a dataclass always encodes to an object
    return data


def explain(plan: HostPlan) -> str:
    """The whole plan by subject, `value ← reason ← file:line key`, at most 120 columns where
    no single word is longer.
    """
    parts = ["\n".join(head(plan))]
    parts += [
        "\n".join([subject.heading, *_format(subject.lines)]) for subject in subjects_of(plan)
    ]
    return "\n\n".join(parts) + "\n"


def summary(plan: HostPlan) -> str:
    """The values alone, by subject: what `explain` tells without the reasons."""
    parts = ["\n".join(head(plan))]
    for subject in subjects_of(plan):
        rows = [f"{INDENT}{_value(line)}" for line in subject.lines]
        parts.append("\n".join([subject.heading, *rows]))
    return "\n\n".join(parts) + "\n"


def head(plan: HostPlan) -> tuple[str, str, str]:
    """Which machine on which release, and the ids of its plans."""
    image = plan.image
    return (
        f"{plan.hostname}: hardware {image.hardware}, profile {image.profile}, {image.release.id}",
        f"host plan {plan.plan_id}",
        f"image plan {image.plan_id}",
    )


def _value(line: Line) -> str:
    return STEP * line.depth + line.value


def _format(rows: Sequence[Line]) -> Iterator[str]:
    """Values in one column, reasons in the next; an origin shared by neighbours shown once."""
    short = [len(_value(row)) for row in rows if len(_value(row)) <= VALUE_WIDTH]
    column = len(INDENT) + max(short, default=0) + 2
    for origins, group in groupby(rows, key=lambda row: row.why.places):
        for row in group:
            yield from _value_and_reason(row, column)
        for text in origins:
            yield f"{' ' * column}← {text}"


def _value_and_reason(row: Line, column: int) -> Iterator[str]:
    reason = textwrap.wrap(
        f"← {row.why.reason}",
        WIDTH,
        initial_indent=" " * column,
        subsequent_indent=" " * (column + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )
    value = f"{INDENT}{_value(row)}"
    if len(value) + 2 <= column:
        yield value.ljust(column) + reason[0][column:]
        yield from reason[1:]
    else:
        yield value
        yield from reason
