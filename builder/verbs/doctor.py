"""`rackwright doctor`: what this build host lacks, and the command that installs it."""

from __future__ import annotations

import shutil
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from builder.command import CLEAN_ENV, PACKAGE_OF, Command, SubprocessRunner, is_root

# Verb -> the programs it calls.
NEEDS = {
    "render": ("systemd-analyze", "netplan"),
    "image": ("sudo", "mmdebstrap", "tar", "zstd", "mke2fs", "debugfs", "mformat", "qemu-img"),
    "verify": ("qemu-system-x86_64", "qemu-img"),
}
IGB_SINCE = (8, 0)  # QEMU's SR-IOV NIC, docs/system/devices/igb.rst


def add_arguments(parser: ArgumentParser) -> None:
    parser.set_defaults()


def run(_args: Namespace) -> int:
    missing: set[str] = set()
    for verb, programs in NEEDS.items():
        lacking = [p for p in programs if shutil.which(p, path=CLEAN_ENV["PATH"]) is None]
        missing.update(PACKAGE_OF.get(p, p) for p in lacking)
        print(f"{verb:<8} {'ok' if not lacking else 'lacks ' + ', '.join(lacking)}")
    missing.update(_firmware())
    faults = [*_qemu_version(), *([] if is_root() else ["image needs root: run it with sudo"])]
    for fault in faults:
        print(f"{'':<8} {fault}")
    if missing:
        print(f"  hint: apt-get install {' '.join(sorted(missing))}", file=sys.stderr)
    return 1 if missing or faults else 0


def _firmware() -> list[str]:
    return [] if Path("/usr/share/OVMF/OVMF_CODE_4M.fd").exists() else ["ovmf"]


def _qemu_version() -> list[str]:
    if shutil.which("qemu-system-x86_64", path=CLEAN_ENV["PATH"]) is None:
        return []
    said = SubprocessRunner().run(Command(("qemu-system-x86_64", "--version"))).stdout.decode()
    number = said.split("version", 1)[-1].split()[0]
    have = tuple(int(part) for part in number.split(".")[:2])
    if have >= IGB_SINCE:
        return []
    return [f"QEMU {number} has no igb network card: verify needs 8.0 or later"]
