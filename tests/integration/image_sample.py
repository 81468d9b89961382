"""The request the integration tests of images build, and its cache."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

from recording import NullMonitor

from builder.build_host import keyring_for, proxy_variables
from builder.catalog.releases import RELEASES, OsRelease
from builder.command import SubprocessRunner
from builder.targets.image.cached_base import ensure_base, plan_base
from builder.targets.image.request import ImageFile, ImageRequest
from builder.verbs.image import default_cache
from tests.plans import SEED, plan_of


def shared_cache() -> Path:
    """RACKWRIGHT_TEST_CACHE keeps packages between runs; by default the user's own cache does."""
    return Path(os.environ.get("RACKWRIGHT_TEST_CACHE", default_cache()))


def own_cache(request: ImageRequest, cache: Path) -> ImageRequest:
    """The request with a cache nobody else builds in; the base is the one boot tests have too."""
    shared = replace(request, cache_dir=shared_cache())
    plan, _ = plan_base(shared, SubprocessRunner())
    base = ensure_base(plan, shared, SubprocessRunner(), NullMonitor())
    shutil.copytree(base.path, cache / "bases" / plan.key, copy_function=os.link)
    (cache / "roots").mkdir()
    for name in (f"{plan.root_key}.tar.zst", f"{plan.root_key}.tar.zst.packages"):
        os.link(shared.cache_dir / "roots" / name, cache / "roots" / name)
    shutil.copytree(shared.cache_dir / "solved", cache / "solved")
    return replace(request, cache_dir=cache)


def sample_request(out: Path) -> ImageRequest:
    """A small node of the release that is built and booted here, with the seed's packages."""
    release = RELEASES["debian-13"]
    return ImageRequest(
        name="node",
        release=release,
        packages=packages_of_seed(release),
        files=(
            ImageFile("/etc/modprobe.d/ixgbe.conf", 0o644, 0, 0, b"options ixgbe max_vfs=2\n"),
            ImageFile("/etc/sysctl.d/90-test.conf", 0o644, 0, 0, b"kernel.sysrq = 0\n"),
        ),
        cmdline=("console=tty0", "console=ttyS0,115200"),
        formats=("raw",),
        out_dir=out,
        cache_dir=shared_cache(),
        plan_id="test",
        mirror=None,
        keyring=keyring_for(release),
        proxy=proxy_variables(os.environ),
    )


def packages_of_seed(release: OsRelease) -> tuple[str, ...]:
    """Those of a node of the example."""
    image = plan_of(SEED.read_text(encoding="utf-8"), release=release).image
    return tuple(package.name for package in image.packages)
