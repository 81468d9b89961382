"""Machine shapes of many kinds come to exactly the values stored: none missing, none more."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import golden  # these three beside this file: pytest puts its directory on the path
import pytest
import shape_rows
import shapes

from builder.render import cmdline
from builder.render.parse import parse_back

NAMES = list(shapes.shapes())
# Between them: a node of memory alone, VFs, pages of pods, a kubelet, ports with queues, CPUs off.
TOLD = (
    "interleaved-ht-jumbo-debian-13",
    "memory-only-shared-ubuntu-24.04",
    "uma-8-saving-ubuntu-26.04",
)


@cache
def rows_of(name: str) -> shape_rows.Rows:
    return shape_rows.rows_of(*shapes.plan_shape(name))


@cache
def files() -> dict[Path, str]:
    """All that is to be stored."""
    plans = {name: shapes.plan_shape(name)[0] for name in NAMES}
    reasons = Counter(reason for plan in plans.values() for reason in shape_rows.reasons_of(plan))
    told = {name: shape_rows.told_of(plans[name]) for name in TOLD}
    return shape_rows.stored_files({name: rows_of(name) for name in NAMES}, reasons, told)


@pytest.fixture(scope="module", autouse=True)
def _update(request: pytest.FixtureRequest) -> None:
    """All at once: what shapes of a tuning share is known when all are planned."""
    if request.config.getoption("--update-golden", default=False):
        for path in set(shape_rows.STORED.iterdir()) - set(files()):
            path.unlink()
        for path, text in files().items():
            path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_shape(name: str) -> None:
    assert rows_of(name) == shape_rows.read_rows(name)


@pytest.mark.parametrize("name", NAMES)
def test_shape_parses_back(name: str) -> None:
    plan, _ = shapes.plan_shape(name)
    assert parse_back(golden.tree_of(plan), cmdline(plan.image)) == ()


def test_all_is_stored_as_it_would_be_written() -> None:
    """Reasons too, and nothing else: a row in the wrong file would be read as another shape's."""
    stored = {path: path.read_text(encoding="utf-8") for path in shape_rows.STORED.iterdir()}
    assert stored == files()
    assert len(NAMES) >= 40
