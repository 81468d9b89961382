"""Programs and units copied as they are, the links that enable them, and drop-ins for OVS."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping

from builder.plan.nouns.image import ImagePlan
from builder.render.effect import nothing, restart
from builder.render.file_kind import FileKind
from builder.render.grammar import Faults, by_line, read_dropin, read_link, read_unit
from builder.render.header import image_header
from builder.render.ini import read_ini, values_of
from builder.render.templates import Sources
from builder.render.tree import SYMLINK, RenderedFile

# Debian leaves systemd-networkd off until netplan's generator finds something for it; the
# ports that carry VFs need it without any netplan file. What `systemctl enable` would link:
# (target, unit) that wants it, and its alias.
NETWORKD_WANTED = (
    ("multi-user.target", "systemd-networkd.service"),
    ("network-online.target", "systemd-networkd-wait-online.service"),
    ("sockets.target", "systemd-networkd.socket"),
)
NETWORKD_ALIAS = ("dbus-org.freedesktop.network1.service", "systemd-networkd.service")
# dpdk.service of the dpdk package frees hugepages reserved on the kernel command line
# (FREE_PREVIOUS_ALLOCATIONS=1) and binds ports by a list of its own, /etc/dpdk/interfaces.
MASKED = ("dpdk.service",)
# Not of an image all hosts share: builder/render/access.py has it for hosts with secrets.
ONLY_OF_HOSTS = "rackwright-secrets"
# Reports to `verify`, which boots images of ours: udev starts it where it sees the twin's port.
ONLY_OF_TWINS = re.compile(r"(\d\d-)?rackwright[-_]facts[-_.]")
# They run apt.systemd.daily, and unattended-upgrade with it where that is installed. A mask stays
# when the package apt is upgraded; deb-systemd-helper takes off only its own.
UPGRADE_TIMERS = ("apt-daily.timer", "apt-daily-upgrade.timer")


def render_programs(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    """Our programs, units and udev rules, byte for byte; of OVS and of offline CPUs only where
    the plan has them.
    """
    for name, text in wanted_programs(plan, sources.programs).items():
        yield _copied(name, text)


def render_enabling(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    """What `systemctl enable` would do with our units, and masks."""
    for name, text in wanted_programs(plan, sources.programs).items():
        copy = _copied(name, text)
        if UNIT.matches(copy.path):
            yield from install_links(name, text)
    for target, unit in NETWORKD_WANTED:
        yield WANTED.file(_unit_path(unit), target, unit)
    alias, unit = NETWORKD_ALIAS
    yield ALIAS.file(_unit_path(unit), alias)
    for unit in (*UPGRADE_TIMERS, *(MASKED if plan.ovs is not None else ())):
        yield ALIAS.file(b"/dev/null", unit)


def render_ovs_dropins(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    """Open vSwitch's own units, held to our order and to the housekeeping CPUs."""
    if plan.ovs is None:
        return
    header = image_header(plan)
    for kind in (OVSDB, NETPLAN_CLEANUP):
        yield kind.fill(sources, header=header)
    yield VSWITCHD.fill(
        sources,
        header=header,
        why=plan.cpus.why["housekeeping"],
        housekeeping=plan.cpus.housekeeping,
    )


def wanted_programs(plan: ImagePlan, programs: Mapping[str, str]) -> dict[str, str]:
    return {
        name: text
        for name, text in sorted(programs.items())
        if not name.startswith(ONLY_OF_HOSTS)
        and (plan.ovs is not None or not name.startswith("rackwright-ovs"))
        and (plan.cpus.offline or not name.startswith("rackwright-cpus"))
    }


def without_facts(programs: Mapping[str, str]) -> dict[str, str]:
    """Those of a node that is never a twin of `verify`."""
    return {name: text for name, text in programs.items() if not ONLY_OF_TWINS.match(name)}


def install_links(unit: str, text: str) -> Iterable[RenderedFile]:
    """The links a unit's [Install] section asks for (systemd.unit(5))."""
    entries, target = read_ini(text), _unit_path(unit)
    for other in values_of(entries, "Install", "WantedBy"):
        yield WANTED.file(target, other, unit)
    for other in values_of(entries, "Install", "RequiredBy"):
        yield REQUIRED.file(target, other, unit)
    for alias in values_of(entries, "Install", "Alias"):
        yield ALIAS.file(target, alias)


def _unit_path(unit: str) -> bytes:
    return UNIT.file(b"", unit).path.encode()


