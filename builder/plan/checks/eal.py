"""What DPDK's EAL does with the options of dpdk-extra, and without those that are not there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from builder.catalog.eal_options import EAL_OPTION_KEYS, EAL_OPTIONS_AMISS, eal_options
from builder.plan.checks.findings import Finding, dpdk_ports, find_setting
from builder.plan.checks.ovs_options import ovs_of, own_key
from builder.plan.ovs import NO_PROBE_AT_INIT
from builder.plan.types import ImagePlan

# 22.11's EAL has no -w any more; 21.11 is not looked at.
NO_WHITELIST = (22, 11)


def check_extra_words(image: ImagePlan) -> Iterator[Finding]:
    """Options with which DPDK does not start as planned, and those that a key stands for."""
    setting = find_setting(image, "dpdk-extra")
    where = own_key(image, "dpdk-extra")
    names = [name for name, _ in eal_options(setting.value)] if setting is not None else []
    for name in dict.fromkeys(names):
        if name in EAL_OPTIONS_AMISS:
            reason, hint = EAL_OPTIONS_AMISS[name]
            if name not in {"-w", "--pci-whitelist"} or image.release.dpdk >= NO_WHITELIST:
                yield Finding("error", where, f"{name}: {reason}", hint)
        elif name in EAL_OPTION_KEYS:
            key = EAL_OPTION_KEYS[name]
            message = (
                f"{name} stands for {key}: given both ways, one is ignored or DPDK does not start"
            )
            yield Finding("error", where, message, f"remove it, and set {key}")
    if {"-a", "--allow"} & {*names} and {"-b", "--block"} & {*names}:
        message = "DPDK does not start with both an allow list (-a) and a block list (-b)"
        yield Finding("error", where, message, "leave -b out: what -a does not name stays closed")


def _allowed(text: str) -> tuple[str, ...]:
    """PCI addresses of -a and --allow, with their domain: EAL takes 0000 when it is left out."""
    devices = (
        value.partition(",")[0].lower()
        for name, value in eal_options(text)
        if name in {"-a", "--allow"}
    )
    return tuple(
        f"0000:{device}" if re.fullmatch(r"[0-9a-f]{2}:.+", device) else device
        for device in devices
    )


def check_allow_list(image: ImagePlan) -> Iterator[Finding]:
    """A VFIO group opens only once: what DPDK opens here, no pod can.

    A port that is not on the list works all the same, Open vSwitch attaches it when it adds the
    port (netdev-dpdk.c, netdev_dpdk_process_devargs()).
    """
    setting = find_setting(image, "dpdk-extra")
    if setting is None:
        return
    where, allowed = own_key(image, "dpdk-extra"), _allowed(setting.value)
    ports = tuple(dict.fromkeys(str(port.pci) for port in dpdk_ports(image)))
    missing = [address for address in ports if address not in allowed]
    hint = "add " + " ".join(f"-a {address}" for address in missing)
    if not allowed and _probes_all(image):
        message = (
            f"dpdk-extra has no -a: {ovs_of(image.release)} then opens every device on its "
            "driver, VFs of pods too, which pods cannot open any more"
        )
        yield Finding("warning", where, message, hint)
    elif allowed and missing:
        message = (
            f"dpdk-extra allows {', '.join(allowed)}, and not {', '.join(missing)}: Open vSwitch "
            "opens such a port when it adds it, not when DPDK starts"
        )
        yield Finding("warning", where, message, hint)
    for pf in image.pfs:
        for vf in pf.vfs:
            if vf.use == "pods" and vf.driver is not None and str(vf.pci) in allowed:
                message = (
                    f"-a {vf.pci} is VF {vf.index} of {pf.name}, which is for pods: Open vSwitch "
                    "opens it first, and no pod can then"
                )
                yield Finding("error", where, message, f"remove -a {vf.pci}")


def check_vf_token(image: ImagePlan) -> Iterator[Finding]:
    """drivers/vfio/pci/vfio_pci_core.c, vfio_pci_validate_vf_token(): VFs of a PF on vfio-pci open
    for those only who know the token the PF was opened with.
    """
    setting = find_setting(image, "dpdk-extra")
    makers = [pf.name for pf in image.pfs if pf.driver == "vfio-pci"]
    if setting is None or not makers:
        return
    if all(name != "--vfio-vf-token" for name, _ in eal_options(setting.value)):
        message = (
            f"dpdk-extra has no --vfio-vf-token: {' and '.join(makers)} is on vfio-pci, and its "
            "VFs open for those only who give the token it was opened with"
        )
        hint = "add --vfio-vf-token=<a UUID>, which DPDK in pods gives too"
        yield Finding("error", own_key(image, "dpdk-extra"), message, hint)


def _probes_all(image: ImagePlan) -> bool:
    probe = find_setting(image, "dpdk-probe-at-init")
    asked = probe is not None and probe.value.lower() == "true"
    return asked or image.release.ovs < NO_PROBE_AT_INIT
