"""Programs and units copied as they are, the links that enable them, and drop-ins for OVS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from builder.plan.types import ImagePlan
from builder.render.header import image_header
from builder.render.ini import read_ini, values_of
from builder.render.templates import Sources
from builder.render.tree import SYMLINK, RenderedFile

UNITS = "/usr/lib/systemd/system"
LOCAL = "/etc/systemd/system"
PROGRAMS = "/usr/lib/rackwright"
RULES = "/usr/lib/udev/rules.d"
VSWITCHD = f"{LOCAL}/ovs-vswitchd.service.d/10-rackwright.conf"
OVSDB = f"{LOCAL}/ovsdb-server.service.d/10-rackwright.conf"
NETPLAN_CLEANUP = f"{LOCAL}/netplan-ovs-cleanup.service.d/10-rackwright.conf"

# Debian leaves systemd-networkd off until netplan's generator finds something for it; the
# ports that carry VFs need it without any netplan file. What `systemctl enable` would link.
NETWORKD = {
    f"{LOCAL}/dbus-org.freedesktop.network1.service": "systemd-networkd.service",
    f"{LOCAL}/multi-user.target.wants/systemd-networkd.service": "systemd-networkd.service",
    f"{LOCAL}/network-online.target.wants/systemd-networkd-wait-online.service": (
        "systemd-networkd-wait-online.service"
    ),
    f"{LOCAL}/sockets.target.wants/systemd-networkd.socket": "systemd-networkd.socket",
}
# dpdk.service of the dpdk package frees hugepages reserved on the kernel command line
# (FREE_PREVIOUS_ALLOCATIONS=1) and binds ports by a list of its own, /etc/dpdk/interfaces.
MASKED = ("dpdk.service",)


def render_programs(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    """Our programs, units and udev rules, byte for byte; of OVS and of offline CPUs only where
    the plan has them.
    """
    for name, text in wanted_programs(plan, sources.programs).items():
        yield RenderedFile(*_destination(name, text))


def render_enabling(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    """What `systemctl enable` would do with our units, and masks."""
    for name, text in wanted_programs(plan, sources.programs).items():
        if name.endswith((".service", ".target", ".socket", ".timer", ".path")):
            for link in install_links(name, text):
                yield RenderedFile(link, f"{UNITS}/{name}".encode(), SYMLINK)
    for path, unit in NETWORKD.items():
        yield RenderedFile(path, f"{UNITS}/{unit}".encode(), SYMLINK)
    if plan.ovs is not None:
        for unit in MASKED:
            yield RenderedFile(f"{LOCAL}/{unit}", b"/dev/null", SYMLINK)


def render_ovs_dropins(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    """Open vSwitch's own units, held to our order and to the housekeeping CPUs."""
    if plan.ovs is None:
        return
    header = image_header(plan)
    for path in (OVSDB, NETPLAN_CLEANUP):
        yield RenderedFile(path, sources.fill(path, header=header).encode())
    text = sources.fill(
        VSWITCHD,
        header=header,
        why=plan.cpus.why["housekeeping"],
        housekeeping=plan.cpus.housekeeping,
    )
    yield RenderedFile(VSWITCHD, text.encode())


def wanted_programs(plan: ImagePlan, programs: Mapping[str, str]) -> dict[str, str]:
    return {
        name: text
        for name, text in sorted(programs.items())
        if (plan.ovs is not None or not name.startswith("rackwright-ovs"))
        and (plan.cpus.offline or not name.startswith("rackwright-cpus"))
    }


def install_links(unit: str, text: str) -> Iterable[str]:
    """Paths of the links a unit's [Install] section asks for (systemd.unit(5))."""
    entries = read_ini(text)
    for key, suffix in (("WantedBy", "wants"), ("RequiredBy", "requires")):
        for target in values_of(entries, "Install", key):
            yield f"{LOCAL}/{target}.{suffix}/{unit}"
    for alias in values_of(entries, "Install", "Alias"):
        yield f"{LOCAL}/{alias}"


def _destination(name: str, text: str) -> tuple[str, bytes, int]:
    """Where a file of systemd/ goes on the node; raises ValueError for one we cannot place."""
    program = re.fullmatch(r"rackwright-([a-z0-9-]+)\.py", name)
    if program is not None:
        return f"{PROGRAMS}/{program[1]}", text.encode(), 0o755
    # What the programs import: Python looks beside the program first.
    if re.fullmatch(r"rackwright_[a-z0-9_]+\.py", name):
        return f"{PROGRAMS}/{name}", text.encode(), 0o644
    if re.fullmatch(r"rackwright-[a-z0-9-]+\.(service|target|socket|timer|path)", name):
        return f"{UNITS}/{name}", text.encode(), 0o644
    if re.fullmatch(r"\d\d-rackwright-[a-z0-9-]+\.rules", name):
        return f"{RULES}/{name}", text.encode(), 0o644
    raise ValueError(f"systemd/{name} has no place on a node")
