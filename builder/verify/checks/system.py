"""The operating system: release, units, boot, root file system, mounts, our status files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from builder.catalog.kernels import uname_flavour
from builder.catalog.versions import Version
from builder.plan.nouns.image import ImagePlan
from builder.render.units import UNIT, UPGRADE_TIMERS
from builder.render.upgrades import held_starts
from builder.verify.checks.case import (
    NONE,
    NOT_REPORTED,
    Case,
    CheckResult,
    answer,
    compare,
    listed,
    no_extra,
    skip,
    yes_no,
)
from builder.verify.facts import NodeStatus, UnitState

# The unit that sends the facts is still at work when it does.
FACTS_UNIT = "rackwright-facts.service"
OUR_UNIT = re.compile(r"rackwright-\S+\.service")
DONE = "active, success"
# It runs until it has all: in a twin, which has no way out, perhaps for ever.
SECRETS_UNIT = "rackwright-secrets.service"
OVS_UNITS = ("ovsdb-server.service", "ovs-vswitchd.service")
# Of a small disk, the ESP, inode tables and the journal are up to a tenth.
GROWN_SHARE = 0.85
# What can be asked for -> the firmware, and whether Secure Boot is on.
FIRMWARES = {
    "bios": ("bios", "no"),
    "uefi": ("uefi", "no"),
    "uefi-secure-boot": ("uefi", "yes"),
}


def check_os(case: Case) -> Iterator[CheckResult]:
    release, facts = case.image.release, case.facts
    found = facts.os or {}
    yield compare("os.id", release.family, found.get("ID"))
    yield compare("os.version", release.version, found.get("VERSION_ID"))
    yield compare("os.image", case.image.image_name, found.get("IMAGE_ID"))
    yield compare("os.image-version", case.image.plan_id, found.get("IMAGE_VERSION"))
    yield _kernel(release.kernel, facts.kernel)
    flavour = None if facts.kernel is None else uname_flavour(facts.kernel) or NONE
    yield compare("os.kernel-flavour", release.kernels[0].uname, flavour)
    if case.host is not None:
        yield compare("os.hostname", case.host.hostname, facts.hostname, case.host.why)


def _kernel(planned: Version, found: str | None) -> CheckResult:
    match = re.match(r"(\d+)\.(\d+)", found or "")
    new = match is not None and (int(match[1]), int(match[2])) >= planned
    expected = f"{planned} or newer"
    return answer("pass" if new else "fail", "os.kernel", expected, found or NOT_REPORTED)


def check_units(case: Case) -> Iterator[CheckResult]:
    units = case.facts.units
    failed = units.failed
    yield no_extra("units.failed", failed or (), "failures", reported=failed is not None)
    yield compare("units.system", "running", units.system)
    # A job that is left out has no result: its unit is inactive, and the system running.
    dropped = units.dropped or ()
    yield no_extra("units.dropped", dropped, "jobs", reported=units.dropped is not None)
    states = units.state or {}
    planned = _our_units(case)
    for name in planned:
        yield compare(f"units.{name}", DONE, _state(states.get(name, UnitState())))
    for name in sorted(
        {*filter(OUR_UNIT.fullmatch, states)} - {*planned, FACTS_UNIT, SECRETS_UNIT}
    ):
        yield _unplanned(name, states[name])


def _state(state: UnitState) -> str | None:
    reported = state.active is not None and state.result is not None
    return f"{state.active}, {state.result}" if reported else None


def _unplanned(name: str, state: UnitState) -> CheckResult:
    """A service every image has (rackwright-ssh-keys): done, or with nothing to do."""
    found = _state(state) or NOT_REPORTED
    if state.condition is None:
        found += ", never started"
    good = found == DONE or (state.condition is False and state.result == "success")
    expected = f"{DONE}, or nothing to do"
    return answer("pass" if good else "fail", f"units.{name}", expected, found)


def _our_units(case: Case) -> list[str]:
    """Services of the tree, and the ones of Open vSwitch when it is planned."""
    units = [file.path.rpartition("/")[2] for file in case.tree if UNIT.matches(file.path)]
    wanted = [
        name
        for name in units
        if name.endswith(".service") and name not in {FACTS_UNIT, SECRETS_UNIT}
    ]
    return wanted + list(OVS_UNITS if case.image.ovs else ())


def check_status(case: Case) -> Iterator[CheckResult]:
    image, status = case.image, case.facts.status
    if image.cpus.offline:
        yield _status("status.cpus", status.cpus)
    yield _status("status.identity", status.identity)
    if image.pfs or image.bindings or image.dpdk_ports:
        yield _status("status.nics", status.nics)
    if image.hugepages:
        yield _status("status.hugepages", status.hugepages)
    if image.ovs:
        yield _status("status.ovs", status.ovs)
    # Only what cloud-init brought up has one.
    if status.seed.ok is not None:
        yield _status("status.seed", status.seed)


def _status(name: str, status: NodeStatus) -> CheckResult:
    if status.ok is None:
        return compare(name, "ok", None)
    good = status.ok and not status.errors
    return compare(name, "ok", "ok" if good else listed(status.errors or ("not ok",)))


def check_upgrades(case: Case) -> Iterator[CheckResult]:
    """Nothing upgrades packages by itself, and nothing of the data path where someone has it do so."""
    facts = case.facts.upgrades
    running = [timer for timer in facts.timers or () if timer in UPGRADE_TIMERS]
    reported = facts.timers is not None
    yield no_extra("upgrades.timers", running, "timers", reported=reported)
    yield compare("upgrades.periodic", "0", facts.periodic)
    for start in held_starts(case.image):
        there = None if facts.held is None else start in facts.held
        found = None if there is None else "held" if there else "not held"
        yield compare(f"upgrades.{start}", "held", found)


def check_sources(case: Case) -> Iterator[CheckResult]:
    """Of each suite all components the plan's packages are in: microcode gets its updates."""
    found, release = case.facts.sources, case.image.release
    for suite in release.suites:
        there = None if found is None else found.get(suite) or ()
        wanted = [one for one in release.components if there is None or one in there]
        shown = None if there is None else listed(wanted)
        yield compare(f"sources.{suite}", listed(release.components), shown)


