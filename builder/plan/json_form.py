"""Which parts of a plan's nouns its JSON has: keys are only ever added, whatever becomes of fields."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any

from builder.catalog.nics import NicType
from builder.catalog.releases import PackageNames

# Metadata of a field that is no key of the JSON, and no part of a plan's id.
HIDDEN = {"json": "hidden"}
# Rows of the catalog that a plan hands on: what follows from them is in it as well.
_ROWS = (NicType, PackageNames)


@cache
def json_keys(kind: type[Any]) -> Mapping[str, str]:
    """JSON key (`device-id`) -> attribute of a plan's dataclass, in order.

    They are its fields; or what its `JSON` lists, properties among them, where the form of the
    JSON is older than that of the fields.
    """
    kinds = typing.get_type_hints(kind)
    names = getattr(kind, "JSON", None) or tuple(
        field.name
        for field in fields(kind)
        if field.metadata != HIDDEN and kinds[field.name] not in _ROWS
    )
    return {name.replace("_", "-"): name for name in names}
