"""PCI functions, their drivers and IOMMU groups; VFs; names of kernel interfaces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.catalog.vf_settings import UNITS, VfSetting, VfValue
from builder.phrases import count_text
from builder.plan.nouns.devices import PfPlan
from builder.plan.nouns.why import Why
from builder.verify.checks.case import (
    NONE,
    NOT_REPORTED,
    Case,
    CheckResult,
    Status,
    answer,
    compare,
    listed,
    skip,
    text_of,
)
from builder.verify.checks.standins import (
    ExpectedDevice,
    expected_devices,
    lacks,
    stand_in,
    stand_in_note,
    vfs_there,
)
from builder.verify.facts import PciFacts, VfFacts

_NO_DEVICE = "no such device"
# What sysfs shows when firmware does not say where a device is.
_NUMA_UNKNOWN = -1


def check_pci(case: Case) -> Iterator[CheckResult]:
    for device in expected_devices(case):
        yield from _check_device(case, device)


def _check_device(case: Case, device: ExpectedDevice) -> Iterator[CheckResult]:
    fact = _fact(case, str(device.pci))
    name, there = f"pci.{device.pci}", fact is not None
    absent = None if case.facts.pci is None else _NO_DEVICE
    found_id = fact.id if fact else absent
    yield compare(f"{name}.id", device.device_id, found_id, device.why, device.note)
    driver = (fact.driver or NONE) if fact else absent
    yield compare(f"{name}.driver", device.driver, driver, device.why, device.note)
    if device.numa is not None:
        yield _numa(case, device, fact, absent)
    if device.is_userspace and _wants_group(case, device):
        yield _group(device, fact, absent)
    if device.driver == "vfio-pci" and there:
        yield _alone(case, device)


def _fact(case: Case, pci: str) -> PciFacts | None:
    return (case.facts.pci or {}).get(pci)


def _wants_group(case: Case, device: ExpectedDevice) -> bool:
    """Groups are how vfio works; a uio driver has one only when the IOMMU is on."""
    names = ("intel_iommu", "amd_iommu", "iommu")
    return device.driver == "vfio-pci" or any(case.kernel_arg(name) for name in names)


def _numa(
    case: Case, device: ExpectedDevice, fact: PciFacts | None, absent: str | None
) -> CheckResult:
    name, expected = f"pci.{device.pci}.numa", str(device.numa)
    found = text_of(fact.numa) if fact else absent
    if fact and fact.numa == _NUMA_UNKNOWN and device.numa is not None:
        reason = "the firmware does not say which node this device is on"
        if case.substitutions:
            return skip(name, expected, f"in the twin {reason}", device.why)
        return answer("warn", name, expected, str(fact.numa), device.why, reason)
    return compare(name, expected, found, device.why)


def _group(device: ExpectedDevice, fact: PciFacts | None, absent: str | None) -> CheckResult:
    found = (fact.iommu_group or "no group") if fact else (absent or NOT_REPORTED)
    status: Status = "pass" if fact and fact.iommu_group else "fail"
    return answer(
        status, f"pci.{device.pci}.iommu-group", "a group", found, device.why, device.note
    )


def _alone(case: Case, device: ExpectedDevice) -> CheckResult:
    """A group is opened whole: one kernel driver in it and the device cannot be used."""
    fact = _fact(case, str(device.pci))
    group = fact.iommu_group if fact else None
    name, expected = f"pci.{device.pci}.iommu-group-mates", "no device with a kernel driver"
    if group is None:
        return answer("fail", name, expected, "no group", device.why)
    users = fact.iommu_group_users if fact else None
    found = None if users is None else (listed(users) if users else expected)
    return compare(name, expected, found, device.why, device.note)


def check_sriov(case: Case) -> Iterator[CheckResult]:
    for pf in case.image.pfs:
        yield from _check_pf(case, pf)
        yield from _check_vf_settings(case, pf)


def _check_pf(case: Case, pf: PfPlan) -> Iterator[CheckResult]:
    fact, other = _fact(case, str(pf.pci)), stand_in(case, pf.device_id)
    note = stand_in_note(pf.model, other) if other else ""
    count = vfs_there(case, pf)
    if count < pf.num_vfs:
        reason = f"{note}, which can have {count_text(count, 'VF')}: no others are checked"
        left_out = f"VFs {count}-{pf.num_vfs - 1}"
        yield skip(f"sriov.{pf.name}.beyond-stand-in", left_out, reason, pf.why)
    absent = None if case.facts.pci is None else _NO_DEVICE
    num_vfs = text_of(fact.num_vfs) if fact else absent
    yield compare(f"sriov.{pf.name}.num-vfs", str(count), num_vfs, pf.why, note)
    total = fact.total_vfs if fact else None
    status: Status = "pass" if total is not None and total >= count else "fail"
    name, expected = f"sriov.{pf.name}.total-vfs", f"at least {count}"
    found = text_of(total) or (None if fact else absent) or NOT_REPORTED
    yield answer(status, name, expected, found, pf.why, note)
    addresses = None if fact is None or fact.vfs is None else listed(fact.vfs)
    planned = {vf.index: str(vf.pci) for vf in pf.vfs}
    wanted = listed(planned.get(index, "unknown") for index in range(count))
    yield compare(f"sriov.{pf.name}.vfs", wanted, addresses, pf.why, note)
    if pf.eswitch == "switchdev":
        yield _eswitch(case, pf, fact)


def _eswitch(case: Case, pf: PfPlan, fact: PciFacts | None) -> CheckResult:
    name, other = f"sriov.{pf.name}.eswitch", stand_in(case, pf.device_id)
    if other is not None:
        note = stand_in_note(pf.model, other)
        return skip(name, pf.eswitch, f"{note}, which does not support this mode", pf.why)
    return compare(name, pf.eswitch, fact.eswitch if fact else None, pf.why)


def _check_vf_settings(case: Case, pf: PfPlan) -> Iterator[CheckResult]:
    """What the plan says of VFs: MAC, VLAN, trust, spoof check, rates, link state."""
    fact = _fact(case, str(pf.pci))
    reported = {item.index: item for item in (fact.vf_settings or () if fact else ())}
    for vf in (vf for vf in pf.vfs if vf.index < vfs_there(case, pf)):
        found = reported.get(vf.index, VfFacts()).by_name()
        for setting, value in vf.settings.given().items():
            planned, there = _setting(setting, value), found[setting]
            name, lack = f"sriov.{pf.name}.vf{vf.index}.{setting}", lacks(case, pf, vf, setting)
            if lack is not None:
                yield skip(name, planned, lack, vf.why)
            else:
                shown = None if there is None else _setting(setting, there)
                yield compare(name, planned, shown, vf.why)


def _setting(name: VfSetting, value: VfValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value} {UNITS[name]}" if name in UNITS else str(value)


def check_link(case: Case) -> Iterator[CheckResult]:
    """Names the .link files give, by PCI address; a port of a userspace driver has none."""
    ports: dict[str, tuple[str, Why]] = {}
    kernel = [
        *((nic.name, str(nic.pci), nic.why) for nic in case.image.nics),
        *((pf.name, str(pf.pci), pf.why) for pf in case.image.pfs if pf.driver not in DPDK_DRIVERS),
    ]
    for name, pci, why in kernel:
        ports.setdefault(name, (pci, why))
    for name, (pci, why) in ports.items():
        yield compare(f"link.{name}", f"{name} at {pci}", _names_at(case, pci), why)


def _names_at(case: Case, pci: str) -> str | None:
    names: Sequence[str] | None = (case.facts.links or {}).get(pci)
    if case.facts.links is None or (names is None and pci in case.facts.links):
        return None
    return f"{listed(names or ())} at {pci}"
