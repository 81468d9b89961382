"""A description as an inventory in YAML, with what was assumed beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from builder.diagnostics import Location
from builder.discover.description import (
    Description,
    hardware_data,
    host_data,
    nic_data,
    profile_data,
    to_data,
)
from builder.inventory.nodes import Scalar
from builder.inventory.scalars import read_scalar
from builder.model.hardware import UNKNOWN_DRIVER
from builder.phrases import format_names
from builder.yaml_text import comment_lines, quoted

# Text that no YAML reader takes for more than text: nothing YAML gives a meaning to.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
# Values an inventory has in quotes throughout, whether or not YAML asks for it.
_QUOTED = frozenset({"pci", "id", "vf-id", "cpus", "serial", "boot-mac", "mac"})


def to_yaml(found: Description) -> str:
    """The whole inventory; it loads as `to_data` of the same description."""
    parts = (_header(found), _hardware(found), _profile(found), _host(found))
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _header(found: Description) -> Iterator[str]:
    yield from comment_lines(
        "Description of this machine as an inventory; for one that you already have, copy what is "
        "under hardware and hosts. Check the assumptions noted in the comments."
    )
    missing = [nic.name for nic in found.nics if nic.driver == UNKNOWN_DRIVER]
    if missing:
        yield from comment_lines(f"To be filled in: the driver of {format_names(missing)}.")
    data = to_data(found)
    yield f"version: {data['version']}"
    yield f"image: {flow(data['image'])}"


def _hardware(found: Description) -> Iterator[str]:
    topology, data = found.topology, hardware_data(found)
    yield "hardware:"
    yield from comment_lines(found.title, 2) if found.title else ()
    yield f"  {scalar(found.class_name)}:"
    yield from _noted(found.cpu_notes, 4)
    yield f"    cpu: {flow(data['cpu'])}"
    yield from _noted(topology.node_notes, 4)
    yield "    numa:"
    yield from (f"      - {flow(node)}" for node in data["numa"])
    yield from _noted(topology.core_notes, 4)
    if "siblings" in data:
        yield f"    siblings: {data['siblings']}"
    if "threads" in data:
        yield from _threads(data["threads"])
    yield from _noted(found.nics_notes, 4)
    yield "    nics:"
    for nic in found.nics:
        yield from _noted(nic.notes, 6)
        yield f"      - {flow(nic_data(nic))}"
    yield from _noted(found.secure_boot_notes, 4)
    if "secure-boot" in data:
        yield f"    secure-boot: {flow(data['secure-boot'])}"


def _threads(threads: list[list[int]]) -> Iterator[str]:
    yield "    threads:"
    yield from (f"      - {flow(core)}" for core in threads)


def _profile(found: Description) -> Iterator[str]:
    yield "profiles:"
    yield from comment_lines("how the machine is tuned: cpu, hugepages, sriov, ovs", 2)
    yield f"  {scalar(found.profile)}: {flow(profile_data(found))}"


def _host(found: Description) -> Iterator[str]:
    data = host_data(found)
    interfaces = data.pop("interfaces")
    yield "hosts:"
    yield from _noted(found.host.notes, 2)
    yield f"  {scalar(found.host.name)}:"
    yield from (f"    {key}: {flow(value, key)}" for key, value in data.items())
    yield "    interfaces:"
    yield from (f"      {scalar(name)}: {flow(value)}" for name, value in interfaces.items())
    others = [nic for nic in found.nics if nic is not found.host.management and nic.mac is not None]
    if others:
        yield from comment_lines("MAC addresses of the other ports:", 6)
        yield from (f"      # {nic.name}: {nic.mac}" for nic in others)


def _noted(notes: Iterable[str], indent: int) -> Iterator[str]:
    for note in notes:
        yield from comment_lines(note, indent)


def flow(value: Any, key: str = "") -> str:
    """A value on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case list():
            return f"[{', '.join(flow(item) for item in value)}]"
        case dict():
            inner = ", ".join(f"{scalar(name)}: {flow(item, name)}" for name, item in value.items())
            return f"{{{inner}}}"
    return quoted(str(value)) if key in _QUOTED else scalar(str(value))


def scalar(text: str) -> str:
    """Text that YAML reads as that text: plain where it can be."""
    plain = Scalar(Location("", 1, 1), text, plain=True)
    if _PLAIN.fullmatch(text) and read_scalar(plain).is_text:
        return text
    # "47GiB" is plain in every inventory.
    if re.fullmatch(r"[0-9]+[MGT]iB", text):
        return text
    return quoted(text)
