"""The syntaxes values land in: each has one function that prints a value inertly or refuses it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from builder.diagnostics import format_path
from builder.errors import BuilderError
from builder.plan.nouns.why import Why
from builder.yaml_text import comment_lines

# What may stand in each kind of place, as a whole. Anything a reader of that place gives a
# meaning of its own (quotes, `$`, `%`, backslash, white space, line ends) is left out.
_ALLOWED: dict[str, tuple[str, str]] = {
    "kernel_word": (r"[A-Za-z0-9_./-]+(=[A-Za-z0-9_.,:;@/+*%=!-]*)?", "a kernel argument"),
    "module": (r"[A-Za-z0-9_-]+", "a kernel module name"),
    "module_option": (r"[A-Za-z0-9_]+", "a module parameter name"),
    "module_value": (r"[A-Za-z0-9_.,:+-]+", "a module parameter value"),
    "sysctl_key": (r"[a-z0-9_]+(\.[A-Za-z0-9_/-]+)+", "a sysctl key"),
    # sysctl.d(5) knows neither quotes nor specifiers: the rest of the line is the value.
    "sysctl_value": (r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?", "a sysctl value"),
    "interface": (r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}", "an interface name"),
    "pci": (r"[0-9a-f]{4}:[0-9a-f]{2}:[0-1][0-9a-f]\.[0-7]", "a PCI address"),
    "cpus": (r"\d+(-\d+)?(,\d+(-\d+)?)*", "a CPU list"),
    "mtu": (r"[1-9]\d{1,4}", "an MTU"),
    "number": (r"\d{1,9}", "a number"),
    "page_size": (r"\d+[MG]", "a hugepage size"),
    "mount_point": (r"(/[A-Za-z0-9_.]+)+", "a mount point"),
    "hostname": (r"[a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?", "a host name"),
    "address": (r"[0-9a-f.:]+", "an address"),
    "user": (r"[a-z_][a-z0-9_-]{0,31}", "a user name"),
    "package": (r"[a-z0-9][a-z0-9+.-]*", "the name of a package, or how it begins"),
    # os-release(5) allows IMAGE_ID= and IMAGE_VERSION= these characters.
    "image_word": (r"[a-z0-9._-]+", "an image name or version"),
}

# Characters GRUB gives a meaning outside quotes (GRUB manual, "Quoting" and "Wildcards").
_GRUB_SPECIAL = re.compile(r"[;*!]")


def _only(pattern: str, kind: str) -> Callable[[object], str]:
    allowed = re.compile(pattern, re.ASCII)

    def check(value: object) -> str:
        text = str(value)
        if allowed.fullmatch(text) is None:
            raise BuilderError(f"{text!r} cannot be written as {kind}", hint=f"allowed: {pattern}")
        return text

    return check


TEXT_CHECKS: dict[str, Callable[[object], str]] = {
    name: _only(pattern, kind) for name, (pattern, kind) in _ALLOWED.items()
}
kernel_word = TEXT_CHECKS["kernel_word"]
interface = TEXT_CHECKS["interface"]
module = TEXT_CHECKS["module"]
user = TEXT_CHECKS["user"]


def grub_words(words: tuple[str, ...]) -> str:
    """Kernel words for a double-quoted shell string that grub-mkconfig copies into grub.cfg.

    `kernel_word` leaves nothing the shell would expand; what GRUB would is in single quotes.
    """
    checked = [kernel_word(word) for word in words]
    return " ".join(f"'{word}'" if _GRUB_SPECIAL.search(word) else word for word in checked)


def yaml(value: object) -> str:
    """A YAML flow value: JSON is a subset of YAML, and its strings need no further quoting."""
    return json.dumps(list(value) if isinstance(value, tuple) else value)


yaml_key = _only(r"[a-z][a-z0-9-]*", "a key of YAML")


def comment(text: str, indent: int = 0) -> str:
    """`text` as `#` lines."""
    return "\n".join(comment_lines(text, indent))


def reason(why: Why, indent: int = 0) -> str:
    """Why a value is so, with the inventory keys it rests on.

    Keys, not lines: a comment added to the inventory must not change a node's files.
    """
    keys = ", ".join(dict.fromkeys(format_path(origin.path) for origin in why.origins))
    return comment(f"{why.reason} [{keys}]" if keys else why.reason, indent)


def named_reason(why: Why, name: str) -> str:
    """`reason` of one value among several on a line, so with its name before it."""
    return reason(Why(f"{name}: {why.reason}", why.origins))


# What a template may print a value through; it may print nothing else.
FILTERS: dict[str, Callable[..., str]] = {
    **TEXT_CHECKS,
    "comment": comment,
    "grub_words": grub_words,
    "named_reason": named_reason,
    "reason": reason,
    "yaml": yaml,
    "yaml_key": yaml_key,
}


def escape_path(path: str) -> str:
    """A path as a unit name, as `systemd-escape --path` does it (systemd.unit(5))."""
    inner = "/".join(part for part in path.split("/") if part)
    if not inner:
        return "-"
    out = []
    for position, char in enumerate(inner):
        if char == "/":
            out.append("-")
        elif re.match(r"[A-Za-z0-9:_]", char) or (char == "." and position > 0):
            out.append(char)
        else:
            out += [f"\\x{byte:02x}" for byte in char.encode()]
    return "".join(out)
