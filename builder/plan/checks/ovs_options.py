"""other_config against the release's Open vSwitch: which keys it knows, and what they clash with."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from builder.diagnostics import KeyPath
from builder.drivers.ovs_options import EAL_OPTIONS, OVS_OPTIONS, OvsOption, version_text
from builder.model.values import CpuSet
from builder.plan.checks.findings import Finding, find_setting, profile_key
from builder.plan.types import ImagePlan

# AF_UNIX sun_path is 108 bytes with its final NUL; 30 are left for the socket's own name.
SOCKET_PATH = 107
SOCKET_NAME = 30
RUN_DIRECTORY = "/var/run/openvswitch/"
# Since 3.7 vswitch.xml says that all threads which do not poll share one core of it.
LCORE_MASK_ADVICE = (3, 7)


def _own_key(image: ImagePlan, key: str) -> KeyPath:
    return profile_key(image, "ovs", "other-config", key)


def _own_options(image: ImagePlan) -> Iterator[tuple[OvsOption, str]]:
    """Keys the inventory sets itself, that any release knows, with their values."""
    for setting in image.ovs.other_config if image.ovs is not None else ():
        option = OVS_OPTIONS.get(setting.key)
        origins = setting.why.origins
        if option is not None and origins and origins[0].path == _own_key(image, setting.key):
            yield option, setting.value


def check_key_in_release(image: ImagePlan) -> Iterator[Finding]:
    """A key that came later, or is gone: Open vSwitch ignores it without a word."""
    has = image.release.ovs
    which = f"Open vSwitch {version_text(has)} of {image.release.id}"
    for option, _ in _own_options(image):
        key = _own_key(image, option.key)
        hint = f"set {option.renamed_to}" if option.renamed_to else None
        older = next((o for o in OVS_OPTIONS.values() if o.renamed_to == option.key), None)
        if has < option.since:
            if older is not None and has >= older.since:
                hint = f"set {older.key}, its name in this release"
            message = f"{which} does not know it yet, {version_text(option.since)} is the first"
            yield Finding("error", key, message, hint or "remove it, or take a newer release")
        elif option.removed is not None and has >= option.removed:
            message = f"{which} has it no longer, since {version_text(option.removed)}"
            yield Finding("error", key, message, hint or "remove it")
        elif option.deprecated is not None and has >= option.deprecated:
            message = f"deprecated since Open vSwitch {version_text(option.deprecated)}"
            yield Finding("warning", key, message, hint or "remove it")


def check_sleep_form(image: ImagePlan) -> Iterator[Finding]:
    """vswitch.xml of 3.3: pmd-sleep-max takes a list by core from there on."""
    setting = find_setting(image, "pmd-sleep-max")
    if setting is not None and ":" in setting.value and image.release.ovs < (3, 3):
        message = f"a list by core is for Open vSwitch 3.3 on, {image.release.id} has " + (
            version_text(image.release.ovs)
        )
        yield Finding("error", _own_key(image, "pmd-sleep-max"), message, "give one number")


def check_extra_repeats(image: ImagePlan) -> Iterator[Finding]:
    """An EAL option in dpdk-extra that a key stands for makes Open vSwitch ignore the key."""
    setting = find_setting(image, "dpdk-extra")
    words = _split(setting.value) if setting is not None else ()
    for word in words:
        name = word.partition("=")[0]
        key = EAL_OPTIONS.get(name) or EAL_OPTIONS.get(word[:2] if word[:2] != "--" else "")
        if key is not None:
            message = f"{name} stands for {key}, which Open vSwitch then ignores"
            where = _own_key(image, "dpdk-extra")
            yield Finding("error", where, message, f"remove it, and set {key}")


def _split(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return tuple(text.split())


def check_socket_path(image: ImagePlan) -> Iterator[Finding]:
    setting = find_setting(image, "vhost-sock-dir")
    if setting is None:
        return
    length = len(RUN_DIRECTORY) + len(setting.value) + 1 + SOCKET_NAME
    if length > SOCKET_PATH:
        message = (
            f"{RUN_DIRECTORY}{setting.value} leaves no room for the names of sockets: a path of a "
            f"UNIX socket is {SOCKET_PATH} characters at most"
        )
        yield Finding("error", _own_key(image, "vhost-sock-dir"), message, "take a shorter name")


def check_lcore_mask(image: ImagePlan) -> Iterator[Finding]:
    """Threads that do not poll, on CPUs that do: what a PMD thread then loses is not bounded."""
    setting = find_setting(image, "dpdk-lcore-mask")
    if setting is None:
        return
    try:
        bits = int(setting.value, 16)
    except ValueError:
        return  # said by ovs-option-value
    asked = CpuSet.of(cpu for cpu in range(bits.bit_length()) if bits >> cpu & 1)
    key = _own_key(image, "dpdk-lcore-mask")
    outside = asked - image.cpus.housekeeping
    if outside:
        message = (
            f"CPU{'' if len(outside) == 1 else 's'} {outside} of the mask "
            f"{'is' if len(outside) == 1 else 'are'} not for housekeeping "
            f"(housekeeping has {image.cpus.housekeeping})"
        )
        yield Finding(
            "error", key, message, f"take {image.cpus.housekeeping.mask}, or leave it out"
        )
    elif image.release.ovs >= LCORE_MASK_ADVICE:
        message = "all threads that do not poll then share one core of it"
        hint = "leave it out: they keep to the housekeeping CPUs by the unit's CPUAffinity="
        yield Finding("warning", key, message, hint)


def check_handler_threads(image: ImagePlan) -> Iterator[Finding]:
    for key in ("n-handler-threads", "n-revalidator-threads"):
        setting, there = find_setting(image, key), len(image.cpus.housekeeping)
        if setting is not None and setting.value.isdigit() and int(setting.value) > there:
            message = f"{setting.value} threads on {there} housekeeping CPUs"
            hint = f"{there} is the most that run at once"
            yield Finding("warning", _own_key(image, key), message, hint)
