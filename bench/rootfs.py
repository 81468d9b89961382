"""CPU time of a cold root file system: ours, plain mmdebstrap, stock diskimage-builder.

    python bench/rootfs.py DIRECTORY [ours|mmdebstrap|debian-minimal]...

All three install the packages of the seed's node from the same mirror, one after the other.
Needs root, a network and, for the third, debootstrap, kpartx and gdisk. CPU seconds are of all
programs run; wall seconds depend on the network.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from builder.command import CLEAN_ENV, Command, SubprocessRunner
from builder.prepare import host_named, prepare
from builder.targets.image import cached_base
from builder.targets.image.compose import disk_image_create
from builder.targets.image.from_plan import request_for
from builder.targets.image.request import ImageRequest
from builder.trees import tree_of

SEED = Path(__file__).resolve().parents[1] / "examples/seed/inventory.yaml"
RUNNER = SubprocessRunner()


class CpuMonitor:
    """Prints the CPU and wall seconds of each step of a build."""

    def __init__(self) -> None:
        self.started = cpu_and_wall()

    def begin(self, step: str) -> None:
        self.started = cpu_and_wall()

    def end(self, step: str, seconds: float, note: str) -> None:
        report(f"  {step}", self.started)

    def fail(self, step: str, seconds: float) -> None:
        print(f"  {step} failed")

    def log(self, line: str) -> None:
        print(f"  {line}")


def cpu_and_wall() -> tuple[float, float]:
    return sum(os.times()[:4]), time.monotonic()


def report(title: str, started: tuple[float, float]) -> None:
    cpu, wall = (now - then for now, then in zip(cpu_and_wall(), started, strict=True))
    print(f"{title}: {cpu:.1f} CPU-s, {wall:.1f} s wall", flush=True)


def seed_request(directory: Path) -> ImageRequest:
    plan = prepare(SEED, host_named("nfv1")).plan
    return request_for(plan, tree_of(plan), ("raw",), directory / "out", directory / "cache")


def ours(request: ImageRequest, plan: cached_base.BasePlan, _directory: Path) -> None:
    """The whole way to a bootable base, step by step; the first is the root file system."""
    cached_base.ensure_base(plan, request, RUNNER, CpuMonitor())


def mmdebstrap(request: ImageRequest, plan: cached_base.BasePlan, directory: Path) -> None:
    """One transaction with nothing but the packages, into a directory."""
    argv = (
        *("mmdebstrap", "--mode=root", "--variant=apt", "--format=directory"),
        *(f"--keyring={request.keyring}", '--aptopt=APT::Install-Recommends "false"'),
        *(f"--include={','.join(plan.packages)}", request.release.suite),
        *(str(directory / "mmdebstrap"), *plan.sources),
    )
    RUNNER.run(Command(argv, env=request.proxy))


def debian_minimal(request: ImageRequest, plan: cached_base.BasePlan, directory: Path) -> None:
    """diskimage-builder's own element for Debian, with the packages named by -p."""
    env = {
        **request.proxy,
        "USER": "root",
        "PATH": f"{Path(sys.executable).parent}:{CLEAN_ENV['PATH']}",
        "TMP_DIR": str(directory),
        "DIB_RELEASE": request.release.suite,
        "DIB_DISTRIBUTION_MIRROR": plan.sources[0].split()[1],
        "DIB_DEBIAN_SECURITY_MIRROR": plan.sources[-1].split()[1],
        "DIB_DEBIAN_COMPONENTS": "main,non-free-firmware",
        "DIB_APT_MINIMAL_CREATE_INTERFACES": "0",
        "DIB_PYTHON_VERSION": "3",
    }
    argv = (
        *(disk_image_create(), "-t", "tar", "-o", str(directory / "minimal")),
        *("--image-cache", str(directory / "dib-cache")),
        *("-p", ",".join(plan.packages), "debian-minimal"),
    )
    RUNNER.run(Command(argv, env=env, cwd=directory, log=directory / "minimal.log"))


WAYS: dict[str, Callable[[ImageRequest, cached_base.BasePlan, Path], None]] = {
    "ours": ours,
    "mmdebstrap": mmdebstrap,
    "debian-minimal": debian_minimal,
}


def main() -> None:
    """Measure what the arguments name, all by default."""
    directory = Path(sys.argv[1]).absolute()
    for way in sys.argv[2:] or list(WAYS):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        request = seed_request(directory)
        plan, _note = cached_base.plan_base(request, RUNNER)
        started = cpu_and_wall()
        WAYS[way](request, plan, directory)
        report(way, started)
    shutil.rmtree(directory)


if __name__ == "__main__":
    main()
