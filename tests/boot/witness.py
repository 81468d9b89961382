#!/usr/bin/python3 -BES
"""Stands in for the facts program: what it would have sent, and what becomes of the node later.

Facts come first, then what `discover` reads, before anything is done here. Then the units run
again, Open vSwitch restarts, and the node reboots. At the very end two CPUs go offline.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

from builder.discover.machine import read_machine
from builder.discover.system_files import Tree

PORT = Path("/dev/virtio-ports/rackwright.facts")
STATE = Path("/var/lib/witness.json")
OFFLINE = (2, 7)
VFS = ("0000:01:10.0", "0000:01:10.1", "0000:01:10.2", "0000:01:10.3", "0000:09:00.0")
OURS = (
    "rackwright-nics",
    "rackwright-hugepages",
    "rackwright-ovs-options",
    "rackwright-ovs-bridges",
)
STEPS = {
    "units run again": OURS,
    "ovs-vswitchd restarted": ("ovs-vswitchd",),
    "openvswitch-switch restarted": ("openvswitch-switch",),
}


def run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else f"FAILED {argv}: {done.stderr}"


def facts() -> dict[str, object]:
    """The document of the program itself, which goes to stdout where there is no port."""
    hidden = f"mount -t tmpfs tmpfs {PORT.parent} && exec /usr/lib/rackwright/facts"
    return dict(json.loads(run("unshare", "--mount", "sh", "-c", hidden)))


def discovered() -> dict[str, object]:
    tree = Tree(Path("/"))
    read_machine(tree)
    return {
        "files": {path: content.decode("latin-1") for path, content in tree.files.items()},
        "links": tree.links,
        "folders": sorted(tree.folders),
    }


def identity() -> dict[str, object]:
    """What the first boot makes, what the early initramfs was told, and files as they were asked for."""
    secret = Path("/etc/rackwright/secret").stat()
    return {
        "virtio-blk-queues": run("cat", "/sys/module/virtio_blk/parameters/num_request_queues"),
        "host-keys": len(list(Path("/etc/ssh").glob("ssh_host_*_key"))),
        "machine-id": len(Path("/etc/machine-id").read_text(encoding="ascii").strip()),
        "vswitchd": os.path.realpath("/usr/sbin/ovs-vswitchd"),
        "dpdk": run("ovs-vsctl", "get", "Open_vSwitch", ".", "dpdk_version"),
        "secret": [oct(secret.st_mode), secret.st_uid, secret.st_gid],
        "link": str(Path("/etc/rackwright/link").readlink()),
        "efi": Path("/efi").exists(),
    }


def device(address: str) -> tuple[str, int]:
    node = Path("/sys/bus/pci/devices") / address
    # A VF made anew has a new directory in sysfs, with another inode.
    return str((node / "driver").readlink()), node.resolve().stat().st_ino


def snapshot() -> dict[str, object]:
    # `restart` returns when its own unit is up; units that follow it are still starting.
    while run("systemctl", "list-jobs", "--no-legend"):
        time.sleep(0.5)
    interfaces = run(
        "ovs-vsctl", "--bare", "--columns=name,ofport,error", "find", "Interface", "type=dpdk"
    )
    return {
        "pci": {address: device(address) for address in VFS},
        "ports": sorted(run("ovs-vsctl", "list-ports", "br0").split()),
        "interfaces": sorted(interfaces.split()),
        "other-config": run("ovs-vsctl", "get", "Open_vSwitch", ".", "other_config"),
        "bridges": run("ovs-vsctl", "list-br"),
        "failed": run("systemctl", "--failed", "--plain", "--no-legend"),
        "units": {
            unit: run("systemctl", "is-active", unit)
            for unit in (*OURS, "ovs-vswitchd", "ovsdb-server")
        },
        "nics": json.loads(Path("/run/rackwright/nics.json").read_text(encoding="utf-8")),
    }


def first_boot() -> dict[str, object]:
    seen: dict[str, object] = {
        "facts": facts(),
        "discovered": discovered(),
        "identity": identity(),
        "booted": snapshot(),
    }
    for step, units in STEPS.items():
        said = [run("systemctl", "restart", unit) for unit in units]
        seen[step] = {**snapshot(), "said": said}
    run("systemctl", "stop", "openvswitch-switch", "ovs-vswitchd", "ovsdb-server")
    run("systemctl", "start", "openvswitch-switch")
    seen["stopped and started"] = snapshot()
    return seen


def second_boot() -> dict[str, object]:
    seen: dict[str, object] = {"rebooted": snapshot()}
    for cpu in OFFLINE:
        Path(f"/sys/devices/system/cpu/cpu{cpu}/online").write_text("0\n", encoding="ascii")
    seen["discovered with CPUs offline"] = discovered()
    return seen


def send(document: bytes) -> None:
    descriptor = os.open(PORT, os.O_WRONLY)
    try:
        while document:
            document = document[os.write(descriptor, document) :]
    finally:
        os.close(descriptor)


def main() -> None:
    run("systemctl", "is-system-running", "--wait")
    if STATE.exists():
        seen = json.loads(STATE.read_text(encoding="utf-8")) | second_boot()
        send(json.dumps(seen, sort_keys=True).encode() + b"\n")
    else:
        STATE.write_text(json.dumps(first_boot()), encoding="utf-8")
        os.sync()
        run("systemctl", "reboot")


if __name__ == "__main__":
    main()
