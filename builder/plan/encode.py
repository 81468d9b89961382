"""A plan as plain data: with its reasons for people and programs, without them for its id."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from functools import cache
from operator import attrgetter
from typing import Any

from builder.diagnostics import format_path
from builder.model.values import CpuSet, PciAddress
from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan
from builder.plan.nouns.json_form import json_keys
from builder.plan.nouns.why import Origin, Why

# Keys that are no part of what a plan does.
_NO_PART = ("why", "plan-id")
Json = None | bool | int | str | list["Json"] | dict[str, "Json"]


def plan_data(value: object, *, reasons: bool) -> Json:
    """Plan value -> JSON data: kebab-case keys, CPU sets and PCI addresses as text.

    reasons: with every `why`, and with plan ids; without, what is left is the plan alone.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, CpuSet | PciAddress):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plan_data(item, reasons=reasons) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plan_data(item, reasons=reasons) for item in value]
    return _encode_dataclass(value, reasons=reasons)


def _encode_dataclass(value: object, *, reasons: bool) -> Json:
    if isinstance(value, Why) and not reasons:
        return None
    if isinstance(value, Origin):
        place = value.where
        return {"key": format_path(value.path), "file": place.file, "line": place.line}
    kind: Any = type(value)
    return {
        key: plan_data(read(value), reasons=reasons)
        for key, read in _readers(kind).items()
        if reasons or key not in _NO_PART
    }


@cache
def _readers(kind: type[Any]) -> Mapping[str, Callable[[Any], object]]:
    """JSON key -> what reads its value off a noun of the plan."""
    if not is_dataclass(kind):
        raise TypeError(f"no JSON form for {kind.__name__}")
    return {key: attrgetter(path) for key, path in json_keys(kind).items()}


def plan_id(plan: ImagePlan | HostPlan) -> str:
    """sha256 (hex) of a plan's canonical JSON: no ids, no reasons, no places in files.

    In a host's, its image stands by its own id: ten thousand hosts of one image would else
    encode it ten thousand times.
    """
    if isinstance(plan, HostPlan):
        readers = _readers(HostPlan).items()
        own = {key: read(plan) for key, read in readers if key not in _NO_PART}
        data = plan_data({**own, "image": plan.image.plan_id}, reasons=False)
    else:
        data = plan_data(plan, reasons=False)
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
