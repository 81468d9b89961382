"""The sections of docs/reference/plan-json.md: a class of the plan each, read off the classes."""

from __future__ import annotations

import ast
import inspect
import types
import typing
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any

from builder.catalog.versions import DpdkVersion, Version
from builder.model.values import CpuSet, PciAddress
from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.json_form import json_keys
from builder.plan.nouns.why import Why


def plan_sections() -> Iterator[str]:
    """Lines: of each class its title, what it is, and a table of its keys."""
    for part in _parts():
        yield from ("", f"## {_title(part)}", "", _about(part), "", *_keys(part))


def _parts() -> list[type[Any]]:
    """The plan's classes, in the order they are met from the top."""
    found: list[type[Any]] = [HostPlan]
    for part in found:
        for kind in _kinds(part).values():
            found += [one for one in _classes(kind) if one not in found]
    return found


def _kinds(part: type) -> dict[str, Any]:
    """JSON key -> type of the field or property it is."""
    return {key: _kind_at(part, path.split(".")) for key, path in json_keys(part).items()}


def _kind_at(part: type, path: list[str]) -> Any:
    own = getattr(part, path[0], None)
    if isinstance(own, property):
        return typing.get_type_hints(own.fget)["return"]
    kind = typing.get_type_hints(part)[path[0]]
    return _kind_at(kind, path[1:]) if path[1:] else kind


def _classes(kind: Any) -> Iterator[type[Any]]:
    told_elsewhere = (CpuSet, PciAddress, Why)
    if isinstance(kind, type) and is_dataclass(kind) and kind not in told_elsewhere:
        yield kind
    for inner in typing.get_args(kind):
        yield from _classes(inner)


def _title(part: type[Any]) -> str:
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in part.__name__)
    return words.strip().capitalize()


def _about(part: type[Any]) -> str:
    return " ".join((inspect.getdoc(part) or "").split())


def _keys(part: type) -> Iterator[str]:
    """A table of a class's keys, with a column for their comments where there are any."""
    comments = {key: _comment_at(part, path.split(".")) for key, path in json_keys(part).items()}
    yield "| key | value | meaning |" if any(comments.values()) else "| key | value |"
    yield "|---|---|---|" if any(comments.values()) else "|---|---|"
    for key, kind in _kinds(part).items():
        cells = [f"`{key}`", _kind(kind)]
        if any(comments.values()):
            cells.append(comments[key].replace("|", "\\|"))
        yield f"| {' | '.join(cells)} |"


def _comment_at(part: type, path: list[str]) -> str:
    if path[1:]:
        return _comment_at(typing.get_type_hints(part)[path[0]], path[1:])
    return _comments(part).get(path[0], "")


def _comments(part: type[Any]) -> dict[str, str]:
    """The comment above each field."""
    source = inspect.getsource(part)
    lines, found = source.splitlines(), {}
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.ClassDef)
    for node in definition.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            above: list[str] = []
            for line in reversed(lines[: node.lineno - 1]):
                if not line.strip().startswith("#"):
                    break
                above.insert(0, line.strip(" #"))
            found[node.target.id] = " ".join(above)
    return found


def _kind(kind: Any) -> str:
    """A type as JSON has it."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return " or ".join("null" if one is type(None) else _kind(one) for one in inner)
    if origin is typing.Literal:
        return ", ".join(f"`{one}`" for one in inner)
    if origin is tuple:
        return f"list of {_kind(inner[0])}"
    if origin is not None:
        return f"map of {_kind(inner[1])}"
    names = {
        str: "text",
        int: "number",
        bool: "true, false",
        CpuSet: "text",
        PciAddress: "text",
        Version: "list of number",
        DpdkVersion: "list of number",
    }
    if kind in names:
        return names[kind]
    title = _title(kind)
    return f"[{title.lower()}](#{title.lower().replace(' ', '-')})"
