"""Machine shapes of many kinds render to exactly what is stored of them: none missing, none more."""

from __future__ import annotations

import pytest
import shapes  # beside this file: pytest puts its directory on the path

NAMES = list(shapes.shapes())


@pytest.mark.parametrize("name", NAMES)
def test_shape(name: str, request: pytest.FixtureRequest) -> None:
    text = shapes.shape_text(name)
    path = shapes.STORED / f"{name}.txt"
    if request.config.getoption("--update-golden", default=False):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_nothing_else_is_stored() -> None:
    stored = {path.stem for path in shapes.STORED.iterdir()}
    assert stored == set(NAMES)
    assert len(NAMES) >= 40
