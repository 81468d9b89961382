"""What a change asks of a running node, from nothing to a new image, and how that is done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

# From the weakest to the strongest: a host needs the strongest of all its changes.
Level = Literal["nothing", "restart", "reboot", "image"]
LEVELS: tuple[Level, ...] = ("nothing", "restart", "reboot", "image")


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change needs on a node that has the new files.

    command: what to run for it; before a reboot, what the reboot alone would not do.
    """

    level: Level
    reason: str
    command: str | None = None


def nothing(reason: str) -> Effect:
    return Effect("nothing", reason)


def restart(command: str, reason: str) -> Effect:
    return Effect("restart", reason, command)


def reboot(reason: str, command: str | None = None) -> Effect:
    return Effect("reboot", reason, command)


# The kubelet does not start on the state files of other numbers (pkg/kubelet/cm, checkpoints).
KUBELET = (
    "drain the node, then rm -f /var/lib/kubelet/{cpu,memory}_manager_state, "
    "systemctl restart kubelet"
)
# In the order they are run in; `ovs-vswitchd` takes rackwright-ovs-bridges with it.
COMMANDS = (
    "update-grub",
    "update-initramfs -u",
    "systemctl daemon-reload",
    "udevadm control --reload",
    "systemctl restart systemd-modules-load",
    "systemctl restart systemd-sysctl",
    "networkctl reload",
    "netplan apply",
    "systemctl start local-fs.target",
    "systemctl restart rackwright-nics",
    "systemctl restart rackwright-ovs-options",
    "systemctl restart ovs-vswitchd",
    "systemctl restart rackwright-ovs-bridges",
    KUBELET,
)


def commands_for(effects: Iterable[Effect]) -> tuple[str, ...]:
    """What to run on a node for all its changes, in order; empty where a new image comes.

    A reboot does what restarts would: of those nothing is left beside it.
    """
    found = list(effects)
    strongest = strongest_level(effect.level for effect in found)
    if strongest == "image":
        return ()
    wanted = {effect.command for effect in found if effect.level == strongest}
    ordered = [command for command in COMMANDS if command in wanted]
    return (*ordered, *["reboot"] * (strongest == "reboot"))


def strongest_level(levels: Iterable[Level]) -> Level:
    return max(levels, key=LEVELS.index, default="nothing")
