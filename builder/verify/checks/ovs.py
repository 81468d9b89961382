"""Open vSwitch: its options, threads, bridges and ports, as ovs-vsctl and /proc show them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from builder.catalog.versions import Version
from builder.model.values import CpuSet
from builder.plan.nouns.ovs import OvsBridgePlan, OvsPlan, OvsPortPlan
from builder.verify.checks.case import (
    NOT_REPORTED,
    Case,
    CheckResult,
    answer,
    compare,
    cpus_text,
    format_cpus,
    listed,
    no_extra,
    text_of,
    yes_no,
)
from builder.verify.facts import OvsBridgeFacts, OvsPortFacts, PmdThread


def check_ovs(case: Case) -> Iterator[CheckResult]:
    plan, facts = case.image.ovs, case.facts.ovs
    if plan is None:
        if facts.present:
            yield no_extra("ovs.present", ["Open vSwitch"], "packages")
        return
    yield compare("ovs.present", "yes", yes_no(facts.present))
    yield _version("ovs.version", case.image.release.ovs, facts.version)
    yield _version("ovs.dpdk-version", case.image.release.dpdk, facts.dpdk_version)
    initialized = yes_no(facts.dpdk_initialized)
    yield compare("ovs.dpdk-initialized", "yes", initialized)
    yield from _other_config(plan, facts.other_config)
    yield from _threads(case)
    yield from _bridges(plan, facts.bridges)
    yield from _vfio(case, plan)


def _version(name: str, planned: Version, found: str | None) -> CheckResult:
    """The rules of the plan are those of one major.minor; `DPDK 24.11.3` names it last."""
    expected, number = str(planned), (found or "").rpartition(" ")[2]
    same = number == expected or number.startswith((f"{expected}.", f"{expected}-"))
    note = "" if same else "the options are derived for the version that the release ships"
    return answer("pass" if same else "fail", name, expected, found or NOT_REPORTED, note=note)


def _other_config(plan: OvsPlan, found: Mapping[str, str] | None) -> Iterator[CheckResult]:
    """Neither OVS nor the packages put keys of their own here: none is excepted."""
    for option in plan.other_config:
        value = None if found is None else found.get(option.key, "not set")
        yield compare(f"ovs.other-config.{option.key}", option.value, value, option.why)
    planned = {option.key for option in plan.other_config}
    extra = [f"{key}={value}" for key, value in sorted((found or {}).items()) if key not in planned]
    yield no_extra("ovs.other-config-extra", extra, "keys", reported=found is not None)


def _threads(case: Case) -> Iterator[CheckResult]:
    """PMD threads spin: each alone on one planned CPU, all else of vswitchd elsewhere."""
    cpus, facts = case.image.cpus, case.facts.ovs
    threads = facts.pmd_threads
    why = cpus.why.get("pmd")
    seen = None if threads is None else format_cpus(_cpus_of(threads))
    yield compare("ovs.pmd.cpus", format_cpus(cpus.pmd), seen, why)
    pinned = None if threads is None else _spread(threads)
    expected = f"{len(cpus.pmd)} threads, each on one CPU of its own"
    yield compare("ovs.pmd.threads", expected, pinned, why)
    yield compare(
        "ovs.vswitchd.cpus",
        format_cpus(cpus.housekeeping),
        cpus_text(facts.vswitchd_cpus),
        cpus.why.get("housekeeping"),
    )


def _cpus_of(threads: tuple[PmdThread, ...]) -> CpuSet:
    total = CpuSet()
    for thread in threads:
        total |= _parsed(thread.cpus)
    return total


def _parsed(text: str | None) -> CpuSet:
    try:
        return CpuSet.parse(text or "")
    except ValueError:
        return CpuSet()


def _spread(threads: tuple[PmdThread, ...]) -> str:
    sets = [_parsed(thread.cpus) for thread in threads]
    loose = [
        f"{thread.name} on {thread.cpus}"
        for thread, cpus in zip(threads, sets, strict=True)
        if len(cpus) != 1
    ]
    if loose:
        return listed(loose)
    if len(set(sets)) < len(sets):
        return f"{len(sets)} threads, on {len(set(sets))} CPUs"
    return f"{len(sets)} threads, each on one CPU of its own"


def _bridges(plan: OvsPlan, found: tuple[OvsBridgeFacts, ...] | None) -> Iterator[CheckResult]:
    names = None if found is None else listed(sorted(str(bridge.name) for bridge in found))
    planned = listed(sorted(bridge.name for bridge in plan.bridges))
    yield compare("ovs.bridges", planned, names)
    for bridge in plan.bridges:
        fact = next((item for item in found or () if item.name == bridge.name), OvsBridgeFacts())
        yield from _bridge(bridge, fact)


def _bridge(bridge: OvsBridgePlan, fact: OvsBridgeFacts) -> Iterator[CheckResult]:
    name = f"ovs.{bridge.name}"
    yield compare(f"{name}.datapath-type", bridge.datapath_type, fact.datapath_type, bridge.why)
    yield compare(f"{name}.fail-mode", bridge.fail_mode, fact.fail_mode, bridge.why)
    # Each bridge has its local port, of its own name and internal.
    local = (bridge.name, "internal")
    ports = [port for port in fact.ports or () if (port.name, port.type) != local]
    found = None if fact.ports is None else listed(sorted(str(port.name) for port in ports))
    planned = listed(sorted(port.name for port in bridge.ports))
    yield compare(f"{name}.ports", planned, found, bridge.why)
    by_name = {port.name: port for port in ports}
    for port in bridge.ports:
        yield from _port(f"{name}.{port.name}", port, by_name.get(port.name, OvsPortFacts()))


def _port(name: str, port: OvsPortPlan, fact: OvsPortFacts) -> Iterator[CheckResult]:
    """add-port exits 0 for a device it cannot open: only ofport and error tell."""
    yield compare(f"{name}.type", port.type, fact.type, port.why)
    up = fact.ofport is not None and fact.ofport > 0
    found = text_of(fact.ofport) or NOT_REPORTED
    yield answer("pass" if up else "fail", f"{name}.ofport", "over 0", found, port.why)
    error = fact.error
    shown = None if error is None else error or "no error"
    yield compare(f"{name}.error", "no error", shown, port.why)
    yield compare(f"{name}.mtu", str(port.mtu), text_of(fact.mtu), port.why)
    options = None if fact.options is None else _pairs(fact.options)
    yield compare(f"{name}.options", _pairs(port.options), options, port.why)
    other = None if fact.other_config is None else _pairs(fact.other_config)
    yield compare(f"{name}.other-config", _pairs(port.other_config), other, port.why)


def _pairs(options: Mapping[str, str]) -> str:
    return listed(f"{key}={value}" for key, value in sorted(options.items()))


def _vfio(case: Case, plan: OvsPlan) -> Iterator[CheckResult]:
    """Without an allow list DPDK opens every vfio device at start, those of pods too.

    A vfio group opens once: the pod would get EBUSY.
    """
    fds, devices = case.facts.ovs.vfio_fds, case.facts.pci or {}
    own: set[str] = set()
    for port in (port for bridge in plan.bridges for port in bridge.ports):
        fact = devices.get(str(port.pci))
        if fact is not None and fact.driver == "vfio-pci":
            own.add(fact.iommu_group or "no group")
    # /dev/vfio/vfio is the container all groups are put in.
    held = None if fds is None else {fd.rpartition("/")[2] for fd in fds} - {"vfio"}
    found = None if held is None or case.facts.pci is None else listed(sorted(held))
    note = "groups of the devices of its ports, and of no other"
    yield compare("ovs.vfio-groups", listed(sorted(own)), found, note=note)
