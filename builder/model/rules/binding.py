"""Rules on userspace drivers: what Secure Boot, the device and the hardware allow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from builder.diagnostics import Diagnostic, KeyPath, Marks
from builder.model.inventory import Inventory
from builder.model.roles import dpdk_ports, is_bifurcated
from builder.model.rules.findings import Pair, at, error, pairs


def _bindings(pair: Pair) -> Iterator[tuple[KeyPath, str, bool]]:
    """(place, driver, whether it is for VFs) of each choice of a driver that has an effect."""
    ovs = pair.profile.ovs
    whole = [
        port
        for port in dpdk_ports(pair.hardware, pair.profile)
        if port.port.nic is not None and port.nic is not None and not is_bifurcated(port.nic)
    ]
    if ovs is not None and whole:
        yield (*pair.path, "ovs", "driver"), ovs.driver, False
    for index, policy in enumerate(pair.profile.sriov):
        path = (*pair.path, "sriov", index)
        if len({vf.index for vf in policy.vfs if vf.driver}) < policy.num_vfs:
            yield (*path, "driver"), policy.driver, True
        for number, vf in enumerate(policy.vfs):
            if vf.driver is not None:
                yield (*path, "vfs", number, "driver"), vf.driver, True


def check_secure_boot(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """DPDK, FAQ: with UEFI Secure Boot the kernel may disallow the use of UIO."""
    reasons = {
        "igb_uio": "it is not signed, so the kernel does not load it",
        "uio_pci_generic": "the kernel's lockdown refuses UIO",
    }
    for pair in pairs(inventory):
        for path, driver, _ in _bindings(pair):
            if pair.hardware.secure_boot and driver in reasons:
                other = at(marks, (*pair.class_path, "secure-boot"))
                message = f"{driver} does not work with Secure Boot ({other}): {reasons[driver]}"
                yield error(marks, path, message, "driver: vfio-pci")


def check_vf_interrupts(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """uio_pci_generic.c probe(): "No IRQ assigned to device: no support for interrupts?"; VFs
    have MSI-X only (DPDK, Linux drivers guide).
    """
    for pair in pairs(inventory):
        for path, driver, is_vf in _bindings(pair):
            if is_vf and driver == "uio_pci_generic":
                message = "uio_pci_generic needs a legacy interrupt (INTx), and a VF has none"
                yield error(marks, path, message, "driver: vfio-pci")


def check_bifurcated_port(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """DPDK, mlx5 guide: the port stays with its kernel driver."""
    for pair in pairs(inventory):
        ovs = pair.profile.ovs
        if ovs is None or "driver" not in ovs.model_fields_set:
            continue
        for port in dpdk_ports(pair.hardware, pair.profile):
            nic = port.nic
            if port.port.nic is not None and nic is not None and is_bifurcated(nic):
                message = (
                    f"{ovs.driver} would take {nic.name} (port {port.name}) from {nic.driver}, "
                    "through which DPDK drives it"
                )
                yield error(marks, (*pair.path, "ovs", "driver"), message, "leave it out")
                break
