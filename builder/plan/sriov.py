"""Virtual functions, and which driver each PCI function is bound to."""

from __future__ import annotations

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.catalog.nic_types import NicType
from builder.diagnostics import KeyPath
from builder.model.fields import VfRef
from builder.model.hardware import Nic
from builder.model.ports import DpdkPort, is_bifurcated, whole_ports
from builder.model.sriov import (
    Vf,
    count_card_ports,
    most_vfs_wanted,
    set_in_card,
)
from builder.plan.inputs import Inputs
from builder.plan.nouns.devices import Binding, NicPlan, PfPlan, VfMode, VfPlan
from builder.plan.nouns.why import Why
from builder.plan.vf_settings import explain_uplink, uplink_settings, with_settings


def plan_pfs(inputs: Inputs, ports: tuple[DpdkPort, ...]) -> tuple[PfPlan, ...]:
    """Physical functions with their VFs, in inventory order."""
    pfs: list[PfPlan] = []
    for place, policy in enumerate(inputs.profile.sriov):
        nic = inputs.hardware.nic(policy.pf)
        # A PF the class lacks, and a model without SR-IOV, are refused by the model's rules.
        if nic is None or nic.model.vf is None:
            continue
        driver, mode, why = _plan_pf_driver(inputs, ports, nic, place)
        wanted = most_vfs_wanted(inputs.hardware, inputs.profile.sriov, nic)
        pfs.append(
            PfPlan(
                name=nic.name,
                pci=nic.pci,
                device_id=nic.id,
                vf_id=nic.model.vf.device_id,
                driver=driver,
                numa=nic.numa,
                mode=mode,
                num_vfs=policy.num_vfs,
                vfs=_plan_vfs(inputs, ports, place, nic, driver),
                why=why,
                model=nic.model,
                key=inputs.profile_key("sriov", place),
                eswitch=policy.eswitch,
                set_in_card=set_in_card(nic, wanted),
            )
        )
    return tuple(pfs)


def _plan_pf_driver(
    inputs: Inputs, ports: tuple[DpdkPort, ...], nic: Nic, place: int
) -> tuple[str, VfMode, Why]:
    """Driver of a PF, and who makes its VFs."""
    key = inputs.profile_key("sriov", place, "num-vfs")
    port = whole_ports(ports).get(nic.name)
    settings = inputs.profile.drivers.get(nic.driver)
    mode = settings.vf_mode if settings is not None else "sysfs"
    mode_key = inputs.profile_key("drivers", nic.driver, "vf-mode")
    if port is not None and inputs.profile.ovs is not None:
        # Unbinding a PF from its kernel driver removes the VFs that driver made
        # (ixgbe_remove() -> ixgbe_disable_sriov()), so max_vfs cannot serve here.
        reason = (
            f"{port.name} of {port.bridge} is the PF itself: it is bound to "
            f"{inputs.profile.ovs.driver} first, its VFs are made after that; it has no interface "
            "any more, so its VFs cannot serve sriov-cni"
        )
        return inputs.profile.ovs.driver, "sysfs", inputs.why(reason, key, inputs.device_key(port))
    keys = [key, mode_key]
    reason = (
        f"{nic.driver} keeps the port; its VFs are made by sriov_numvfs at its PCI address, "
        "which no order of probing can shift to another port"
    )
    if mode == "module-parameter":
        reason = f"{nic.driver} makes the VFs when it loads, by max_vfs as the inventory asks"
    if inputs.profile.sriov[place].eswitch == "switchdev":
        reason += "; its switch is put into switchdev mode, with a representor for each VF"
        keys.append(inputs.profile_key("sriov", place, "eswitch"))
    return nic.driver, mode, inputs.why(reason, *keys)


