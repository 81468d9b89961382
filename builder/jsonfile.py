"""Our own JSON documents as values: dataclasses whose keys are their field names with `-` for `_`."""

from __future__ import annotations

import json
from typing import Any, ClassVar, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

T = TypeVar("T")

_adapters: dict[type[Any], TypeAdapter[Any]] = {}

# By pydantic's name of the fault. Of a value that is none of a Literal it tells the list itself.
_WANTED = {
    "bool_type": "true or false",
    "dataclass_type": "an object",
    "dict_type": "an object",
    "finite_number": "a finite number",
    "float_type": "a number",
    "int_type": "a number",
    "string_type": "text",
    "tuple_type": "a list",
}


def _key(field: str) -> str:
    return field.replace("_", "-")


class JsonRecord:
    """Base of a dataclass that stands for a JSON object.

    Values have the types of their fields, without conversion. Keys it does not have are
    left alone: a newer program may write more.
    """

    __slots__ = ()
    __pydantic_config__: ClassVar = ConfigDict(
        strict=True, extra="ignore", allow_inf_nan=False, alias_generator=_key
    )


class JsonFault(ValueError):
    """What is wrong with a document, and where: `numa[1].node is "1", not a number`."""


def decode(kind: type[T], text: bytes) -> T:
    """The document `text` as a `kind`; raises JsonFault for the first thing that is not."""
    try:
        return _adapter(kind).validate_json(text)
    except ValidationError as fault:
        raise JsonFault(_text(fault.errors(include_url=False)[0])) from None


def encode(value: object) -> Any:
    """`value` in the types json.dumps takes, with the keys `decode` reads."""
    return _adapter(type(value)).dump_python(value, mode="json", by_alias=True)


def _adapter(kind: type[T]) -> TypeAdapter[T]:
    """Made when its kind is first asked for, and kept: that takes longer than to read a document."""
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def _text(fault: ErrorDetails) -> str:
    where = ""
    for part in fault["loc"]:
        where += f"[{part}]" if isinstance(part, int) else f".{part}" if where else part
    if fault["type"] == "missing":
        return f"{where} is missing"
    if fault["type"] == "json_invalid":
        return f"it is not valid JSON: {fault['ctx']['error']}"
    what = f"{where or 'document'} is {_shown(fault['input'])}"
    wanted = _WANTED.get(fault["type"]) or fault.get("ctx", {}).get("expected")
    return f"{what}, not {wanted}" if wanted else f"{what}: {fault['msg']}"


def _shown(value: object) -> str:
    """The value as JSON has it, or what kind of thing it is."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    return json.dumps(value, ensure_ascii=False)
