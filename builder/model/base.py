"""What every part of an inventory has in common: kebab-case keys, frozen, nothing unknown."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


def kebab(name: str) -> str:
    """Python attribute -> YAML key."""
    return name.replace("_", "-")


class Part(BaseModel):
    """Base of the inventory's parts."""

    model_config = ConfigDict(
        alias_generator=kebab,
        extra="forbid",
        frozen=True,
        populate_by_name=False,
    )
