"""Which commands make a node what its new files say, in the order they are run in."""

from __future__ import annotations

from collections.abc import Iterable

from builder.render.effect import LEVELS, Effect, Level

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
    "systemctl try-reload-or-restart ssh",
    "systemctl restart rackwright-secrets",
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
    ordered = tuple(command for command in COMMANDS if command in wanted)
    return (*ordered, "reboot") if strongest == "reboot" else ordered


def strongest_level(levels: Iterable[Level]) -> Level:
    return max(levels, key=LEVELS.index, default="nothing")
