"""What is wrong with a value, in words for the person who wrote it: no sentence is pydantic's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from builder.catalog.releases import RELEASES
from builder.diagnostics import KeyPath
from builder.inventory.construct import describe_value
from builder.model.numerals import TRUTHS, whole_number
from builder.model.schema import keys_at, part_at
from builder.model.sizes import size_meant
from builder.model.values import UnfitError, WrongKindError
from builder.phrases import close_match, quote


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of the schema.

    source: the unquoted text YAML read `value` from, if any. is_key: `value` is a key; has_value:
    whether something stands behind it.
    """

    kind: str
    path: KeyPath
    value: object
    context: Mapping[str, object]
    source: str | None
    is_key: bool = False
    has_value: bool = True

    @property
    def shown(self) -> str:
        """The value as the message names it."""
        if self.source and self.source.lower() != describe_value(self.value).split()[-1]:
            return f"{self.source}, which YAML reads as {describe_value(self.value)}"
        if isinstance(self.value, str):
            return quote(self.value)
        return describe_value(self.value)


Wording = tuple[str, str | None]
COMMA_IN_BRACES = "inside { } a comma ends a value: quote a string that contains a comma"


def word_fault(fault: Fault) -> Wording:
    """Message and hint."""
    return _WORDS.get(fault.kind, _unknown_kind)(fault)


def suggest(name: object, known: Iterable[str]) -> str:
    """A hint: the name that was probably meant, else the names there are."""
    names = list(known)
    close = close_match(str(name), names)
    if close:
        return f"did you mean {close}?"
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"available: {shown}" if names else "there is none"


def _wants(wanted: str) -> Callable[[Fault], Wording]:
    return lambda fault: _wanted(fault, wanted)


def _wanted(fault: Fault, wanted: str) -> Wording:
    if fault.value is None:
        return f"this is empty, expected {wanted}", None
    return f"expected {wanted}, not {fault.shown}", None


def _wants_number(wanted: str) -> Callable[[Fault], Wording]:
    def word(fault: Fault) -> Wording:
        message, _ = _wanted(fault, wanted)
        return message, _number_meant(fault)

    return word


def _number_meant(fault: Fault) -> str | None:
    return whole_number(fault.source or (fault.value if isinstance(fault.value, str) else ""))


def _wants_truth(fault: Fault) -> Wording:
    message, _ = _wanted(fault, "true or false")
    text = str(fault.value).lower()
    meant = TRUTHS.get(text) or close_match(text, ("true", "false"))
    return message, f"write {meant}" if meant else None


def _wants_map(fault: Fault) -> Wording:
    message, _ = _wanted(fault, "a map")
    return message, _map_meant(fault.value) or (_NO_LIST if isinstance(fault.value, list) else None)


def _map_meant(value: object) -> str | None:
    """A hint on `0:4,1:4`, without the spaces that make it a map."""
    if not isinstance(value, str) or re.fullmatch(r"\d+:\w+(,\d+:\w+)*", value) is None:
        return None
    return f"write {{{value.replace(':', ': ').replace(',', ', ')}}}"


def _wants_per_node(
    wanted: str, meant: Callable[[Fault], str | None]
) -> Callable[[Fault], Wording]:
    """meant: a hint on one value for all nodes."""

    def word(fault: Fault) -> Wording:
        message, _ = _wanted(fault, wanted)
        parts = fault.value
        if isinstance(parts, list) and parts and all(isinstance(p, int | str) for p in parts):
            nodes = ", ".join(f"{node}: {part}" for node, part in enumerate(parts))
            return message, f"write {{{nodes}}}"
        return message, _map_meant(parts) or meant(fault)

    return word


_NO_LIST = 'a map is "key: value", without "- " before it or [ ] around it'


def _wants_list(fault: Fault) -> Wording:
    message, _ = _wanted(fault, "a list")
    if not isinstance(fault.value, str) or not fault.value:
        return message, None
    return message, f"write [{', '.join(fault.value.replace(',', ' ').split())}]"


