"""Rules on NIC drivers: max_vfs, which means another thing to each build of a driver."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.catalog.kernel_words import option_of
from builder.catalog.modules import is_vfio, module_name
from builder.catalog.port_drivers import PORT_DRIVERS, port_driver
from builder.diagnostics import KeyPath
from builder.model.hardware import Nic
from builder.model.inventory import Inventory
from builder.model.profile import NicDriver, Profile
from builder.model.rules.pairs import Pair, pairs
from builder.model.sriov import SriovPolicy
from builder.model.wording import suggest
from builder.model.words import Option, options_of, words_of
from builder.phrases import all_names, count_text
from builder.rule import SEE, Finding, Rule, each


@dataclass(frozen=True, slots=True)
class UsedDriver:
    """Settings of a driver, the ports it drives and the policies for them, by place."""

    pair: Pair
    name: str
    settings: NicDriver
    nics: tuple[Nic, ...]
    policies: tuple[tuple[int, SriovPolicy], ...]
    # max_vfs as the inventory has it, under options or as a kernel argument.
    given: Option | None

    @property
    def path(self) -> KeyPath:
        return (*self.pair.path, "drivers", self.name)

    @property
    def option_path(self) -> KeyPath:
        return (*self.pair.path, *self.given.path) if self.given is not None else self.path

    @property
    def is_in_tree(self) -> bool:
        return self.settings.flavour == "in-tree"

    @property
    def makes_vfs(self) -> bool:
        return self.settings.vf_mode == "module-parameter"

    @property
    def max_vfs(self) -> str | None:
        return None if self.given is None else self.given.value


def _drivers(inventory: Inventory) -> Iterator[UsedDriver]:
    for pair in pairs(inventory):
        listed = pair.profile.drivers
        # A driver may have no settings but those of kernel arguments.
        names = {module_name(nic.driver): nic.driver for nic in pair.hardware.nics}
        names |= {name: name for name in _in_words(pair.profile) if name not in names}
        for module, name in {**names, **{module_name(name): name for name in listed}}.items():
            nics = tuple(n for n in pair.hardware.nics if module_name(n.driver) == module)
            ports = {nic.name for nic in nics}
            policies = tuple(
                (index, policy)
                for index, policy in enumerate(pair.profile.sriov)
                if policy.pf in ports
            )
            given = [o for o in options_of(pair.profile, name) if o.name == "max_vfs"]
            settings = listed.get(name, NicDriver())
            yield UsedDriver(pair, name, settings, nics, policies, given[-1] if given else None)


def _in_words(profile: Profile) -> Iterator[str]:
    """Drivers of ports that kernel arguments have `max_vfs` of."""
    options = (option_of(word) for _, word in words_of(profile))
    for module, parameter, _ in filter(None, options):
        if parameter == "max_vfs" and port_driver(module).is_known:
            yield module


def check_driver_used(driver: UsedDriver) -> Iterator[Finding]:
    known = map(module_name, (*DPDK_DRIVERS, *(nic.driver for nic in driver.nics)))
    if module_name(driver.name) not in known and not is_vfio(driver.name):
        names = dict.fromkeys(nic.driver for nic in driver.pair.hardware.nics)
        message = f"no NIC of hardware class {driver.pair.class_name} has this driver"
        is_listed = driver.name in driver.pair.profile.drivers
        path = driver.path if is_listed else driver.option_path
        yield Finding(path, message, suggest(driver.name, names), at_key=True)


def check_has_max_vfs(driver: UsedDriver) -> Iterator[Finding]:
    if port_driver(driver.name).max_vfs or driver.name in DPDK_DRIVERS:
        return
    having = " and ".join(name for name, known in PORT_DRIVERS.items() if known.max_vfs)
    message = f"{driver.name} has no parameter max_vfs (only {having} have it)"
    if driver.makes_vfs:
        yield Finding((*driver.path, "vf-mode"), message, "vf-mode: sysfs")
    if driver.max_vfs is not None:
        hint = "remove it: with vf-mode sysfs, num-vfs creates the VFs"
        yield Finding(driver.option_path, message, hint, at_key=True)


def check_max_vfs_form(driver: UsedDriver) -> Iterator[Finding]:
    """In-tree: module_param(max_vfs, uint, 0). Found by trying: modprobe says
    "`2,2' invalid for parameter `max_vfs'" and the driver does not load.
    """
    value = driver.max_vfs
    if not port_driver(driver.name).max_vfs or value is None:
        return
    parts = value.split(",")
    if not all(part.isdigit() for part in parts):
        yield Finding(driver.option_path, f"{value} is not a number of VFs")
    elif len(parts) > 1 and driver.is_in_tree:
        message = (
            f"max_vfs={value}: the in-tree {driver.name} accepts one unsigned integer; with a "
            "list it does not load, and its ports are missing"
        )
        hint = (
            f"use max_vfs: {parts[0]} (for every port), or vf-mode: sysfs and num-vfs for each "
            "PF; Intel's own build accepts a list: flavour: out-of-tree"
        )
        yield Finding(driver.option_path, message, hint)


def check_max_vfs_limit(driver: UsedDriver) -> Iterator[Finding]:
    capable = [nic.model for nic in driver.nics if nic.model.total_vfs]
    if not port_driver(driver.name).max_vfs or not capable:
        return
    least = min(capable, key=lambda kind: kind.total_vfs)
    numbers = [int(part) for part in (driver.max_vfs or "").split(",") if part.isdigit()]
    if numbers and max(numbers) > least.total_vfs:
        message = (
            f"max_vfs={driver.max_vfs}: a port of {least.name} has at most "
            f"{count_text(least.total_vfs, 'VF')}, with more the driver creates none"
        )
        yield Finding(driver.option_path, message)


def check_max_vfs_once(driver: UsedDriver) -> Iterator[Finding]:
    if driver.max_vfs is not None and driver.makes_vfs:
        message = f"max_vfs is already derived from num-vfs: vf-mode is module-parameter ({SEE})"
        yield Finding(
            driver.option_path, message, "remove it", at_key=True, see=(*driver.path, "vf-mode")
        )


def check_max_vfs_agrees(driver: UsedDriver) -> Iterator[Finding]:
    """ixgbe_sriov.c, ixgbe_enable_sriov(): VFs that are there when it loads are kept; a
    second number is refused with EBUSY.
    """
    value = driver.max_vfs
    if driver.makes_vfs or value is None or not value.isdigit():
        return
    for index, policy in driver.policies:
        if policy.num_vfs != int(value):
            path = (*driver.pair.path, "sriov", index, "num-vfs")
            message = (
                f"{driver.name} creates {value} VFs on {policy.pf} when it loads "
                f"(max_vfs={value}), but num-vfs is {policy.num_vfs}: {SEE}"
            )
            yield Finding(driver.option_path, message, "remove max_vfs", see=path)


def check_one_number(driver: UsedDriver) -> Iterator[Finding]:
    if not (driver.makes_vfs and driver.is_in_tree and driver.policies):
        return
    first_index, first = driver.policies[0]
    for index, policy in driver.policies[1:]:
        if policy.num_vfs != first.num_vfs:
            other = (*driver.pair.path, "sriov", first_index, "num-vfs")
            message = (
                f"{policy.pf} has {count_text(policy.num_vfs, 'VF')} and {first.pf} has "
                f"{first.num_vfs} ({SEE}), but max_vfs of the in-tree {driver.name} is one "
                "number for all its ports"
            )
            path = (*driver.pair.path, "sriov", index, "num-vfs")
            yield Finding(path, message, "use one number, or vf-mode: sysfs", see=other)


def check_other_ports(driver: UsedDriver) -> Iterator[Finding]:
    """A max_vfs of one number is for every port the driver finds."""
    value = driver.max_vfs or ""
    is_one_number = value.isdigit() and int(value) > 0
    in_tree_mode = driver.makes_vfs and driver.is_in_tree and driver.policies
    if not port_driver(driver.name).max_vfs or not (is_one_number or in_tree_mode):
        return
    with_policy = {policy.pf for _, policy in driver.policies}
    others = [
        nic.name for nic in driver.nics if nic.name not in with_policy and nic.model.total_vfs
    ]
    if others:
        path = driver.option_path if is_one_number else (*driver.path, "vf-mode")
        message = (
            f"max_vfs applies to every port of {driver.name}: {all_names(others)} would get VFs "
            "without having a policy"
        )
        yield Finding(path, message, "vf-mode: sysfs creates VFs only on the PFs in sriov")


RULES: tuple[Rule[Inventory], ...] = (
    Rule(
        "driver-used",
        "warning",
        "A driver with options is the driver of a NIC.",
        each(_drivers, check_driver_used),
    ),
    Rule(
        "driver-has-max-vfs",
        "error",
        "`vf-mode: module-parameter` is used only for drivers that have `max_vfs`.",
        each(_drivers, check_has_max_vfs),
    ),
    Rule(
        "driver-max-vfs-form",
        "error",
        "`max_vfs` has the form that the driver accepts: one number, or a list.",
        each(_drivers, check_max_vfs_form),
    ),
    Rule(
        "driver-max-vfs-limit",
        "error",
        "`max_vfs` does not exceed the limit of the device.",
        each(_drivers, check_max_vfs_limit),
    ),
    Rule(
        "driver-max-vfs-once",
        "error",
        "`max_vfs` is not set by hand where it is derived from `num-vfs`.",
        each(_drivers, check_max_vfs_once),
    ),
    Rule(
        "driver-max-vfs-agrees",
        "error",
        "`max_vfs` set by hand equals `num-vfs`.",
        each(_drivers, check_max_vfs_agrees),
    ),
    Rule(
        "driver-one-number",
        "error",
        "If `max_vfs` is one number, all ports of the driver have the same number of VFs.",
        each(_drivers, check_one_number),
    ),
    Rule(
        "driver-other-ports",
        "error",
        "If `max_vfs` applies to all ports of a driver, each port has an SR-IOV policy.",
        each(_drivers, check_other_ports),
    ),
)
