"""Which devices a machine should have: the plan's, or in a twin what stands in for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.catalog.modules import module_name
from builder.catalog.nic_types import NicType
from builder.catalog.port_drivers import port_driver
from builder.catalog.vf_settings import VfSetting
from builder.model.values import PciAddress
from builder.plan.nouns.devices import PfPlan, PhysicalPort, VfPlan
from builder.plan.nouns.why import Why
from builder.verify.checks.case import Case
from builder.verify.emulated_nics import EMULATED_NICS
from builder.verify.spec import TWIN_MBIT_S


@dataclass(frozen=True, slots=True)
class ExpectedDevice:
    """A PCI function the machine should have. numa None: the plan does not say, or a VF.

    note: what stands in for it, or "".
    """

    pci: PciAddress
    device_id: str
    driver: str
    numa: int | None
    why: Why
    note: str = ""

    @property
    def is_userspace(self) -> bool:
        return self.driver in DPDK_DRIVERS


def expected_devices(case: Case) -> tuple[ExpectedDevice, ...]:
    """Every device of the plan, each address once: PFs and VFs, bindings, kernel ports."""
    image = case.image
    listed: dict[PciAddress, ExpectedDevice] = {}
    for device in (
        *(_device(case, pf) for pf in image.pfs),
        *(device for pf in image.pfs for device in _vf_devices(case, pf)),
        *(_device(case, binding) for binding in image.bindings),
        *(_device(case, nic) for nic in image.nics),
    ):
        listed.setdefault(device.pci, device)
    return tuple(listed.values())


def _device(case: Case, port: PhysicalPort) -> ExpectedDevice:
    planned = ExpectedDevice(port.pci, port.device_id, port.driver, port.numa, port.why)
    other = stand_in(case, port.device_id)
    if other is None:
        return planned
    # A userspace driver takes any device; a kernel driver follows the model.
    driver = port.driver if planned.is_userspace else other.driver.name
    note = stand_in_note(port.model, other)
    return replace(planned, device_id=other.device_id, driver=driver, note=note)


def vfs_there(case: Case, pf: PfPlan) -> int:
    """How many of a PF's VFs the machine can have: in a twin, what its stand-in can."""
    other = stand_in(case, pf.device_id)
    return pf.num_vfs if other is None else min(pf.num_vfs, other.total_vfs)


def _vf_devices(case: Case, pf: PfPlan) -> Iterator[ExpectedDevice]:
    other = stand_in(case, pf.device_id)
    model = other or pf.model
    vf_id = (other.vf.device_id if other.vf else "no VF") if other else pf.vf_id
    note = stand_in_note(pf.model, other) if other else ""
    for vf in pf.vfs:
        if vf.index >= vfs_there(case, pf):
            continue  # check_sriov says that they are left out
        driver = vf.driver or model.vf_driver or "unknown"
        yield ExpectedDevice(vf.pci, vf_id, driver, None, vf.why, note)


def stand_in(case: Case, device_id: str) -> NicType | None:
    """The model a twin has in place of `device_id`; None: the real one is there."""
    other = case.substitutions.get(device_id)
    if other is None:
        return None
    emulated = EMULATED_NICS.get(other)
    return emulated.model if emulated else NicType(other, other, port_driver("unknown"))


def lacks(case: Case, pf: PfPlan, vf: VfPlan, setting: VfSetting) -> str | None:
    """Why the stand-in of a PF has no such setting of its VFs; None when it has it."""
    other = stand_in(case, pf.device_id)
    if other is None:
        return None
    note = stand_in_note(pf.model, other)
    # No floor under a rate and the port's own link state are what every driver has.
    if (setting == "min-tx-rate" and not vf.settings.min_tx_rate) or (
        setting == "link-state" and vf.settings.link_state == "auto"
    ):
        return None
    if setting not in (other.settings or {}):
        return f"{note}, whose driver cannot set {setting} of a VF"
    if setting == "max-tx-rate" and (vf.settings.max_tx_rate or 0) > TWIN_MBIT_S:
        return f"{note}, whose link is {TWIN_MBIT_S} Mbit/s"
    return None


def stand_in_note(planned: NicType, other: NicType) -> str:
    name = f"{planned.name} ({planned.device_id})" if planned.is_listed else planned.device_id
    return f"in the twin {other.name} ({other.device_id}) stands in for {name}"


def substituted_drivers(case: Case) -> dict[str, str]:
    """Kernel drivers that have no device in a twin, with the note that says why."""
    gone: dict[str, str] = {}
    for port in case.image.physical_ports:
        planned, other = port.model, stand_in(case, port.device_id)
        if other is None:
            continue
        for driver in (planned.driver.name, planned.vf_driver):
            if driver is not None and driver not in (other.driver.name, other.vf_driver):
                gone[module_name(driver)] = stand_in_note(planned, other)
    return gone
