"""What sets a kernel up: its command line, modules and their options, sysctl."""

from __future__ import annotations

from dataclasses import dataclass, field

from builder.diagnostics import KeyPath
from builder.plan.nouns.json_form import HIDDEN
from builder.plan.nouns.why import Why


@dataclass(frozen=True, slots=True)
class KernelArg:
    """One word of the kernel command line. Order is part of the plan."""

    name: str
    value: str | None
    why: Why
    # Where the inventory itself has the word; None: it is derived.
    own_key: KeyPath | None = field(default=None, metadata=HIDDEN)

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}={self.value}"


@dataclass(frozen=True, slots=True)
class Module:
    """A kernel module the node loads at boot (modules-load.d)."""

    name: str
    why: Why


@dataclass(frozen=True, slots=True)
class ModuleOption:
    """`options module name=value` in modprobe.d/<module>.conf."""

    module: str
    name: str
    value: str
    why: Why


@dataclass(frozen=True, slots=True)
class SysctlSetting:
    """One key of sysctl.d, in dotted form."""

    key: str
    value: str
    why: Why
    # Where the inventory itself has it; None: it is derived.
    own_key: KeyPath | None = field(default=None, metadata=HIDDEN)
