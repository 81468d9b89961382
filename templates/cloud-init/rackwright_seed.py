# SPDX-License-Identifier: Apache-2.0
"""What all parts of the first boot work with: the node, its order, programs and files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# A mirror or a vault that is not up yet must not cost the node its first boot.
TRIES, PAUSE_S = 5, 10.0
ENVIRONMENT = {
    "DEBIAN_FRONTEND": "noninteractive",
    "NEEDRESTART_SUSPEND": "1",
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
}


class Failed(Exception):
    """What went wrong, for the journal."""


class Node:
    """The machine below `root`, and the order it was given."""

    def __init__(self, root: Path, order: dict[str, Any], image: dict[str, Any]) -> None:
        self.root, self.order, self.image = root, order, image
        self.stamps = root / "var/lib/rackwright/seed" / str(order["id"])

    @property
    def is_stock(self) -> bool:
        return bool(self.image["boots"] == "stock")

    def has(self, stamp: str) -> bool:
        return (self.stamps / stamp).exists()

    def stamp(self, name: str) -> None:
        """Only when everything written so far is on the disk, and then at once."""
        os.sync()
        self.stamps.mkdir(parents=True, exist_ok=True)
        (self.stamps / name).write_text(f"{time.time():.0f}\n")
        os.sync()


def running_kernel(node: Node) -> str:
    return (node.root / "proc/sys/kernel/osrelease").read_text().strip()


def kernel_flavour(release: str) -> str:
    """`6.12.117+deb13-rt-amd64` -> `rt-amd64`."""
    found = re.search(r"-([a-z][a-z0-9]*(?:-[a-z][a-z0-9]*)*)$", release)
    return found[1] if found else ""


def say(text: str) -> None:
    print(f"rackwright: {text}", flush=True)


def run(*argv: str) -> None:
    status = try_to_run(*argv)
    if status:
        raise Failed(f"{argv[0]} ended with {status}")


def try_to_run(*argv: str) -> int:
    """The exit status, for what may fail."""
    say(" ".join(argv))
    return subprocess.run(
        argv, env={**ENVIRONMENT}, stdin=subprocess.DEVNULL, check=False
    ).returncode


def again(what: str, attempt: Callable[[], None]) -> None:
    """`attempt`, a few times: the network may still be on its way up."""
    for number in range(1, TRIES + 1):
        try:
            attempt()
            return
        except (Failed, OSError) as fault:
            if number == TRIES:
                raise Failed(f"{what}: {fault}") from fault
            say(f"{what}: {fault}; once more in {PAUSE_S:g} s")
            time.sleep(PAUSE_S)


def replace(target: Path, content: bytes, mode: int, owner: str) -> None:
    """The whole file or the old one; never half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = target.with_name(f".{target.name}.rackwright")
    # Never readable by others before its mode and owner are right.
    staging.unlink(missing_ok=True)
    with os.fdopen(os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
        out.flush()
        # Of the file that is open: whoever may write to the directory could swap its name.
        if os.geteuid() == 0:
            user, group = owner.split(":")
            shutil.chown(out.fileno(), user, group)
        os.fchmod(out.fileno(), mode)
        os.fsync(out.fileno())
    staging.replace(target)


def link(target: Path, to: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = target.with_name(f".{target.name}.rackwright")
    staging.unlink(missing_ok=True)
    staging.symlink_to(to)
    staging.replace(target)
