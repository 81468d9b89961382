"""Rules on the packages of the image that are not the inventory's to add."""

from __future__ import annotations

import re
from collections.abc import Iterator

from builder.catalog.kernels import Kernel
from builder.catalog.releases import RELEASES
from builder.model.inventory import Image, Inventory
from builder.rule import Finding, Rule

# Kernels, and what pulls one in: metapackages of Debian and Ubuntu, and kernels of one version.
# Packages with debug symbols, headers and tools do not.
_KERNEL_PACKAGE = re.compile(
    r"linux-image(-.*)?|linux-(generic|virtual|lowlatency|realtime|oem|kvm|aws|azure|gcp|gke|gkeop|"
    r"oracle|ibm|nvidia|intel)(-.*)?"
)
_NO_KERNEL = re.compile(r".*-(dbg|dbgsym)|linux-(intel|nvidia)-.*-(headers|tools)")


def check_one_kernel(inventory: Inventory) -> Iterator[Finding]:
    """GRUB starts the kernel that its sorting puts first, whichever was meant."""
    image = inventory.image
    kernels = _kernels(image)
    own = [kernel for kernel in kernels if image.kernel in (None, kernel.flavour)]
    for place, name in enumerate(image.packages):
        if not _KERNEL_PACKAGE.fullmatch(name) or _NO_KERNEL.fullmatch(name):
            continue
        named = [kernel for kernel in kernels if name in _packages(kernel)]
        # The image's own by the name the plan has for it is there already.
        if any(name == _packages(kernel)[0] for kernel in own[:1]):
            continue
        flavours = dict.fromkeys(kernel.flavour for kernel in named or kernels)
        message = f"{name} is a kernel of its own, beside that of the image, and GRUB starts one"
        hint = f"remove it, and choose with image.kernel: {', '.join(flavours)}"
        yield Finding(("image", "packages", place), message, hint)


def check_unattended(inventory: Inventory) -> Iterator[Finding]:
    for place, name in enumerate(inventory.image.packages):
        if name == "unattended-upgrades":
            message = (
                "a node does not upgrade its packages by itself: an upgrade of Open vSwitch "
                "interrupts traffic, and a node is what its inventory says"
            )
            hint = "remove it; upgrades come with a new image, or by apt when you call it"
            yield Finding(("image", "packages", place), message, hint)


def _kernels(image: Image) -> list[Kernel]:
    """What `image.kernel` may be: of the release, or of any where that is not known yet."""
    named = RELEASES.get(image.os)
    releases = (named,) if named is not None else RELEASES.values()
    return [kernel for release in releases for kernel in release.kernels]


def _packages(kernel: Kernel) -> tuple[str, ...]:
    """The metapackages of a kernel: its image, and with its headers."""
    return (f"linux-image-{kernel.package}", f"linux-{kernel.package}")


RULES: tuple[Rule[Inventory], ...] = (
    Rule(
        "image-one-kernel",
        "error",
        "The image has one kernel, chosen by `image.kernel` and not among its packages.",
        check_one_kernel,
    ),
    Rule(
        "image-no-unattended-upgrades",
        "warning",
        "The image does not contain unattended-upgrades, which a node does not run.",
        check_unattended,
    ),
)
