"""Rules on SR-IOV policies: the PF is there, and can have that many VFs of that kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.catalog.nic_types import NicType
from builder.diagnostics import KeyPath
from builder.model.hardware import Nic
from builder.model.inventory import Inventory
from builder.model.ports import DpdkPort, dpdk_ports, is_bifurcated
from builder.model.profile import Profile
from builder.model.rules.pairs import Pair, pairs
from builder.model.sriov import SriovPolicy, Vf
from builder.model.wording import suggest
from builder.phrases import is_are
from builder.rule import SEE, Finding, Rule, each


@dataclass(frozen=True, slots=True)
class UsedPf:
    """A policy with the NIC it is for."""

    pair: Pair
    path: KeyPath
    policy: SriovPolicy
    nic: Nic

    @property
    def kind(self) -> NicType:
        return self.nic.model

    @property
    def whole_port(self) -> DpdkPort | None:
        """The OVS port that is the PF itself, which takes it from its kernel driver."""
        for port in dpdk_ports(self.pair.hardware, self.pair.profile):
            if port.port.nic == self.nic.name and not is_bifurcated(self.nic):
                return port
        return None


def policies(inventory: Inventory) -> Iterator[tuple[KeyPath, Profile, SriovPolicy]]:
    for name, profile in inventory.profiles.items():
        for index, policy in enumerate(profile.sriov):
            yield ("profiles", name, "sriov", index), profile, policy


def used_pfs(inventory: Inventory) -> Iterator[UsedPf]:
    """Policies whose PF exists, for each class the profile is used with."""
    for pair in pairs(inventory):
        nics = {nic.name: nic for nic in pair.hardware.nics}
        for index, policy in enumerate(pair.profile.sriov):
            nic = nics.get(policy.pf)
            if nic is not None:
                path = (*pair.path, "sriov", index)
                yield UsedPf(pair, path, policy, nic)


def driver_of(policy: SriovPolicy, vf: Vf) -> str:
    """The VF's own driver, else the policy's."""
    return vf.driver or policy.driver


def check_pf_known(pair: Pair) -> Iterator[Finding]:
    names = [nic.name for nic in pair.hardware.nics]
    for index, policy in enumerate(pair.profile.sriov):
        if policy.pf not in names:
            path = (*pair.path, "sriov", index, "pf")
            message = f"hardware class {pair.class_name} has no NIC {policy.pf}"
            taken = [other.pf for other in pair.profile.sriov]
            free = [name for name in names if name not in taken]
            yield Finding(path, message, suggest(policy.pf, free or names))


def check_pf_once(inventory: Inventory) -> Iterator[Finding]:
    first: dict[tuple[str | int, str], KeyPath] = {}
    for path, _, policy in policies(inventory):
        other = first.setdefault((path[1], policy.pf), path)
        if other != path:
            message = f"{policy.pf} already has a policy: {SEE}"
            yield Finding(
                (*path, "pf"),
                message,
                "a PF has one policy: list its VFs there",
                see=(*other, "pf"),
            )


def check_capable(pf: UsedPf) -> Iterator[Finding]:
    if not pf.kind.is_listed and pf.nic.sriov is None:
        message = (
            f"{pf.nic.name} ({pf.nic.id}) is not in the NIC table: the number of its VFs and "
            "their PCI addresses are not known"
        )
        hint = (
            f"say it of {pf.nic.name} in hardware.{pf.pair.class_name}.nics: sriov: {{total-vfs, "
            f"vf-offset, vf-stride, vf-id, vf-driver}}, from lspci -vvv -s {pf.nic.pci}"
        )
        yield Finding((*pf.path, "pf"), message, hint)
    elif pf.kind.total_vfs and pf.kind.vf is None:
        yield Finding((*pf.path, "pf"), *_unknown_vfs(pf))
    elif pf.kind.total_vfs == 0:
        message = f"{pf.nic.name} ({pf.nic.id}, {pf.kind.name}) does not support SR-IOV"
        yield Finding((*pf.path, "pf"), message)


def _unknown_vfs(pf: UsedPf) -> tuple[str, str]:
    """Message and hint on a NIC whose `sriov` leaves out what no table has of it."""
    vf_id = pf.nic.sriov.vf_id if pf.nic.sriov is not None else None
    driver = pf.nic.sriov.vf_driver if pf.nic.sriov is not None else None
    told = {"vf-id": vf_id, "vf-driver": driver or pf.kind.driver.vf_driver}
    missing = [key for key, value in told.items() if value is None]
    names = " and ".join(key.removeprefix("vf-") for key in missing)
    message = (
        f"{pf.nic.name} ({pf.nic.id}) is not in the NIC table: its VFs' {names} {is_are(missing)} "
        "not known"
    )
    hint = f"add {' and '.join(missing)} to its sriov in hardware.{pf.pair.class_name}.nics"
    return message, hint


def check_pf_makes_vfs(pf: UsedPf) -> Iterator[Finding]:
    port, ovs = pf.whole_port, pf.pair.profile.ovs
    if port is not None and ovs is not None and not DPDK_DRIVERS[ovs.driver].makes_vfs:
        message = (
            f"{pf.nic.name} is port {port.name} itself, on {ovs.driver}, which cannot create VFs"
        )
        hint = f"use driver: vfio-pci at {SEE}"
        yield Finding((*pf.path, "num-vfs"), message, hint, see=(*pf.pair.path, "ovs", "driver"))


def check_bifurcated(pf: UsedPf) -> Iterator[Finding]:
    """DPDK, mlx5 guide: the PMD works through the kernel driver, the port stays bound to it."""
    vf = pf.kind.vf
    if vf is None or not is_bifurcated(pf.nic):
        return
    listed = [(("vfs", n, "driver"), vf.driver) for n, vf in enumerate(pf.policy.vfs)]
    for below, driver in [(("driver",), pf.policy.driver), *listed]:
        if driver not in (None, "kernel"):
            message = (
                f"{driver} would take the VFs of {pf.nic.name} away from {vf.driver}, which "
                f"DPDK needs to drive them ({pf.kind.name})"
            )
            yield Finding((*pf.path, *below), message, "driver: kernel")


def check_pool_one_kind(inventory: Inventory) -> Iterator[Finding]:
    """A pod that asks for a resource cannot tell what kind of VF it gets."""
    for name, profile in inventory.profiles.items():
        first: dict[str, tuple[str, KeyPath]] = {}
        for path, driver, pool in _pool_members(("profiles", name), profile):
            other, place = first.setdefault(pool, (driver, path))
            if other != driver:
                message = f"pool {pool} has VFs with driver {driver} here and with {other} at {SEE}"
                yield Finding(path, message, "use one pool for each kind of driver", see=place)


def _pool_members(base: KeyPath, profile: Profile) -> Iterator[tuple[KeyPath, str, str]]:
    """(place, driver, pool) of the VFs that pods get."""
    for index, policy in enumerate(profile.sriov):
        path = (*base, "sriov", index)
        listed = {vf.index for vf in policy.vfs}
        if policy.pool is not None and len(listed) < policy.num_vfs:
            yield (*path, "pool"), policy.driver, policy.pool
        for number, vf in enumerate(policy.vfs):
            pool = vf.pool or policy.pool
            if vf.use is None and pool is not None:
                yield (*path, "vfs", number), driver_of(policy, vf), pool


RULES: tuple[Rule[Inventory], ...] = (
    Rule(
        "sriov-pf-known",
        "error",
        "The PF of a policy is a port of the hardware class.",
        each(pairs, check_pf_known),
    ),
    Rule("sriov-pf-once", "error", "A PF has one policy.", check_pf_once),
    Rule(
        "sriov-capable",
        "error",
        "The PF of a policy supports SR-IOV.",
        each(used_pfs, check_capable),
    ),
    Rule(
        "sriov-pf-makes-vfs",
        "error",
        "A PF that has VFs is not bound to uio_pci_generic, which cannot create VFs.",
        each(used_pfs, check_pf_makes_vfs),
    ),
    Rule(
        "sriov-bifurcated",
        "error",
        "VFs that DPDK drives through their kernel driver (mlx5) are not bound to another driver.",
        each(used_pfs, check_bifurcated),
    ),
    Rule(
        "sriov-pool-one-kind",
        "error",
        "All VFs of a pool have the same kind of driver.",
        check_pool_one_kind,
    ),
)
