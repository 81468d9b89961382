"""What a comparison of machine and inventory found, as a person reads it, and as a program does."""

from __future__ import annotations

from collections.abc import Sequence

from builder.diagnostics import format_path
from builder.discover.compare import Difference
from builder.phrases import count_text


def to_text(differences: Sequence[Difference], class_name: str, host: str | None) -> str:
    """One line each, and a last one with the count."""
    count = sum(not item.is_note for item in differences)
    what = f"{class_name}, host {host}" if host is not None else class_name
    said = count_text(count, "difference") if count else "the machine is as the inventory says"
    return "\n".join([*map(str, differences), f"{what}: {said}"])


def to_json(differences: Sequence[Difference]) -> list[dict[str, object]]:
    return [
        {
            "kind": "note" if item.is_note else "difference",
            "file": item.where.file,
            "line": item.where.line,
            "column": item.where.column,
            "path": format_path(item.path),
            "inventory": item.inventory,
            "machine": item.machine,
        }
        for item in differences
    ]
