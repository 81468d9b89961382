"""What a change of a file needs of a running node, from nothing to a new image, and how it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# From the weakest to the strongest: a host needs the strongest of all its changes.
Level = Literal["nothing", "restart", "reboot", "image"]
LEVELS: tuple[Level, ...] = ("nothing", "restart", "reboot", "image")


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change needs on a node that has the new files.

    command: what to run for it; before a reboot, what the reboot alone would not do.
    """

    level: Level
    reason: str
    command: str | None = None


def nothing(reason: str) -> Effect:
    return Effect("nothing", reason)


def restart(command: str, reason: str) -> Effect:
    return Effect("restart", reason, command)


def reboot(reason: str, command: str | None = None) -> Effect:
    return Effect("reboot", reason, command)
