"""YAML as cloud-init's reader takes it: block style for people, no text that could be anything else.

PyYAML reads YAML 1.1, where 0644 is a number, 52:54:00:12:34:56 another, and NEL a line end
(yaml.org/spec/1.1). So every text is in double quotes, or, if it has lines, a block of them
with its indentation given; what neither can hold as it is, is escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeGuard

from builder.yaml_text import UNSAFE, quoted

# No text may stand without quotes; a key may, when it can be nothing but a text to YAML 1.1.
_PLAIN_KEY = re.compile(r"(?!(?:y|n|yes|no|on|off|true|false|null)\Z)[a-z][a-z0-9_-]*", re.ASCII)
_BLOCK = re.compile(f"[^{UNSAFE}]*\n[^{UNSAFE}]*")

Value = object


def document(value: Mapping[str, Value]) -> str:
    """`value` in block style, keys in their order; ends in a line end."""
    return "\n".join(_mapping(value, 0)) + "\n"


def items(values: Sequence[Mapping[str, Value]], indent: int) -> str:
    """The entries of a list of maps, each begun by `- ` at column `indent`."""
    return "".join(f"{line}\n" for value in values for line in _item(value, indent))


def _mapping(value: Mapping[str, Value], indent: int) -> Iterator[str]:
    pad = " " * indent
    for key, item in value.items():
        name = key if _PLAIN_KEY.fullmatch(key) else quoted(key)
        if isinstance(item, Mapping) and item:
            yield f"{pad}{name}:"
            yield from _mapping(item, indent + 2)
        elif _is_list_of_maps(item):
            yield f"{pad}{name}:"
            for entry in item:
                yield from _item(entry, indent + 2)
        elif isinstance(item, str) and _is_block(item):
            yield f"{pad}{name}: |2{_chomping(item)}"
            yield from _lines(item, indent + 2)
        else:
            yield f"{pad}{name}: {_flow(item)}"


def _item(value: Mapping[str, Value], indent: int) -> Iterator[str]:
    first, *rest = _mapping(value, indent + 2)
    yield f"{' ' * indent}- {first[indent + 2 :]}"
    yield from rest


def _flow(value: Value) -> str:
    """A value on one line: what JSON has, YAML has too."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{quoted(key)}: {_flow(item)}" for key, item in value.items())
        return f"{{{inner}}}"
    if isinstance(value, Sequence):
        return f"[{', '.join(_flow(item) for item in value)}]"
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    raise TypeError(f"no YAML form for {type(value).__name__}")


def _is_list_of_maps(value: Value) -> TypeGuard[Sequence[Mapping[str, Value]]]:
    """Whether it has entries, each a map with something in it."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return False
    return bool(value) and all(isinstance(item, Mapping) and item for item in value)


def _is_block(text: str) -> bool:
    """Whether a block scalar keeps `text`: it has lines, the last of them with something on it."""
    return _BLOCK.fullmatch(text) is not None and text.rstrip("\n")[-1:] not in {"", " ", "\t"}


def _chomping(text: str) -> str:
    if not text.endswith("\n"):
        return "-"
    return "+" if text.endswith("\n\n") else ""


def _lines(text: str, indent: int) -> Iterator[str]:
    pad = " " * indent
    for line in text.removesuffix("\n").split("\n"):
        yield f"{pad}{line}" if line else ""
