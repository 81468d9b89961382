# SPDX-License-Identifier: Apache-2.0
"""Which device models stand in for which on a twin, the virtual machine a plan is tried on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rackwright_node import Machine

KEY = "rackwright.substitute="
OEM_STRINGS = 11
END_OF_TABLE = 127


def _oem_strings(table: bytes) -> Iterator[str]:
    """The strings of every SMBIOS structure of type 11.

    A structure is its formatted part (type, length, handle, …) and then its strings, each
    ended by a zero byte, the last by one more (SMBIOS specification, 6.1).
    """
    at = 0
    while at + 4 <= len(table) and table[at] != END_OF_TABLE:
        strings = at + table[at + 1]
        end = table.find(b"\0\0", strings)
        if end < 0:
            return
        if table[at] == OEM_STRINGS:
            for text in table[strings:end].split(b"\0"):
                yield text.decode("ascii", "replace")
        at = end + 2


def is_twin(machine: Machine) -> bool:
    """Whether the firmware says so. No machine one can buy does."""
    dmi = "sys/class/dmi/id"
    return (machine.read(f"{dmi}/sys_vendor"), machine.read(f"{dmi}/product_name")) == (
        "rackwright",
        "twin",
    )


def read_substitutions(machine: Machine) -> Mapping[str, str]:
    """Planned device id -> the id that stands in for it; empty on a real machine.

    Read from the raw table: /sys/firmware/dmi/entries needs the dmi-sysfs module, which
    nothing loads by itself.
    """
    if not is_twin(machine):
        return {}
    try:
        table = machine.path("sys/firmware/dmi/tables/DMI").read_bytes()
    except OSError:
        return {}
    found: dict[str, str] = {}
    for text in _oem_strings(table):
        if text.startswith(KEY):
            planned, _, present = text[len(KEY) :].partition("=")
            found[planned] = present
    return found
