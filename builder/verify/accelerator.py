"""What the build host's QEMU is good for: whether it is new enough, whether KVM truly works."""

from __future__ import annotations

import os
import re
from pathlib import Path

from builder.command import Command, Runner
from builder.errors import BuilderError, CommandFailed
from builder.verify.twin import Accelerator
from builder.workdir import work_dir

KVM = Path("/dev/kvm")
# igb, the NIC with SR-IOV, came with QEMU 8.0.
OLDEST_QEMU = (8, 0)
PROBE_TIMEOUT_S = 3.0
# A boot sector that writes 0x10 to port 0x501, where isa-debug-exit makes it exit status 33:
#   mov dx, 0x501; mov al, 0x10; out dx, al; hlt; jmp the hlt
_CODE = bytes.fromhex("ba0105 b010 ee f4 ebfd")
BOOT_SECTOR = _CODE.ljust(510, b"\0") + b"\x55\xaa"
PROBE_STATUS = 0x10 << 1 | 1
# SeaBIOS reads more than one sector: a disk of a single one it cannot boot.
PROBE_DISK = BOOT_SECTOR.ljust(1024 * 1024, b"\0")


def check_qemu(runner: Runner) -> None:
    """Raises ToolMissing without QEMU, BuilderError when it is too old for a twin."""
    said = runner.run(Command(("qemu-system-x86_64", "--version"))).stdout.decode(errors="replace")
    runner.run(Command(("qemu-img", "--version")))
    version = re.search(r"version (\d+)\.(\d+)", said)
    if version is not None and (int(version[1]), int(version[2])) < OLDEST_QEMU:
        raise BuilderError(
            f"QEMU {version[1]}.{version[2]} has no NIC with SR-IOV (igb): 8.0 or later is needed",
            hint="install qemu-system-x86 from the backports of this release",
        )


def find_accelerator(runner: Runner, workdir: Path, device: Path = KVM) -> Accelerator:
    """KVM where a guest really runs under it, else TCG.

    That /dev/kvm opens proves little: nested or paravirtual KVM may refuse the CPU model, the
    split interrupt chip, or hang in the first firmware instruction. So a guest of one boot
    sector is run, on a machine like the twin's.
    """
    if not os.access(device, os.R_OK | os.W_OK):
        return "tcg"
    with work_dir(workdir) as scratch:
        disk = scratch / "probe.raw"
        disk.write_bytes(PROBE_DISK)
        try:
            probe = Command(probe_argv(disk), timeout_s=PROBE_TIMEOUT_S, accept=(PROBE_STATUS,))
            runner.run(probe)
        except CommandFailed:
            return "tcg"
    return "kvm"


def probe_argv(image: Path, accelerator: Accelerator = "kvm") -> tuple[str, ...]:
    disk = str(image).replace(",", ",,")
    return (
        *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none"),
        *("-no-reboot", "-machine", "q35,kernel-irqchip=split", "-accel", accelerator),
        *("-cpu", "host" if accelerator == "kvm" else "max", "-smp", "2", "-m", "64M"),
        *("-device", "intel-iommu,intremap=on,caching-mode=on"),
        *("-device", "isa-debug-exit,iobase=0x501,iosize=2"),
        *("-drive", f"if=none,id=disk,format=raw,readonly=on,file={disk}"),
        *("-device", "virtio-blk-pci,drive=disk"),
    )
