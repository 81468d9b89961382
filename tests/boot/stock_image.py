"""A stock-like cloud image, and beside it a package archive the node can reach without a network."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from builder.build_host import keyring_for, proxy_variables
from builder.catalog.releases import OsRelease
from builder.command import Command, Runner, SubprocessRunner
from builder.monitor import TextMonitor
from builder.plan.nouns.host import HostPlan
from builder.plan.packages import BOOT
from builder.resources import data_dir
from builder.targets.cloud_init.order import wanted_packages
from builder.targets.image import cache_keys, solve
from builder.targets.image.build import build_image
from builder.targets.image.request import ImageFile, ImageRequest
from builder.targets.image.sources import package_sources
from builder.workdir import locked

ARCHIVE = "/srv/archive"
SOURCE = f"deb [trusted=yes] file:{ARCHIVE} ./\n"
# The distribution's level is 9, which emulation takes a minute for each time.
QUICK = b"COMPRESSLEVEL=1\n"
ELEMENTS = Path(__file__).parent / "elements"
# What a cloud image has beside its kernel, GRUB and, where it is a package, systemd-resolved.
PACKAGES = (
    "ca-certificates", "cloud-guest-utils", "cloud-init", "dbus", "e2fsprogs", "initramfs-tools",
    "iproute2", "kmod", "libpam-systemd", "login", "netplan.io", "openssh-server", "procps",
    "python3", "sudo", "systemd-sysv", "udev", "zstd",
)  # fmt: skip


def build_stock(plan: HostPlan, out: Path, cache: Path) -> Path:
    """The raw image; none of the plan's packages but the distribution's own are in it."""
    runner = SubprocessRunner()
    request = stock_request(plan, out, cache)
    files = [
        ImageFile("/etc/apt/sources.list.d/archive.list", 0o644, 0, 0, SOURCE.encode()),
        ImageFile("/etc/initramfs-tools/conf.d/quick", 0o644, 0, 0, QUICK),
        *archive(request, wanted_packages(plan.image), cache / "stock-debs", runner),
    ]
    artefacts = build_image(replace(request, files=tuple(files)), runner, TextMonitor())
    return artefacts.files["raw"].path


def stock_request(plan: HostPlan, out: Path, cache: Path) -> ImageRequest:
    release = plan.image.release
    return ImageRequest(
        name="stock",
        release=release,
        packages=stock_packages(release),
        files=(),
        cmdline=("console=tty1", "console=ttyS0"),
        formats=("raw",),
        out_dir=out,
        cache_dir=cache,
        plan_id="stock",
        mirror=None,
        keyring=keyring_for(release),
        elements=("rackwright-stock",),
        element_dirs=(ELEMENTS, data_dir("elements")),
        proxy=proxy_variables(os.environ),
    )


def stock_packages(release: OsRelease) -> tuple[str, ...]:
    resolved = {"systemd-resolved"} & {*release.names.systemd_parts}
    return (*PACKAGES, *BOOT, f"linux-image-{release.kernels[0].package}", *resolved)


def archive(
    request: ImageRequest, wanted: Iterable[str], cache: Path, runner: Runner
) -> list[ImageFile]:
    """A flat package archive (apt's repository format) of what `wanted` adds to the image."""
    have = _solve(request, request.packages, runner)
    more = _solve(request, (*request.packages, *wanted), runner)
    names = [f"{name}={version}" for name, version in more if (name, version) not in set(have)]
    cache /= cache_keys.digest("stock", tuple(names))[:16]
    cache.mkdir(parents=True, exist_ok=True)
    sources = package_sources(request, runner)
    state = request.cache_dir / "apt" / cache_keys.digest("apt", (sources, "amd64"))[:16]
    env = {**request.proxy, "APT_CONFIG": str(state / "apt.conf")}
    argv = ("apt-get", *solve.apt_options(state, "amd64"), "download", *names)
    with locked(cache.with_suffix(".lock")):
        runner.run(Command(argv, env, cwd=cache, timeout_s=600))
    files, index = [], ""
    for deb in sorted(cache.glob("*.deb")):
        content = deb.read_bytes()
        fields = runner.run(Command(("dpkg-deb", "-f", str(deb)))).stdout.decode().rstrip("\n")
        name = hashlib.sha256(deb.name.encode()).hexdigest()[:16] + ".deb"
        index += f"{fields}\nFilename: ./{name}\nSize: {len(content)}\n"
        index += f"SHA256: {hashlib.sha256(content).hexdigest()}\n\n"
        files.append(ImageFile(f"{ARCHIVE}/{name}", 0o644, 0, 0, content))
    return [*files, ImageFile(f"{ARCHIVE}/Packages", 0o644, 0, 0, index.encode())]


def _solve(
    request: ImageRequest, names: Iterable[str], runner: Runner
) -> tuple[tuple[str, str], ...]:
    question = solve.Question(
        request.release.suite,
        "amd64",
        package_sources(request, runner),
        request.keyring,
        tuple(sorted({*names})),
    )
    answer, _ = solve.solve(question, request.cache_dir, runner, refresh=False, proxy=request.proxy)
    return answer.packages
