"""Whatever a value holds, YAML's readers give it back: nothing is injected, nothing lost."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from builder.targets.cloud_init.text import document, items
from builder.yaml_text import quoted

CHARACTERS = st.characters(blacklist_categories=["Cs"])
HOSTILE = " \t\n\r:#-|>'\"{}[]%$&*!?\\\x85\x7f\xa0\u2028\ufeffa0"
TEXT = st.text(CHARACTERS) | st.text(st.sampled_from(HOSTILE))
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=12,
)


@given(st.dictionaries(TEXT, VALUE, min_size=1))
@example({"a": "0644", "b": "52:54:00:12:34:56", "c": "on", "d": "08", "e": "12:30:00", "f": "~"})
@example({"y": 1, "off": 2, "null": 3, "010": 4, "": 5, "a b": 6, "#": 7})
@example({"a": "#cloud-config\nruncmd: [reboot]\n", "b": "{{ ds.x }}\n{% raw %}", "c": "\n\n"})
@example({"a": [{"b": "x\n\n\n", "c": " x\ny"}, {"b": "\n x\n  "}], "d": ["\U0001f600", "\x85"]})
def test_every_value_comes_back(value: dict[str, object]) -> None:
    text = document(value)
    assert yaml.safe_load(text) == value
    assert yaml.load(text, yaml.CSafeLoader) == value


@given(st.lists(st.dictionaries(TEXT, TEXT, min_size=1), min_size=1))
def test_entries_of_a_list_come_back(values: list[dict[str, str]]) -> None:
    assert yaml.safe_load(f"a:\n{items(values, 2)}") == {"a": values}


def test_people_can_read_it() -> None:
    value = {
        "hostname": "on",
        "users": [{"name": "admin", "groups": ["adm", "0"]}],
        "write_files": [
            {"path": "/etc/a", "permissions": "0644", "content": "one\n  two\n\nend\n"}
        ],
        "power_state": {"delay": "now", "timeout": 120, "condition": True, "message": None},
    }
    assert document(value) == (
        'hostname: "on"\n'
        "users:\n"
        '  - name: "admin"\n'
        '    groups: ["adm", "0"]\n'
        "write_files:\n"
        '  - path: "/etc/a"\n'
        '    permissions: "0644"\n'
        "    content: |2\n"
        "      one\n"
        "        two\n"
        "\n"
        "      end\n"
        "power_state:\n"
        '  delay: "now"\n'
        "  timeout: 120\n"
        "  condition: true\n"
        "  message: null\n"
    )


def test_what_yaml_would_change_is_escaped() -> None:
    assert quoted("a\u2028b\x85\x7fö\U0001f600") == '"a\\u2028b\\u0085\\u007fö\U0001f600"'


def test_refuses_what_has_no_form() -> None:
    with pytest.raises(TypeError, match="no YAML form for float"):
        document({"a": 1.5})