def _plan_vfs(
    inputs: Inputs,
    ports: tuple[DpdkPort, ...],
    place: int,
    nic: Nic,
    pf_driver: str,
) -> tuple[VfPlan, ...]:
    policy = inputs.profile.sriov[place]
    listed = {vf.index: (number, vf) for number, vf in enumerate(policy.vfs)}
    by_vf = {port.vf: port for port in ports if port.nic.name == nic.name}
    first = nic.model.first_vf_offset(
        nic.pci.function,
        count_card_ports(inputs.hardware, nic),
        most_vfs_wanted(inputs.hardware, inputs.profile.sriov, nic),
    )
    vfs: list[VfPlan] = []
    for index in range(policy.num_vfs):
        number, vf = listed.get(index, (None, Vf.model_construct(index=index)))
        port = by_vf.get(VfRef(policy.pf, index))
        driver = vf.driver or policy.driver
        is_for_ovs = port is not None or vf.use == "ovs-dpdk"
        needed = (
            uplink_settings(inputs.release, policy, vf, nic.model, pf_driver) if is_for_ovs else {}
        )
        vfs.append(
            VfPlan(
                index=index,
                pci=nic.pci.vf(first, nic.model.vf_stride, index),
                driver=None if driver == "kernel" else driver,
                use="ovs-dpdk" if is_for_ovs else "pods",
                pool=None if is_for_ovs else vf.pool or policy.pool,
                why=explain_uplink(_explain_vf(inputs, place, number, vf, port, nic.model), needed),
                key=_vf_key(inputs, place, number),
                settings=with_settings(vf.settings, needed),
            )
        )
    return tuple(vfs)


def _vf_key(inputs: Inputs, place: int, number: int | None) -> KeyPath:
    """Key of a VF that is listed, else of its policy. number: its place in the policy's list."""
    listed = () if number is None else ("vfs", number)
    return inputs.profile_key("sriov", place, *listed)


def _explain_vf(
    inputs: Inputs, place: int, number: int | None, vf: Vf, port: DpdkPort | None, model: NicType
) -> Why:
    """Why a VF is where it is, has its driver and its user."""
    policy = inputs.profile.sriov[place]
    driver = vf.driver or policy.driver
    key = _vf_key(inputs, place, number)
    keys = [key]
    if port is not None:
        user = f"{port.name} of {port.bridge}"
        keys.append(inputs.device_key(port))
    elif vf.use == "ovs-dpdk":
        user = "Open vSwitch"
    else:
        pool = vf.pool or policy.pool
        user = f"pods, as {pool}" if pool else "pods"
    binding = (
        f"its kernel driver {model.vf_driver}, for sriov-cni to move into a pod"
        if driver == "kernel"
        else f"{driver}, for DPDK"
    )
    place_text = f"{model.name}: VFs of one port in one block"
    if not model.has_blocks:
        place_text = f"offset {model.vf_offset}, stride {model.vf_stride} of the {model.name}"
    elif model.vfs_in_card:
        place_text += ", as large as the card is set to"
    settings = vf.settings.given()
    asked = f"; {', '.join(settings)} as the inventory asks" if settings else ""
    keys += [(*key, setting) for setting in settings]
    return inputs.why(f"for {user}; {binding}; address by {place_text}{asked}", *keys)


def plan_bindings(inputs: Inputs, ports: tuple[DpdkPort, ...]) -> tuple[Binding, ...]:
    """Whole ports for Open vSwitch, in inventory order of the NICs.

    A PF with VFs is not among them: it and its VFs are bound in one pass (`PfPlan.driver`).
    """
    ovs = inputs.profile.ovs
    if ovs is None:
        return ()
    with_vfs = {policy.pf for policy in inputs.profile.sriov}
    given = whole_ports(ports)
    bindings: list[Binding] = []
    for nic in inputs.hardware.nics:
        port = given.get(nic.name)
        if port is None or nic.name in with_vfs:
            continue
        key = inputs.device_key(port)
        why = inputs.why(
            f"{port.name} of {port.bridge} is this port; {DPDK_DRIVERS[ovs.driver].reason}",
            key,
            inputs.profile_key("ovs", "driver"),
        )
        bindings.append(
            Binding(nic.name, nic.pci, nic.id, ovs.driver, nic.numa, why, nic.model, key)
        )
    return tuple(bindings)


def plan_nics(inputs: Inputs, ports: tuple[DpdkPort, ...]) -> tuple[NicPlan, ...]:
    """Ports the kernel keeps, in inventory order."""
    given = whole_ports(ports)
    plans: list[NicPlan] = []
    for nic in inputs.hardware.nics:
        if nic.name in given:
            continue
        used = [port for port in ports if port.vf is None and port.nic.name == nic.name]
        reason = (
            f"{used[0].name} of {used[0].bridge} is this port, and its DPDK driver works through "
            f"the kernel's {nic.driver}"
            if used and is_bifurcated(nic)
            else "not given to Open vSwitch as a whole: the kernel keeps it, by this name"
        )
        keys = (inputs.nic_key(nic, "name"), *(inputs.device_key(port) for port in used))
        why = inputs.why(reason, *keys)
        plans.append(NicPlan(nic.name, nic.pci, nic.id, nic.driver, nic.numa, why, nic.model))
    return tuple(plans)
