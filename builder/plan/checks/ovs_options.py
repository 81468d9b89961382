"""other_config against the release's Open vSwitch: which keys and values it knows, and what it
does with them on this machine.
"""

from __future__ import annotations

from collections.abc import Iterator

from builder.catalog.eal_options import EAL_OPTION_KEYS, EAL_OPTIONS_REFUSED, eal_options
from builder.catalog.ovs_forms import OvsOption
from builder.catalog.ovs_options import OVS_OPTIONS
from builder.catalog.releases import OsRelease
from builder.catalog.versions import DpdkVersion
from builder.diagnostics import KeyPath
from builder.model.values import CpuSet
from builder.phrases import count_text, is_are, numbers
from builder.plan.nouns.image import ImagePlan
from builder.plan.ovs_memory import parse_socket_mem
from builder.rule import Finding, Rule

# AF_UNIX sun_path is 108 bytes with its final NUL; 30 are left for the socket's own name.
SOCKET_PATH = 107
SOCKET_NAME = 30
RUN_DIRECTORY = "/var/run/openvswitch/"
# 22.11's EAL has no -w any more; 21.11 is not looked at.
NO_WHITELIST = DpdkVersion(22, 11)


def own_key(image: ImagePlan, key: str) -> KeyPath:
    """Where the inventory sets a key of other_config itself."""
    return image.profile_key("ovs", "other-config", key)


def _own_options(image: ImagePlan) -> Iterator[tuple[OvsOption, str]]:
    """Keys the inventory sets itself, that any release knows, with their values."""
    for setting in image.ovs.other_config if image.ovs is not None else ():
        option = OVS_OPTIONS.get(setting.key)
        if option is not None and setting.is_own:
            yield option, setting.value


def ovs_of(release: OsRelease) -> str:
    """`Open vSwitch 3.5 of RELEASE`."""
    return f"Open vSwitch {release.ovs} of {release.id}"


def check_key_in_release(image: ImagePlan) -> Iterator[Finding]:
    """A key that came later, or is gone: Open vSwitch ignores it without a word."""
    has, which = image.release.ovs, ovs_of(image.release)
    for option, _ in _own_options(image):
        key = own_key(image, option.key)
        hint = f"set {option.renamed_to}" if option.renamed_to else option.instead or "remove it"
        if option.since is not None and has < option.since:
            older = next((o for o in OVS_OPTIONS.values() if o.renamed_to == option.key), None)
            hint = "remove it, or use a newer release"
            if older is not None and older.is_in(has):
                hint = f"set {older.key}, its name in this release"
            message = f"{which} does not have it yet, {option.since} is the first"
            yield Finding(key, message, hint)
        elif option.removed is not None and has >= option.removed:
            message = f"{which} no longer has it, since {option.removed}"
            yield Finding(key, message, hint)
        elif option.deprecated is not None and has >= option.deprecated:
            message = f"deprecated since Open vSwitch {option.deprecated}"
            yield Finding(key, message, hint, severity="warning")


def check_value_in_release(image: ImagePlan) -> Iterator[Finding]:
    """A value that only newer releases take; what no release takes is `ovs-option-value`."""
    has = image.release.ovs
    for option, value in _own_options(image):
        form = option.form_in(has)
        if not option.is_in(has) or form.accepts(value) or not option.form.accepts(value):
            continue
        first = next(until for until, _ in reversed(option.older_forms))
        message = (
            f"{value} requires Open vSwitch {first} or later: {ovs_of(image.release)} "
            f"accepts {form.about}"
        )
        hint = "use such a value, or a newer release"
        yield Finding(own_key(image, option.key), message, hint)


def check_sleep_cpus(image: ImagePlan) -> Iterator[Finding]:
    """CPUs of pmd-sleep-max that have no PMD thread to sleep."""
    setting = image.ovs_setting("pmd-sleep-max")
    if setting is None:
        return
    parts = (part.partition(":") for part in setting.value.split(","))
    named = CpuSet.of(int(cpu) for cpu, colon, _ in parts if colon and cpu.isdigit())
    others = named - image.cpus.pmd
    if others:
        message = (
            f"no PMD thread is on {numbers('CPU', others)} (PMD CPUs: {image.cpus.pmd or 'none'})"
        )
        yield Finding(own_key(image, setting.key), message, "name PMD CPUs only")


def check_socket_path(image: ImagePlan) -> Iterator[Finding]:
    setting = image.ovs_setting("vhost-sock-dir")
    if setting is None:
        return
    length = len(RUN_DIRECTORY) + len(setting.value) + 1 + SOCKET_NAME
    if length > SOCKET_PATH:
        message = (
            f"{RUN_DIRECTORY}{setting.value} is too long for sockets in it: the path of a UNIX "
            f"socket has at most {SOCKET_PATH} characters"
        )
        most = SOCKET_PATH - SOCKET_NAME - 1 - len(RUN_DIRECTORY)
        hint = f"use a name of at most {most} characters"
        yield Finding(own_key(image, setting.key), message, hint)


