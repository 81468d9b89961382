"""From nodes to plain data, with a mark for every key path and every fault at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from builder.diagnostics import Diagnostic, KeyPath, Location
from builder.inventory.nodes import Mapping, Node, Scalar, Sequence
from builder.inventory.scalars import CORE, is_decimal, read_scalar
from builder.inventory.syntax import FORBIDDEN

MERGE = "<<"
_TAGS = {
    Scalar: {None, "!", *(CORE + name for name in ("str", "int", "float", "bool", "null"))},
    Sequence: {None, "!", CORE + "seq"},
    Mapping: {None, "!", CORE + "map"},
}
Key = str | int


@dataclass(slots=True)
class Construction:
    """The data of one file, its marks, and what is wrong with it.

    sources: what stands in the file where an unquoted text was read as something else.
    """

    data: object = None
    keys: dict[KeyPath, Location] = field(default_factory=dict)
    values: dict[KeyPath, Location] = field(default_factory=dict)
    sources: dict[KeyPath, str] = field(default_factory=dict)
    faults: list[Diagnostic] = field(default_factory=list)

    def complain(
        self, where: Location, path: KeyPath, message: str, hint: str | None = None
    ) -> None:
        self.faults.append(Diagnostic("error", where, path, message, hint, "yaml"))


def construct(root: Node) -> Construction:
    """Plain data (dict, list, str, int, float, bool, None) of a document."""
    made = Construction()
    made.data = _value(made, root, ())
    return made


def _value(made: Construction, node: Node, path: KeyPath) -> object:
    made.values[path] = node.where
    if node.tag not in _TAGS[type(node)]:
        tag = FORBIDDEN.sub("?", str(node.tag).replace(CORE, "!!"))
        made.complain(node.where, path, f"the tag {tag} is not allowed in an inventory")
    match node:
        case Scalar():
            return _scalar(made, node, path)
        case Sequence():
            return _sequence(made, node, path)
        case Mapping():
            return _mapping(made, node, path)


def _scalar(made: Construction, node: Scalar, path: KeyPath) -> object:
    try:
        reading = read_scalar(node)
    except ValueError as fault:
        made.complain(node.where, path, str(fault))
        return None
    if not reading.is_text:
        made.sources[path] = node.text
    return reading.value


def _sequence(made: Construction, node: Sequence, path: KeyPath) -> list[object]:
    items = []
    for index, item in enumerate(node.items):
        made.keys[(*path, index)] = item.where
        items.append(_value(made, item, (*path, index)))
    return items


def _mapping(made: Construction, node: Mapping, path: KeyPath) -> dict[Key, object]:
    out: dict[Key, object] = {}
    seen: dict[str, Location] = {}
    for key_node, value in node.pairs:
        if _is_merge(key_node):
            continue
        key = _key(made, key_node, path, value)
        if key is None:
            continue
        first = seen.setdefault(str(key), key_node.where)
        if first is not key_node.where:
            message = f"duplicate key; the first is at {first}"
            made.complain(key_node.where, (*path, key), message, "keep one of the two")
            continue
        made.keys[(*path, key)] = key_node.where
        out[key] = _value(made, value, (*path, key))
    for key_node, value in _merged(made, node, path):
        key = _key(made, key_node, path, value)
        if key is not None and str(key) not in seen:
            seen[str(key)] = key_node.where
            made.keys[(*path, key)] = key_node.where
            out[key] = _value(made, value, (*path, key))
    return out


def _is_merge(node: Node) -> bool:
    return isinstance(node, Scalar) and node.plain and node.text == MERGE


def _merged(made: Construction, node: Mapping, path: KeyPath) -> Iterator[tuple[Node, Node]]:
    """What `<<` brings in: yaml.org/type/merge.html; an earlier map wins over a later one."""
    for key_node, value in node.pairs:
        if not _is_merge(key_node):
            continue
        for source in value.items if isinstance(value, Sequence) else [value]:
            if isinstance(source, Mapping):
                yield from _merge_pairs(made, source, path)
            else:
                message = "<< requires a map or a list of maps"
                made.complain(value.where, path, message, "for example <<: *defaults")


def _merge_pairs(made: Construction, node: Mapping, path: KeyPath) -> Iterator[tuple[Node, Node]]:
    yield from (pair for pair in node.pairs if not _is_merge(pair[0]))
    yield from _merged(made, node, path)


def _key(made: Construction, node: Node, path: KeyPath, value: Node) -> Key | None:
    if not isinstance(node, Scalar):
        kind = "list" if isinstance(node, Sequence) else "map"
        hint = "quote a string that begins with { or ["
        made.complain(node.where, path, f"a key must be a string, this one is a {kind}", hint)
        return None
    if FORBIDDEN.search(node.text):
        made.complain(node.where, path, "a key contains a control character")
        return None
    try:
        reading = read_scalar(node)
    except ValueError as fault:
        made.complain(node.where, path, f"a key must be a string: {fault}")
        return None
    if reading.is_text and node.text:
        return node.text
    if is_decimal(reading.value, node.text):
        return int(node.text)
    _complain_of_key(made, node, path, reading.value, value)
    return node.text or None


def _complain_of_key(
    made: Construction, node: Scalar, path: KeyPath, read: object, value: Node
) -> None:
    if not node.text:
        made.complain(node.where, path, "a key is empty", 'write "key: value"')
        return
    message = f"YAML reads the key {node.text} as {describe_value(read)}"
    hint = f'put it in quotes: "{node.text}"'
    key, colon, rest = node.text.partition(":")
    # Base 60 to YAML 1.1, and nothing follows.
    if colon and key.isdigit() and isinstance(value, Scalar) and not value.text:
        hint = f'put a space after the ":": {key}: {rest}'
    made.complain(node.where, (*path, node.text), message, hint)


def describe_value(value: object) -> str:
    """What a value is to YAML, in words."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case list():
            return "a list"
    return "a map"
