"""The strict reader of systemd's syntax."""

from __future__ import annotations

import pytest

from builder.render.ini import Entry, read_ini, values_of


def test_entries_in_order_with_their_lines() -> None:
    text = "# comment\n[Unit]\nAfter=a.service\n\n; other\nAfter = \n[Service]\nExecStart=/x \\\n# in between\n  -a\n"
    with pytest.raises(ValueError, match=r"^line 6: 'After =' is neither"):
        read_ini(text)
    assert read_ini(text.replace("After = ", "After=")) == (
        Entry("Unit", "After", "a.service", 3),
        Entry("Unit", "After", "", 6),
        Entry("Service", "ExecStart", "/x  -a", 8),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("After=x\n", "line 1: 'After=x' stands before any [Section]"),
        ("[Unit]\nAfter\n", "line 2: 'After' is neither [Section] nor Key=value"),
        ("[unit]\n", "line 1: '[unit]' is neither [Section] nor Key=value"),
        ("[Unit]\nX=\\\n", "line 2: ends in a backslash, and the file ends after it"),
    ],
)
def test_what_systemd_would_skip_is_a_fault(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^line") as caught:
        read_ini(text)
    assert str(caught.value) == message


def test_an_empty_assignment_resets_a_list() -> None:
    entries = read_ini("[Install]\nWantedBy=a b\nWantedBy=\nWantedBy=c d\nRequiredBy=e\n")
    assert values_of(entries, "Install", "WantedBy") == ["c", "d"]
    assert values_of(entries, "Unit", "WantedBy") == []