def check_extra_words(image: ImagePlan) -> Iterator[Finding]:
    """Options with which DPDK does not start as planned, and those that a key stands for."""
    setting = image.ovs_setting("dpdk-extra")
    where = own_key(image, "dpdk-extra")
    names = [name for name, _ in eal_options(setting.value)] if setting is not None else []
    for name in dict.fromkeys(names):
        if name in EAL_OPTIONS_REFUSED:
            reason, hint = EAL_OPTIONS_REFUSED[name]
            if name not in {"-w", "--pci-whitelist"} or image.release.dpdk >= NO_WHITELIST:
                yield Finding(where, f"{name}: {reason}", hint)
        elif name in EAL_OPTION_KEYS:
            key = EAL_OPTION_KEYS[name]
            message = (
                f"{name} is the same as {key}: with both, one is ignored or DPDK does not start"
            )
            yield Finding(where, message, f"remove it, and set {key}")
    if {"-a", "--allow"} & {*names} and {"-b", "--block"} & {*names}:
        message = "DPDK does not start with both an allow list (-a) and a block list (-b)"
        yield Finding(where, message, "remove -b: devices not listed in -a stay closed")


def check_vf_token(image: ImagePlan) -> Iterator[Finding]:
    """drivers/vfio/pci/vfio_pci_core.c, vfio_pci_validate_vf_token(): VFs of a PF on vfio-pci open
    for those only who know the token the PF was opened with.
    """
    setting = image.ovs_setting("dpdk-extra")
    makers = [pf.name for pf in image.pfs if pf.driver == "vfio-pci"]
    if setting is None or not makers:
        return
    if all(name != "--vfio-vf-token" for name, _ in eal_options(setting.value)):
        message = (
            f"dpdk-extra has no --vfio-vf-token: {' and '.join(makers)} is on vfio-pci, so its "
            "VFs can be opened only with the token that it was opened with"
        )
        hint = "add --vfio-vf-token=<a UUID>, and use the same one for DPDK in pods"
        yield Finding(own_key(image, "dpdk-extra"), message, hint)


def check_socket_limit(image: ImagePlan) -> Iterator[Finding]:
    """EAL sets limits up after it took dpdk-socket-mem: what is above is there, and nothing more
    is to be had (lib/eal/common/eal_common_dynmem.c).
    """
    limit = image.ovs_setting("dpdk-socket-limit")
    if limit is None:
        return
    pairs = zip(parse_socket_mem(limit.value), image.socket_mem, strict=False)
    for node, (most, taken) in enumerate(pairs):
        if 0 < most < taken:
            message = (
                f"node {node} is limited to {most} MiB, less than the {taken} MiB that "
                "dpdk-socket-mem allocates there at start"
            )
            hint = f"use {taken} or more, or 0 for no limit"
            yield Finding(own_key(image, limit.key), message, hint)


def check_lcore_mask(image: ImagePlan) -> Iterator[Finding]:
    """With a mask the main thread keeps the CPU EAL puts it on, and all threads made after it
    are there too (lib/dpdk.c, dpdk_init__(); vswitch.xml says so since 3.7).
    """
    setting = image.ovs_setting("dpdk-lcore-mask")
    option = OVS_OPTIONS["dpdk-lcore-mask"]
    if setting is None or not option.form.accepts(setting.value):
        return
    asked, there = CpuSet.of_mask(setting.value), image.cpus.housekeeping
    outside = asked - there
    key = own_key(image, setting.key)
    if outside:
        message = (
            f"{numbers('CPU', outside)} of the mask {is_are(outside)} not for housekeeping "
            f"(housekeeping CPUs: {there})"
        )
        yield Finding(key, message, f"use {there.mask}, or remove it")
    elif len(there) > 1:
        message = f"all threads that do not poll would share one core, CPU {min(asked)}"
        hint = f"remove it: the unit's CPUAffinity= keeps them on the housekeeping CPUs {there}"
        yield Finding(key, message, hint, severity="warning")


def check_handler_threads(image: ImagePlan) -> Iterator[Finding]:
    there = len(image.cpus.housekeeping)
    for key in ("n-handler-threads", "n-revalidator-threads"):
        setting = image.ovs_setting(key)
        if setting is not None and setting.value.isdigit() and int(setting.value) > there:
            message = f"{setting.value} threads on {count_text(there, 'housekeeping CPU')}"
            hint = f"at most {there} can run at the same time"
            yield Finding(own_key(image, key), message, hint)


RULES: tuple[Rule[ImagePlan], ...] = (
    Rule(
        "plan-ovs-key",
        "either",
        "The release's Open vSwitch has the option.",
        check_key_in_release,
    ),
    Rule(
        "plan-ovs-value",
        "error",
        "The release's Open vSwitch accepts the value of the option.",
        check_value_in_release,
    ),
    Rule(
        "plan-ovs-sleep",
        "warning",
        "The CPUs in `pmd-sleep-max` have a PMD thread.",
        check_sleep_cpus,
    ),
    Rule(
        "plan-ovs-extra",
        "error",
        "`dpdk-extra` does not replace or break Open vSwitch's own options.",
        check_extra_words,
    ),
    Rule(
        "plan-ovs-token",
        "error",
        "If a PF on vfio-pci has VFs, a `dpdk-extra` set by hand contains the VF token.",
        check_vf_token,
    ),
    Rule(
        "plan-ovs-limit",
        "warning",
        "`dpdk-socket-limit` is not less than `dpdk-socket-mem`.",
        check_socket_limit,
    ),
    Rule(
        "plan-ovs-socket-path",
        "error",
        "Paths of vhost-user sockets are not too long.",
        check_socket_path,
    ),
    Rule(
        "plan-ovs-lcore-mask",
        "either",
        "The CPUs in `dpdk-lcore-mask` are housekeeping CPUs.",
        check_lcore_mask,
    ),
    Rule(
        "plan-ovs-threads",
        "warning",
        "Open vSwitch does not have more handler and revalidator threads than CPUs for them.",
        check_handler_threads,
    ),
)
