"""A stock-like cloud image, and beside it a package archive the node can reach without a network."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from builder.build_host import keyring_for, mirrors_for, proxy_variables, read_build_host
from builder.command import Command, Runner, SubprocessRunner
from builder.monitor import TextMonitor
from builder.plan.types import HostPlan
from builder.resources import data_dir
from builder.targets.cloud_init.order import wanted_packages
from builder.targets.image import cache_keys, elements, solve
from builder.targets.image.build import build_image
from builder.targets.image.request import ImageFile, ImageRequest

ARCHIVE = "/srv/archive"
SOURCE = f"deb [trusted=yes] file:{ARCHIVE} ./\n"


def build_stock(plan: HostPlan, out: Path, cache: Path) -> Path:
    """The raw image; none of the plan's packages but the distribution's own are in it."""
    runner = SubprocessRunner()
    request = stock_request(plan, out, cache)
    files = [
        ImageFile("/etc/apt/sources.list.d/archive.list", 0o644, 0, 0, SOURCE.encode()),
        *archive(request, wanted_packages(plan.image), cache / "stock-debs", runner),
    ]
    artefacts = build_image(replace(request, files=tuple(files)), runner, TextMonitor())
    return artefacts.files["raw"].path


def stock_request(plan: HostPlan, out: Path, cache: Path) -> ImageRequest:
    release = plan.image.release
    return ImageRequest(
        name="stock",
        release=release,
        packages=(),
        files=(),
        cmdline=("console=tty1", "console=ttyS0"),
        formats=("raw",),
        out_dir=out,
        cache_dir=cache,
        plan_id="stock",
        mirrors=mirrors_for(release, read_build_host(), None),
        keyring=keyring_for(release),
        elements=("rackwright-stock",),
        proxy=proxy_variables(os.environ),
    )


def archive(
    request: ImageRequest, wanted: Iterable[str], cache: Path, runner: Runner
) -> list[ImageFile]:
    """A flat package archive (apt's repository format) of what `wanted` adds to the image."""
    expanded = elements.expand(request.elements, (data_dir("elements"),))
    base = elements.packages(expanded, request.release)
    have = _solve(request, base, runner)
    more = _solve(request, (*base, *wanted), runner)
    names = [f"{name}={version}" for name, version in more if (name, version) not in set(have)]
    cache /= cache_keys.digest("stock", tuple(names))[:16]
    cache.mkdir(parents=True, exist_ok=True)
    state = request.cache_dir / "apt" / cache_keys.digest("apt", (request.mirrors, "amd64"))[:16]
    env = {**request.proxy, "APT_CONFIG": str(state / "apt.conf")}
    argv = ("apt-get", *solve.apt_options(state, "amd64"), "download", *names)
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
        request.mirrors,
        request.keyring,
        tuple(sorted({*names})),
    )
    answer, _ = solve.solve(question, request.cache_dir, runner, refresh=False, proxy=request.proxy)
    return answer.packages
