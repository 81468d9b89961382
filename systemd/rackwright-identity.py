#!/usr/bin/python3 -BES
# SPDX-License-Identifier: Apache-2.0
"""Makes what only this node is to have: names packages would have made, and ids of its disk.

Machines written from one golden image would otherwise share them. An identity that is there
stays, so this does nothing after the first boot.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from typing import Any

import rackwright_disk as disk
from rackwright_node import Config, Machine, NodeError, Status, attempt, main

IDENTITIES = "etc/rackwright/identities.json"
# The builder's: the UUID of the root file system of a golden image, which no node is to keep.
SHARED = "etc/rackwright/shared-root"


def work(machine: Machine, _config: Config, status: Status) -> None:
    rows = json.loads(machine.read(IDENTITIES) or "[]")
    for row in rows:
        attempt(status, make, machine, row, status)
    shared = machine.read(SHARED)
    if shared is not None:
        attempt(status, renew_disk, machine, shared, status)


def make(machine: Machine, row: dict[str, Any], status: Status) -> None:
    """What the command prints becomes the file, whole or not at all."""
    path, command = row["path"], row["command"]
    target = machine.path(path)
    if not machine.exists(row["tool"]):
        return  # its package is not here
    if machine.read(path) not in (None, "", row["placeholder"].strip()):
        status.step(path, "left as it is", "this node has one")
        return
    done = machine.run(command)
    if done.status or not done.out.strip():
        raise NodeError(f"{path}: {command[0]}: {done.err or 'no answer'}")
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = target.with_name(f".{target.name}.rackwright")
    with staging.open("w", encoding="utf-8") as file:
        file.write(f"{row['prefix']}{done.out.strip()}\n")
        file.flush()
        os.fsync(file.fileno())
    staging.replace(target)
    status.step(path, "made", "each node has its own")


def renew_disk(machine: Machine, shared: str, status: Status) -> None:
    """New ids for a disk that still has its image's. The file system's comes last and tells that
    all are new: after a power cut before it, the next boot begins again.

    No boot loader and no file names any of them: GRUB asks the partition it is started from.
    """
    root = disk.find_root(machine)
    if disk.read_uuid(machine, root) != shared:
        status.step("disk", "left as it is", "it has ids of its own")
        return
    if shared in (machine.read("boot/grub/grub.cfg") or ""):
        # update-grub wrote it down: the node would not find its root any more.
        status.step("disk", "left as it is", "GRUB's configuration names the UUID it has")
        return
    kept = disk.named_by_firmware(machine)
    disk.renew_table(machine, root, uuid.uuid4, kept)
    disk.renew_esp(machine, root, uuid.uuid4().int & 0xFFFFFFFF)
    done = machine.run(["tune2fs", "-U", "random", f"/dev/{root.partition}"])
    if done.status:
        raise NodeError(f"/dev/{root.partition}: tune2fs -U random: {done.err}")
    # Links below /dev/disk follow.
    machine.run(["udevadm", "trigger", "--action=change", f"--name-match=/dev/{root.partition}"])
    status.step("disk", "ids made anew", "a disk of the same image could be in this machine too")


if __name__ == "__main__":
    sys.exit(main("identity", work))
