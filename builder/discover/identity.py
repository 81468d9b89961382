"""What only one machine has: its names, serial number and addresses, and the class it is of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from builder.discover.machine import DMI, Machine
from builder.discover.ports import FoundNic, fits
from builder.model.inventory import HostName, Name, Serial
from builder.phrases import quote

_NAME: TypeAdapter[str] = TypeAdapter(Name)
_HOST_NAME: TypeAdapter[str] = TypeAdapter(HostName)
_SERIAL: TypeAdapter[str] = TypeAdapter(Serial)
# What makers leave in DMI when they have nothing to say.
FILLERS = frozenset(
    {
        "0123456789",
        "123456789",
        "1234567890",
        "default string",
        "empty",
        "invalid",
        "n/a",
        "na",
        "none",
        "not applicable",
        "not available",
        "not specified",
        "o.e.m.",
        "oem",
        "product name",
        "serial number",
        "system product name",
        "system serial number",
        "to be filled by o.e.m.",
        "unknown",
    }
)


@dataclass(frozen=True, slots=True)
class FoundHost:
    """management: name of the NIC that Kubernetes and ssh are taken to use."""

    name: str
    serial: str | None
    management: FoundNic
    notes: tuple[str, ...]


def find_host(machine: Machine, nics: Sequence[FoundNic], name: str | None) -> FoundHost:
    """name: the one the user wants, instead of the machine's own."""
    notes: list[str] = []
    own = fits(_HOST_NAME, (machine.hostname or "").lower())
    if name is None and own is None:
        said = quote(machine.hostname) if machine.hostname else "not readable"
        notes.append(f"the machine's host name is {said}: choose one")
    management = _find_management(machine, nics, notes)
    serial = _find_serial(machine, notes)
    return FoundHost(name or own or "node-1", serial, management, tuple(notes))


def _find_management(machine: Machine, nics: Sequence[FoundNic], notes: list[str]) -> FoundNic:
    for interface in machine.routes:
        for nic in nics:
            if interface in {nic.kernel_name, nic.master} - {None}:
                notes.append(
                    f"{nic.name} has the routes now: assumed to be the management port, with DHCP"
                )
                return nic
    first = next((nic for nic in nics if nic.kernel_name is not None), nics[0])
    notes.append(
        f"no port has an IPv4 route: {first.name} is assumed to be the management port, with DHCP"
    )
    return first


def _find_serial(machine: Machine, notes: list[str]) -> str | None:
    path = f"{DMI}/product_serial"
    if machine.serial is None:
        fault = machine.faults.get(path, "not there")
        hint = "; only root can read it" if "permission" in fault else ""
        notes.append(f"no serial number: {path}: {fault}{hint}")
        return None
    serial = fits(_SERIAL, machine.serial)
    if serial is None or is_filler(serial):
        notes.append(f"no serial number: {path} is {quote(machine.serial)}")
        return None
    return serial


def is_filler(text: str) -> bool:
    """`To be filled by O.E.M.`, `XXXXXXXX`, `0000`: no name and no number."""
    return text.strip().lower() in FILLERS or len(set(text.strip())) < 2


def name_class(machine: Machine) -> str:
    """By the product, or, where the maker has not named it, by the CPU."""
    model = re.sub(r"\([^)]*\)|@.*|\b(CPU|Processor)\b", " ", machine.cpuinfo.get("model name", ""))
    for text in (machine.product or "", model):
        if not is_filler(text):
            slug = re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")[:63].rstrip("-.")
            if fits(_NAME, slug) is not None:
                return slug
    return "machine"
