"""What most rules look at: a hardware class together with a profile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from builder.diagnostics import KeyPath
from builder.model.hardware import HardwareClass
from builder.model.inventory import Inventory
from builder.model.profile import Profile


@dataclass(frozen=True, slots=True)
class Pair:
    """A hardware class with a profile some host uses it with."""

    class_name: str
    hardware: HardwareClass
    profile_name: str
    profile: Profile

    @property
    def class_path(self) -> KeyPath:
        return ("hardware", self.class_name)

    @property
    def path(self) -> KeyPath:
        return ("profiles", self.profile_name)


def pairs(inventory: Inventory) -> Iterator[Pair]:
    """Each combination in use, once, in the order of the hosts."""
    for class_name, profile_name in inventory.used_pairs:
        hardware = inventory.hardware.get(class_name)
        profile = inventory.profiles.get(profile_name)
        if hardware is not None and profile is not None:
            yield Pair(class_name, hardware, profile_name, profile)
