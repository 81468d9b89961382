"""The inventory's JSON Schema and reference page, both made from the model.

`python -m builder.model.schema --write` writes them; a test compares.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

from builder.diagnostics import KeyPath
from builder.model.inventory import Inventory
from builder.model.reference import reference_page
from builder.model.sizes import format_mib

Schema = dict[str, Any]


@cache
def inventory_schema() -> Schema:
    """JSON Schema (2020-12) of an inventory."""
    schema = Inventory.model_json_schema(by_alias=True)
    _tidy(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "rackwright inventory",
        **{key: value for key, value in schema.items() if key != "title"},
    }


def _tidy(node: object) -> None:
    """Drop pydantic's titles; names that do not match a map's pattern are not allowed; a default
    of memory is written as an inventory has it.
    """
    if isinstance(node, list):
        for item in node:
            _tidy(item)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("title"), str):
        del node["title"]
    if "patternProperties" in node:
        node["additionalProperties"] = False
    if node.get("type") == "string" and type(node.get("default")) is int:
        node["default"] = format_mib(node["default"])
    for value in node.values():
        _tidy(value)


def part_at(path: KeyPath) -> Schema:
    """Schema of what belongs at `path`, or {} where nothing does."""
    node = resolve(inventory_schema())
    for key in path:
        node = _child(node, key)
    return node


def keys_at(path: KeyPath) -> tuple[str, ...]:
    """The keys a map at `path` may have; () where it is a map of names."""
    return tuple(part_at(path).get("properties", {}))


def resolve(node: Schema) -> Schema:
    """`node` without reference and without the alternative null."""
    if "$ref" in node:
        name = str(node["$ref"]).rsplit("/", 1)[1]
        definition: Schema = inventory_schema()["$defs"][name]
        return {**definition, **{k: v for k, v in node.items() if k != "$ref"}}
    for option in [*node.get("anyOf", ()), *node.get("oneOf", ())]:
        if "$ref" in option or option.get("type") in ("object", "array"):
            about = {key: node[key] for key in ("description",) if key in node}
            return {**resolve(option), **about}
    return node


def _child(node: Schema, key: str | int) -> Schema:
    if key in node.get("properties", {}):
        return resolve(node["properties"][key])
    for child in node.get("patternProperties", {}).values():
        return resolve(child)
    return resolve(node.get("items", {})) if isinstance(key, int) else {}


def schema_text() -> str:
    """schema/inventory.json, byte for byte."""
    return json.dumps(inventory_schema(), indent=2, ensure_ascii=False) + "\n"


def reference_text() -> str:
    """docs/reference/inventory.md, byte for byte."""
    return reference_page(inventory_schema())


def main(argv: list[str]) -> int:
    """Write both files below the directory the program is started in."""
    if argv != ["--write"]:
        sys.stderr.write("usage: python -m builder.model.schema --write\n")
        return 2
    for name, text in (
        ("schema/inventory.json", schema_text()),
        ("docs/reference/inventory.md", reference_text()),
    ):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
