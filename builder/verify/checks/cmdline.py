"""The kernel command line: every planned word, in order, and no word nobody planned."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from builder.render import cmdline as rendered_cmdline
from builder.verify.checks.case import (
    NONE,
    NOT_REPORTED,
    Case,
    CheckResult,
    answer,
    compare,
    no_extra,
)

# The boot loader's own: GRUB sets BOOT_IMAGE, root= and ro come from its configuration.
LOADER_NAMES = frozenset({"BOOT_IMAGE", "root", "ro"})


def check_cmdline(case: Case) -> Iterator[CheckResult]:
    """Order matters: `hugepages=` counts pages of the `hugepagesz=` before it.

    Source: Documentation/admin-guide/kernel-parameters.txt (hugepages).
    """
    reported = case.facts.cmdline is not None
    actual = split_words(case.facts.cmdline or "")
    planned = [str(arg) for arg in case.image.kernel_args]
    yield from _planned_words(case, actual)
    yield from _console(case, actual)
    wanted = [*planned, *_only_rendered(case)]
    yield _order(planned, actual, reported=reported)
    yield no_extra("cmdline.repeated", _repeated(wanted, actual), "words", reported=reported)
    yield no_extra("cmdline.extra", _extra(wanted, actual), "words", reported=reported)


def split_words(line: str) -> list[str]:
    """Words of /proc/cmdline; double quotes keep blanks together (lib/cmdline.c next_arg)."""
    return re.findall(r'(?:"[^"]*"|[^\s"])+', line)


def _planned_words(case: Case, actual: Sequence[str]) -> Iterator[CheckResult]:
    """One result per argument; the second `hugepages` is `cmdline.hugepages.2`."""
    seen: Counter[str] = Counter()
    for arg in case.image.kernel_args:
        seen[arg.name] += 1
        number = seen[arg.name]
        suffix = f".{number}" if number > 1 else ""
        name = f"cmdline.{arg.name}{suffix}"
        found = None if case.facts.cmdline is None else _nth(actual, arg.name, number)
        yield compare(name, str(arg), found, arg.why)


def _console(case: Case, actual: Sequence[str]) -> Iterator[CheckResult]:
    """Words the boot configuration has besides the plan's arguments: the consoles."""
    extra = _only_rendered(case)
    names = {_name(word) for word in extra}
    found = " ".join(word for word in actual if _name(word) in names) or NONE
    if extra:
        reported = None if case.facts.cmdline is None else found
        yield compare("cmdline.console", " ".join(extra), reported)


def _only_rendered(case: Case) -> list[str]:
    planned = Counter(str(arg) for arg in case.image.kernel_args)
    rendered = Counter(rendered_cmdline(case.image))
    return list((rendered - planned).elements())


def _nth(words: Sequence[str], name: str, number: int) -> str:
    matches = [word for word in words if _name(word) == name]
    return matches[number - 1] if len(matches) >= number else "missing"


def _order(planned: Sequence[str], actual: Sequence[str], *, reported: bool) -> CheckResult:
    name, expected = "cmdline.order", "as planned"
    if not reported:
        return answer("fail", name, expected, NOT_REPORTED)
    found = [word for word in actual if word in planned]
    present = Counter(found)
    wanted = [word for word in planned if present[word]]
    for want, have in zip(wanted, found, strict=False):
        if want != have:
            return answer("fail", name, expected, f"{have} instead of {want}")
    return answer("pass", name, expected, expected)


def _repeated(wanted: Sequence[str], actual: Sequence[str]) -> list[str]:
    """Words of a name given more often than planned: of most, the kernel takes the last."""
    allowed = Counter(_name(word) for word in wanted)
    given = Counter(_name(word) for word in actual)
    return [word for word in actual if 0 < allowed[_name(word)] < given[_name(word)]]


def _extra(wanted: Sequence[str], actual: Sequence[str]) -> list[str]:
    names = {_name(word) for word in wanted} | LOADER_NAMES
    return [word for word in actual if _name(word) not in names]


def _name(word: str) -> str:
    return word.partition("=")[0]