def _copied(name: str, text: str) -> RenderedFile:
    """A file of systemd/ at its place on the node; raises ValueError for one that has none."""
    for pattern, kind in COPIED.items():
        match = re.fullmatch(pattern, name)
        if match is not None:
            return kind.file(text.encode(), match[1])
    raise ValueError(f"systemd/{name} has no place on a node")


def _read_program(_path: str, text: str) -> Faults:
    ast.parse(text)
    if not text.startswith("#!/usr/bin/python3"):
        yield "does not start with #!/usr/bin/python3"


def _read_library(_path: str, text: str) -> Faults:
    ast.parse(text)
    return ()


_PROGRAMS = nothing("read when its unit starts; what the unit does is configured in node.json")
_UNITS = restart("systemctl daemon-reload", "systemd has to reload links and units")
_RULE = r'\w+(\{[^}]+\})?(==|!=|\+=|:=|=)"[^"]*"(, *\w+(\{[^}]+\})?(==|!=|\+=|:=|=)"[^"]*")*'

# What the programs import: Python looks beside the program first.
LIBRARY = FileKind(
    path="/usr/lib/rackwright/rackwright_NAME.py",
    render=render_programs,
    read_back=_read_library,
    accepted_by="systemd-analyze",
    needs=_PROGRAMS,
    check="status",
)
PROGRAM = FileKind(
    path="/usr/lib/rackwright/NAME",
    render=render_programs,
    read_back=_read_program,
    # It looks for the programs units start.
    accepted_by="systemd-analyze",
    needs=_PROGRAMS,
    check="status",
    mode=0o755,
)
UNIT = FileKind(
    path="/usr/lib/systemd/system/UNIT",
    render=render_programs,
    read_back=read_unit,
    accepted_by="systemd-analyze",
    needs=_UNITS,
    check="units",
)
RULE = FileKind(
    path="/usr/lib/udev/rules.d/NAME.rules",
    render=render_programs,
    read_back=by_line(_RULE, "a udev rule"),
    accepted_by=None,
    needs=restart("udevadm control --reload", "udev has to reload its rules"),
    check="files",
)
WANTED = FileKind(
    path="/etc/systemd/system/UNIT.wants/UNIT",
    render=render_enabling,
    read_back=read_link,
    accepted_by="systemd-analyze",
    needs=_UNITS,
    check="units",
    mode=SYMLINK,
)
REQUIRED = FileKind(
    path="/etc/systemd/system/UNIT.requires/UNIT",
    render=render_enabling,
    read_back=read_link,
    accepted_by="systemd-analyze",
    needs=_UNITS,
    check="units",
    mode=SYMLINK,
)
# Another name of a unit, or a mask.
ALIAS = FileKind(
    path="/etc/systemd/system/UNIT",
    render=render_enabling,
    read_back=read_link,
    accepted_by="systemd-analyze",
    needs=_UNITS,
    check="files",
    mode=SYMLINK,
)
VSWITCHD = FileKind(
    path="/etc/systemd/system/ovs-vswitchd.service.d/10-rackwright.conf",
    render=render_ovs_dropins,
    read_back=read_dropin,
    accepted_by="systemd-analyze",
    needs=restart(
        "systemctl restart ovs-vswitchd",
        "a service gets its CPUs when it starts; traffic through the switch is interrupted",
    ),
    check="units",
    comments=True,
)
OVSDB = FileKind(
    path="/etc/systemd/system/ovsdb-server.service.d/10-rackwright.conf",
    render=render_ovs_dropins,
    read_back=read_dropin,
    accepted_by="systemd-analyze",
    needs=restart("systemctl daemon-reload", "only the order of units at boot differs"),
    check="units",
    comments=True,
)
NETPLAN_CLEANUP = FileKind(
    path="/etc/systemd/system/netplan-ovs-cleanup.service.d/10-rackwright.conf",
    render=render_ovs_dropins,
    read_back=read_dropin,
    accepted_by="systemd-analyze",
    needs=_UNITS,
    check="units",
    comments=True,
)
# What systemd/ has, by the form of its name; the group is the name on the node.
COPIED = {
    r"rackwright-([a-z0-9-]+)\.py": PROGRAM,
    r"rackwright_([a-z0-9_]+)\.py": LIBRARY,
    r"(rackwright-[a-z0-9-]+\.(?:service|target|socket|timer|path))": UNIT,
    r"(\d\d-rackwright-[a-z0-9-]+)\.rules": RULE,
}
FILES = (
    LIBRARY,
    PROGRAM,
    UNIT,
    RULE,
    WANTED,
    REQUIRED,
    ALIAS,
    VSWITCHD,
    OVSDB,
    NETPLAN_CLEANUP,
)
