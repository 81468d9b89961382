"""What a file is read as, where each piece stands, and that no text is an exception."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.diagnostics import Diagnostic, KeyPath, Location, Report, format_report
from builder.inventory.loader import MAX_BYTES, Loaded, load, parse_inventory
from tests.errors.cases import CASES, inventory_of

FILE = "inventory.yaml"
PARSERS = {"libyaml": yaml.CSafeLoader, "python": yaml.SafeLoader}
# The two parsers find another fault first, or put it one column apart.
DIFFERENT = {"yaml-at", "yaml-directive", "yaml-escape", "yaml-list-and-key", "yaml-star"}


def read(text: str) -> Loaded:
    return parse_inventory(text, FILE)


def at(line: int, column: int) -> Location:
    return Location(FILE, line, column)


def faults(loaded: Loaded) -> list[tuple[str, KeyPath, str]]:
    return [(f"{d.where.line}:{d.where.column}", d.path, d.message) for d in loaded.report.items]


def test_data_is_plain() -> None:
    loaded = read("a: 1\nb: [x, 2.5, true, ~]\nc: {d: 'e'}\n3: x\n")
    assert loaded.report == Report()
    assert loaded.data == {"a": 1, "b": ["x", 2.5, True, None], "c": {"d": "e"}, 3: "x"}


def test_each_key_path_has_its_places() -> None:
    marks = read('# first\na:\n  b: [x, "y"]\n  c: {d: 1}\n').marks
    assert marks.keys == {
        ("a",): at(2, 1),
        ("a", "b"): at(3, 3),
        ("a", "b", 0): at(3, 7),
        ("a", "b", 1): at(3, 10),
        ("a", "c"): at(4, 3),
        ("a", "c", "d"): at(4, 7),
    }
    assert marks.values == {
        (): at(2, 1),
        ("a",): at(3, 3),
        ("a", "b"): at(3, 6),
        ("a", "b", 0): at(3, 7),
        ("a", "b", 1): at(3, 10),
        ("a", "c"): at(4, 6),
        ("a", "c", "d"): at(4, 10),
    }
    assert marks.lines == ("# first", "a:", '  b: [x, "y"]', "  c: {d: 1}", "")


def test_the_source_of_what_is_no_text_is_kept() -> None:
    loaded = read('a: 010\nb: 10:20\nc: on\nd:\ne: "010"\nf: text\ng: 2024-01-01\nh: 0,8\n')
    assert loaded.data == {
        "a": 8,
        "b": 620,
        "c": True,
        "d": None,
        "e": "010",
        "f": "text",
        "g": "2024-01-01",
        "h": "0,8",
    }
    assert loaded.sources == {("a",): "010", ("b",): "10:20", ("c",): "on", ("d",): ""}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!!str 10", "10"),
        ("! 10", "10"),
        ("!!int '10'", 10),
        ("!!float 1", 1.0),
        ("!!bool yes", True),
        ("!!null ''", None),
        ("!!seq [1]", [1]),
        ("!!map {a: 1}", {"a": 1}),
        ("|\n  two\n  lines\n", "two\nlines\n"),
        ("10 # ten", 10),
        ("9223372036854775807", 9223372036854775807),
        ("=", "="),
        ("0x_", "0x_"),
    ],
)
def test_values(text: str, value: object) -> None:
    loaded = read(f"a: {text}")
    assert (loaded.data, loaded.report) == ({"a": value}, Report())


@pytest.mark.parametrize("text", ["---\na: 1\n", "a: 1\n...\n", "%YAML 1.1\n---\na: 1\n"])
def test_one_document_may_have_marks(text: str) -> None:
    loaded = read(text)
    assert (loaded.data, loaded.report) == ({"a": 1}, Report())


def test_a_byte_order_mark_is_no_column() -> None:
    loaded = read("\N{BYTE ORDER MARK}a: 1\n")
    assert loaded.data == {"a": 1}
    assert loaded.marks.keys == {("a",): at(1, 1)}


def test_line_breaks_are_those_of_yaml() -> None:
    loaded = read("a: 1\r\nb: 2\rc: 3\n")
    assert loaded.data == {"a": 1, "b": 2, "c": 3}
    assert loaded.marks.keys[("c",)] == at(3, 1)
    assert loaded.marks.lines == ("a: 1", "b: 2", "c: 3", "")


def test_an_alias_stands_where_it_was_written() -> None:
    loaded = read("a: &x {p: 1}\nb: *x\n")
    assert loaded.data == {"a": {"p": 1}, "b": {"p": 1}}
    assert loaded.marks.values[("b",)] == at(1, 4)
    assert loaded.marks.keys[("b", "p")] == at(1, 8)
    assert loaded.marks.keys[("b",)] == at(2, 1)


def test_merge_keys() -> None:
    loaded = read(
        "one: &one {a: 1, b: 1}\ntwo: &two {b: 2, c: 2}\n"
        "x: {<<: *one, b: 9}\ny: {<<: [*one, *two], d: 4}\nz: {<<: {<<: *two, a: 0}}\n"
    )
    assert isinstance(loaded.data, dict)
    assert loaded.report == Report()
    assert loaded.data["x"] == {"a": 1, "b": 9}
    assert loaded.data["y"] == {"a": 1, "b": 1, "c": 2, "d": 4}
    assert loaded.data["z"] == {"a": 0, "b": 2, "c": 2}
    assert loaded.marks.keys[("x", "a")] == at(1, 12)
    assert loaded.marks.keys[("x", "b")] == at(3, 15)


def test_a_quoted_merge_key_is_a_key() -> None:
    assert read('a: {"<<": 1}').data == {"a": {"<<": 1}}


def test_the_first_of_two_keys_stays_and_both_places_are_named() -> None:
    loaded = read("a: 1\nb: {c: 1, c: 2}\na: 3\n0: x\n'0': y\n")
    assert loaded.data == {"a": 1, "b": {"c": 1}, 0: "x"}
    assert faults(loaded) == [
        ("2:11", ("b", "c"), "duplicate key; the first is at inventory.yaml:2:5"),
        ("3:1", ("a",), "duplicate key; the first is at inventory.yaml:1:1"),
        ("5:1", ("0",), "duplicate key; the first is at inventory.yaml:4:1"),
    ]


def test_faults_do_not_hide_each_other() -> None:
    loaded = read("a: !x 1\nb: {on: 1, on: 2}\nc: 99999999999999999999\n")
    assert faults(loaded) == [
        ("1:4", ("a",), "the tag !x is not allowed in an inventory"),
        ("2:5", ("b", "on"), "YAML reads the key on as true"),
        ("2:12", ("b", "on"), "YAML reads the key on as true"),
        ("2:12", ("b", "on"), "duplicate key; the first is at inventory.yaml:2:5"),
        ("3:4", ("c",), "this number is too large: more than 64 bits"),
    ]


@pytest.mark.parametrize(
    "text", ["9" * 5000, "-" + "9" * 30, "1:" * 50 + "1", "0x" + "f" * 40, "1." + "1" * 200]
)
def test_huge_numbers(text: str) -> None:
    loaded = read(f"a: {text}")
    assert faults(loaded) == [("1:4", ("a",), "this number is too large: more than 64 bits")]


def test_aliases_cannot_explode() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 20)]
    loaded = read("\n".join(lines))
    assert loaded.data is None
    assert faults(loaded) == [("6:45", (), "aliases add more than 1000000 values to this file")]


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("text", ["[" * 100000, "{a: " * 100000, "- " * 100000, "? " * 5000])
def test_deep_nesting_ends_early(text: str, parser: str) -> None:
    loaded = parse_inventory(text, FILE, PARSERS[parser])
    assert [d.message for d in loaded.report.items] == ["nested too deep: more than 32 levels"]


def test_32_levels_are_allowed() -> None:
    assert read("[" * 32 + "]" * 32).report == Report()
    assert read("[" * 33 + "]" * 33).data is None


class BrokenReader(yaml.SafeLoader):
    """A parser that cannot even read: its fault has no place."""

    def check_event(self, *_: object) -> bool:
        raise yaml.YAMLError("out of order")


def test_a_fault_without_a_place() -> None:
    loaded = parse_inventory("a: 1", FILE, BrokenReader)
    assert faults(loaded) == [("1:1", (), "this is not YAML: out of order")]


def test_a_fault_we_have_no_words_for() -> None:
    class Strange(yaml.SafeLoader):
        def check_event(self, *_: object) -> bool:
            raise yaml.MarkedYAMLError("while", None, "strange", None)

    loaded = parse_inventory("a: 1", FILE, Strange)
    assert faults(loaded) == [("1:1", (), "this is not YAML: strange")]


def test_a_tag_cannot_bring_control_characters() -> None:
    loaded = read("a: !<x%1B[31m> 1")
    assert faults(loaded) == [("1:4", ("a",), "the tag x?[31m is not allowed in an inventory")]


def test_forbidden_characters_are_not_shown_as_they_are() -> None:
    loaded = read("a: 1\nb: \x1b[31m\n")
    assert format_report(loaded.report, loaded.marks.lines) == (
        "inventory.yaml:2:4: error: the character U+001B is not allowed in YAML\n"
        "    b: \N{REPLACEMENT CHARACTER}[31m\n"
        "       ^\n"
        "  hint: the file is not text, or was damaged; remove the character\n"
        "1 error"
    )


def test_surrogates_are_a_diagnostic() -> None:
    assert faults(read("a: \ud800")) == [("1:4", (), "the character U+D800 is not allowed in YAML")]


# Files


def only(loaded: Loaded) -> Diagnostic:
    assert loaded.data is None
    (item,) = loaded.report.items
    return item


def test_load(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes("\N{BYTE ORDER MARK}name: f\u00fc\n".encode())
    loaded = load(path)
    assert loaded.data == {"name": "f\u00fc"}
    assert loaded.marks.file == str(path)


def test_no_such_file(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    item = only(load(path))
    assert (item.message, item.hint) == ("there is no such file", None)
    assert item.where == Location(str(path), 1, 1)


def test_a_directory(tmp_path: Path) -> None:
    item = only(load(tmp_path))
    assert item.message == "this is a directory"
    assert item.hint == f"name the file in it: {tmp_path}/inventory.yaml"


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.yaml"

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    item = only(load(path))
    assert (item.message, item.hint) == ("no permission to read this file", f"see ls -l {path}")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a\0b", "this file cannot be read: embedded null byte"),
        ("x" * 300, "this file cannot be read: [Errno 36] File name too long"),
    ],
)
def test_names_no_file_can_have(name: str, message: str) -> None:
    assert only(load(Path(name))).message.startswith(message)


def test_a_loop_of_links(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "a")
    assert only(load(tmp_path / "a")).message.startswith("this file cannot be read: [Errno 40]")


def test_a_file_without_end(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    with path.open("wb") as stream:
        os.truncate(stream.fileno(), MAX_BYTES + 1)
    assert only(load(path)).message == "this file is larger than 64 MiB"


def test_not_utf8_says_which_byte(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: 1\nname: f\xfc\n")
    item = only(load(path))
    assert (item.message, item.hint) == ("the byte 0xfc is not UTF-8", "save the file as UTF-8")
    assert item.where == Location(str(path), 2, 8)


# The two parsers


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("yaml-")])
def test_both_parsers_say_the_same(case: str) -> None:
    text = inventory_of(case).decode()
    fast, slow = (parse_inventory(text, FILE, parser) for parser in PARSERS.values())
    if case in DIFFERENT:
        assert (fast.data is None) == (slow.data is None)
        return
    if "tab" not in case:
        assert fast.report == slow.report
    assert [d.message for d in fast.report.items] == [d.message for d in slow.report.items]
    assert (fast.data, fast.marks, fast.sources) == (slow.data, slow.marks, slow.sources)


def test_both_parsers_read_the_same() -> None:
    seed = Path(__file__).resolve().parents[3] / "examples/seed/inventory.yaml"
    text = seed.read_text(encoding="utf-8")
    fast, slow = (parse_inventory(text, FILE, parser) for parser in PARSERS.values())
    assert fast == slow
    assert fast.report == Report()


YAML_LIKE = st.lists(
    st.sampled_from(
        ["a", "b: ", ": ", "- ", "\n", "\n  ", "{", "}", "[", "]", ",", "&x ", "*x", "!t ", "!!int ",
         "'", '"', "#", "|", ">", "\t", "10:20", "010", "on", "~", "<<: ", "? ", "---", "...", "%",
         "\\", "@", "\N{BYTE ORDER MARK}", "\x85", "1.5", "é"]
    ),
    max_size=25,
).map("".join)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), YAML_LIKE))
def test_no_text_is_an_exception(text: str) -> None:
    for parser in PARSERS.values():
        loaded = parse_inventory(text, FILE, parser)
        assert (loaded.data is None) <= loaded.report.is_fatal or loaded.sources
        format_report(loaded.report, loaded.marks.lines)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_are_an_exception(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.yaml"
    path.write_bytes(raw)
    loaded = load(path)
    format_report(loaded.report, loaded.marks.lines)


# PyYAML writes NEL, LS and PS bare, though YAML 1.1 reads them as ends of lines.
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x85\u2028\u2029"), max_size=8
)
JSON = st.recursive(
    st.one_of(TEXT, st.integers(-(2**40), 2**40), st.booleans(), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1),
                        inner, max_size=4),
    ),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_what_is_written_is_read(data: object) -> None:
    loaded = read(yaml.safe_dump({"data": data}))
    assert loaded.report == Report()
    assert loaded.data == {"data": data}
