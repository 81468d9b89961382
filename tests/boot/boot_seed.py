"""The host that is built and booted here, and the same on machines that boot faster."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEED = ROOT / "examples/seed/inventory.yaml"
HOST = "nfv1"
TIMEOUT_S = 900.0

# CPUs of the class's two nodes and the line about siblings. Each has cores of every role: on
# node 0 for housekeeping, for PMDs and for pods, on node 1 for housekeeping.
SEED_CPUS = ("0-7,16-23", "8-15,24-31", "    siblings: 16\n")
CPUS_4 = ("0-2", "3", "")
CPUS_8_SECURE = ("0-2,4-6", "3,7", "    siblings: 4\n    secure-boot: true\n")


def smaller_seed(cpus: tuple[str, str, str] = CPUS_4) -> str:
    """The seed's inventory with fewer CPUs and 24 GiB: the same pages, ports, VFs and bridges.

    4 GiB of each node are pages, those of 1G whole GiB: of 8 GiB on node 0 the hole below 4 GiB takes
    two, and the kernel, which is loaded anywhere (KASLR), left a page too few in one boot of some tens.
    """
    text = SEED.read_text(encoding="utf-8")
    changes = (*zip(SEED_CPUS, cpus, strict=True), ("memory: 47GiB", "memory: 12GiB"))
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text
