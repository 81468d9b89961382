"""Why a derived value is what it is, and the inventory lines it rests on."""

from __future__ import annotations

from dataclasses import dataclass

from builder.diagnostics import KeyPath, Location, format_path


@dataclass(frozen=True, slots=True)
class Origin:
    """The inventory key a value rests on, and where it stands (or would stand) in the file."""

    path: KeyPath
    where: Location


@dataclass(frozen=True, slots=True)
class Why:
    """Why a value is what it is, in one sentence, and the inventory keys it rests on.

    For people alone: nothing is decided by it.
    """

    reason: str
    origins: tuple[Origin, ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """`inventory.yaml:27 profiles.nfv.hugepages.count`, for each key it rests on."""
        texts = (
            f"{origin.where.file}:{origin.where.line} {format_path(origin.path)}".rstrip()
            for origin in self.origins
        )
        return tuple(dict.fromkeys(texts))
