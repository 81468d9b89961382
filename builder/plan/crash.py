"""The word that keeps memory for the kernel that writes a crash dump."""

from __future__ import annotations

from collections.abc import Iterator

from builder.model.words import words_of
from builder.plan.inputs import Inputs
from builder.plan.nouns.kernel import KernelArg

# What kdump-tools puts in /etc/default/grub.d/kdump-tools.cfg on Debian 13; Ubuntu's
# linux-crashdump is a metapackage of it.
_PACKAGES = ("kdump-tools", "linux-crashdump")
_KEPT = "512M-:192M"


def plan_crash_kernel(inputs: Inputs) -> Iterator[KernelArg]:
    """Where kdump is installed and the inventory has no such word itself."""
    packages = inputs.inventory.image.packages
    place = next((at for at, name in enumerate(packages) if name in _PACKAGES), None)
    is_own = any(word.name == "crashkernel" for _, word in words_of(inputs.profile))
    if place is not None and not is_own:
        reason = f"the memory {packages[place]} asks for, in which a kernel writes the crash dump"
        yield KernelArg("crashkernel", _KEPT, inputs.why(reason, ("image", "packages", place)))
