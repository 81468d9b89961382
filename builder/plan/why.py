"""Why a derived value is what it is, and the inventory lines it rests on."""

from __future__ import annotations

from dataclasses import dataclass

from builder.diagnostics import KeyPath, Location


@dataclass(frozen=True, slots=True)
class Origin:
    """The inventory key a value rests on, and where it stands (or would stand) in the file."""

    path: KeyPath
    where: Location


@dataclass(frozen=True, slots=True)
class Why:
    """Why a value is what it is, in one sentence, and the inventory keys it rests on."""

    reason: str
    origins: tuple[Origin, ...] = ()
