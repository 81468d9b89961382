#!/usr/bin/python3 -BES
# SPDX-License-Identifier: Apache-2.0
"""Waits for the seed of a machine that has no identity yet, and says whether there is one.

cloud-init's ds-identify looks at the disks once, while systemd reads its units; a virtual CD of a
BMC may come seconds later, and the node would stay without a name. It also looks again at each
boot, and a node whose CD is gone must then keep what it has.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

# A USB device is there about 5 s after power, a BMC's drive with a medium within 20 s.
WAIT_S, PAUSE_S = 30.0, 0.25
# What ds-identify found, and where cloud-init reads which sources to ask. Of nothing found there
# are lines too, below another key (ds-identify, record_notfound()).
RESULT = "run/cloud-init/cloud.cfg"
FOUND = re.compile(r"^datasource_list:", re.MULTILINE)
# Labels cloud-init looks for (DataSourceNoCloud, DataSourceConfigDrive), as udev links them.
LABELS = {"cidata": "NoCloud", "config-2": "ConfigDrive"}
# Conditions of cloud-init's units (10-rackwright-seed.conf beside them).
NO_SEED = "run/rackwright/no-seed"
DMI = "sys/class/dmi/id"
# As the twin's firmware calls it: all it has is there from the start.
TWIN = ("rackwright", "twin")


def read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def has_identity(root: Path) -> bool:
    """A host's own image has a name, and so has a node that cloud-init gave one."""
    return bool(read(root / "etc/hostname").strip())


def source_of_volume(root: Path) -> str | None:
    """The data source of a volume that is there now."""
    names = {path.name.lower() for path in (root / "dev/disk/by-label").glob("*")}
    return next((source for label, source in LABELS.items() if label in names), None)


def wait_for_volume(root: Path, sleep: Callable[[float], None]) -> str | None:
    is_twin = (read(root / DMI / "sys_vendor").strip(), read(root / DMI / "product_name").strip())
    left = 0.0 if has_identity(root) or is_twin == TWIN else WAIT_S
    while True:
        source = source_of_volume(root)
        if source is not None or left <= 0:
            return source
        sleep(PAUSE_S)
        left -= PAUSE_S


def main(root: Path = Path("/"), sleep: Callable[[float], None] = time.sleep) -> int:
    result = root / RESULT
    if FOUND.search(read(result)):
        return 0
    source = wait_for_volume(root, sleep)
    if source is not None:
        print(f"rackwright: a seed came after cloud-init had looked: {source}", flush=True)
        result.parent.mkdir(parents=True, exist_ok=True)
        result.write_text(f"datasource_list: [ {source}, None ]\n", encoding="utf-8")
        return 0
    if has_identity(root):
        print("rackwright: no seed is attached: this node keeps its identity", flush=True)
    else:
        print(
            f"rackwright: no seed was found in {WAIT_S:g} s (a volume labelled cidata or config-2,"
            " or a cloud's data source): this node has no name, users or addresses. Attach its"
            " seed and start it again.",
            flush=True,
        )
    flag = root / NO_SEED
    flag.parent.mkdir(parents=True, exist_ok=True)
    flag.touch()
    # What `cloud-init status` tells, and does not wait for.
    (root / "run/cloud-init/enabled").unlink(missing_ok=True)
    disabled = root / "run/cloud-init/disabled"
    disabled.parent.mkdir(parents=True, exist_ok=True)
    disabled.touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
