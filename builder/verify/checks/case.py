"""What a check is given, what it answers, and the few ways answers are worded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from builder.model.values import CpuSet
from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan
from builder.plan.nouns.kernel import KernelArg
from builder.plan.nouns.why import Why
from builder.render.tree import FileTree
from builder.verify.facts import Facts

Status = Literal["pass", "fail", "warn", "skip"]
NOT_REPORTED = "not reported"
NOT_PLANNED = "not in the plan"
NONE = "none"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One value of the plan against what the node says.

    name: stable and dotted, its first part is the group. expected, found: as people read
    them. origin: `file:line key` of the inventory keys the value rests on, or "".
    """

    name: str
    status: Status
    expected: str
    found: str
    reason: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """The two sides to compare.

    substitutions: device id of the class -> id of its stand-in. firmware: what the user asked
    the machine to boot with (bios, uefi, uefi-secure-boot); None: nothing, so it is not checked.
    """

    image: ImagePlan
    host: HostPlan | None
    tree: FileTree
    facts: Facts
    substitutions: Mapping[str, str] = field(default_factory=dict)
    firmware: str | None = None

    def kernel_args(self, name: str) -> tuple[KernelArg, ...]:
        """The planned kernel arguments of that name, in order."""
        return tuple(arg for arg in self.image.kernel_args if arg.name == name)

    def kernel_arg(self, name: str) -> KernelArg | None:
        """The planned kernel argument of that name; of several the last, as the kernel has it."""
        return next(reversed(self.kernel_args(name)), None)


Check = Callable[[Case], Iterator[CheckResult]]


def compare(
    name: str, expected: str, found: str | None, why: Why | None = None, note: str = ""
) -> CheckResult:
    """Pass when both texts are the same; a value the node did not report fails.

    note: what the reader must know besides the plan's reason, as a stand-in device.
    """
    status: Status = "pass" if found == expected else "fail"
    return answer(status, name, expected, NOT_REPORTED if found is None else found, why, note)


def answer(
    status: Status, name: str, expected: str, found: str, why: Why | None = None, note: str = ""
) -> CheckResult:
    """A result with the plan's reason and origin."""
    reason = "; ".join(text for text in (note, why.reason if why else "") if text)
    return CheckResult(name, status, expected, found, reason, origin_of(why))


def skip(name: str, expected: str, reason: str, why: Why | None = None) -> CheckResult:
    """A value that cannot be seen on this machine, and why not."""
    return CheckResult(name, "skip", expected, "not checked", reason, origin_of(why))


def origin_of(why: Why | None) -> str:
    """`inventory.yaml:41 profiles.nfv.hugepages`, for each key the value rests on."""
    return "; ".join(why.places if why else ())


def no_extra(
    name: str, extra: Iterable[str], subject: str, *, reported: bool = True
) -> CheckResult:
    """Pass when nothing was found that the plan does not name. subject: plural noun."""
    found = ", ".join(extra) or NONE
    status: Status = "pass" if found == NONE and reported else "fail"
    note = f"{subject} {NOT_PLANNED}" if found != NONE else ""
    return answer(status, name, NONE, found if reported else NOT_REPORTED, note=note)


def cpus_text(text: str | None) -> str | None:
    """A CPU list in one spelling. The kernel shows an empty set as nothing or `(null)`."""
    if text is None:
        return None
    if text.strip() in ("", "(null)"):
        return NONE
    try:
        return str(CpuSet.parse(text.strip()))
    except ValueError:
        return text


def format_cpus(cpus: CpuSet) -> str:
    return str(cpus) or NONE


def yes_no(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"


def text_of(value: int | None) -> str | None:
    return None if value is None else str(value)


def listed(items: Iterable[str]) -> str:
    return ", ".join(items) or NONE
