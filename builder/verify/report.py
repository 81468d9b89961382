"""The verdict as a person reads it, and as a program does."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from builder.verify.checks import CheckResult, Status

WIDTH = 110
VERSION = 1
_ORDER: tuple[Status, ...] = ("fail", "warn", "skip", "pass")
_PAST: dict[Status, str] = {
    "fail": "failed",
    "warn": "warned",
    "skip": "skipped",
    "pass": "passed",
}
# ANSI "select graphic rendition": red, yellow, cyan, green.
_COLOURS: dict[Status, int] = {"fail": 31, "warn": 33, "skip": 36, "pass": 32}
Paint = Callable[[Status], str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """All results of one boot, and what was booted.

    image: the artefact's path. seconds: from power-on to the facts; None: they are of an
    earlier boot. not_emulated: what a twin cannot show, one sentence each.
    """

    results: Sequence[CheckResult]
    plan_id: str
    image: str = ""
    image_sha256: str | None = None
    firmware: str = ""
    seconds: float | None = None
    substitutions: Mapping[str, str] = field(default_factory=dict)
    not_emulated: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        """Nothing failed; where nothing was checked, nothing has passed."""
        return bool(self.results) and all(r.status != "fail" for r in self.results)

    @property
    def exit_code(self) -> Literal[0, 1]:
        return 0 if self.passed else 1


def count(results: Iterable[CheckResult]) -> dict[Status, int]:
    """How many results have each status, worst first."""
    counts: dict[Status, int] = dict.fromkeys(_ORDER, 0)
    for result in results:
        counts[result.status] += 1
    return counts


def to_json(verdict: Verdict) -> dict[str, object]:
    """The report as data; its keys are part of the contract with scripts.

    version, verdict (pass|fail), plan-id, image, image-sha256 (or null), firmware, seconds,
    counts {status: number}, checks [{name, status, expected, found, reason, origin}],
    substitutions [{planned, twin}], not-emulated [text].
    """
    return {
        "version": VERSION,
        "verdict": _word(verdict),
        "plan-id": verdict.plan_id,
        "image": verdict.image,
        "image-sha256": verdict.image_sha256,
        "firmware": verdict.firmware,
        "seconds": verdict.seconds,
        "counts": count(verdict.results),
        "checks": [
            {
                "name": result.name,
                "status": result.status,
                "expected": result.expected,
                "found": result.found,
                "reason": result.reason,
                "origin": result.origin,
            }
            for result in verdict.results
        ],
        "substitutions": [
            {"planned": planned, "twin": twin}
            for planned, twin in sorted(verdict.substitutions.items())
        ],
        "not-emulated": list(verdict.not_emulated),
    }


def to_text(verdict: Verdict, *, verbose: bool = False, colour: bool = False) -> str:
    """A terminal page: one line a group, then all that is not a pass in full, then the verdict.

    verbose: every passed check too.
    """
    paint = _coloured if colour else _plain
    results = verdict.results
    blocks = [
        _lines(_head(verdict)),
        _lines(_group_lines(results, paint)),
        *(_lines(_full(result, paint)) for result in results if result.status in ("fail", "warn")),
        _lines(_short(result, paint) for result in results if _is_listed(result, verbose=verbose)),
        _lines(_twin(verdict)),
        f"{paint(_word(verdict))}  {_numbers(count(results)) or 'nothing was checked'}",
    ]
    return "\n\n".join(block for block in blocks if block)


def _word(verdict: Verdict) -> Literal["pass", "fail"]:
    return "pass" if verdict.passed else "fail"


def _is_listed(result: CheckResult, *, verbose: bool) -> bool:
    return result.status == "skip" or (verbose and result.status == "pass")


def _head(verdict: Verdict) -> Iterator[str]:
    """What was booted: image, plan, firmware, and how long it took."""
    yield from _wrapped("image     ", verdict.image or "unknown")
    if verdict.image_sha256:
        yield f"sha256    {verdict.image_sha256}"
    yield f"plan      {verdict.plan_id}"
    yield f"firmware  {verdict.firmware or 'unknown'}"
    boot = next((result for result in verdict.results if result.name == "boot.seconds"), None)
    if boot is not None:
        total = f", facts after {verdict.seconds:.1f} s" if verdict.seconds else ""
        yield f"boot      {boot.found} ({boot.reason}){total}"


def _group_lines(results: Sequence[CheckResult], paint: Paint) -> Iterator[str]:
    for group in dict.fromkeys(_group(result) for result in results):
        counts = count(result for result in results if _group(result) == group)
        worst = next(status for status in _ORDER if counts[status])
        # A group with something skipped and nothing wrong has passed.
        shown: Status = "pass" if worst == "skip" and counts["pass"] else worst
        yield f"{paint(shown)}  {group:<10} {_numbers(counts)}"


def _numbers(counts: Mapping[Status, int]) -> str:
    return ", ".join(f"{number} {_PAST[status]}" for status, number in counts.items() if number)


def _group(result: CheckResult) -> str:
    return result.name.partition(".")[0]


def _full(result: CheckResult, paint: Paint) -> Iterator[str]:
    yield f"{paint(result.status)}  {result.name}"
    for label in ("expected", "found", "reason", "origin"):
        text = getattr(result, label)
        if text:
            yield from _wrapped(f"      {label + ':':<10} ", text)


def _short(result: CheckResult, paint: Paint) -> str:
    """One check in a few words: why it was skipped, or what was found."""
    text = result.reason if result.status == "skip" else result.found
    # Colour codes have no width: wrap first, paint then.
    return paint(result.status) + _lines(_wrapped(f"XXXX  {result.name}: ", text, hang=6))[4:]


def _twin(verdict: Verdict) -> Iterator[str]:
    for planned, other in sorted(verdict.substitutions.items()):
        yield f"in the twin {other} stands in for {planned}"
    for item in verdict.not_emulated:
        yield from _wrapped("not emulated: ", item)


def _wrapped(label: str, text: str, hang: int | None = None) -> list[str]:
    indent = " " * (len(label) if hang is None else hang)
    # A node's text may hold anything; a terminal obeys some of it.
    text = "".join(c if c.isprintable() or c.isspace() else f"\\x{ord(c):02x}" for c in text)
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=label,
        subsequent_indent=indent,
        break_on_hyphens=False,
    ) or [label.rstrip()]


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)


def _plain(status: Status) -> str:
    return status.upper()


def _coloured(status: Status) -> str:
    return f"\x1b[{_COLOURS[status]}m{status.upper()}\x1b[0m"
