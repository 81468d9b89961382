"""What an image plan is derived from, and the way back from a value to the inventory's lines."""

from __future__ import annotations

from dataclasses import dataclass

from builder.catalog.releases import OsRelease
from builder.diagnostics import KeyPath, Marks
from builder.model.hardware import HardwareClass, Nic
from builder.model.inventory import Inventory
from builder.model.pages import PagesWanted, cpu_nodes, pages_wanted
from builder.model.ports import DpdkPort
from builder.model.profile import Profile
from builder.plan.nouns.why import Origin, Why


@dataclass(frozen=True, slots=True)
class Inputs:
    """One hardware class with one profile on one release."""

    inventory: Inventory
    marks: Marks
    hardware_name: str
    profile_name: str
    release: OsRelease

    @property
    def hardware(self) -> HardwareClass:
        return self.inventory.hardware[self.hardware_name]

    @property
    def profile(self) -> Profile:
        return self.inventory.profiles[self.profile_name]

    @property
    def pages(self) -> PagesWanted:
        return pages_wanted(self.profile.hugepages)

    @property
    def cpu_nodes(self) -> tuple[int, ...]:
        """NUMA nodes with CPUs that stay online."""
        return cpu_nodes(self.hardware, self.profile)

    def hardware_key(self, *keys: str | int) -> KeyPath:
        """`hardware.<class>.<keys>`"""
        return ("hardware", self.hardware_name, *keys)

    def profile_key(self, *keys: str | int) -> KeyPath:
        """`profiles.<profile>.<keys>`"""
        return ("profiles", self.profile_name, *keys)

    def nic_key(self, nic: Nic, *keys: str | int) -> KeyPath:
        """`hardware.<class>.nics[<its place>].<keys>`"""
        return self.hardware_key("nics", self.hardware.nics.index(nic), *keys)

    def port_key(self, port: DpdkPort, *keys: str) -> KeyPath:
        """`profiles.<profile>.ovs.bridges.<bridge>.ports.<port>.<keys>`"""
        return self.profile_key(*port.path, *keys)

    def device_key(self, port: DpdkPort) -> KeyPath:
        """The port's key that says which device it is."""
        return self.profile_key(*port.device_path)

    def why(self, reason: str, *paths: KeyPath) -> Why:
        """A reason with the places of the keys it rests on."""
        return Why(reason, tuple(origin(self.marks, path) for path in paths))


def origin(marks: Marks, path: KeyPath) -> Origin:
    """The key at `path`, at its place in the file: of a key left out, where it would stand."""
    return Origin(path, marks.key_at(path))
