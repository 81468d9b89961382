"""A plan as one page to read in a browser or on paper: a drawing, and every value with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jinja2 import DictLoader, Environment, StrictUndefined

from builder.catalog.releases import OsRelease
from builder.page.layout import draw_machine, roles_shown
from builder.plan.explain import head
from builder.plan.nouns.host import HostPlan
from builder.plan.subjects import Subject, subjects_of

PAGE = "page/plan.html.j2"


@dataclass(frozen=True, slots=True)
class TableRow:
    """A value, why it is so, and the inventory lines it rests on."""

    value: str
    depth: int
    reason: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A subject of the plan. anchor: its name within the page."""

    heading: str
    anchor: str
    rows: tuple[TableRow, ...]


def plan_page(plan: HostPlan, templates: Mapping[str, str]) -> str:
    """HTML that needs nothing else: no script, no font, no image from anywhere."""
    image = plan.image
    nodes = draw_machine(plan)
    return (
        _environment(templates)
        .get_template(PAGE)
        .render(
            plan=plan,
            image=image,
            title=head(plan)[0],
            facts=(
                ("Hardware class", image.hardware),
                ("Profile", image.profile),
                ("Image", image.image_name),
                ("Release", _release_text(image.release)),
                ("Host plan", plan.plan_id),
                ("Image plan", image.plan_id),
            ),
            nodes=nodes,
            is_one_node=len(nodes) == 1,
            roles=tuple(roles_shown(image)),
            command_line=" ".join(str(arg) for arg in image.kernel_args),
            tables=tuple(_table(subject) for subject in subjects_of(plan)),
        )
    )


def _release_text(release: OsRelease) -> str:
    linux = f"Linux ({release.kernel_flavour})"
    versions = {linux: release.kernel, "Open vSwitch": release.ovs, "DPDK": release.dpdk}
    told = (f"{name} {version}" for name, version in versions.items())
    return f"{release.id} ({', '.join(told)})"


def _table(subject: Subject) -> Table:
    anchor = "".join(c if c.isalnum() else "-" for c in subject.heading.lower()).strip("-")
    rows = tuple(
        TableRow(line.value, line.depth, line.why.reason, line.why.places) for line in subject.lines
    )
    return Table(subject.heading, anchor, rows)


def _environment(templates: Mapping[str, str]) -> Environment:
    """Every value is escaped: there is no filter that could let one through as markup."""
    environment = Environment(
        loader=DictLoader(dict(templates)),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.clear()
    return environment


def _printable(value: object) -> object:
    """Text without characters that are no text: controls end a page's validity, and marks of
    writing direction would show a value as another one.
    """
    if isinstance(value, str) and not value.isprintable():
        return "".join(
            c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in value
        )
    return value
