"""A node below a directory, for tests of the program of the first boot."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import first_boot
import rackwright_seed
import seed_stock

CONTENT = b"options ixgbe\n"
WORDS = ["quiet", "isolcpus=1"]
SOURCES: dict[str, Any] = {
    "suites": {"trixie": "archive", "trixie-security": "security"},
    "components": ["main", "non-free-firmware"],
    "keyring": "/k.gpg",
    "mirror": None,
}
IMAGE: dict[str, Any] = {
    "boots": "stock",
    "release": "debian trixie",
    "sources": SOURCES,
    "packages": ["openvswitch-switch", "udev"],
    "alternatives": {"ovs-vswitchd": "/usr/lib/dpdk"},
    "files": [
        {"path": "/etc/a.conf", "sha256": hashlib.sha256(CONTENT).hexdigest(), "mode": "0640",
         "owner": "root:root"},
        {"path": "/etc/wants/a", "link": "/etc/a.conf"},
    ],
    "os-release": ["IMAGE_ID=nfv-node"],
    "kernel": "amd64",
}  # fmt: skip
GOLDEN: dict[str, Any] = {"boots": "golden", "plan-id": "p1"}
ACCESS: dict[str, Any] = {"id": "a" * 16, "users": {}}
STEPS = [
    "dpkg --configure -a",
    "apt-get update",
    "apt-get --fix-broken install",
    "apt-get install openvswitch-switch",
    "update-alternatives --set ovs-vswitchd /usr/lib/dpdk",
    "update-initramfs -u -k all",
    "grub-mkconfig -o {root}/boot/grub/grub.cfg.rackwright",
]


class Cut(BaseException):
    """The power went out."""


class Machine:
    """A node below a directory: what was run on it, and where its power goes out."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ran: list[str] = []
        self.installed = {"udev"}
        self.known = {"udev", "openvswitch-switch"}
        self.cut_before: str | None = None
        self.cut_after: str | None = None
        self.fails = 0
        self.refused: list[str] = []
        self.kernel = "6.12.48+deb13-amd64"

    def run(self, *argv: str) -> None:
        options = ("--no-install-recommends", *seed_stock.APT_GET[1:])
        skipped = options if argv[0] == "apt-get" else ()
        text = " ".join(word for word in argv if word not in skipped)
        if text == self.cut_before:
            raise Cut
        if self.fails and "update" in argv:
            self.fails -= 1
            raise rackwright_seed.Failed("apt-get ended with 100")
        self.ran.append(text)
        if argv[0] == "apt-get" and "openvswitch-switch" in argv:
            self.installed.add("openvswitch-switch")
        if argv[0] == "grub-mkconfig":
            Path(argv[2]).write_text("menuentry\n", encoding="utf-8")
        if text == self.cut_after:
            raise Cut

    def try_to_run(self, *argv: str) -> int:
        self.run(*argv)
        return int(argv[0] == "dpkg" and bool(self.refused))

    def candidates(self, names: list[str]) -> set[str]:
        return {name for name in names if name in self.known}

    def reinstalls(self) -> list[str]:
        return ["--reinstall", *self.refused] if self.refused else []

    def boot(self, words: list[str], number: int) -> int:
        """One boot with this command line, as far as the program of it."""
        for path in ("run/rackwright/reboot",):
            (self.root / path).unlink(missing_ok=True)
        proc = self.root / "proc/sys/kernel/random"
        proc.mkdir(parents=True, exist_ok=True)
        (proc / "boot_id").write_text(f"{number}\n", encoding="utf-8")
        (proc.parent / "osrelease").write_text(f"{self.kernel}\n", encoding="utf-8")
        (self.root / "proc/cmdline").write_text(" ".join(words) + "\n", encoding="utf-8")
        return first_boot.main(self.root)

    @property
    def wants_reboot(self) -> bool:
        return (self.root / "run/rackwright/reboot").exists()

    def write(self, path: str, content: str | bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
