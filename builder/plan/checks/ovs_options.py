"""other_config against the release's Open vSwitch: which keys and values it knows, and what it
does with them on this machine.
"""

from __future__ import annotations

from collections.abc import Iterator

from builder.catalog.ovs_forms import OvsOption, version_text
from builder.catalog.ovs_options import OVS_OPTIONS
from builder.catalog.releases import OsRelease
from builder.diagnostics import KeyPath
from builder.model.values import CpuSet
from builder.plan.checks.findings import Finding, find_setting, profile_key
from builder.plan.ovs_memory import parse_socket_mem
from builder.plan.types import ImagePlan

# AF_UNIX sun_path is 108 bytes with its final NUL; 30 are left for the socket's own name.
SOCKET_PATH = 107
SOCKET_NAME = 30
RUN_DIRECTORY = "/var/run/openvswitch/"


def own_key(image: ImagePlan, key: str) -> KeyPath:
    """Where the inventory sets a key of other_config itself."""
    return profile_key(image, "ovs", "other-config", key)


def _own_options(image: ImagePlan) -> Iterator[tuple[OvsOption, str]]:
    """Keys the inventory sets itself, that any release knows, with their values."""
    for setting in image.ovs.other_config if image.ovs is not None else ():
        option = OVS_OPTIONS.get(setting.key)
        if option is not None and setting.is_own:
            yield option, setting.value


def ovs_of(release: OsRelease) -> str:
    """`Open vSwitch 3.5 of debian-13`."""
    return f"Open vSwitch {version_text(release.ovs)} of {release.id}"


def check_key_in_release(image: ImagePlan) -> Iterator[Finding]:
    """A key that came later, or is gone: Open vSwitch ignores it without a word."""
    has, which = image.release.ovs, ovs_of(image.release)
    for option, _ in _own_options(image):
        key = own_key(image, option.key)
        hint = f"set {option.renamed_to}" if option.renamed_to else option.instead or "remove it"
        if option.since is not None and has < option.since:
            older = next((o for o in OVS_OPTIONS.values() if o.renamed_to == option.key), None)
            hint = "remove it, or take a newer release"
            if older is not None and older.is_in(has):
                hint = f"set {older.key}, its name in this release"
            message = f"{which} does not know it yet, {version_text(option.since)} is the first"
            yield Finding("error", key, message, hint)
        elif option.removed is not None and has >= option.removed:
            message = f"{which} has it no longer, since {version_text(option.removed)}"
            yield Finding("error", key, message, hint)
        elif option.deprecated is not None and has >= option.deprecated:
            message = f"deprecated since Open vSwitch {version_text(option.deprecated)}"
            yield Finding("warning", key, message, hint)


def check_value_in_release(image: ImagePlan) -> Iterator[Finding]:
    """A value that only newer releases take; what no release takes is `ovs-option-value`."""
    has = image.release.ovs
    for option, value in _own_options(image):
        form = option.form_in(has)
        if not option.is_in(has) or form.accepts(value) or not option.form.accepts(value):
            continue
        first = next(until for until, _ in reversed(option.older_forms))
        message = (
            f"{value} is for Open vSwitch {version_text(first)} on: {ovs_of(image.release)} takes "
            f"{form.about}"
        )
        hint = "give such a value, or take a newer release"
        yield Finding("error", own_key(image, option.key), message, hint)


def check_sleep_cpus(image: ImagePlan) -> Iterator[Finding]:
    """CPUs of pmd-sleep-max that have no PMD thread to sleep."""
    setting = find_setting(image, "pmd-sleep-max")
    if setting is None:
        return
    parts = (part.partition(":") for part in setting.value.split(","))
    named = CpuSet.of(int(cpu) for cpu, colon, _ in parts if colon and cpu.isdigit())
    others = named - image.cpus.pmd
    if others:
        message = (
            f"no PMD thread is on CPU{'' if len(others) == 1 else 's'} {others} "
            f"(PMD CPUs: {image.cpus.pmd or 'none'})"
        )
        yield Finding("warning", own_key(image, setting.key), message, "name PMD CPUs only")


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
        most = SOCKET_PATH - SOCKET_NAME - 1 - len(RUN_DIRECTORY)
        hint = f"take a name of at most {most} characters"
        yield Finding("error", own_key(image, setting.key), message, hint)


def check_socket_limit(image: ImagePlan) -> Iterator[Finding]:
    """EAL sets limits up after it took dpdk-socket-mem: what is above is there, and nothing more
    is to be had (lib/eal/common/eal_common_dynmem.c).
    """
    limit, memory = (find_setting(image, key) for key in ("dpdk-socket-limit", "dpdk-socket-mem"))
    if limit is None or memory is None:
        return
    pairs = zip(parse_socket_mem(limit.value), parse_socket_mem(memory.value), strict=False)
    for node, (most, taken) in enumerate(pairs):
        if 0 < most < taken:
            message = (
                f"node {node} may have {most} MiB, less than the {taken} MiB that dpdk-socket-mem "
                "takes there at the start"
            )
            hint = f"{taken} or more, or 0 for no limit"
            yield Finding("warning", own_key(image, limit.key), message, hint)


def check_lcore_mask(image: ImagePlan) -> Iterator[Finding]:
    """With a mask the main thread keeps the CPU EAL puts it on, and all threads made after it
    are there too (lib/dpdk.c, dpdk_init__(); vswitch.xml says so since 3.7).
    """
    setting = find_setting(image, "dpdk-lcore-mask")
    option = OVS_OPTIONS["dpdk-lcore-mask"]
    if setting is None or not option.form.accepts(setting.value):
        return
    bits, there = int(setting.value, 16), image.cpus.housekeeping
    asked = CpuSet.of(cpu for cpu in range(bits.bit_length()) if bits >> cpu & 1)
    outside = asked - there
    key = own_key(image, setting.key)
    if outside:
        one = len(outside) == 1
        message = (
            f"CPU{'' if one else 's'} {outside} of the mask {'is' if one else 'are'} not for "
            f"housekeeping (housekeeping has {there})"
        )
        yield Finding("error", key, message, f"take {there.mask}, or leave it out")
    elif len(there) > 1:
        message = f"all threads that do not poll then share one core, CPU {min(asked)}"
        hint = (
            f"leave it out: they keep to the housekeeping CPUs {there} by the unit's CPUAffinity="
        )
        yield Finding("warning", key, message, hint)


def check_handler_threads(image: ImagePlan) -> Iterator[Finding]:
    there = len(image.cpus.housekeeping)
    for key in ("n-handler-threads", "n-revalidator-threads"):
        setting = find_setting(image, key)
        if setting is not None and setting.value.isdigit() and int(setting.value) > there:
            message = (
                f"{setting.value} threads on {there} housekeeping CPU{'' if there == 1 else 's'}"
            )
            hint = f"{there} is the most that run at once"
            yield Finding("warning", own_key(image, key), message, hint)
