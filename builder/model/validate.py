"""From loaded data to an inventory, or to everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from builder.catalog.ovs_options import OVS_OPTIONS
from builder.diagnostics import Diagnostic, KeyPath, Location, Marks, Report
from builder.inventory.construct import describe_value
from builder.inventory.loader import Loaded
from builder.inventory.scalars import is_decimal
from builder.model.access import CONFIDENTIAL_KEYS
from builder.model.base import kebab
from builder.model.hardware import HardwareClass
from builder.model.inventory import Host, Image, Inventory
from builder.model.numerals import cpus_of_mask, whole_number
from builder.model.profile import SETTINGS, Profile
from builder.model.rules import check_rules
from builder.model.schema import keys_at
from builder.model.wording import Fault, word_fault
from builder.phrases import close_match

P = TypeVar("P", HardwareClass, Profile, Host)
_MODELS: dict[str, type[HardwareClass | Profile | Host]] = {
    "hardware": HardwareClass,
    "profiles": Profile,
    "hosts": Host,
}
# Where a number that is a mask stands for CPUs nobody means.
_CPU_LISTS = ("cpus", "pmd", "housekeeping", "offline")
_KEY = "[key]"
_AT_KEY = {"extra_forbidden", "invalid_key"}


def examine(loaded: Loaded) -> tuple[Inventory | None, Report]:
    """Schema and rules, and what of the inventory can still be looked at.

    With a fault in one host, class or profile the rules still run over the others, which are
    what is returned; None where not even that much could be read.
    """
    if loaded.data is None:
        return None, loaded.report
    inventory, found = _check_schema(loaded)
    # Where the text itself is wrong, what was read from it is no second fault.
    known = {item.path for item in loaded.report.items}
    found = [item for item in found if item.path not in known]
    odd = _odd_numbers(loaded, known | {item.path for item in found})
    misread_cpus = {item.path[:2] for item in odd if item.path[-1] in _CPU_LISTS}
    usable = inventory
    if usable is None or misread_cpus:
        usable = _sound_parts(loaded.data, misread_cpus)
    # What a number is not meant to be is no second fault.
    misread = {item.path for item in odd}
    rules = check_rules(usable, loaded.marks, complete=usable is inventory)
    found += [*odd, *(item for item in rules if item.path not in misread)]
    return usable, loaded.report.plus(found)


def _check_schema(loaded: Loaded) -> tuple[Inventory | None, list[Diagnostic]]:
    try:
        return Inventory.model_validate(loaded.data), []
    except ValidationError as errors:
        details = errors.errors(include_url=False)
        return None, list(_diagnose(loaded, details))


def _diagnose(loaded: Loaded, details: Sequence[ErrorDetails]) -> Iterator[Diagnostic]:
    """One diagnostic for each error; none of the value of a key that is wrong itself."""
    wrong_keys = {find_path(d["loc"], loaded.data) for d in details if d["loc"][-1:] == (_KEY,)}
    misspelled = set(_misspelled(loaded.data, details))
    for detail in details:
        path = find_path(detail["loc"], loaded.data)
        is_key = detail["loc"][-1:] == (_KEY,)
        if (path in wrong_keys and not is_key) or (
            detail["type"] == "missing" and path in misspelled
        ):
            continue
        context = detail.get("ctx", {})
        value = detail["input"]
        if detail["type"] == "too_short" and len(value) >= context["min_length"]:
            continue  # its entries are wrong, which is said of each
        has_value = not is_key or _value_at(loaded.data, path) is not None
        source = loaded.sources.get(path)
        fault = Fault(detail["type"], path, value, context, source, is_key, has_value)
        where = _where(loaded.marks, fault)
        message, hint = word_fault(fault)
        is_secret = path[:1] == ("access",) and bool(CONFIDENTIAL_KEYS.intersection(path))
        yield Diagnostic("error", where, path, message, hint, is_secret=is_secret)


def _misspelled(data: object, details: Sequence[ErrorDetails]) -> Iterator[KeyPath]:
    """Keys that an unknown key beside them is taken for: it is said of that one."""
    for detail in details:
        if detail["type"] == "extra_forbidden":
            path = find_path(detail["loc"], data)
            close = close_match(str(path[-1]), keys_at(path[:-1]))
            if close is not None:
                yield (*path[:-1], close)


def find_path(loc: Sequence[str | int], data: object) -> KeyPath:
    """Pydantic's place of an error as a path into the file: without its names of branches."""
    path: list[str | int] = []
    node: Any = data
    for index, part in enumerate(loc):
        is_entry = isinstance(node, dict) and part in node
        is_item = isinstance(node, list) and isinstance(part, int) and part < len(node)
        if is_entry or is_item:
            node = node[part]
            path.append(part)
        elif index == len(loc) - 1 and isinstance(node, dict) and part != _KEY:
            path.append(part)  # a key that is missing
    return tuple(path)


def _where(marks: Marks, fault: Fault) -> Location:
    if fault.kind == "missing":
        parent = fault.path[:-1]
        return marks.key_at(parent) if parent else marks.values.get((), marks.value_at(()))
    if fault.is_key or fault.kind in _AT_KEY:
        return marks.key_at(fault.path)
    return marks.value_at(fault.path) if fault.path else marks.values[()]


