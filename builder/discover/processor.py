"""The processor: whose IOMMU it has, and the pages it knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from builder.discover.machine import CPUINFO, Machine
from builder.errors import BuilderError
from builder.phrases import one_line, quote

VENDORS = {"GenuineIntel": "intel", "AuthenticAMD": "amd", "HygonGenuine": "amd"}
# What /proc/cpuinfo of other architectures has of a CPU: c_show() or show_cpuinfo() of
# arch/*/kernel/; key, what its value begins with, and the architecture.
OTHERS = (
    ("CPU implementer", "", "ARM"),
    ("CPU architecture", "", "ARM"),
    ("Features", "", "ARM"),
    ("Processor", "ARM", "ARM"),
    ("Processor", "AArch64", "ARM"),
    ("arch", "IA-64", "Itanium"),
    ("vendor_id", "IBM/S390", "IBM Z"),
    ("cpu", "UltraSparc", "SPARC"),
    ("cpu", "TI UltraSparc", "SPARC"),
    ("cpu", "SPARC", "SPARC"),
    ("cpu", "", "POWER"),
    ("hart", "", "RISC-V"),
    ("isa", "rv", "RISC-V"),
    ("CPU Family", "Loongson", "LoongArch"),
    ("system type", "", "MIPS"),
)


@dataclass(frozen=True, slots=True)
class Processor:
    """vendor: `intel` or `amd`. pdpe1gb None: not recorded. has_hypervisor: the machine is a
    virtual one.
    """

    vendor: str
    pdpe1gb: bool | None
    has_hypervisor: bool
    notes: tuple[str, ...]


def find_processor(machine: Machine) -> Processor:
    """Raises BuilderError for a CPU that an inventory does not know."""
    vendor = _find_vendor(machine.cpuinfo, machine.faults.get(CPUINFO))
    notes = ["a Hygon CPU has AMD's IOMMU"] if vendor == "HygonGenuine" else []
    flags = machine.cpuinfo.get("flags")
    if flags is None:
        notes.append(
            f"pdpe1gb: {CPUINFO} has no flags, so it is not recorded whether the CPU has pages of "
            "1 GiB; assumed that it has not"
        )
    words = (flags or "").split()
    pdpe1gb = None if flags is None else "pdpe1gb" in words
    return Processor(VENDORS[vendor], pdpe1gb, "hypervisor" in words, tuple(notes))


def _find_vendor(cpuinfo: Mapping[str, str], fault: str | None) -> str:
    for key, start, architecture in OTHERS:
        said = cpuinfo.get(key)
        if said is not None and re.match(re.escape(start), said, re.IGNORECASE):
            raise BuilderError(
                f"{CPUINFO} is of {architecture} ({key}: {one_line(said)}): an inventory describes x86-64 "
                "machines only",
            )
    said = cpuinfo.get("vendor_id")
    if said is None:
        lacking = "has no vendor_id" if fault is None else f"cannot be read ({fault})"
        raise BuilderError(
            f"{CPUINFO} {lacking}: the vendor of the CPU is not known, nor are the kernel "
            "arguments of the IOMMU",
            hint="copy the file too" if fault is not None else "copy the whole file",
        )
    if said not in VENDORS:
        raise BuilderError(f"the CPU is of {quote(said)}; an inventory knows intel and amd only")
    return said
