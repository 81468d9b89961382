"""The image boots, by BIOS and by UEFI with and without Secure Boot, and grows into its disk.

Needs root, a network and QEMU with OVMF. RACKWRIGHT_TEST_CACHE names a directory that
keeps the packages between runs.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from image_sample import sample_request

from builder.command import Command, SubprocessRunner
from builder.monitor import TextMonitor
from builder.targets.image.build import build_image
from builder.targets.image.request import ImageFile

pytestmark = pytest.mark.integration

OVMF = Path("/usr/share/OVMF")
DISK_SIZE = 4 * 1024**3

# Prints one line of JSON on the second serial port, then ends the machine.
PROBE = b"""#!/usr/bin/python3
import glob, json, os, subprocess
def run(*argv):
    return subprocess.run(argv, capture_output=True, text=True).stdout.strip()
def read(path):
    return open(path).read().strip()
state = run("systemctl", "is-system-running", "--wait")
facts = {
    "state": state,
    "failed": run("systemctl", "--failed", "--no-legend", "--plain").splitlines(),
    "cmdline": read("/proc/cmdline"),
    "virtio-blk-queues": read("/sys/module/virtio_blk/parameters/num_request_queues"),
    "root-bytes": os.statvfs("/").f_frsize * os.statvfs("/").f_blocks,
    "host-keys": len(glob.glob("/etc/ssh/ssh_host_*_key")),
    "machine-id": len(read("/etc/machine-id")),
    "resolv.conf": os.path.realpath("/etc/resolv.conf"),
    "efi": os.path.isdir("/sys/firmware/efi"),
    "secure-boot": "Secure boot enabled" in run("dmesg"),
    "vswitchd": os.path.realpath("/usr/sbin/ovs-vswitchd"),
    "dpdk": run("ovs-vsctl", "get", "Open_vSwitch", ".", "dpdk_version"),
    "mode": oct(os.stat("/etc/rackwright/secret").st_mode),
    "owner": [os.stat("/etc/rackwright/secret").st_uid, os.stat("/etc/rackwright/secret").st_gid],
    "link": os.readlink("/etc/rackwright/link"),
    "resumable": run("systemctl", "is-active", "ssh.service", "chrony.service"),
    "sources": "".join(read(path) for path in glob.glob("/etc/apt/sources.list.d/*")),
    "suspicious": [p for p in ("/etc/hostname", "/efi") if os.path.exists(p)],
}
with open("/dev/ttyS1", "w") as out:
    out.write(json.dumps(facts) + "\\n")
"""

UNIT = b"""[Unit]
Description=Report to the test and end
After=systemd-user-sessions.service
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
ExecStart=/usr/local/sbin/probe
TimeoutStartSec=infinity
"""

FILES = (
    ImageFile("/usr/local/sbin/probe", 0o755, 0, 0, PROBE),
    ImageFile("/etc/systemd/system/probe.service", 0o644, 0, 0, UNIT),
    ImageFile(
        "/etc/systemd/system/multi-user.target.wants/probe.service",
        0o120777,
        0,
        0,
        b"../probe.service",
    ),
    # virtio_blk is loaded by the initramfs, where only the early archive has this file.
    ImageFile(
        "/etc/modprobe.d/probe.conf", 0o644, 0, 0, b"options virtio_blk num_request_queues=1\n"
    ),
    ImageFile("/etc/rackwright/secret", 0o640, 0, 42, b"s"),
    ImageFile("/etc/rackwright/link", 0o120777, 0, 0, b"secret"),
    # No network in this machine: cloud-init and the wait for it would only cost time.
    ImageFile("/etc/cloud/cloud-init.disabled", 0o644, 0, 0, b""),
)

# Name of the case -> arguments of the firmware, {vars} being its own copy of the variables.
FIRMWARE: dict[str, tuple[str, tuple[str, ...], str]] = {
    "bios": ("q35,hpet=off", (), ""),
    "uefi": (
        "q35,hpet=off",
        (f"if=pflash,format=raw,readonly=on,file={OVMF}/OVMF_CODE_4M.fd",),
        "OVMF_VARS_4M.fd",
    ),
    "secure-boot": (
        "q35,hpet=off,smm=on",
        (f"if=pflash,format=raw,readonly=on,file={OVMF}/OVMF_CODE_4M.secboot.fd",),
        "OVMF_VARS_4M.ms.fd",
    ),
}


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The disk with the probe in it."""
    out = tmp_path_factory.mktemp("boot")
    request = replace(sample_request(out), files=FILES)
    return build_image(request, SubprocessRunner(), TextMonitor()).files["raw"].path


def boot(disk: Path, firmware: str, work: Path) -> dict[str, object]:
    """Facts of one boot of a copy of `disk` on a disk of DISK_SIZE."""
    machine, pflash, variables = FIRMWARE[firmware]
    copy, facts, console = work / "disk.raw", work / "facts", work / "console"
    shutil.copyfile(disk, copy)
    with copy.open("r+b") as file:
        file.truncate(DISK_SIZE)
    drives = list(pflash)
    if variables:
        shutil.copyfile(OVMF / variables, work / "vars")
        drives.append(f"if=pflash,format=raw,file={work / 'vars'}")
    argv = [
        *("qemu-system-x86_64", "-machine", machine, "-accel", "tcg,thread=multi"),
        *("-cpu", "max", "-smp", "2", "-m", "2G", "-nodefaults", "-display", "none"),
        *("-global", "ICH9-LPC.disable_s3=1", "-no-reboot"),
        *("-serial", f"file:{console}", "-serial", f"file:{facts}"),
        *("-drive", f"if=none,id=d,format=raw,cache=unsafe,file={copy}"),
        *("-device", "virtio-blk-pci,drive=d"),
        *(argument for drive in drives for argument in ("-drive", drive)),
    ]
    if firmware == "secure-boot":
        argv += ["-global", "driver=cfi.pflash01,property=secure,value=on"]
    SubprocessRunner().run(Command(tuple(argv), timeout_s=900))
    # OVMF writes its menu to every serial port, before the probe its line.
    loaded: dict[str, object] = json.loads(facts.read_bytes().splitlines()[-1])
    return loaded


@pytest.mark.parametrize("firmware", sorted(FIRMWARE))
def test_boot(disk: Path, firmware: str, tmp_path: Path) -> None:
    facts = boot(disk, firmware, tmp_path)
    assert facts["failed"] == []
    assert facts["state"] == "running"
    assert facts["efi"] is (firmware != "bios")
    assert facts["secure-boot"] is (firmware == "secure-boot")
    assert facts["virtio-blk-queues"] == "1"
    assert float(str(facts["root-bytes"])) > DISK_SIZE * 0.9
    assert facts["host-keys"] == 3
    assert facts["machine-id"] == 32
    assert facts["vswitchd"] == "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
    assert "DPDK" in str(facts["dpdk"])
    assert (facts["mode"], facts["owner"], facts["link"]) == ("0o100640", [0, 42], "secret")
    assert facts["suspicious"] == []
