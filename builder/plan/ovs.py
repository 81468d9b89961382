"""Open vSwitch: options of the whole switch, bridges, DPDK ports."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from builder.catalog.ovs_options import OVS_OPTIONS
from builder.model.fields import option_text
from builder.model.ovs import Ovs, OvsBridge, OvsPort
from builder.model.ports import DpdkPort
from builder.model.values import PciAddress
from builder.plan.inputs import Inputs
from builder.plan.nouns.cpus import CpuPlan
from builder.plan.nouns.devices import PfPlan
from builder.plan.nouns.ovs import OtherConfig, OvsBridgePlan, OvsPlan, OvsPortPlan
from builder.plan.nouns.why import Why
from builder.plan.ovs_memory import OvsMemory

# uuid5 name space of VF tokens: the same inventory names the same token.
TOKEN_NAMESPACE = uuid.UUID("0b5a4c52-8a0e-5f0e-9d55-4f6b8f6f0c1d")


def plan_ovs(
    inputs: Inputs,
    cpus: CpuPlan,
    memory: tuple[OvsMemory, ...],
    pfs: tuple[PfPlan, ...],
    ports: tuple[DpdkPort, ...],
    *,
    socket_mem: tuple[int, ...],
) -> OvsPlan | None:
    """The switch, or None when the profile has none.

    memory: as derived; socket_mem: as it is, with the inventory's own.
    """
    ovs = inputs.profile.ovs
    if ovs is None:
        return None
    bridges = tuple(
        _plan_bridge(inputs, name, bridge, ports, pfs) for name, bridge in ovs.bridges.items()
    )
    derived = [
        *_plan_init(inputs),
        *_plan_socket_mem(inputs, memory),
        *_plan_pmd_mask(cpus),
        *_plan_extra(inputs, pfs, ports),
    ]
    return OvsPlan(_override(inputs, ovs, derived), bridges, socket_mem)


def port_address(port: DpdkPort, pfs: tuple[PfPlan, ...]) -> PciAddress | None:
    """PCI address of a port: of its NIC port or of its VF; None for a VF nobody makes."""
    if port.vf is None:
        return port.nic.pci
    vfs = (vf for pf in pfs if pf.name == port.vf.pf for vf in pf.vfs)
    return next((vf.pci for vf in vfs if vf.index == port.vf.index), None)


def _plan_bridge(
    inputs: Inputs,
    name: str,
    bridge: OvsBridge,
    ports: tuple[DpdkPort, ...],
    pfs: tuple[PfPlan, ...],
) -> OvsBridgePlan:
    return OvsBridgePlan(
        name=name,
        datapath_type=bridge.datapath,
        fail_mode=bridge.fail_mode,
        ports=tuple(_plan_port(inputs, port, pfs) for port in ports if port.bridge == name),
        why=inputs.why(
            "the userspace datapath, the only one that takes DPDK ports",
            inputs.profile_key("ovs", "bridges", name),
        ),
    )


def _plan_port(inputs: Inputs, port: DpdkPort, pfs: tuple[PfPlan, ...]) -> OvsPortPlan:
    address, asked = port_address(port, pfs) or port.nic.pci, port.port
    given = {"rxd": asked.rxd, "txd": asked.txd, "rxq-affinity": asked.rxq_affinity}
    return OvsPortPlan(
        name=port.name,
        pci=address,
        numa=port.nic.numa,
        mtu=asked.mtu,
        rxq=asked.rxq,
        why=inputs.why(
            f"{port.source} at {address}, polled on NUMA node {port.node}{_polled_by(asked)}",
            inputs.device_key(port),
            inputs.nic_key(port.nic, "pci"),
            *(inputs.port_key(port, key) for key, value in given.items() if value),
        ),
        key=inputs.port_key(port),
        vf=port.vf,
        rxd=asked.rxd,
        txd=asked.txd,
        affinity=asked.rxq_affinity,
    )


def _polled_by(port: OvsPort) -> str:
    pairs = sorted(port.rxq_affinity.items())
    pinned = ", ".join(f"queue {queue} by CPU {cpu}" for queue, cpu in pairs)
    return f", {pinned} and by no other" if pinned else ""


def _plan_init(inputs: Inputs) -> Iterator[OtherConfig]:
    reason = "DPDK from the start; a switch that cannot have it fails, for all to see"
    yield OtherConfig("dpdk-init", "true", inputs.why(reason, inputs.profile_key("ovs")))


def _plan_socket_mem(inputs: Inputs, memory: tuple[OvsMemory, ...]) -> Iterator[OtherConfig]:
    keys = dict.fromkeys(key for item in memory for key in item.keys)
    reasons = "; ".join(f"node {item.node}: {item.reason}" for item in memory)
    yield OtherConfig(
        "dpdk-socket-mem",
        ",".join(str(item.mib) for item in memory),
        inputs.why(f"MiB for each NUMA node, by Open vSwitch's own memory model; {reasons}", *keys),
    )


def _plan_pmd_mask(cpus: CpuPlan) -> Iterator[OtherConfig]:
    """vswitch.xml: without a mask one PMD thread runs on any core of each NUMA node."""
    if cpus.pmd:
        yield OtherConfig(
            "pmd-cpu-mask",
            cpus.pmd.mask,
            Why(f"one PMD thread on each of CPUs {cpus.pmd}", cpus.why["pmd"].origins),
        )


def _plan_extra(
    inputs: Inputs, pfs: tuple[PfPlan, ...], ports: tuple[DpdkPort, ...]
) -> Iterator[OtherConfig]:
    """EAL's own options. The allow list is not only thrift: Open vSwitch up to 3.7 opens every
    net device on vfio-pci when DPDK starts (EAL probes all), VFs of pods too, and a VFIO group
    opens only once. From 4.0 on it opens a device when it adds its port, unless
    dpdk-probe-at-init is true. dpdk-lcore-mask stays unset: it would put all threads that do not
    poll on one core (vswitch.xml).
    """
    if not ports:
        return
    found = ((port, port_address(port, pfs)) for port in ports)
    addresses = dict.fromkeys(str(address) for _, address in found if address is not None)
    words = [f"-a {address}" for address in addresses]
    keys = [inputs.device_key(port) for port in ports]
    reason = "DPDK opens these devices only: without a list it opens every VF that is for pods"
    # Without the option DPDK opens every device as it starts.
    if OVS_OPTIONS["dpdk-probe-at-init"].is_in(inputs.release.ovs):
        reason += " as soon as dpdk-probe-at-init is true"
    makers = [pf for pf in pfs if pf.driver == "vfio-pci"]
    if makers:
        words.append(f"--vfio-vf-token={vf_token(inputs)}")
        keys += [(*pf.key, "num-vfs") for pf in makers]
        reason += (
            f"; the token, since {', '.join(pf.name for pf in makers)} is on vfio-pci with VFs, "
            "which open for those only who know it"
        )
    yield OtherConfig("dpdk-extra", " ".join(words), inputs.why(reason, *keys))


def vf_token(inputs: Inputs) -> str:
    """Token that lets DPDK programs use the VFs of a PF on vfio-pci (kernel 5.7 and later)."""
    name = f"{inputs.inventory.image.name}/{inputs.hardware_name}/{inputs.profile_name}"
    return str(uuid.uuid5(TOKEN_NAMESPACE, name))


def _override(inputs: Inputs, ovs: Ovs, derived: list[OtherConfig]) -> tuple[OtherConfig, ...]:
    """The inventory's other-config: replaces what is derived in its place, else is appended."""
    settings = {setting.key: setting for setting in derived}
    for key, value in ovs.other_config.items():
        text = option_text(value)
        before = settings.get(key)
        reason = "set in the inventory"
        if before is not None:
            reason += f" instead of {before.value}"
        why = inputs.why(reason, inputs.profile_key("ovs", "other-config", key))
        settings[key] = OtherConfig(key, text, why, is_own=True)
    return tuple(settings.values())
