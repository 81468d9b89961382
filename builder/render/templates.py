"""Templates: the one Jinja environment, and what they are filled from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.render.syntax import FILTERS

if TYPE_CHECKING:
    from jinja2 import Environment

# Not in systemd/: they travel in a bundle and put the programs of systemd/ on the node, none of
# which is there yet when they start.
SEED_PROGRAMS = "cloud-init/"
# The templates of a node's files, each below it at its path on the node.
ROOTFS = "rootfs"

# fill(name below templates/ without .j2, values) -> text
Fill = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Sources:
    """What files are made from besides the plan: filled templates, and programs copied as they are.

    seed_programs: those of a bundle, by name; one fetches secrets on a node that boots its own image.
    """

    fill: Fill
    programs: Mapping[str, str]
    seed_programs: Mapping[str, str]


def make_environment(templates: Mapping[str, str]) -> Environment:
    """Templates by name; an undefined value is an error, never empty text."""
    from jinja2 import (  # noqa: PLC0415 -- verbs that fill no template know files too
        DictLoader,
        Environment,
        StrictUndefined,
    )

    environment = Environment(
        loader=DictLoader(dict(templates)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # Escaping is for HTML; our syntaxes each have a filter of their own, and a test
        # proves that no template prints a value without one.
        autoescape=False,  # noqa: S701 -- not HTML: see above
    )
    # Ours in place of Jinja's: a template has no way to print through any other.
    environment.filters.clear()
    environment.filters.update(FILTERS)
    return environment


def make_sources(templates: Mapping[str, str], programs: Mapping[str, str]) -> Sources:
    environment = make_environment(templates)

    def fill(name: str, **values: object) -> str:
        return environment.get_template(f"{name}.j2").render(values)

    return Sources(fill, programs, seed_programs(templates))


def seed_programs(templates: Mapping[str, str]) -> dict[str, str]:
    """By the names they import each other by."""
    return {
        path.removeprefix(SEED_PROGRAMS): text
        for path, text in templates.items()
        if path.startswith(SEED_PROGRAMS)
    }
