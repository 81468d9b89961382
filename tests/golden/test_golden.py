"""Every golden case renders to exactly the stored files: none missing, none more."""

from __future__ import annotations

import re

import golden  # beside this file: pytest puts its directory on the path
import pytest

from builder.render import cmdline, render_image
from builder.render.files import FILES, kind_of
from builder.render.parse import parse_back


@pytest.mark.parametrize("case", golden.CASES)
def test_golden(case: str, request: pytest.FixtureRequest) -> None:
    files = golden.to_golden(golden.tree_of(golden.plan_case(golden.read_case(case))))
    if request.config.getoption("--update-golden", default=False):
        golden.write_golden(case, files)
    assert files == golden.read_golden(case)


@pytest.mark.parametrize("case", golden.CASES)
def test_golden_parses_back(case: str) -> None:
    plan = golden.plan_case(golden.read_case(case))
    assert parse_back(golden.tree_of(plan), cmdline(plan.image)) == ()


@pytest.mark.parametrize("case", golden.CASES)
def test_a_comment_in_the_inventory_changes_no_byte(case: str) -> None:
    text = golden.read_case(case)
    moved = re.sub(r"^(\S+:)", r"\n# a remark\n\1", text, flags=re.MULTILINE)
    assert moved != text
    before = golden.tree_of(golden.plan_case(text))
    assert golden.tree_of(golden.plan_case(moved)).digest == before.digest


@pytest.mark.parametrize("case", golden.CASES)
def test_no_value_of_a_host_is_in_a_file_all_hosts_share(case: str) -> None:
    plan = golden.plan_case(golden.read_case(case))
    hosts = golden.read_case(case).partition("\nhosts:")[2]
    own = {
        plan.hostname,
        plan.plan_id,
        *(i.mac for i in plan.interfaces if i.mac),
        *(a.partition("/")[0] for i in plan.interfaces for a in i.addresses),
        *(gateway for i in plan.interfaces for gateway in i.gateways),
        *(server for i in plan.interfaces for server in i.nameservers),
        *re.findall(r"(?:boot-mac|serial): \"?([^\s\",}]+)", hosts),
    }
    tree = golden.tree_of(plan)
    word = {value: re.compile(rf"(?<![\w-]){re.escape(value)}(?![\w-])") for value in own}
    leaks = [
        (file.path, value)
        for file in tree
        if file.scope == "image"
        for value in sorted(own)
        if word[value].search(file.text) or word[value].search(file.path)
    ]
    assert leaks == []


@pytest.mark.parametrize("case", golden.CASES)
def test_a_host_has_the_files_of_its_golden_image(case: str) -> None:
    plan = golden.plan_case(golden.read_case(case))
    image = render_image(plan.image, golden.TEMPLATES, golden.PROGRAMS)
    shared = [file for file in image if file.path != "/etc/rackwright/files"]
    assert [file for file in golden.tree_of(plan) if file.scope == "image"] == shared


# A unit and its program, which other hosts' trees have in the image's part.
OF_HOSTS_WITH_SECRETS = {
    "/etc/systemd/system/multi-user.target.wants/rackwright-secrets.service",
    "/usr/lib/rackwright/rackwright_seed.py",
    "/usr/lib/rackwright/secrets",
    "/usr/lib/systemd/system/rackwright-secrets.service",
}


@pytest.mark.parametrize("case", golden.CASES)
def test_a_file_is_as_its_kind_says(case: str) -> None:
    tree = golden.tree_of(golden.plan_case(golden.read_case(case)))
    kinds = {file.path: kind_of(file.path) for file in tree}
    odd = {
        file.path
        for file in tree
        if (kind := kinds[file.path]) is None or (kind.mode, kind.scope) != (file.mode, file.scope)
    }
    # Of the image's files in its tree, of all in a host's.
    assert odd - OF_HOSTS_WITH_SECRETS == {"/etc/rackwright/files"}


def test_every_kind_has_a_golden_file() -> None:
    trees = [golden.tree_of(golden.plan_case(golden.read_case(case))) for case in golden.CASES]
    made = {file.path for tree in trees for file in tree}
    idle = {kind.path for kind in FILES if not any(kind_of(path) is kind for path in made)}
    # No unit of ours asks for RequiredBy= (a unit test has it).
    assert idle == {"/etc/systemd/system/UNIT.requires/UNIT"}
