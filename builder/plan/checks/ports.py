"""What DPDK opens, and what it does not do with the ports as planned."""

from __future__ import annotations

import re
from collections.abc import Iterator

from builder.catalog.eal_options import eal_options
from builder.catalog.ovs_options import OVS_OPTIONS
from builder.phrases import count_text
from builder.plan.checks.ovs_options import ovs_of, own_key
from builder.plan.nouns.image import ImagePlan
from builder.rule import Finding, Rule


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
    setting = image.ovs_setting("dpdk-extra")
    if setting is None:
        return
    where, allowed = own_key(image, "dpdk-extra"), _allowed(setting.value)
    ports = tuple(dict.fromkeys(str(port.pci) for port in image.dpdk_ports))
    missing = [address for address in ports if address not in allowed]
    hint = "add " + " ".join(f"-a {address}" for address in missing)
    if not allowed and _probes_all(image):
        message = (
            f"dpdk-extra has no -a: {ovs_of(image.release)} then opens every device on its "
            "driver, including VFs of pods, which pods can no longer open"
        )
        yield Finding(where, message, hint, severity="warning")
    elif allowed and missing:
        message = (
            f"dpdk-extra allows {', '.join(allowed)}, but not {', '.join(missing)}: Open "
            "vSwitch opens such a port only when it adds it, not when DPDK starts"
        )
        yield Finding(where, message, hint, severity="warning")
    for pf in image.pfs:
        for vf in pf.vfs:
            if vf.use == "pods" and vf.driver is not None and str(vf.pci) in allowed:
                message = (
                    f"-a {vf.pci} is VF {vf.index} of {pf.name}, which is for pods: Open "
                    "vSwitch opens it first, so no pod can open it"
                )
                yield Finding(where, message, f"remove -a {vf.pci}")


def _probes_all(image: ImagePlan) -> bool:
    probe = image.ovs_setting("dpdk-probe-at-init")
    asked = probe is not None and probe.value.lower() == "true"
    # Releases that have no such option always do.
    return asked or not OVS_OPTIONS["dpdk-probe-at-init"].is_in(image.release.ovs)


def check_has_driver(image: ImagePlan) -> Iterator[Finding]:
    """A port that DPDK has no driver for: ovs-vswitchd does not open it, whatever it is bound to."""
    models = {port.pci: port.model for port in image.physical_ports}
    models |= {vf.pci: pf.model for pf in image.pfs for vf in pf.vfs}
    dpdk, release = image.release.dpdk, image.release.id
    for port in image.dpdk_ports:
        model = models.get(port.pci)
        if model is None:
            continue
        what, since = f"NICs of {model.driver.name}", model.driver.dpdk_since
        # VFs have an id of their own.
        is_new = port.vf is None and model.dpdk_since is not None and model.dpdk_since > dpdk
        if is_new:
            what, since = model.name, model.dpdk_since
        elif not model.driver.dpdk_has_none(dpdk):
            continue
        message, hint = f"DPDK has no driver for {what}", "use a port of another NIC"
        if since is not None:
            message = (
                f"DPDK {dpdk} of {release} has no driver for {what}, which DPDK has since {since}"
            )
            hint += f", or a release with DPDK {since}"
        message += f": {port.name} does not open"
        yield Finding((*port.key, "nic" if port.vf is None else "vf"), message, hint)


def check_pf_with_vfs(image: ImagePlan) -> Iterator[Finding]:
    """A PF that DPDK drives while it has VFs: what DPDK's drivers then allow.

    drivers/net/intel/ixgbe/ixgbe_ethdev.c, ixgbe_check_mq_mode(): a pool for each VF, so the
    PF has 2 queues, or 4 when asked for 4; Open vSwitch wants a transmit queue for each PMD
    thread and one more (lib/dpif-netdev.c). net_e1000_igb refuses RSS, which Open vSwitch
    always asks for ("SRIOV is active, wrong mq_mode rx"). A VF of ice asks its PF over virtchnl
    for each queue, and DPDK's ice has nothing that answers, as i40e_pf.c does.
    """
    threads = len(image.cpus.pmd)
    ports = {port.pci: port for port in image.dpdk_ports if port.vf is None}
    for pf in image.pfs:
        port, model = ports.get(pf.pci), pf.model
        if port is None:
            continue
        hint = (
            f"give the port a VF of {pf.name} (vf: {pf.name}/0), or remove the sriov policy of "
            f"{pf.name}"
        )
        key, rxq = (*port.key, "nic"), port.rxq
        starts = f"DPDK starts {pf.name} ({model.name}) with VFs as {port.name}"
        if model.driver.dpdk_vf_host == "none":
            message = (
                f"DPDK's driver of {pf.name} ({model.name}) does not serve VFs: while {pf.name} is "
                f"port {port.name} itself, its VFs get neither queues nor a link"
            )
            yield Finding(key, message, hint)
        elif model.driver.dpdk_vf_host == "no-rss":
            message = starts.replace("DPDK starts", "DPDK does not start")
            yield Finding(key, message, hint)
        elif model.driver.dpdk_vf_host == "pools" and not _fits_pool(rxq, threads):
            message = (
                f"{starts} only with rxq 1 or 2 and one PMD thread, or rxq 4 and at most 3 PMD "
                f"threads (here: rxq {rxq} and {count_text(threads, 'PMD thread')})"
            )
            yield Finding(key, message, hint)


def _fits_pool(rxq: int, threads: int) -> bool:
    queues = 4 if rxq > 2 else 2
    return rxq in (1, 2, 4) and threads + 1 <= queues


RULES: tuple[Rule[ImagePlan], ...] = (
    Rule(
        "plan-allow-list",
        "either",
        "DPDK opens Open vSwitch's devices and no others.",
        check_allow_list,
    ),
    Rule(
        "plan-dpdk-driver",
        "error",
        "The release's DPDK has a driver for every DPDK port.",
        check_has_driver,
    ),
    Rule(
        "plan-pf-with-vfs",
        "error",
        "A PF that DPDK drives while it has VFs has a driver that serves them, and queues for it.",
        check_pf_with_vfs,
    ),
)
