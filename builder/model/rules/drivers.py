"""Rules on NIC drivers: max_vfs, which means another thing to each build of a driver."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from builder.diagnostics import Diagnostic, KeyPath, Marks
from builder.model.hardware import Nic
from builder.model.inventory import Inventory
from builder.model.profile import NicDriver
from builder.model.rules.findings import Pair, at, error, pairs, warning
from builder.model.sriov import SriovPolicy
from builder.model.values import count_text
from builder.model.wording import suggest

# module_param(max_vfs, ...): drivers/net/ethernet/intel/{igb,ixgbe}. No other driver has it.
WITH_MAX_VFS = ("igb", "ixgbe")
USERSPACE = ("vfio-pci", "igb_uio", "uio_pci_generic")


@dataclass(frozen=True, slots=True)
class UsedDriver:
    """Settings of a driver, the ports it drives and the policies for them, by place."""

    pair: Pair
    name: str
    settings: NicDriver
    nics: tuple[Nic, ...]
    policies: tuple[tuple[int, SriovPolicy], ...]

    @property
    def path(self) -> KeyPath:
        return (*self.pair.path, "drivers", self.name)

    @property
    def option_path(self) -> KeyPath:
        return (*self.path, "options", "max_vfs")

    @property
    def is_in_tree(self) -> bool:
        return self.settings.flavour == "in-tree"

    @property
    def makes_vfs(self) -> bool:
        return self.settings.vf_mode == "module-parameter"

    @property
    def max_vfs(self) -> str | None:
        value = self.settings.options.get("max_vfs")
        return None if value is None else str(value)


def _drivers(inventory: Inventory) -> Iterator[UsedDriver]:
    for pair in pairs(inventory):
        for name, settings in pair.profile.drivers.items():
            nics = tuple(nic for nic in pair.hardware.nics if nic.driver == name)
            names = {nic.name for nic in nics}
            policies = tuple(
                (index, policy)
                for index, policy in enumerate(pair.profile.sriov)
                if policy.pf in names
            )
            yield UsedDriver(pair, name, settings, nics, policies)


def check_driver_used(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for driver in _drivers(inventory):
        if not driver.nics and driver.name not in USERSPACE:
            names = dict.fromkeys(nic.driver for nic in driver.pair.hardware.nics)
            message = f"no NIC of hardware class {driver.pair.class_name} has this driver"
            yield warning(marks, driver.path, message, suggest(driver.name, names), at_key=True)


def check_has_max_vfs(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for driver in _drivers(inventory):
        if driver.name in WITH_MAX_VFS or driver.name in USERSPACE:
            continue
        message = f"{driver.name} has no parameter max_vfs (igb and ixgbe have)"
        if driver.makes_vfs:
            yield error(marks, (*driver.path, "vf-mode"), message, "vf-mode: sysfs")
        if driver.max_vfs is not None:
            hint = "remove it: vf-mode sysfs makes the VFs of num-vfs"
            yield error(marks, driver.option_path, message, hint, at_key=True)


def check_max_vfs_form(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """In-tree: module_param(max_vfs, uint, 0). Found by trying: modprobe says
    "`2,2' invalid for parameter `max_vfs'" and the driver does not load.
    """
    for driver in _drivers(inventory):
        value = driver.max_vfs
        if driver.name not in WITH_MAX_VFS or value is None:
            continue
        parts = value.split(",")
        if not all(part.isdigit() for part in parts):
            yield error(marks, driver.option_path, f"{value} is not a number of VFs")
        elif len(parts) > 1 and driver.is_in_tree:
            message = (
                f"max_vfs={value}: the in-tree {driver.name} takes one unsigned integer, with a "
                "list it refuses to load, and its ports are gone"
            )
            hint = (
                f"max_vfs: {parts[0]} (for every port), or vf-mode: sysfs and num-vfs for each "
                f"PF; Intel's own build takes a list: flavour: out-of-tree"
            )
            yield error(marks, driver.option_path, message, hint)


def check_max_vfs_limit(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for driver in _drivers(inventory):
        capable = [nic.model for nic in driver.nics if nic.model.total_vfs]
        if driver.name not in WITH_MAX_VFS or not capable:
            continue
        least = min(capable, key=lambda kind: kind.total_vfs)
        numbers = [int(part) for part in (driver.max_vfs or "").split(",") if part.isdigit()]
        if numbers and max(numbers) > least.total_vfs:
            message = (
                f"max_vfs={driver.max_vfs}: a port of {least.name} has at most "
                f"{count_text(least.total_vfs, 'VF')}, with more the driver makes none"
            )
            yield error(marks, driver.option_path, message)


def check_max_vfs_once(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for driver in _drivers(inventory):
        if driver.max_vfs is not None and driver.makes_vfs:
            message = (
                "max_vfs follows from num-vfs already: vf-mode is module-parameter "
                f"({at(marks, (*driver.path, 'vf-mode'))})"
            )
            yield error(marks, driver.option_path, message, "remove it", at_key=True)


def check_max_vfs_agrees(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """ixgbe_sriov.c, ixgbe_enable_sriov(): VFs that are there when it loads are kept; a
    second number is refused with EBUSY.
    """
    for driver in _drivers(inventory):
        value = driver.max_vfs
        if driver.makes_vfs or value is None or not value.isdigit():
            continue
        for index, policy in driver.policies:
            if policy.num_vfs != int(value):
                path = (*driver.pair.path, "sriov", index, "num-vfs")
                message = (
                    f"{driver.name} makes {value} VFs on {policy.pf} when it loads "
                    f"(max_vfs={value}), num-vfs is {policy.num_vfs}: {at(marks, path)}"
                )
                yield error(marks, driver.option_path, message, "remove max_vfs")


def check_one_number(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for driver in _drivers(inventory):
        if not (driver.makes_vfs and driver.is_in_tree and driver.policies):
            continue
        first_index, first = driver.policies[0]
        for index, policy in driver.policies[1:]:
            if policy.num_vfs != first.num_vfs:
                other = at(marks, (*driver.pair.path, "sriov", first_index, "num-vfs"))
                message = (
                    f"{policy.pf} is to have {count_text(policy.num_vfs, 'VF')} and {first.pf} "
                    f"{first.num_vfs} ({other}), but max_vfs of the in-tree {driver.name} is one "
                    "number for all its ports"
                )
                path = (*driver.pair.path, "sriov", index, "num-vfs")
                yield error(marks, path, message, "take one number, or vf-mode: sysfs")


def check_other_ports(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """A max_vfs of one number is for every port the driver finds."""
    for driver in _drivers(inventory):
        value = driver.max_vfs or ""
        is_one_number = value.isdigit() and int(value) > 0
        in_tree_mode = driver.makes_vfs and driver.is_in_tree and driver.policies
        if driver.name not in WITH_MAX_VFS or not (is_one_number or in_tree_mode):
            continue
        with_policy = {policy.pf for _, policy in driver.policies}
        others = [
            nic.name for nic in driver.nics if nic.name not in with_policy and nic.model.total_vfs
        ]
        if others:
            path = driver.option_path if is_one_number else (*driver.path, "vf-mode")
            message = (
                f"max_vfs is for every port of {driver.name}: {', '.join(others)} would get VFs "
                "too, without a policy"
            )
            yield error(marks, path, message, "vf-mode: sysfs makes VFs on the PFs of sriov only")
