#!/usr/bin/python3 -BES
"""Stands in for the facts program: sends what `discover` reads on this node, twice.

The second time two CPUs are offline.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from builder.discover.machine import read_machine
from builder.discover.system_files import Tree

PORT = Path("/dev/virtio-ports/rackwright.facts")
OFFLINE = (3, 31)


def read() -> dict[str, object]:
    tree = Tree(Path("/"))
    read_machine(tree)
    return {
        "files": {path: content.decode("latin-1") for path, content in tree.files.items()},
        "links": tree.links,
        "folders": sorted(tree.folders),
    }


def main() -> None:
    # VFs are made and ports are bound when the boot is over.
    words = ["systemctl", "is-system-running", "--wait"]
    subprocess.run(words, check=False, timeout=600, stdout=subprocess.DEVNULL)
    document = {"all": read()}
    for cpu in OFFLINE:
        Path(f"/sys/devices/system/cpu/cpu{cpu}/online").write_text("0\n", encoding="ascii")
    document["offline"] = read()
    line = json.dumps(document, sort_keys=True).encode() + b"\n"
    descriptor = os.open(PORT, os.O_WRONLY)
    try:
        while line:
            line = line[os.write(descriptor, line) :]
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    main()