def _wants_part(fault: Fault) -> Wording:
    message, _ = _wanted(fault, f"a map with the keys {', '.join(keys_at(fault.path))}")
    return message, _NO_LIST if isinstance(fault.value, list) else None


def _wants_text(fault: Fault) -> Wording:
    error = fault.context["error"]
    if isinstance(error, UnfitError):
        return str(error), error.hint
    if not isinstance(error, WrongKindError):
        return str(error), None
    message, _ = _wanted(fault, error.wanted)
    if error.hint is not None:
        return message, error.hint
    if fault.is_key and not fault.has_value and isinstance(fault.value, int):
        return message, COMMA_IN_BRACES
    text = fault.source or (str(fault.value) if isinstance(fault.value, int) else "")
    return message, error.hint_on(text)


def _missing(fault: Fault) -> Wording:
    return "this key is missing", str(part_at(fault.path)["description"])


def _extra(fault: Fault) -> Wording:
    key = fault.path[-1]
    if fault.path[0] == "access" and key in {"password", "passwd"}:
        message = "a plain-text password: the inventory and every bundle would expose it"
        return message, "password-hash: what `mkpasswd -m yescrypt` prints for it"
    if ":" in str(key):
        return "this is not a valid key", 'a space is missing after the ":"'
    if len(fault.path) == 1 and str(key).startswith("x-"):
        return (
            "unknown key",
            "there is no key for common parts: put &anchors where they are first used",
        )
    if not str(key)[:1].isalpha():
        return "this is not a valid key", COMMA_IN_BRACES
    return "unknown key", suggest(key, keys_at(fault.path[:-1]))


# What /proc/cpuinfo calls a vendor, an archive a release, and packages and uname a kernel.
_OTHER_NAMES = {
    "genuineintel": "intel",
    "authenticamd": "amd",
    "rt": "realtime",
    **{release.suite: release.id for release in RELEASES.values()},
    **{
        name: kernel.flavour
        for release in RELEASES.values()
        for kernel in reversed(release.kernels)
        for name in (kernel.package, f"linux-image-{kernel.package}")
    },
}


def _literal(fault: Fault) -> Wording:
    choices = re.findall(r"'([^']*)'", str(fault.context["expected"]))
    text = fault.source if fault.source is not None else fault.value
    if text is None or isinstance(text, list | dict):
        return _wanted(fault, " or ".join(choices))
    other = _OTHER_NAMES.get(str(text).lower())
    close = other if other in choices else close_match(str(text), choices)
    hint = f"did you mean {close}?" if close else None
    return f"{quote(str(text))} is not one of {', '.join(choices)}", hint


def _at_least(fault: Fault) -> Wording:
    least = fault.context.get("ge")
    if least is None:
        least = int(str(fault.context["gt"])) + 1
    return f"{fault.value} is too small, the minimum is {least}", None


def _at_most(fault: Fault) -> Wording:
    return f"{fault.value} is too large, the maximum is {fault.context['le']}", None


def _unknown_kind(fault: Fault) -> Wording:
    """Pydantic has some hundred kinds of error; a test proves that no other one is met."""
    return f"{fault.shown} is not allowed here", None


_WORDS: dict[str, Callable[[Fault], Wording]] = {
    "missing": _missing,
    "extra_forbidden": _extra,
    "invalid_key": _extra,
    "model_type": _wants_part,
    "dict_type": _wants_map,
    "tuple_type": _wants_list,
    "int_type": _wants_number("a whole number"),
    "bool_type": _wants_truth,
    "per_node": _wants_per_node("a number, or a map like {0: 4, 1: 4}", _number_meant),
    "per_node_memory": _wants_per_node(
        "a size like 4GiB, or a map like {0: 4GiB, 1: 2GiB}", lambda fault: size_meant(fault.value)
    ),
    "literal_error": _literal,
    "greater_than": _at_least,
    "greater_than_equal": _at_least,
    "less_than_equal": _at_most,
    "too_short": lambda _: ("this is empty: at least one entry is required", None),
    "value_error": _wants_text,
}
