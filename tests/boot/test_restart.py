"""Running the units again, restarting Open vSwitch and rebooting change nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from boot_seed import HOST, SEED, TIMEOUT_S

from builder.monitor import TextMonitor
from builder.plan.nouns.host import HostPlan
from builder.prepare import host_named, prepare
from builder.targets.image.request import ImageFile
from builder.verify.qemu import boot
from builder.verify.spec import spec_of
from builder.verify.twin import plan_twin

# Runs in the twin: takes a snapshot, does something, takes another; once more after a reboot.
PROBE = b"""#!/usr/bin/python3
import json, os, pathlib, subprocess, time
def run(*argv):
    done = subprocess.run(argv, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else f"FAILED {argv}: {done.stderr}"
def pci(path):
    node = pathlib.Path("/sys/bus/pci/devices") / path
    # A VF made anew has a new directory in sysfs, with another inode.
    return [os.readlink(node / "driver"), os.stat(node.resolve()).st_ino]
def quiet():
    # `restart` returns when its own unit is up; units that follow it are still starting.
    while run("systemctl", "list-jobs", "--no-legend"):
        time.sleep(0.5)
def snapshot():
    quiet()
    vfs = ["0000:01:10.0", "0000:01:10.1", "0000:01:10.2", "0000:01:10.3", "0000:09:00.0"]
    return {
        "pci": {vf: pci(vf) for vf in vfs},
        "ports": sorted(run("ovs-vsctl", "list-ports", "br0").split()),
        "interfaces": sorted(run("ovs-vsctl", "--bare", "--columns=name,ofport,error",
                                 "find", "Interface", "type=dpdk").split()),
        "other-config": run("ovs-vsctl", "get", "Open_vSwitch", ".", "other_config"),
        "bridges": run("ovs-vsctl", "list-br"),
        "failed": run("systemctl", "--failed", "--plain", "--no-legend"),
        "units": {unit: run("systemctl", "is-active", unit) for unit in (
            "rackwright-nics", "rackwright-hugepages", "rackwright-ovs-options",
            "rackwright-ovs-bridges", "ovs-vswitchd", "ovsdb-server")},
        "nics": json.loads(pathlib.Path("/run/rackwright/nics.json").read_text()),
    }
STEPS = {
    "units run again": ["rackwright-nics", "rackwright-hugepages", "rackwright-ovs-options",
                        "rackwright-ovs-bridges"],
    "ovs-vswitchd restarted": ["ovs-vswitchd"],
    "openvswitch-switch restarted": ["openvswitch-switch"],
}
state = pathlib.Path("/var/lib/probe.json")
run("systemctl", "is-system-running", "--wait")
if state.exists():
    seen = json.loads(state.read_text())
    seen["rebooted"] = snapshot()
    port = os.open("/dev/virtio-ports/rackwright.facts", os.O_WRONLY)
    left = (json.dumps(seen) + "\\n").encode()
    while left:
        left = left[os.write(port, left):]
else:
    seen = {"booted": snapshot()}
    for step, units in STEPS.items():
        said = [run("systemctl", "restart", unit) for unit in units]
        seen[step] = {**snapshot(), "said": said}
    run("systemctl", "stop", "openvswitch-switch", "ovs-vswitchd", "ovsdb-server")
    run("systemctl", "start", "openvswitch-switch")
    seen["stopped and started"] = snapshot()
    state.write_text(json.dumps(seen))
    os.sync()
    run("systemctl", "reboot")
"""
UNIT = b"""[Unit]
Description=Do again what was done at boot
[Service]
Type=exec
ExecStart=/usr/local/sbin/probe
"""
RULE = (
    b'SUBSYSTEM=="virtio-ports", ATTR{name}=="rackwright.facts", TAG+="systemd", '
    b'ENV{SYSTEMD_WANTS}+="probe.service"\n'
)
EXTRA = (
    ImageFile("/usr/local/sbin/probe", 0o755, 0, 0, PROBE),
    ImageFile("/etc/systemd/system/probe.service", 0o644, 0, 0, UNIT),
    ImageFile("/usr/lib/udev/rules.d/90-rackwright-facts.rules", 0o644, 0, 0, RULE),
)


def test_doing_it_again_changes_nothing(
    built: Callable[..., Path], plan: HostPlan, tmp_path: Path
) -> None:
    image = built(extra=EXTRA)
    hardware = prepare(SEED, host_named(HOST)).hardware
    result = boot(
        plan_twin(spec_of(hardware, plan, "bios")),
        image,
        timeout_s=TIMEOUT_S,
        workdir=tmp_path / "out",
        monitor=TextMonitor(),
        may_reboot=True,
    )
    seen = json.loads(result.facts_json)
    first = seen["booted"]
    assert first["ports"] == ["dpdk0", "dpdk1"]
    assert first["bridges"] == "br0"
    assert set(first["units"].values()) == {"active"}
    stages = ["units run again", "ovs-vswitchd restarted", "openvswitch-switch restarted"]
    for stage in [*stages, "stopped and started", "rebooted"]:
        now = seen[stage]
        for kept in ("ports", "interfaces", "other-config", "bridges", "failed", "units"):
            assert now[kept] == first[kept], stage
        assert now["nics"]["ok"] is True
        drivers = {address: driver for address, (driver, _inode) in now["pci"].items()}
        assert drivers == {address: driver for address, (driver, _) in first["pci"].items()}, stage
        if stage != "rebooted":
            assert now["pci"] == first["pci"], stage
    for stage in stages:
        assert [line for line in seen[stage]["said"] if line] == [], stage
    assert seen["units run again"]["nics"]["steps"] != first["nics"]["steps"]
