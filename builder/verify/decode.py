"""Builds dataclasses from the JSON a node sends: wrong types are refused, gaps become None."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")

_WORDS: dict[type, str] = {str: "text", bool: "true or false", int: "a number", float: "a number"}


class WrongType(Exception):
    """A value is not of the type the document promises. Says where."""


def decode_record(kind: type[T], value: object, path: str) -> T:
    """A dataclass from a JSON object; null gives the record with nothing in it.

    Keys are the field names with `-` for `_`. Keys we do not know are left alone: a newer
    node may say more.
    """
    if value is None:
        return kind()
    if not isinstance(value, Mapping):
        raise WrongType(f"{path or 'document'} is {_word_of(value)}, not an object")
    hints = get_type_hints(kind)
    known: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type] # T is a dataclass: see is_dataclass below
        key = field.name.replace("_", "-")
        if key in value:
            known[field.name] = _decode(hints[field.name], value[key], _join(path, key))
    return kind(**known)


def _decode(hint: Any, value: object, path: str) -> object:
    if get_origin(hint) is UnionType:
        if value is None:
            return None
        (hint,) = (part for part in get_args(hint) if part is not NoneType)
    if is_dataclass(hint) and isinstance(hint, type):
        return decode_record(hint, value, path)
    origin = get_origin(hint)
    if origin is tuple:
        return _decode_list(get_args(hint)[0], value, path)
    if origin is Mapping:
        return _decode_object(get_args(hint)[1], value, path)
    return _decode_leaf(hint, value, path)


def _decode_list(hint: Any, value: object, path: str) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise WrongType(f"{path} is {_word_of(value)}, not a list")
    return tuple(_decode(hint, item, f"{path}[{at}]") for at, item in enumerate(value))


def _decode_object(hint: Any, value: object, path: str) -> dict[str, object]:
    if not isinstance(value, Mapping):
        raise WrongType(f"{path} is {_word_of(value)}, not an object")
    return {key: _decode(hint, item, _join(path, key)) for key, item in value.items()}


def _decode_leaf(hint: type, value: object, path: str) -> object:
    accepted: tuple[type, ...] = (int, float) if hint is float else (hint,)
    # JSON true is an int to Python; it is never a count.
    if not isinstance(value, accepted) or (isinstance(value, bool) and hint is not bool):
        raise WrongType(f"{path} is {_word_of(value)}, not {_WORDS[hint]}")
    return value


def _word_of(value: object) -> str:
    """The value as JSON has it, or what kind of thing it is."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    return json.dumps(value, ensure_ascii=False)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
