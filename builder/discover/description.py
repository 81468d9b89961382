"""A machine as an inventory would describe it: a hardware class and a host, with what was assumed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from builder.catalog.releases import USUAL_RELEASE
from builder.discover.card import FoundSriov
from builder.discover.identity import FoundHost, find_host, name_class
from builder.discover.machine import FIRMWARE, SECURE_BOOT, Machine
from builder.discover.ports import FoundNic, find_nics
from builder.discover.processor import find_processor
from builder.discover.topology import Topology, find_topology
from builder.model.sizes import format_mib


@dataclass(frozen=True, slots=True)
class Description:
    """Everything of the two parts, under the names they get.

    pdpe1gb, secure_boot None: not to be read. Notes are for the person who pastes it.
    """

    class_name: str
    title: str
    vendor: str
    pdpe1gb: bool | None
    cpu_notes: tuple[str, ...]
    topology: Topology
    nics: tuple[FoundNic, ...]
    nics_notes: tuple[str, ...]
    secure_boot: bool | None
    secure_boot_notes: tuple[str, ...]
    host: FoundHost
    profile: str


def describe_machine(
    machine: Machine, class_name: str | None, host_name: str | None, profile: str
) -> Description:
    """Raises BuilderError for a machine that an inventory cannot describe."""
    processor = find_processor(machine)
    topology = find_topology(machine)
    virtual = processor.has_hypervisor
    nodes = [node.cpus for node in topology.nodes]
    nics, nics_notes = find_nics(machine, nodes, is_virtual=virtual)
    secure_boot, secure_boot_notes = _find_secure_boot(machine)
    product = " ".join(filter(None, (machine.vendor, machine.product)))
    model = machine.cpuinfo.get("model name", "")
    return Description(
        class_name=class_name or name_class(machine),
        title=", ".join(filter(None, (product, model))),
        vendor=processor.vendor,
        pdpe1gb=processor.pdpe1gb,
        cpu_notes=processor.notes,
        topology=topology,
        nics=nics,
        nics_notes=nics_notes,
        secure_boot=secure_boot,
        secure_boot_notes=secure_boot_notes,
        host=find_host(machine, nics, host_name),
        profile=profile,
    )


def _find_secure_boot(machine: Machine) -> tuple[bool | None, tuple[str, ...]]:
    """The variable's value follows four bytes of attributes (efivarfs.rst)."""
    if machine.efi is None:
        return None, (f"whether Secure Boot is on is not recorded: there is no {FIRMWARE} here",)
    if not machine.efi:
        return False, ("the machine booted with BIOS, so without Secure Boot",)
    if machine.secure_boot is None or len(machine.secure_boot) < 5:
        fault = machine.faults.get(SECURE_BOOT, "too short")
        return None, (f"it is not known whether Secure Boot is on: {SECURE_BOOT}: {fault}",)
    return machine.secure_boot[4] == 1, ()


def to_data(found: Description) -> dict[str, Any]:
    """A whole inventory as plain data, its profile as empty as the CPU allows."""
    return {
        "version": 1,
        "image": {"name": "nfv-node", "os": USUAL_RELEASE},
        "profiles": {found.profile: profile_data(found)},
        "hardware": {found.class_name: hardware_data(found)},
        "hosts": {found.host.name: host_data(found)},
    }


def hardware_data(found: Description) -> dict[str, Any]:
    topology = found.topology
    data: dict[str, Any] = {
        "cpu": {"vendor": found.vendor, "pdpe1gb": bool(found.pdpe1gb)},
        "numa": [
            {**({"cpus": str(node.cpus)} if node.cpus else {}), "memory": format_mib(node.memory)}
            for node in topology.nodes
        ],
    }
    if topology.distance is not None:
        data["siblings"] = topology.distance
    if topology.threads:
        data["threads"] = [list(core) for core in topology.threads]
    data["nics"] = [nic_data(nic) for nic in found.nics]
    if found.secure_boot:
        data["secure-boot"] = True
    return data


def profile_data(found: Description) -> dict[str, Any]:
    """Nothing, where the CPU has the pages that a profile gets by default."""
    return {} if found.pdpe1gb else {"hugepages": {"size": "2M"}}


def nic_data(nic: FoundNic) -> dict[str, Any]:
    data: dict[str, Any] = {"pci": nic.pci, "id": nic.id, "driver": nic.driver, "name": nic.name}
    if nic.numa is not None:
        data["numa"] = nic.numa
    if nic.card_ports is not None:
        data["card-ports"] = nic.card_ports
    return data if nic.sriov is None else {**data, "sriov": sriov_data(nic.sriov)}


def sriov_data(sriov: FoundSriov) -> dict[str, Any]:
    layout = sriov.layout
    data: dict[str, Any] = {
        "total-vfs": layout.total,
        "vf-offset": layout.offset,
        "vf-stride": layout.stride,
    }
    told = {"vf-id": sriov.vf_id, "vf-driver": sriov.vf_driver}
    return data | {key: value for key, value in told.items() if value is not None}


def host_data(found: Description) -> dict[str, Any]:
    host = found.host
    data: dict[str, Any] = {"hardware": found.class_name, "profile": found.profile}
    if host.serial is not None:
        data["serial"] = host.serial
    mac = host.management.mac
    interface: dict[str, Any] = {"role": "management", "dhcp6" if host.ipv6 else "dhcp4": True}
    if mac is not None:
        data["boot-mac"] = mac
        interface["mac"] = mac
    data["interfaces"] = {host.management.name: interface}
    return data
