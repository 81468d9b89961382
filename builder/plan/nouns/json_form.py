"""Which parts of a plan's nouns its JSON has: keys are only ever added, whatever becomes of fields."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from typing import Any

from builder.catalog.releases import PackageNames

# Metadata of a field: it is no key of the JSON, and no part of a plan's id; or its parts stand in
# the JSON in its own place.
HIDDEN = {"json": "hidden"}
INLINE = {"json": "inline"}


@cache
def json_keys(kind: type[Any]) -> Mapping[str, str]:
    """JSON key (`device-id`) -> attribute (`device_id`, `settings.mac`) of a dataclass, in order.

    They are its fields; or what its `JSON` lists, properties among them, where the form of the
    JSON is older than that of the fields.
    """
    paths = getattr(kind, "JSON", None) or _paths(kind)
    return {path.rpartition(".")[2].replace("_", "-"): path for path in paths}


def _paths(kind: type[Any]) -> Iterator[str]:
    # What follows from a release's names of packages is in the plan's packages.
    kinds = typing.get_type_hints(kind)
    for field in fields(kind):
        if field.metadata == INLINE:
            yield from (f"{field.name}.{path}" for path in _paths(kinds[field.name]))
        elif field.metadata != HIDDEN and kinds[field.name] is not PackageNames:
            yield field.name
