"""The kernel an image is made with: that there is one of that flavour, and what it does without."""

from __future__ import annotations

from collections.abc import Iterator

from builder.catalog.kernels import NOT_IN_REAL_TIME
from builder.catalog.modules import module_name
from builder.phrases import either
from builder.plan.modules import bound_functions
from builder.plan.nouns.image import ImagePlan
from builder.rule import Finding, Rule

KERNEL_KEY = ("image", "kernel")


def check_flavour(image: ImagePlan) -> Iterator[Finding]:
    release, asked = image.release, image.asked_kernel
    if asked is None or asked == release.kernel_flavour:
        return
    reason = release.archive.no_kernel.get(asked, "")
    message = f"the archive of {release.id} has no {asked} kernel{reason and ': '}{reason}"
    yield Finding(KERNEL_KEY, message, f"use {_flavours(image)}")


def _flavours(image: ImagePlan) -> str:
    return either(sorted(kernel.flavour for kernel in image.release.kernels))


def check_models(image: ImagePlan) -> Iterator[Finding]:
    """A model younger than the kernel; Ubuntu brings some back to older kernels."""
    kernel, release = image.release.kernels[0], image.release.id
    for nic in image.nics:
        since = nic.model.kernel_since
        if since is None or since <= kernel.version:
            continue
        message = (
            f"{nic.driver} drives {nic.name} ({nic.model.name}) since Linux {since}, and the "
            f"{kernel.flavour} kernel of {release} is {kernel.version}"
        )
        newer = [other.flavour for other in image.release.kernels if other.version >= since]
        hint = f"use image.kernel: {either(newer)}" if newer else "use a newer release"
        yield Finding(KERNEL_KEY, message, hint)


def check_drivers(image: ImagePlan) -> Iterator[Finding]:
    """A port the kernel is to drive, and the IOMMU behind which vfio-pci has its ports."""
    kernel = image.release.kernels[0]
    named = f"the {kernel.flavour} kernel of {image.release.id}"
    hint = "use image.kernel: generic"
    known = {module_name(driver) for driver in kernel.drivers}
    missing: dict[str, list[str]] = {}
    for nic in image.nics:
        if known and module_name(nic.driver) not in known:
            missing.setdefault(nic.driver, []).append(nic.name)
    for driver, names in missing.items():
        ports = f"{', '.join(names)} of hardware class {image.hardware}"
        yield Finding(KERNEL_KEY, f"{named} has no driver {driver}, for {ports}", hint)
    users = bound_functions("vfio-pci", image.pfs, image.bindings)
    if users and image.cpu_vendor in kernel.no_iommu:
        vendor = image.cpu_vendor.upper() if image.cpu_vendor == "amd" else "Intel"
        message = f"{named} has no driver of {vendor}'s IOMMU, without which vfio-pci opens no port"
        yield Finding(KERNEL_KEY, message, hint)


def check_no_hz_full(image: ImagePlan) -> Iterator[Finding]:
    """kernel/time/tick-sched.c, sched/isolation.c: without CONFIG_NO_HZ_FULL the word is unknown."""
    kernel = image.release.kernels[0]
    having = [other.flavour for other in image.release.kernels if other.no_hz_full]
    if not kernel.no_hz_full and image.cpus.isolated:
        message = (
            f"the {kernel.flavour} kernel of {image.release.id} is built without NO_HZ_FULL: CPUs "
            f"{image.cpus.isolated} of hardware class {image.hardware} keep the timer tick, and RCU's "
            "callbacks"
        )
        yield Finding(KERNEL_KEY, message, f"use {' or '.join(having)}" if having else None)


def check_real_time(image: ImagePlan) -> Iterator[Finding]:
    """Of what the inventory sets itself: the plan leaves out what a real-time kernel lacks."""
    if not image.release.kernels[0].real_time:
        return
    for arg in image.kernel_args:
        if arg.own_key is not None and arg.name in NOT_IN_REAL_TIME:
            yield Finding(arg.own_key, _no_effect(arg.name), "remove it")
    for setting in image.sysctls:
        if setting.key in NOT_IN_REAL_TIME:
            key = image.profile_key("sysctl", setting.key)
            yield Finding(key, _no_effect(setting.key), "remove it", at_key=True)


def _no_effect(name: str) -> str:
    return f"the realtime kernel has no {NOT_IN_REAL_TIME[name]}: {name} would set nothing"


RULES: tuple[Rule[ImagePlan], ...] = (
    Rule(
        "plan-kernel-flavour",
        "error",
        "The archive of the release has the kernel of `image.kernel`.",
        check_flavour,
    ),
    Rule(
        "plan-kernel-drivers",
        "error",
        "The kernel has the drivers of the machine's ports, and of its IOMMU for vfio-pci.",
        check_drivers,
    ),
    Rule(
        "plan-kernel-models",
        "warning",
        "The kernel is new enough for the models of the machine's ports.",
        check_models,
    ),
    Rule(
        "plan-kernel-no-hz-full",
        "warning",
        "The kernel can stop the timer tick of isolated CPUs.",
        check_no_hz_full,
    ),
    Rule(
        "plan-kernel-real-time",
        "error",
        "With a realtime kernel, nothing is set that such a kernel does not have.",
        check_real_time,
    ),
)
