"""Templates: the one Jinja environment, and what they are filled from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.render.syntax import FILTERS

if TYPE_CHECKING:
    from jinja2 import Environment

# Not in systemd/: it travels in a bundle and puts the programs of systemd/ on the node, none of
# which is there yet when it starts. So it is one file, and imports nothing of ours.
FIRST_BOOT = "cloud-init/first_boot.py"
# The templates of a node's files, each below it at its path on the node.
ROOTFS = "rootfs"

# fill(name below templates/ without .j2, values) -> text
Fill = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Sources:
    """What files are made from besides the plan: filled templates, and programs copied as they are.

    first_boot: the program of a bundle, which fetches secrets on a node that boots its own image.
    """

    fill: Fill
    programs: Mapping[str, str]
    first_boot: str


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

    return Sources(fill, programs, templates.get(FIRST_BOOT, ""))
