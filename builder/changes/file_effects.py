"""What a changed file asks of a running node: which path needs what, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from builder.changes.effect import Effect, nothing, reboot, restart
from builder.changes.node_effects import node_effects


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file before and after; None where there is none. A symlink's content is its target."""

    path: str
    before: bytes | None
    after: bytes | None


Judge = Callable[[FileChange], tuple[Effect, ...]]


@dataclass(frozen=True, slots=True)
class FileRule:
    """Paths (a shell pattern, in which * crosses /) and what their changes need."""

    pattern: str
    needs: Effect | Judge


def file_effects(change: FileChange) -> tuple[Effect, ...]:
    """What the change of one file needs, each with its reason; never empty."""
    is_text = has_comments(change.path) and change.before != change.after
    if is_text and _settings(change.before) == _settings(change.after):
        return (nothing("only comments differ"),)
    rule = find_rule(change.path)
    if rule is None:
        return (Effect("image", "no rule knows what a running node does with this file"),)
    return (rule.needs,) if isinstance(rule.needs, Effect) else rule.needs(change)


def find_rule(path: str) -> FileRule | None:
    return next((rule for rule in FILE_RULES if fnmatchcase(path, rule.pattern)), None)


def has_comments(path: str) -> bool:
    """Whether lines of a file that begin with # are told to people only."""
    return path.startswith("/etc/") and path != "/etc/rackwright/files"


def _settings(content: bytes | None) -> list[bytes] | None:
    """The lines that are no comment; None for a file that is not there."""
    if content is None:
        return None
    lines = (line.strip() for line in content.splitlines())
    return [line for line in lines if line and not line.startswith(b"#")]


def _sysctl(change: FileChange) -> tuple[Effect, ...]:
    before, after = (_keys(content) for content in (change.before, change.after))
    gone = sorted(before - after)
    if gone:
        return (
            reboot(
                f"{', '.join(gone)}: no longer set, and keeps its value until the kernel starts"
            ),
        )
    return (
        restart("systemctl restart systemd-sysctl", "the kernel takes these values at any time"),
    )


def _keys(content: bytes | None) -> set[str]:
    lines = _settings(content) or []
    return {line.decode("utf-8", "replace").partition("=")[0].strip(" -") for line in lines}


def _modules(change: FileChange) -> tuple[Effect, ...]:
    gone = set(_settings(change.before) or ()) - set(_settings(change.after) or ())
    if gone:
        names = ", ".join(sorted(name.decode("utf-8", "replace") for name in gone))
        return (nothing(f"{names}: stays loaded until the next boot, and does no harm"),)
    return (restart("systemctl restart systemd-modules-load", "loads what is not loaded yet"),)


def _node(change: FileChange) -> tuple[Effect, ...]:
    """The node's own programs do what node.json says: section by section."""
    return node_effects(change.before, change.after)


_UNITS = "systemctl daemon-reload"

FILE_RULES: tuple[FileRule, ...] = (
    FileRule(
        "/etc/default/grub.d/90-rackwright.cfg",
        reboot("the kernel reads its command line when it starts", "update-grub"),
    ),
    FileRule(
        "/etc/modprobe.d/*.conf",
        reboot(
            "a driver takes its options when it loads, from the initramfs", "update-initramfs -u"
        ),
    ),
    FileRule("/etc/modules-load.d/rackwright.conf", _modules),
    FileRule("/etc/sysctl.d/99-zz-rackwright.conf", _sysctl),
    FileRule("/etc/rackwright/node.json", _node),
    FileRule("/etc/rackwright/image-release", nothing("names the plan; nothing acts on it")),
    FileRule("/etc/rackwright/files", nothing("the list of our files, for reports")),
    FileRule(
        "/etc/netplan/90-rackwright.yaml",
        restart("netplan apply", "the network is set up anew, this connection's address included"),
    ),
    FileRule(
        "/etc/systemd/network/*.link",
        reboot("udev names a port when it appears; one that is in use keeps its name"),
    ),
    FileRule(
        "/etc/systemd/network/*.network",
        restart("networkctl reload", "systemd-networkd sets the port up by it"),
    ),
    FileRule("/etc/hostname", reboot("read at boot; services know the node by the old name")),
    FileRule("/etc/hosts", nothing("read at each look-up")),
    FileRule("/etc/cloud/cloud.cfg.d/*", nothing("cloud-init reads it at each boot")),
    FileRule(
        "/etc/systemd/system/ovs-vswitchd.service.d/*",
        restart(
            "systemctl restart ovs-vswitchd",
            "a service gets its CPUs when it starts; traffic through the switch stops meanwhile",
        ),
    ),
    FileRule(
        "/etc/systemd/system/ovsdb-server.service.d/*",
        restart(_UNITS, "only the order of units at boot differs"),
    ),
    FileRule(
        "/etc/systemd/system/*dev-hugepages*.mount",
        reboot("pages of that size are there, or gone, when the kernel starts"),
    ),
    FileRule("/etc/systemd/system/*", restart(_UNITS, "systemd reads links and units anew")),
    FileRule("/usr/lib/systemd/system/*", restart(_UNITS, "systemd reads links and units anew")),
    FileRule(
        "/usr/lib/rackwright/*",
        nothing("read when its unit starts; what that is to do otherwise stands in node.json"),
    ),
    FileRule(
        "/usr/lib/udev/rules.d/*", restart("udevadm control --reload", "udev reads its rules anew")
    ),
)
