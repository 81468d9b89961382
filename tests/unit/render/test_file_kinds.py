"""Each kind of file is told in one row, and every word in it means something to its stage."""

from __future__ import annotations

import ast
import re
from typing import get_args

import pytest

from builder.accept import ACCEPTORS
from builder.changes.file_effects import JUDGES
from builder.model.rules.access import NOT_FOR_SECRETS, SYSTEM_FILES
from builder.render.file_kind import Acceptor, FileKind, Judge
from builder.render.files import FILES, kind_of
from builder.render.kernel import MODPROBE
from builder.render.node import IMAGE_RELEASE, LISTING, NODE
from builder.render.units import LIBRARY, PROGRAM, WANTED
from builder.resources import PACKAGE, data_dir
from builder.verify.checks import CHECKS

KINDS = pytest.mark.parametrize("kind", FILES, ids=lambda kind: kind.path)


@KINDS
def test_a_kind_is_the_first_for_its_own_path(kind: FileKind[object]) -> None:
    assert kind_of(kind.path) is kind


@KINDS
def test_a_kind_is_checked_on_a_booted_node(kind: FileKind[object]) -> None:
    assert kind.check in CHECKS


@KINDS
def test_no_secret_may_take_the_place_of_a_file_of_ours(kind: FileKind[object]) -> None:
    refused = any(f"{kind.path}/".startswith(place) for place in NOT_FOR_SECRETS)
    assert refused or kind.path in SYSTEM_FILES


def test_programs_and_judges_of_the_rows_are_those_there_are() -> None:
    assert (
        set(ACCEPTORS) == set(get_args(Acceptor)) == {kind.accepted_by for kind in FILES} - {None}
    )
    judged = {kind.needs for kind in FILES if isinstance(kind.needs, str)}
    assert set(JUDGES) == set(get_args(Judge)) == judged


def test_names_make_paths() -> None:
    assert MODPROBE.file(b"", "vfio-pci").path == "/etc/modprobe.d/vfio-pci.conf"
    wanted = WANTED.file(b"/x", "sysinit.target", "a.service")
    assert (wanted.path, wanted.is_symlink) == (
        "/etc/systemd/system/sysinit.target.wants/a.service",
        True,
    )
    assert kind_of(PROGRAM.file(b"", "nics").path) is PROGRAM
    assert kind_of(LIBRARY.file(b"", "node").path) is LIBRARY
    assert kind_of("/srv/other") is None


@pytest.mark.parametrize("names", [(), ("a", "b"), ("../a",), ("a/b",), ("",)])
def test_names_that_make_no_path_of_the_kind(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=re.escape(MODPROBE.path)):
        MODPROBE.file(b"", *names)


def test_a_file_is_made_by_its_kind() -> None:
    """So that path, mode and scope stand in the row alone."""
    makers = set()
    for path in PACKAGE.rglob("*.py"):
        for found in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(found, ast.Call) and ast.unparse(found.func) == "RenderedFile":
                makers.add(str(path.relative_to(PACKAGE)))
    # Read back from disk; programs of the distribution that only accept.py's own root has.
    assert makers == {"render/file_kind.py", "execute.py", "accept.py"}


@pytest.mark.parametrize(
    ("program", "kind"),
    [
        ("systemd/rackwright_node.py", NODE),
        ("systemd/rackwright_facts_system.py", LISTING),
        ("templates/cloud-init/first_boot.py", IMAGE_RELEASE),
        ("templates/cloud-init/seed_stock.py", LISTING),
    ],
)
def test_programs_of_the_node_know_the_path(program: str, kind: FileKind[object]) -> None:
    """They run without the package, so they spell it themselves."""
    directory, _, name = program.partition("/")
    text = (data_dir(directory) / name).read_text(encoding="utf-8")
    assert f'"{kind.path.lstrip("/")}"' in text
