"""The reference page of the inventory's keys, from its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

_INTRO = """\
# Inventory keys

<!-- Made from builder/model by `python -m builder.model.schema --write`. -->

One YAML file describes the image, the hardware classes, the profiles and the hosts.
Any other key is an error. Editors can check a file against `schema/inventory.json`.
Quote MAC addresses, PCI addresses and CPU lists: YAML reads some of them as numbers.
"""


def reference_page(schema: Schema) -> str:
    """Markdown: one section a part, in the order they are met from the top."""
    sections = [_INTRO]
    for title, part in _parts(schema):
        sections.append(_section(title, part))
    return "\n".join(sections)


def _parts(schema: Schema) -> Iterator[tuple[str, Schema]]:
    queue: list[tuple[str, Schema]] = [("The file", schema)]
    seen: set[str] = set()
    while queue:
        title, part = queue.pop(0)
        yield title, part
        for key, child in part["properties"].items():
            suffix, name = _part_below(child)
            if name is None or name in seen:
                continue
            seen.add(name)
            prefix = "" if title == "The file" else title.strip("`") + "."
            queue.append((f"`{prefix}{key}{suffix}`", schema["$defs"][name]))


def _part_below(node: Schema) -> tuple[str, str | None]:
    """How a key's value leads to another part: itself, by name, or as an item."""
    if "$ref" in node:
        return "", str(node["$ref"]).rsplit("/", 1)[1]
    for child in node.get("patternProperties", {}).values():
        suffix, name = _part_below(child)
        return f".<name>{suffix}", name
    if isinstance(node.get("items"), dict):
        suffix, name = _part_below(node["items"])
        return f"[]{suffix}", name
    options = [option for option in node.get("anyOf", ()) if option.get("type") != "null"]
    return _part_below(options[0]) if options else ("", None)


def _section(title: str, part: Schema) -> str:
    needed = part.get("required", ())
    lines = [
        f"## {title}",
        "",
        part["description"],
        "",
        "| key | value | default | meaning |",
        "|---|---|---|---|",
    ]
    for key, node in part["properties"].items():
        default = "**required**" if key in needed else _default(node)
        about = node["description"].replace("|", "\\|")
        lines.append(f"| `{key}` | {_kind(node)} | {default} | {about}{_example(node)} |")
    return "\n".join([*lines, ""])


def _default(node: Schema) -> str:
    value = node.get("default")
    return "" if value in (None, "", [], {}) or isinstance(value, dict) else f"`{_text(value)}`"


def _kind(node: Schema) -> str:
    options = [*node.get("anyOf", ()), *node.get("oneOf", ())]
    if options:
        return " or ".join(_kind(option) for option in options if option.get("type") != "null")
    if "enum" in node or "const" in node:
        return " \\| ".join(f"`{value}`" for value in node.get("enum", [node.get("const")]))
    if "$ref" in node:
        return "map"
    kind = node["type"]
    if kind == "array":
        return f"list of {_kind(node['items'])}"
    if kind == "object":
        inner = [_kind(child) for child in node.get("patternProperties", {}).values()]
        return f"map of {inner[0]}" if inner else "map"
    return _scalar(node, kind)


def _scalar(node: Schema, kind: str | list[str]) -> str:
    names = {"string": "text", "integer": "number", "boolean": "true, false"}
    kinds = " or ".join(names[one] for one in ([kind] if isinstance(kind, str) else kind))
    least = node.get("minimum", node.get("exclusiveMinimum", -1) + 1)
    if kind != "integer" or ("minimum" not in node and "exclusiveMinimum" not in node):
        return kinds
    return f"{kinds} {least}-{node['maximum']}" if "maximum" in node else f"{kinds} from {least}"


def _example(node: Schema) -> str:
    options = [node, *node.get("anyOf", ()), node.get("items", {})]
    found = next((one["examples"] for one in options if one.get("examples")), ())
    shown = ", ".join(f"`{_text(value)}`" for value in found)
    return f", for example {shown}" if shown else ""


def _text(value: object) -> str:
    """A value as it may stand in the file; map keys of numbers need no quotes in YAML."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_text(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)
