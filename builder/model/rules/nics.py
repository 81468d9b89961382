"""Rules on the NICs of a hardware class: each is there once and is what its id says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from builder.diagnostics import Diagnostic, KeyPath, Marks
from builder.model.hardware import HardwareClass, Nic
from builder.model.inventory import Inventory
from builder.model.roles import dpdk_ports
from builder.model.rules.findings import at, error, pairs, warning
from builder.model.values import PciAddress


def _nics(inventory: Inventory) -> Iterator[tuple[KeyPath, HardwareClass, Nic]]:
    for name, hardware in inventory.hardware.items():
        for index, nic in enumerate(hardware.nics):
            yield ("hardware", name, "nics", index), hardware, nic


def check_pci_once(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    first: dict[tuple[str | int, PciAddress], KeyPath] = {}
    for path, _, nic in _nics(inventory):
        other = first.setdefault((path[1], nic.pci), path)
        if other != path:
            message = f"{nic.pci} is already the address of {at(marks, (*other, 'pci'))}"
            yield error(marks, (*path, "pci"), message)


def check_name_once(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    first: dict[tuple[str | int, str], KeyPath] = {}
    for path, _, nic in _nics(inventory):
        other = first.setdefault((path[1], nic.name), path)
        if other != path:
            message = f"{nic.name} is already the name of {at(marks, (*other, 'name'))}"
            yield error(marks, (*path, "name"), message)


def check_model_known(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for path, _, nic in _nics(inventory):
        if not nic.model.is_listed:
            message = (
                f"{nic.id} is not in the NIC table: it is taken for a port "
                f"{'with the VFs of its sriov' if nic.sriov else 'without VFs'}, whose "
                f"driver {nic.driver} needs no firmware package, and which DPDK drives through "
                "vfio-pci"
            )
            hint = (
                "add to image.packages what it needs: its firmware, and for a DPDK port DPDK's "
                "driver (librte-net-...)"
            )
            yield warning(marks, (*path, "id"), message, hint)


def check_kernel_driver(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for path, _, nic in _nics(inventory):
        kind = nic.model
        if kind.kernel_driver.replace("-", "_") != nic.driver.replace("-", "_"):
            message = f"the kernel driver of {nic.id} ({kind.name}) is {kind.kernel_driver}"
            yield error(marks, (*path, "driver"), message, f"driver: {kind.kernel_driver}")


def check_numa_exists(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for path, hardware, nic in _nics(inventory):
        nodes = len(hardware.numa)
        if nic.numa is not None and nic.numa >= nodes:
            has = "node 0 only" if nodes == 1 else f"nodes 0 to {nodes - 1}"
            message = f"there is no node {nic.numa}: this machine has {has}"
            yield error(marks, (*path, "numa"), message)


def check_numa_given(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """The kernel's numa_node is -1 where firmware has no _PXM; OVS then counts it as node 0."""
    for pair in pairs(inventory):
        for port in dpdk_ports(pair.hardware, pair.profile):
            nic = port.nic
            if nic is None or nic.numa is not None or len(pair.hardware.numa) == 1:
                continue
            path = (*pair.class_path, "nics", pair.hardware.nics.index(nic), "numa")
            message = f"the node of {nic.name} is not given, but it is a DPDK port: node 0 assumed"
            hint = f"cat /sys/bus/pci/devices/{nic.pci}/numa_node"
            yield warning(marks, path, message, hint)
