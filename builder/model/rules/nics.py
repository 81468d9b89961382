"""Rules on the NICs of a hardware class: each is there once and is what its id says."""

from __future__ import annotations

from collections.abc import Iterator

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.catalog.modules import module_name
from builder.diagnostics import KeyPath
from builder.model.hardware import UNKNOWN_DRIVER, HardwareClass, Nic
from builder.model.inventory import Inventory
from builder.model.ports import dpdk_ports
from builder.model.rules.pairs import Pair, pairs
from builder.model.sriov import listed_card_ports, ports_of_card
from builder.model.values import PciAddress
from builder.phrases import count_text, nodes_text
from builder.rule import SEE, Finding, Rule, each


def _nics(inventory: Inventory) -> Iterator[tuple[KeyPath, HardwareClass, Nic]]:
    for name, hardware in inventory.hardware.items():
        for index, nic in enumerate(hardware.nics):
            yield ("hardware", name, "nics", index), hardware, nic


def check_pci_once(inventory: Inventory) -> Iterator[Finding]:
    first: dict[tuple[str | int, PciAddress], KeyPath] = {}
    for path, _, nic in _nics(inventory):
        other = first.setdefault((path[1], nic.pci), path)
        if other != path:
            message = f"{nic.pci} is already the address of {SEE}"
            yield Finding((*path, "pci"), message, see=(*other, "pci"))


def check_name_once(inventory: Inventory) -> Iterator[Finding]:
    first: dict[tuple[str | int, str], KeyPath] = {}
    for path, _, nic in _nics(inventory):
        other = first.setdefault((path[1], nic.name), path)
        if other != path:
            message = f"{nic.name} is already the name of {SEE}"
            yield Finding((*path, "name"), message, see=(*other, "name"))


def check_model_known(inventory: Inventory) -> Iterator[Finding]:
    for path, _, nic in _nics(inventory):
        if not nic.model.is_listed and nic.driver != UNKNOWN_DRIVER:
            yield Finding((*path, "id"), *_taken_for(nic))


def _taken_for(nic: Nic) -> tuple[str, str]:
    """Message and hint on a NIC whose id is not in the table."""
    message = (
        f"{nic.id} is not in the NIC table: it is assumed to be a port "
        f"{'with the VFs of its sriov' if nic.sriov else 'without VFs'}, "
    )
    if nic.model.driver.is_known:
        message += f"which needs what all ports of driver {nic.driver} need"
        return message, "add anything else that it needs to image.packages"
    message += (
        f"whose driver {nic.driver} needs no firmware package, and which DPDK drives through "
        "vfio-pci"
    )
    hint = (
        "add what it needs to image.packages: its firmware, and for a DPDK port its DPDK "
        "driver (librte-net-...)"
    )
    return message, hint


def check_driver_told(inventory: Inventory) -> Iterator[Finding]:
    for path, _, nic in _nics(inventory):
        if nic.driver == UNKNOWN_DRIVER:
            message = f"the kernel driver of {nic.name} is not filled in"
            hint = f"on the machine, lspci -ks {nic.pci} shows it after Kernel modules"
            if nic.model.is_listed:
                hint = f"driver: {nic.model.driver.name}"
            yield Finding((*path, "driver"), message, hint)


def check_kernel_driver(inventory: Inventory) -> Iterator[Finding]:
    for path, _, nic in _nics(inventory):
        kind, driver = nic.model, nic.model.driver.name
        if nic.driver == UNKNOWN_DRIVER:
            continue  # told by nic-driver-told
        if module_name(driver) != module_name(nic.driver):
            message = f"the kernel driver of {nic.id} ({kind.name}) is {driver}"
            yield Finding((*path, "driver"), message, f"driver: {driver}")
        elif driver in DPDK_DRIVERS:
            message = f"{driver} is not the kernel's network driver of {nic.name}"
            hint = (
                "give the driver that the port has without DPDK; which ports and VFs go to "
                f"{driver} is said in ovs and sriov"
            )
            yield Finding((*path, "driver"), message, hint)


def check_card_ports(inventory: Inventory) -> Iterator[Finding]:
    for path, hardware, nic in _nics(inventory):
        if nic.card_ports is None:
            continue
        card = ports_of_card(hardware, nic)
        first = next(other for other in card if other.card_ports is not None)
        last = max(card, key=lambda other: other.pci.function)
        key = (*path, "card-ports")
        if last.pci.function >= nic.card_ports:
            message = (
                f"a card with {count_text(nic.card_ports, 'port')} has no function "
                f"{last.pci.function}, the number of {last.name} ({last.pci})"
            )
            yield Finding(key, message, f"card-ports: {listed_card_ports(hardware, nic)}")
        elif first.card_ports != nic.card_ports:
            other = (*path[:-1], hardware.nics.index(first), "card-ports")
            message = f"{nic.name} and {first.name} are on one card, of {first.card_ports}: {SEE}"
            yield Finding(key, message, see=other)


def check_numa_exists(inventory: Inventory) -> Iterator[Finding]:
    for path, hardware, nic in _nics(inventory):
        nodes = len(hardware.numa)
        if nic.numa is not None and nic.numa >= nodes:
            message = f"there is no node {nic.numa}: this machine has {nodes_text(nodes)}"
            yield Finding((*path, "numa"), message)


def check_numa_given(pair: Pair) -> Iterator[Finding]:
    """The kernel's numa_node is -1 where firmware has no _PXM; OVS then counts it as node 0."""
    for port in dpdk_ports(pair.hardware, pair.profile):
        nic = port.nic
        if nic.numa is not None or len(pair.hardware.numa) == 1:
            continue
        path = (*pair.class_path, "nics", pair.hardware.nics.index(nic), "numa")
        message = f"the node of DPDK port {nic.name} is not known: assuming node 0"
        hint = (
            f"cat /sys/bus/pci/devices/{nic.pci}/numa_node; where that is -1 the firmware does not "
            "say, and the manual of the board has the CPU that the slot belongs to"
        )
        yield Finding(path, message, hint)


RULES: tuple[Rule[Inventory], ...] = (
    Rule("nic-pci-once", "error", "A PCI address is used by one port only.", check_pci_once),
    Rule("nic-name-once", "error", "A name is used by one port only.", check_name_once),
    Rule(
        "nic-model-known",
        "warning",
        "The device id is in the NIC table; if not, the message says what is assumed.",
        check_model_known,
    ),
    Rule(
        "nic-driver-told",
        "error",
        "The driver is filled in: not `unknown`, which `discover` writes where it cannot tell.",
        check_driver_told,
    ),
    Rule(
        "nic-kernel-driver",
        "error",
        "The driver is the one that the kernel uses for the device id.",
        check_kernel_driver,
    ),
    Rule(
        "nic-card-ports",
        "error",
        "The ports of a card agree on how many it has.",
        check_card_ports,
    ),
    Rule(
        "nic-numa-exists",
        "error",
        "The NUMA node of a port exists.",
        check_numa_exists,
    ),
    Rule(
        "nic-numa-given",
        "warning",
        "The NUMA node of a DPDK port is known: Open vSwitch assumes node 0 otherwise.",
        each(pairs, check_numa_given),
    ),
)
