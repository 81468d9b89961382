"""The vocabulary of an inventory: CPU sets, PCI addresses, sizes, as types with their rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import total_ordering
from typing import Annotated, Any

from pydantic import Field, GetPydanticSchema, Strict, WithJsonSchema
from pydantic_core import core_schema

from builder.model.numerals import bits_of, cpus_of_mask
from builder.phrases import quote

_JSON_TYPES = {int: "integer", bool: "boolean"}
MAX_CPU = 8191  # CONFIG_NR_CPUS of Debian's and Ubuntu's amd64 kernels is 8192


class WrongKindError(ValueError):
    """Something that is not even a text, where a text is wanted. wanted: what, with an example.

    hint: what to write instead, where it is more than quotes.
    """

    def __init__(self, wanted: str, hint: str | None = None) -> None:
        super().__init__(f"not {wanted}")
        self.wanted = wanted
        self.hint = hint
        self.parse: Callable[[str], object] | None = None

    def hint_on(self, text: str) -> str | None:
        """A hint on `text`, as which the value was written: in quotes it may do, or nearly."""
        if not text or self.parse is None:
            return None
        try:
            self.parse(text)
        except UnfitError as error:
            return error.hint
        except ValueError:
            return None
        return f'put it in quotes: "{text}"'


class UnfitError(ValueError):
    """A text that will not do, and what to write instead."""

    def __init__(self, message: str, hint: str | None) -> None:
        super().__init__(message)
        self.hint = hint


def _commas(text: str) -> str | None:
    """A hint for CPUs with spaces between them."""
    parts = text.replace(",", " ").split()
    is_list = len(parts) > 1 and all(re.fullmatch(r"[0-9]{1,5}(-[0-9]{1,5})?", p) for p in parts)
    return f'write "{",".join(parts)}"' if is_list else None


@total_ordering
@dataclass(frozen=True, slots=True)
class CpuSet:
    """Logical CPUs, in the kernel's list notation (`0-7,16-23`) or as a hexadecimal mask.

    Source: Documentation/admin-guide/cputopology.rst and kernel-parameters.rst (cpu-list).
    """

    cpus: frozenset[int] = frozenset()

    @classmethod
    def of(cls, cpus: Iterable[int]) -> CpuSet:
        return cls(frozenset(cpus))

    @classmethod
    def parse(cls, text: str) -> CpuSet:
        """`0-3,8` -> CPUs; raises ValueError saying which part is wrong."""
        cpus: set[int] = set()
        for part in text.split(","):
            match = re.fullmatch(r" *([0-9]{1,5})(?:-([0-9]{1,5}))? *", part)
            masked = cpus_of_mask(text)
            if match is None and masked is not None:
                raise UnfitError(f"{quote(text)} is a mask", f'write its CPUs: "{cls(masked)}"')
            if match is None:
                raise UnfitError(
                    f"{quote(part.strip())} is not a CPU or a range of CPUs", _commas(text)
                )
            first, last = int(match[1]), int(match[2] or match[1])
            if last < first:
                raise ValueError(f"the range {part.strip()} ends before it begins")
            if last > MAX_CPU:
                raise ValueError(f"CPU {last} exceeds the kernel's limit {MAX_CPU}")
            cpus.update(range(first, last + 1))
        return cls(frozenset(cpus))

    @classmethod
    def of_mask(cls, text: str) -> CpuSet:
        """`0x11` or `11` -> CPUs 0 and 4; raises ValueError where it is no hexadecimal number."""
        return cls(bits_of(int(text, 16)))

    def __str__(self) -> str:
        runs: list[list[int]] = []
        for cpu in self:
            if runs and cpu == runs[-1][1] + 1:
                runs[-1][1] = cpu
            else:
                runs.append([cpu, cpu])
        return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)

    @property
    def mask(self) -> str:
        """`0x…` as OVS takes it (pmd-cpu-mask); lowest bit is CPU 0."""
        return hex(sum(1 << cpu for cpu in self.cpus))

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self.cpus))

    def __len__(self) -> int:
        return len(self.cpus)

    def __contains__(self, cpu: object) -> bool:
        return cpu in self.cpus

    def __lt__(self, other: CpuSet) -> bool:
        return sorted(self.cpus) < sorted(other.cpus)

    def __or__(self, other: CpuSet) -> CpuSet:
        return CpuSet(self.cpus | other.cpus)

    def __and__(self, other: CpuSet) -> CpuSet:
        return CpuSet(self.cpus & other.cpus)

    def __sub__(self, other: CpuSet) -> CpuSet:
        return CpuSet(self.cpus - other.cpus)


@dataclass(frozen=True, slots=True, order=True)
class PciAddress:
    """A PCI function: domain, bus, device, function; written `0000:01:00.1`."""

    domain: int
    bus: int
    device: int
    function: int

    @classmethod
    def parse(cls, text: str) -> PciAddress:
        """`0000:01:00.0`, or `01:00.0` in domain 0; raises ValueError."""
        match = re.fullmatch(
            r"(?:([0-9a-fA-F]{4}):)?([0-9a-fA-F]{2}):([0-9a-fA-F]{2})\.([0-7])", text
        )
        if match is None:
            raise ValueError(f'{quote(text)} is not a PCI address like "0000:01:00.0"')
        domain, bus, device, function = (int(part or "0", 16) for part in match.groups())
        if device > 0x1F:
            raise ValueError(f"{quote(text)}: a PCI bus has devices 00 to 1f, not {device:02x}")
        return cls(domain, bus, device, function)

    def __str__(self) -> str:
        return f"{self.domain:04x}:{self.bus:02x}:{self.device:02x}.{self.function}"

    @property
    def routing_id(self) -> int:
        """Bus, device and function as the 16-bit requester id VF offsets are added to."""
        return self.bus << 8 | self.device << 3 | self.function

    def vf(self, first_offset: int, stride: int, index: int) -> PciAddress:
        """Address of VF `index`: PCIe SR-IOV spec, "VF Offset" and "VF Stride"."""
        rid = self.routing_id + first_offset + stride * index
        return PciAddress(self.domain, rid >> 8, rid >> 3 & 0x1F, rid & 7)


def parsed(
    parse: Callable[[Any], Any], description: str, example: str | int, **schema: object
) -> tuple[Any, ...]:
    """Annotations of a type that `parse` makes from what YAML gives, and its JSON Schema."""

    def run(value: object) -> object:
        try:
            return parse(value)
        except WrongKindError as error:
            error.parse = parse
            raise

    def build(_source: Any, _handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            run, serialization=core_schema.to_string_ser_schema(when_used="json-unless-none")
        )

    json_schema = {"type": "string", "description": description, "examples": [example], **schema}
    return GetPydanticSchema(build), WithJsonSchema(json_schema)


def text(
    pattern: str,
    what: str,
    example: str,
    *,
    longest: int | None = None,
    also: tuple[type, ...] = (),
    make: Callable[[str], object] = str,
) -> tuple[Any, ...]:
    """Annotations of a text that matches all of `pattern`; what: "a MAC address".

    also: int, bool: numbers and truths are kept as they are. make: the value of the text.

    Not pydantic's `pattern`: a `$` of Python's `re` lets a last newline through, and the
    message is for the person who wrote the inventory.
    """
    wanted = f"{what} like {quote(example)}"

    def parse(value: object) -> object:
        if type(value) in also:
            return value
        if isinstance(value, list) and value and all(type(part) is int for part in value):
            raise WrongKindError(wanted, f'write one text: "{",".join(map(str, value))}"')
        if not isinstance(value, str):
            raise WrongKindError(wanted)
        if longest is not None and len(value) > longest:
            raise ValueError(f"too long: {len(value)} characters, at most {longest} are allowed")
        if re.fullmatch(pattern, value) is None:
            raise UnfitError(f"{quote(value)} is not {wanted}", _near(pattern, value))
        return make(value)

    schema: dict[str, object] = {} if longest is None else {"maxLength": longest}
    if also:
        schema["type"] = ["string", *(_JSON_TYPES[kind] for kind in also)]
    about = what[0].upper() + what[1:]
    return parsed(parse, about, example, pattern=f"^({pattern})$", **schema)


def _near(pattern: str, value: str) -> str | None:
    """A hint: the same text in another spelling, if that would do."""
    plain = value.strip().strip("\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}")
    lower = plain.lower()
    spellings = (
        plain,
        lower,
        lower.replace("_", "-"),
        plain.replace("-", "_"),
        plain.replace("/", "."),
        plain.replace(" ", "-").lower(),
    )
    found = next((text for text in spellings if re.fullmatch(pattern, text)), None)
    return f"write {found}" if found else None


def _parse_cpus(value: object) -> CpuSet:
    if isinstance(value, CpuSet):
        return value
    if isinstance(value, list) and value and all(type(cpu) is int for cpu in value):
        hint = f'write "{CpuSet.of(value)}"'
        raise WrongKindError('a CPU list like "0-7,16-23"', hint)
    is_cpu = isinstance(value, int) and not isinstance(value, bool) and value <= MAX_CPU
    if not isinstance(value, str) and not is_cpu:
        raise WrongKindError('a CPU list like "0-7,16-23"')
    return CpuSet.parse(str(value))


def _parse_pci(value: object) -> PciAddress:
    if isinstance(value, PciAddress):
        return value
    if not isinstance(value, str):
        raise WrongKindError('a PCI address like "0000:01:00.0"')
    return PciAddress.parse(value)


def _parse_mac(value: object) -> str:
    if not isinstance(value, str):
        raise WrongKindError('a MAC address like "cc:37:ab:e1:21:64"')
    if not re.fullmatch(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}", value.replace("-", ":")):
        raise ValueError(f'{quote(value)} is not a MAC address like "cc:37:ab:e1:21:64"')
    mac = value.lower().replace("-", ":")
    # is_valid_ether_addr() of linux/etherdevice.h.
    if int(mac[:2], 16) & 1:
        raise ValueError(f"{quote(value)} is a multicast address, no port can have it")
    if mac == "00:00:00:00:00:00":
        raise ValueError("no port can have the MAC address of zeros")
    return mac


Cpus = Annotated[
    CpuSet,
    *parsed(
        _parse_cpus,
        "Logical CPUs, in the kernel's list notation",
        "0-7,16-23",
        type=["string", "integer"],
        pattern=r"^ *[0-9]+(-[0-9]+)? *(, *[0-9]+(-[0-9]+)? *)*$",
        minimum=0,
    ),
]
Pci = Annotated[
    PciAddress,
    *parsed(
        _parse_pci,
        "PCI address of the function",
        "0000:01:00.0",
        pattern=r"^([0-9a-fA-F]{4}:)?[0-9a-fA-F]{2}:[0-1][0-9a-fA-F]\.[0-7]$",
    ),
]
Mac = Annotated[
    str,
    *parsed(
        _parse_mac,
        "MAC address",
        "cc:37:ab:e1:21:64",
        pattern=r"^[0-9a-fA-F][02468aceACE]([:-][0-9a-fA-F]{2}){5}$",
    ),
]
# Pydantic would take "2", 2.0 and true for 2; an inventory that means 2 says 2.
Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]
CpuNumber = Annotated[int, Strict(), Field(ge=0, le=MAX_CPU)]
