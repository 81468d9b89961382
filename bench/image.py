"""How long an image takes: cold, from the package cache, config only. Needs root and a network.

    python bench/image.py DIRECTORY [cold|warm]...

DIRECTORY keeps cache and output between runs. CPU seconds are those of all programs run.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

from builder.build_host import keyring_for, proxy_variables
from builder.catalog.releases import RELEASES
from builder.command import SubprocessRunner
from builder.monitor import TextMonitor
from builder.targets.image.build import build_image
from builder.targets.image.request import ImageFile, ImageRequest

TRIXIE = RELEASES["debian-13"]


def sample_request(directory: Path) -> ImageRequest:
    """A node with one module option and one sysctl file."""
    return ImageRequest(
        name="node",
        release=TRIXIE,
        packages=(),
        files=(
            ImageFile("/etc/modprobe.d/ixgbe.conf", 0o644, 0, 0, b"options ixgbe max_vfs=2\n"),
            ImageFile("/etc/sysctl.d/90-bench.conf", 0o644, 0, 0, b"kernel.sysrq = 0\n"),
        ),
        cmdline=("console=tty0", "console=ttyS0,115200"),
        formats=("raw",),
        out_dir=directory / "out",
        cache_dir=directory / "cache",
        plan_id="bench",
        mirror=None,
        keyring=keyring_for(TRIXIE),
        proxy=proxy_variables(os.environ),
    )


def measure(title: str, request: ImageRequest) -> None:
    """Build once and print wall and CPU seconds."""
    wall, before = time.monotonic(), os.times()
    artefacts = build_image(request, SubprocessRunner(), TextMonitor())
    after = os.times()
    cpu = sum(after[:4]) - sum(before[:4])
    sizes = ", ".join(f"{k} {f.size // 2**20} MiB" for k, f in sorted(artefacts.files.items()))
    print(f"{title}: {time.monotonic() - wall:.1f} s wall, {cpu:.1f} CPU-s ({sizes})")


def main() -> None:
    """Measure what the arguments name, all by default."""
    directory = Path(sys.argv[1]).absolute()
    wanted = sys.argv[2:] or ["cold", "warm"]
    request = sample_request(directory)
    if "cold" in wanted:
        shutil.rmtree(request.cache_dir, ignore_errors=True)
        measure("cold, raw", request)
    if "elements" in wanted:
        shutil.rmtree(request.cache_dir / "bases", ignore_errors=True)
        measure("packages cached, raw", request)
    if "warm" in wanted:
        measure("config only, raw", request)
        measure("config only, qcow2", replace(request, formats=("qcow2",)))
        measure("config only, raw.zst", replace(request, formats=("raw.zst",)))


if __name__ == "__main__":
    main()
