"""Diagnostics: their order, their place, their look."""

from __future__ import annotations

from builder.diagnostics import (
    Diagnostic,
    Location,
    Marks,
    Report,
    format_diagnostic,
    format_path,
    format_report,
)

FILE = "i.yaml"
LINES = ("a: 1", "\tb: 2")
FIRST = Diagnostic("error", Location(FILE, 1, 4), ("a",), "wrong", "mend it")
SECOND = Diagnostic("warning", Location(FILE, 2, 2), ("l", 0, "b"), "odd")


def test_a_diagnostic_with_its_line() -> None:
    assert format_diagnostic(FIRST, LINES) == (
        "i.yaml:1:4: error: a: wrong\n    a: 1\n       ^\n  hint: mend it"
    )


def test_a_tab_before_the_caret_stays_one() -> None:
    assert format_diagnostic(SECOND, LINES) == (
        "i.yaml:2:2: warning: l[0].b: odd\n    \tb: 2\n    \t^"
    )


def test_a_place_past_the_file_has_no_line() -> None:
    fault = Diagnostic("error", Location(FILE, 9, 1), (), "ends early")
    assert format_diagnostic(fault, LINES) == "i.yaml:9:1: error: ends early"


def test_a_report_is_sorted_and_holds_nothing_twice() -> None:
    report = Report().plus([SECOND, FIRST]).plus([FIRST])
    assert report.items == (FIRST, SECOND)
    assert report.is_fatal
    assert not Report((SECOND,)).is_fatal


def test_counts() -> None:
    assert format_report(Report(), LINES) == ""
    assert format_report(Report((FIRST,)), ()).splitlines()[-1] == "1 error"
    assert format_report(Report((SECOND, SECOND)), ()).splitlines()[-1] == "2 warnings"
    assert format_report(Report((FIRST, SECOND)), ()).splitlines()[-1] == "1 error, 1 warning"


def test_paths() -> None:
    assert (
        format_path(("profiles", "nfv", "sriov", 0, "num-vfs")) == "profiles.nfv.sriov[0].num-vfs"
    )
    assert format_path(()) == ""


def test_the_nearest_key_the_file_has() -> None:
    key, value = Location(FILE, 3, 1), Location(FILE, 3, 4)
    marks = Marks(FILE, {("a",): key}, {("a",): value})
    assert marks.key_at(("a", "b", 0)) == key
    assert marks.value_at(("a",)) == value
    assert marks.value_at(("z",)) == Location(FILE, 1, 1)


def test_a_key_cannot_end_the_line() -> None:
    assert format_path(("hosts", "a\nb: error", "x\x1b[2J")) == "hosts.a\\nb: error.x\\u001b[2J"


def test_a_long_line_is_shown_around_the_place() -> None:
    line = "x" * 3000 + "HERE" + "y" * 3000
    item = Diagnostic("error", Location("inv", 1, 3001), (), "odd")
    _, shown, caret = format_diagnostic(item, (line,)).splitlines()
    assert len(shown) == 4 + 3 + 200 + 3
    assert shown[caret.index("^") :].startswith("HERE")
    short = format_diagnostic(Diagnostic("error", Location("inv", 1, 2), (), "odd"), ("ab",))
    assert short.splitlines()[1:] == ["    ab", "     ^"]


def many(message: str, number: int, hint: str | None = None) -> list[Diagnostic]:
    """Warnings on lines from 1; `#` in the message is another number on each."""
    return [
        Diagnostic("warning", Location("f", n, 1), ("a", n), message.replace("#", str(n)), hint)
        for n in range(1, number + 1)
    ]


def test_many_with_one_text_are_told_once() -> None:
    text = format_report(Report(tuple(many("it is wrong", 64, "mend it"))), ())
    assert text.splitlines() == [
        "f:1:1: warning: a[1]: it is wrong",
        "  hint: mend it",
        "  and 63 more like this, on lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, and 53 more",
        "64 warnings",
    ]


def test_three_with_one_text_are_all_told() -> None:
    assert format_report(Report(tuple(many("it is wrong", 3))), ()).count("it is wrong") == 3


def test_of_many_that_differ_in_numbers_three_are_told() -> None:
    items = many("port p#: 0000:0#:00.0 is wrong", 9)
    other = Diagnostic("warning", Location("f", 2, 1), ("b",), "something else")
    text = format_report(Report().plus([*items, other]), ())
    assert text.splitlines() == [
        "f:1:1: warning: a[1]: port p1: 0000:01:00.0 is wrong",
        "f:2:1: warning: a[2]: port p2: 0000:02:00.0 is wrong",
        "f:2:1: warning: b: something else",
        "f:3:1: warning: a[3]: port p3: 0000:03:00.0 is wrong",
        "  and 6 more like this, on lines 4, 5, 6, 7, 8, 9",
        "10 warnings",
    ]
    assert format_report(Report(tuple(items[:8])), ()).count("is wrong") == 8


def test_many_on_one_line() -> None:
    here = Location("f", 7, 1)
    items = [Diagnostic("error", here, ("a", n), "wrong") for n in range(5)]
    assert "  and 4 more like this, on line 7" in format_report(Report(tuple(items)), ())
