"""Templates only loop, test truth and print through a filter; the audit covers every one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from jinja2 import UndefinedError, nodes
from seed_machine import why

from builder.plan.nouns.host import AccessPlan, HostPlan, UserPlan
from builder.render import host_files, image_files
from builder.render.syntax import FILTERS
from builder.render.templates import Sources, make_environment, make_sources
from builder.resources import read_texts

# Of files of a node; what is for other readers has tests of its own.
TEMPLATES = {k: text for k, text in read_texts("templates").items() if k.startswith("rootfs/")}
ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Filter,
    nodes.Name, nodes.Getattr, nodes.Const,
)  # fmt: skip


def foreign_nodes(source: str) -> list[str]:
    tree = make_environment({}).parse(source)
    return [type(node).__name__ for node in tree.find_all(nodes.Node) if type(node) not in ALLOWED]


def bare_values(source: str) -> list[str]:
    """Printed expressions that pass through no filter."""
    tree = make_environment({}).parse(source)
    return [
        type(part).__name__
        for output in tree.find_all(nodes.Output)
        for part in output.nodes
        if not isinstance(part, nodes.TemplateData | nodes.Filter)
    ]


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_only_loops_tests_and_prints(name: str) -> None:
    assert foreign_nodes(TEMPLATES[name]) == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_prints_only_through_filters(name: str) -> None:
    assert bare_values(TEMPLATES[name]) == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_short_and_begins_with_the_header(name: str) -> None:
    assert len(TEMPLATES[name].splitlines()) <= 40
    assert TEMPLATES[name].startswith("{{ header | comment }}\n")


def test_the_audit_sees_what_it_forbids() -> None:
    assert bare_values("{{ value }}") == ["Name"]
    assert foreign_nodes("{% set x = 1 + 2 %}") == ["Assign", "Add"]
    assert foreign_nodes("{% if a == b %}{{ x | yaml }}{% endif %}") == ["Compare", "Operand"]


ACCESS = AccessPlan((UserPlan("admin", ("ssh-ed25519 A",), None, True, (), why("a user")),))


def test_only_our_filters_exist() -> None:
    assert make_environment({}).filters == FILTERS


def test_an_undefined_value_is_an_error() -> None:
    sources = make_sources({"rootfs/etc/x.j2": "{{ header | comment }}"}, {})
    with pytest.raises(UndefinedError):
        sources.fill("rootfs/etc/x")


def test_every_template_is_used(host_plan: HostPlan) -> None:
    used = set()
    real = make_sources(TEMPLATES, {})

    def fill(name: str, **values: object) -> str:
        used.add(f"{name}.j2")
        return real.fill(name, **values)

    sources, pools = Sources(fill, {}, ""), host_plan.image.hugepages
    image = replace(host_plan.image, hugepages=(*pools, replace(pools[0], size_kib=2048)))
    assert [*image_files(image, sources), *host_files(replace(host_plan, access=ACCESS), sources)]
    assert used == set(TEMPLATES)
