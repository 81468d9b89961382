"""What only one machine has: its names, serial number and addresses, and the class it is of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from builder.discover.interfaces import fits
from builder.discover.machine import DMI, Machine
from builder.discover.management import find_management
from builder.discover.ports import FoundNic
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
    """management: the NIC that Kubernetes and ssh are taken to use. ipv6: only IPv6 has routes."""

    name: str
    serial: str | None
    management: FoundNic
    ipv6: bool
    notes: tuple[str, ...]


def find_host(machine: Machine, nics: Sequence[FoundNic], name: str | None) -> FoundHost:
    """name: the one the user wants, instead of the machine's own."""
    notes: list[str] = []
    own = fits(_HOST_NAME, (machine.hostname or "").lower())
    if name is None and own is None:
        said = quote(machine.hostname) if machine.hostname else "not readable"
        notes.append(f"the machine's host name is {said}: choose one")
    management = find_management(machine, nics, notes)
    serial = _find_serial(machine, notes)
    return FoundHost(name or own or "node-1", serial, management, machine.ipv6, tuple(notes))


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
