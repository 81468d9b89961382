"""A test that is skipped proves nothing: where all is installed it fails, and says why."""

from __future__ import annotations

from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"
SKIPS = """
import pytest
def test_passes(): pass
def test_looks(): pytest.skip("sgdisk is not installed")
@pytest.mark.skipif(True, reason="needs root")
def test_marked(): pass
@pytest.mark.xfail(reason="not yet", strict=True)
def test_expected(): assert False
"""
MODULE = 'import pytest\npytest.importorskip("no_such_module")\ndef test_in_it(): pass\n'

pytest_plugins = ["pytester"]


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile(test_skips=SKIPS)
    return pytester


def test_by_default_a_skip_is_a_skip(suite: pytest.Pytester) -> None:
    result = suite.runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, skipped=2, xfailed=1)
    assert result.ret == 0


def test_each_skip_fails_with_its_reason(suite: pytest.Pytester) -> None:
    result = suite.runpytest("-p", "no:cacheprovider", "--no-skips")
    result.assert_outcomes(passed=1, failed=1, errors=1, xfailed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "FAILED test_skips.py::test_looks - Skipped: sgdisk is not installed, which *",
            "ERROR test_skips.py::test_marked - Skipped: needs root, which --no-skips *",
        ]
    )


def test_a_module_that_skips_itself_is_an_error(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_module=MODULE)
    result = suite.runpytest("-p", "no:cacheprovider", "--no-skips")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*could not import 'no_such_module'*, which --no-skips forbids"])
