"""What YAML 1.1 makes of an unquoted text: number, truth, nothing, or the text itself.

Source: yaml.org/type/{int,float,bool,null}.html, as PyYAML resolves them. Dates and `=` stay
text: no key of an inventory takes a date.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from builder.inventory.nodes import Scalar

CORE = "tag:yaml.org,2002:"
# What JSON and every parser of it can hold.
MAX_INT = 2**63 - 1
TOO_LARGE = "this number is too large: more than 64 bits"

_RESOLVER: Any = Resolver()
_READERS: dict[str, Any] = {
    CORE + "int": SafeConstructor.construct_yaml_int,
    CORE + "float": SafeConstructor.construct_yaml_float,
    CORE + "bool": SafeConstructor.construct_yaml_bool,
}
_CONSTRUCTOR = SafeConstructor()

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Reading:
    """A scalar's value, and whether it is the text itself."""

    value: Value
    is_text: bool


def read_scalar(node: Scalar) -> Reading:
    """Value of a scalar; raises ValueError with the message."""
    tag = _tag_of(node)
    if tag == CORE + "null":
        return Reading(None, is_text=False)
    reader = _READERS.get(tag)
    if reader is None:
        return Reading(node.text, is_text=True)
    if len(node.text) > 64:
        raise ValueError(TOO_LARGE)
    try:
        value = reader(_CONSTRUCTOR, yaml.ScalarNode(tag, node.text))
    except (ValueError, KeyError, IndexError):
        # What looks like a number and is none (0x_) is a text to every reader but PyYAML.
        if node.plain:
            return Reading(node.text, is_text=True)
        raise ValueError("this value does not match its tag") from None
    if isinstance(value, int) and abs(value) > MAX_INT:
        raise ValueError(TOO_LARGE)
    return Reading(value, is_text=False)


def is_decimal(value: object, text: str) -> bool:
    """Whether a number is written as people write it: not 010 (octal 8) or 1:30 (90)."""
    return type(value) is int and str(value) == text


def _tag_of(node: Scalar) -> str:
    if node.plain:
        return str(_RESOLVER.resolve(yaml.ScalarNode, node.text, (True, False)))
    return node.tag if node.tag not in (None, "!") else CORE + "str"
