#!/usr/bin/python3 -BES
# SPDX-License-Identifier: Apache-2.0
"""Makes this node what its inventory says, in steps that a power cut may end anywhere.

cloud-init runs it at every boot (scripts/per-boot). A step that is done leaves a stamp once
all it wrote is on the disk, so the next boot goes on behind it. `applied`: all steps are
done; `done`: and the kernel was started as it is to be.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import SubprocessError

# Beside the order, in a directory that only root writes to: cloud-init runs or complains of
# every file that is in the directory of this one.
sys.path.insert(0, "/var/lib/rackwright/seed/programs")

from rackwright_seed import Failed, Node, kernel_flavour, replace, run, running_kernel, say
from seed_access import withdraw_access
from seed_secrets import fetch_secrets

ORDER = "var/lib/rackwright/seed/order.json"
IMAGE = "var/lib/rackwright/seed/image.json"
HELD = "var/lib/rackwright/seed/host-keys"
IMAGE_RELEASE = "etc/rackwright/image-release"
STATUS = "run/rackwright/seed.json"
# On a file system of memory: a request to reboot does not outlive the boot.
REBOOT = "run/rackwright/reboot"


def missing_in_kernel(node: Node) -> list[str]:
    """Words of the kernel command line this boot was started without, and its own kernel.

    A golden image has one kernel, and its plan's id stands for it.
    """
    have = (node.root / "proc/cmdline").read_text().split()
    missing = [word for word in node.order["cmdline"] if word not in have]
    wanted, running = node.image.get("kernel"), running_kernel(node)
    if wanted and kernel_flavour(running) != wanted:
        missing.append(f"a kernel {wanted} (it is {running})")
    return missing


def forget_others(node: Node) -> None:
    """Stamps of another bundle: the node is no longer what they say, should it come back."""
    for old in node.stamps.parent.glob("[0-9a-f]" * 16):
        if old != node.stamps:
            shutil.rmtree(old)


def check_image(node: Node) -> None:
    """Whether what was booted is what the bundle is for, before anything is changed."""
    if node.is_stock:
        found = read_fields(node.root / "usr/lib/os-release")
        booted = " ".join(found.get(key, "?") for key in ("ID", "VERSION_CODENAME"))
        if booted != node.image["release"]:
            raise Failed(
                f"this is {booted}, and the bundle is for {node.image['release']}: boot a cloud"
                " image of that release, or make the bundle for this one (--os)"
            )
        return
    found = read_fields(node.root / IMAGE_RELEASE)
    wanted, built = node.image["plan-id"], found.get("IMAGE_VERSION")
    if built is None:
        raise Failed(
            f"this is no image of rackwright, and the bundle is for the golden image of plan"
            f" {wanted}: boot that image, or make the bundle with --boots stock"
        )
    if built != wanted:
        raise Failed(
            f"this image was built of plan {built}, and the bundle is for plan {wanted}: nothing"
            " was changed. Build the image of the inventory as it is now and write it to this"
            " node, or make the bundle from the inventory the image was built from"
        )


def read_fields(path: Path) -> dict[str, str]:
    """os-release(5), without the escapes no field of ours or of an id has."""
    text = path.read_text() if path.exists() else ""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and line[0] != "#")
    return {name: value.strip("\"'") for name, value in pairs}


def hold_host_keys(node: Node) -> None:
    """From now on this host keeps its SSH keys; until then each boot of it makes new ones.

    Under its name: a disk that is copied to another host, which has a bundle of its own, does
    not take them along.
    """
    held = node.root / HELD
    name = node.order["hostname"]
    keys = list((node.root / "etc/ssh").glob("ssh_host_*_key"))
    if keys and (not held.exists() or held.read_text().strip() != name):
        os.sync()
        replace(held, f"{name}\n".encode(), 0o644, "root:root")


def apply(node: Node) -> None:
    forget_others(node)
    for name, step in steps_of(node).items():
        if not node.has(name):
            say(f"step {name}")
            step(node)
            node.stamp(name)
    node.stamp("applied")


def steps_of(node: Node) -> dict[str, Callable[[Node], None]]:
    """Those of a stock image come with its bundle only."""
    if not node.is_stock:
        return {}
    from seed_stock import STEPS  # noqa: PLC0415 -- as above

    return STEPS


def finish(node: Node) -> None:
    """Secrets and `done`, or the one reboot the new command line needs, or what is wrong with it."""
    missing = missing_in_kernel(node)
    boot = (node.root / "proc/sys/kernel/random/boot_id").read_text().strip()
    asked = node.stamps / "reboot"
    if not missing:
        if not asked.exists() and node.is_stock:
            run("systemctl", "daemon-reload")
            # As at boot: some settings are there only once a module is.
            run("systemctl", "restart", "systemd-modules-load.service")
            run("systemctl", "restart", "systemd-sysctl.service")
            run("systemctl", "--no-block", "start", "default.target")
        fetch_secrets(node)
        node.stamp("done")
        say("this node is what its inventory says")
    elif not asked.exists() or asked.read_text().strip() == boot:
        say(f"a reboot is needed, for {' '.join(missing)}")
        node.stamps.mkdir(parents=True, exist_ok=True)
        asked.write_text(f"{boot}\n")
        os.sync()
        flag = node.root / REBOOT
        flag.parent.mkdir(parents=True, exist_ok=True)
        flag.touch()
    else:
        raise Failed(
            f"after a reboot the node still lacks {' '.join(missing)}:"
            " /etc/default/grub.d has a later file than ours, GRUB's default is another kernel,"
            " or another loader starts it"
        )


def become(node: Node) -> None:
    if node.has("done"):
        return
    if not node.has("applied"):
        check_image(node)
        apply(node)
    finish(node)


def save_status(root: Path, errors: list[str]) -> None:
    """As the programs of the node do, so that `verify` sees it."""
    status = {"version": 1, "ok": not errors, "steps": [], "errors": errors}
    replace(root / STATUS, json.dumps(status).encode(), 0o644, "root:root")


def main(root: Path = Path("/")) -> int:
    errors: list[str] = []
    for part in (hold_host_keys, withdraw_access, become):
        try:
            part(read_node(root))
        except (Failed, OSError, ValueError, KeyError, SubprocessError) as fault:
            errors.append(str(fault))
    errors = list(dict.fromkeys(errors))
    for error in errors:
        say(f"failed: {error}")
    save_status(root, errors)
    return 1 if errors else 0


def read_node(root: Path) -> Node:
    return Node(
        root, json.loads((root / ORDER).read_text()), json.loads((root / IMAGE).read_text())
    )


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