def check_boot(case: Case) -> Iterator[CheckResult]:
    boot = case.facts.boot
    if case.firmware is None:
        yield skip("boot.firmware", "any", f"none was asked for; it was {boot.firmware or NONE}")
    else:
        firmware, wanted = FIRMWARES[case.firmware]
        yield compare("boot.firmware", firmware, boot.firmware)
        yield compare("boot.secure-boot", wanted, yes_no(boot.secure_boot))
    seconds = {key: value for key, value in (boot.seconds or {}).items() if value is not None}
    total = f"{sum(seconds.values()):.1f} s" if seconds else NOT_REPORTED
    parts = listed(f"{name} {value:.1f} s" for name, value in seconds.items())
    yield answer(
        "pass" if seconds else "warn", "boot.seconds", "for information", total, note=parts
    )


def check_root(case: Case) -> Iterator[CheckResult]:
    root = case.facts.root
    name, expected = "root.size", f"at least {GROWN_SHARE:.0%} of its disk"
    if not root.size_bytes or not root.device_bytes:
        yield compare(name, expected, None)
        return
    share = root.size_bytes / root.device_bytes
    found = f"{share:.0%} of {root.device_bytes // 2**20} MiB"
    yield answer("pass" if share >= GROWN_SHARE else "fail", name, expected, found)


def check_mounts(case: Case) -> Iterator[CheckResult]:
    """A hugetlbfs for each page size: systemd mounts the default one, we the others."""
    mounts = case.facts.mounts
    found = None
    if mounts is not None:
        found = {
            (mount.where, _page_kib(mount.options)) for mount in mounts if mount.type == "hugetlbfs"
        }
    for where, size_kib in _planned_mounts(case.image):
        there = None if found is None else (where, size_kib) in found
        text = f"{where} with pages of {size_kib} KiB"
        shown = None if there is None else text if there else "not mounted so"
        yield compare(f"mounts.{where}", text, shown)


def _page_kib(options: str | None) -> int | None:
    """The size hugetlbfs shows `pagesize=1024M` (fs/hugetlbfs/inode.c hugetlbfs_show_options)."""
    match = re.search(r"\bpagesize=(\d+)([KMG])(?:,|$)", options or "", re.MULTILINE)
    return None if match is None else int(match[1]) * {"K": 1, "M": 1024, "G": 1048576}[match[2]]


def _planned_mounts(image: ImagePlan) -> list[tuple[str, int]]:
    if not image.hugepages:
        return []
    default = ("/dev/hugepages", image.default_page_kib)
    return [default, *((mount.where, mount.size_kib) for mount in image.page_mounts)]


def check_twin(case: Case) -> Iterator[CheckResult]:
    """The node was told of the same stand-ins the twin was built with."""
    if case.substitutions:
        told = case.facts.twin.substitutions
        found = None if told is None else _pairs(told)
        yield compare("twin.substitutions", _pairs(case.substitutions), found)


def _pairs(pairs: Mapping[str, str]) -> str:
    return listed(f"{planned} by {other}" for planned, other in sorted(pairs.items()))
