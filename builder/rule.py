"""A rule in one row beside its check, what it finds, and where in the file that is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from builder.diagnostics import Diagnostic, KeyPath, Location, Marks, Severity, format_path

# either: an error where the node would not work, a warning where it works and is not meant.
Weight = Literal["error", "warning", "either"]
# Stands in a message or hint for the place that `see` names. No text of an inventory has a NUL.
SEE = "\0"
Checked = TypeVar("Checked")
Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault at a key of the inventory; where in the file that is, `diagnose` looks up.

    see: the other place of a conflict, told where SEE stands. at_key: shown at the key itself,
    not at its value. severity: which of the two it is, of a rule that is `either`.
    is_secret: what stands there must not be repeated.
    """

    key: KeyPath
    message: str
    hint: str | None = None
    see: KeyPath | None = None
    at_key: bool = False
    severity: Severity = "error"
    is_secret: bool = False

    def __post_init__(self) -> None:
        if (SEE in self.message + (self.hint or "")) != (self.see is not None):
            raise ValueError(f"SEE stands for `see`, neither goes alone: {self}")


@dataclass(frozen=True, slots=True)
class Rule(Generic[Checked]):
    """One thing that is wanted of an inventory, or of a plan.

    name: stable, `check --json` tells it. about: what is wanted, in one sentence, for the
    reference. whole_file: over the sound half of a faulty file it would say what is not so.
    """

    name: str
    weight: Weight
    about: str
    check: Callable[[Checked], Iterable[Finding]]
    whole_file: bool = False


def each(
    parts: Callable[[Checked], Iterable[Part]], check: Callable[[Part], Iterable[Finding]]
) -> Callable[[Checked], Iterator[Finding]]:
    """The check of a whole that looks at each of its parts."""
    return lambda subject: (finding for part in parts(subject) for finding in check(part))


def diagnose(
    rules: Iterable[Rule[Checked]], subject: Checked, marks: Marks
) -> Iterator[Diagnostic]:
    """Everything the rules find, each with its place in the file and the name of its rule."""
    for rule in rules:
        for finding in rule.check(subject):
            yield _placed(rule, finding, marks)


def _placed(rule: Rule[Checked], finding: Finding, marks: Marks) -> Diagnostic:
    message, hint = finding.message, finding.hint
    if finding.see is not None:
        # `hardware.a.nics[0].pci, inventory.yaml:9:14`
        other = f"{format_path(finding.see)}, {marks.key_at(finding.see)}"
        message, hint = message.replace(SEE, other), hint and hint.replace(SEE, other)
    severity = finding.severity if rule.weight == "either" else rule.weight
    where = _where(finding, marks)
    return Diagnostic(
        severity, where, finding.key, message, hint, rule.name, is_secret=finding.is_secret
    )


def _where(finding: Finding, marks: Marks) -> Location:
    # A key that is not in the file (a default) is shown at the key of what is there of it.
    if finding.at_key or finding.key not in marks.values:
        return marks.key_at(finding.key)
    return marks.value_at(finding.key)