def _odd_numbers(loaded: Loaded, known: set[KeyPath]) -> list[Diagnostic]:
    """Numbers that are not what they look like: 010 is 8 and 1:30 is 90 to YAML 1.1."""
    out = []
    for path, source in loaded.sources.items():
        value = _value_at(loaded.data, path)
        if type(value) is int and not is_decimal(value, source) and path not in known:
            message = f"YAML reads {source} as {describe_value(value)}"
            hint = _hint_on_number(loaded.data, path, source, value)
            where = loaded.marks.value_at(path)
            out.append(Diagnostic("error", where, path, message, hint))
    return out


def _hint_on_number(data: Any, path: KeyPath, source: str, value: int) -> str:
    """What to write instead: depends on what would do at `path` as a text."""
    option = OVS_OPTIONS.get(str(path[-1])) if path[-2:-1] == ("other-config",) else None
    if option is not None and option.form.kind == "mask":
        mask = source if cpus_of_mask(source) else hex(value)
        return f'write the mask in quotes: "{mask}"'
    if option is not None and (option.form.kind == "number" or not option.form.accepts(source)):
        return whole_number(source) or f"write {value}"
    model = _MODELS.get(str(path[0]))
    depth = 2 if model is not None else 0
    try:
        part = _with_text(_value_at(data, path[:depth]), path[depth:], source)
        (model or Inventory).model_validate(part)
    except ValidationError as errors:
        for detail in errors.errors(include_url=False):
            if find_path(detail["loc"], part) == path[depth:]:
                context = detail.get("ctx", {})
                fault = Fault(detail["type"], path, source, context, source)
                return word_fault(fault)[1] or f"write {value}"
    quoted = f'put it in quotes: "{source}"'
    # Of a text with a colon nobody means the number of base 60.
    return quoted if ":" in source else f"write {value}, or {quoted}"


def _with_text(data: Any, path: KeyPath, text: str) -> Any:
    """A copy of `data` with `text` at `path`."""
    if not path:
        return text
    if isinstance(data, list):
        return [_with_text(v, path[1:], text) if i == path[0] else v for i, v in enumerate(data)]
    return {k: _with_text(v, path[1:], text) if k == path[0] else v for k, v in data.items()}


def _value_at(data: Any, path: KeyPath) -> object:
    for part in path:
        data = data[part]
    return data


def _sound_parts(data: object, besides: set[KeyPath]) -> Inventory:
    """What of a faulty file the rules can still be run on; besides: parts they cannot."""
    top = data if isinstance(data, dict) else {}
    classes, policies = (
        {k: v for k, v in _entries(top.get(part)).items() if (part, k) not in besides}
        for part in ("hardware", "profiles")
    )
    hardware, profiles = _sound(HardwareClass, classes), _sound(Profile, policies)
    hosts = {
        name: host
        for name, host in _sound(Host, top.get("hosts")).items()
        if not _is_unsound(host.hardware, hardware, top.get("hardware"))
        and not _is_unsound(host.profile, profiles, top.get("profiles"))
    }
    sound = Inventory.model_construct(
        version=1,
        image=_sound_image(top.get("image")),
        hardware=hardware,
        profiles=profiles,
        hosts=hosts,
    )
    named = (_pair_of(entry) for entry in _entries(top.get("hosts")).values())
    return sound.with_pairs(p for p in named if p[0] in hardware and p[1] in profiles)


def _pair_of(entry: object) -> tuple[str, str]:
    """Hardware class and profile a host names, whatever else is wrong with it."""
    host = entry if isinstance(entry, dict) else {}
    return str(host.get("hardware")), str(host.get("profile"))


def _sound_image(entry: object) -> Image:
    """What of the image is not wrong."""
    try:
        return Image.model_validate(entry)
    except ValidationError as errors:
        wrong = _wrong_keys(errors)
        rest = {key: value for key, value in _entries(entry).items() if key not in wrong}
        return Image.model_validate({"name": "unknown", **rest})


def _sound(model: type[P], entries: object) -> dict[str, P]:
    out = {}
    for name, entry in _entries(entries).items():
        try:
            out[name] = model.model_validate(entry)
        except ValidationError as errors:
            rest = _without_settings(_entries(entry), errors) if model is Profile else None
            if rest is not None:
                out[name] = model.model_validate(rest)
    return out


def _without_settings(
    entry: dict[str, object], errors: ValidationError
) -> dict[str, object] | None:
    """A profile without what is wrong with it, where the rest means the same without it."""
    wrong = _wrong_keys(errors)
    if not entry or not wrong <= {kebab(name) for name in SETTINGS}:
        return None
    return {key: value for key, value in entry.items() if key not in wrong}


def _wrong_keys(errors: ValidationError) -> set[str | int]:
    """Of a part: the first of each error's place; empty where it is no map at all."""
    return {detail["loc"][0] for detail in errors.errors(include_url=False) if detail["loc"]}


def _entries(entries: object) -> dict[str, object]:
    return entries if isinstance(entries, dict) else {}


def _is_unsound(name: str, sound: Iterable[str], entries: object) -> bool:
    """Whether a name is of a part that is there but faulty: no second message for its users."""
    return name not in sound and (not isinstance(entries, dict) or name in entries)
