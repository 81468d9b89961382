"""The request the integration tests of images build, and the cache they share."""

from __future__ import annotations

import os
from pathlib import Path

from builder.build_host import keyring_for, proxy_variables
from builder.catalog.releases import RELEASES, OsRelease
from builder.inventory.loader import parse_inventory
from builder.model.validate import validate
from builder.plan.host import plan_host
from builder.targets.image.request import ImageFile, ImageRequest

SEED = Path(__file__).parents[2] / "examples/seed/inventory.yaml"


def cache_dir(out: Path) -> Path:
    """RACKWRIGHT_TEST_CACHE keeps packages between runs; by default nothing is kept."""
    return Path(os.environ.get("RACKWRIGHT_TEST_CACHE", out.parent / "cache"))


def sample_request(out: Path) -> ImageRequest:
    """A small node of the release that is built and booted here."""
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
        cache_dir=cache_dir(out),
        plan_id="test",
        mirror=None,
        keyring=keyring_for(release),
        proxy=proxy_variables(os.environ),
    )


def packages_of_seed(release: OsRelease) -> tuple[str, ...]:
    """Those of a node of the example."""
    loaded = parse_inventory(SEED.read_text(encoding="utf-8"), str(SEED))
    inventory, report = validate(loaded)
    assert inventory is not None, report
    image = plan_host(inventory, loaded.marks, "nfv1", release).image
    return tuple(package.name for package in image.packages)
