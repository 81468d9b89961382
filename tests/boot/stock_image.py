"""A stock-like cloud image, and in it a package archive the node can reach without a network."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from builder.build_host import keyring_for, proxy_variables
from builder.catalog.releases import OsRelease
from builder.command import Command, Runner, SubprocessRunner
from builder.monitor import TextMonitor
from builder.plan.nouns.host import HostPlan
from builder.plan.packages import BOOT
from builder.render.tree import RenderedFile, diff_trees
from builder.resources import data_dir
from builder.targets.cloud_init.order import wanted_packages
from builder.targets.image import cache_keys, solve
from builder.targets.image.build import build_image
from builder.targets.image.from_plan import image_file
from builder.targets.image.request import ImageFile, ImageRequest
from builder.targets.image.sources import package_sources
from builder.trees import stock_tree_of, tree_of
from builder.workdir import locked

ARCHIVE = "/srv/archive"
# As cloud images of Debian have them, with `main` alone; but nobody can sign our archive with
# Debian's key. cloud-init fills the lists in, as it does there.
SOURCES = """\
Types: deb deb-src
URIs: mirror+file:///etc/apt/mirrors/{family}.list
Suites: {suite} {suite}-updates
Components: main
Trusted: yes

Types: deb deb-src
URIs: mirror+file:///etc/apt/mirrors/{family}-security.list
Suites: {suite}-security
Components: main
Trusted: yes
"""
MIRRORS = f"""\
apt:
  generate_mirrorlists: true
  primary: [{{arches: [default], uri: "file:{ARCHIVE}"}}]
  security: [{{arches: [default], uri: "file:{ARCHIVE}"}}]
"""
# The distribution's level is 9, which emulation takes a minute for each time.
QUICK = b"COMPRESSLEVEL=1\n"
# The bundle brings what the program needs and no rule of udev's; before that there is no answer.
AFTER_BUNDLE = b"[Unit]\nConditionPathExists=/etc/rackwright/node.json\n"
KDUMP = b'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT crashkernel=512M-:192M"\n'
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
    release = request.release
    sources = SOURCES.format(family=release.family, suite=release.suite).encode()
    parts = f"/etc/apt/sources.list.d/{release.family}.sources"
    files = [
        ImageFile(parts, 0o644, 0, 0, sources),
        ImageFile("/etc/cloud/cloud.cfg.d/01_debian_cloud.cfg", 0o644, 0, 0, MIRRORS.encode()),
        ImageFile("/etc/initramfs-tools/conf.d/quick", 0o644, 0, 0, QUICK),
        # As the package kdump-tools has it; the planned command line has no such word.
        ImageFile("/etc/default/grub.d/kdump-tools.cfg", 0o644, 0, 0, KDUMP),
        *(image_file(file) for file in reporting_files(plan)),
        ImageFile(
            "/etc/systemd/system/rackwright-facts.service.d/after-bundle.conf",
            0o644,
            0,
            0,
            AFTER_BUNDLE,
        ),
        *archive(request, wanted_packages(plan.image), cache / "stock-debs", runner),
    ]
    artefacts = build_image(replace(request, files=tuple(files)), runner, TextMonitor())
    return artefacts.files["raw"].path


def reporting_files(plan: HostPlan) -> tuple[RenderedFile, ...]:
    """What tells `verify` of the node, which a bundle does not have."""
    return diff_trees(tree_of(plan.image), stock_tree_of(plan.image)).removed


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
    """A package archive of what `wanted` adds to the image, each in its own component."""
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
    files: list[ImageFile] = []
    index = dict.fromkeys(request.release.components, "")
    for deb in sorted(cache.glob("*.deb")):
        content = deb.read_bytes()
        fields = runner.run(Command(("dpkg-deb", "-f", str(deb)))).stdout.decode().rstrip("\n")
        name = f"pool/{hashlib.sha256(deb.name.encode()).hexdigest()[:16]}.deb"
        section = re.search(r"^Section: (\S+)/", fields, re.MULTILINE)
        index[section[1] if section else "main"] += (
            f"{fields}\nFilename: {name}\nSize: {len(content)}\n"
            f"SHA256: {hashlib.sha256(content).hexdigest()}\n\n"
        )
        files.append(ImageFile(f"{ARCHIVE}/{name}", 0o644, 0, 0, content))
    assert all(index.values()), "no package is in one of the components"
    for suite in request.release.suites:
        files += suite_files(
            suite, index if suite == request.release.suite else dict.fromkeys(index, "")
        )
    return files


def suite_files(suite: str, index: Mapping[str, str]) -> Iterator[ImageFile]:
    """Release and Packages of a suite, as apt looks for them. index: Packages by component."""
    base = f"{ARCHIVE}/dists/{suite}"
    lines = [f"Suite: {suite}", f"Codename: {suite}", "Architectures: amd64"]
    lines += [f"Components: {' '.join(index)}", "Date: Thu, 01 Jan 2026 00:00:00 UTC", "SHA256:"]
    for component, text in index.items():
        content, path = text.encode(), f"{component}/binary-amd64/Packages"
        lines.append(f" {hashlib.sha256(content).hexdigest()} {len(content)} {path}")
        yield ImageFile(f"{base}/{path}", 0o644, 0, 0, content)
    yield ImageFile(f"{base}/Release", 0o644, 0, 0, "\n".join([*lines, ""]).encode())


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
