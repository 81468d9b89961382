"""Kinds of values of a profile: numbers per NUMA node, names and texts with their syntax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from builder.model.sizes import MemoryMiB
from builder.model.values import Whole, parsed, text
from builder.phrases import quote


def arg_name(text: str) -> str:
    """What the kernel knows a word by: `-` and `_` are one to it (kernel/params.c, parameq())."""
    return text.partition("=")[0].replace("-", "_")


def _parse_key(value: object) -> int | None:
    """A number that is a key, which YAML gives as a number and JSON as a text."""
    if type(value) is int and value >= 0:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    return None


def _parse_node(value: object) -> int:
    number = _parse_key(value)
    if number is None:
        raise ValueError(f"{quote(str(value))} is not the number of a NUMA node like 0")
    return number


def _parse_queue(value: object) -> int:
    number = _parse_key(value)
    if number is None:
        raise ValueError(f"{quote(str(value))} is not the number of a receive queue like 0")
    return number


def _per_node_form(value: Any) -> str | None:
    if isinstance(value, bool):
        return None
    return "number" if isinstance(value, int) else "map" if isinstance(value, dict) else None


def _memory_form(value: Any) -> str | None:
    return "text" if isinstance(value, str) else "map" if isinstance(value, dict) else None


NodeNumber = Annotated[int, *parsed(_parse_node, "NUMA node", "0", pattern="^[0-9]+$")]
QueueNumber = Annotated[int, *parsed(_parse_queue, "Receive queue", "0", pattern="^[0-9]+$")]
# The discriminator picks one branch, so that a wrong value has one message and not one a branch.
PerNode = Annotated[
    Annotated[Whole, Field(ge=0), Tag("number")]
    | Annotated[dict[NodeNumber, Annotated[Whole, Field(ge=0)]], Tag("map")],
    Discriminator(
        _per_node_form, custom_error_type="per_node", custom_error_message="number or map"
    ),
    Field(examples=[2, {"0": 1, "1": 2}]),
]
PerNodeMemory = Annotated[
    Annotated[MemoryMiB, Tag("text")] | Annotated[dict[NodeNumber, MemoryMiB], Tag("map")],
    Discriminator(
        _memory_form, custom_error_type="per_node_memory", custom_error_message="size or map"
    ),
    Field(examples=["4GiB", {"0": "4GiB", "1": "2GiB"}]),
]
# The SR-IOV device plugin makes an environment variable of it: no "-", no ".".
ResourceName = Annotated[
    str, *text(r"[A-Za-z0-9_]+", "a device plugin resource", "dpdk_vfs", longest=63)
]
# A space would end the argument, a quote or "$" would be read by GRUB's shell.
KernelArgText = Annotated[
    str,
    *text(r"[A-Za-z0-9_.-]+(=[A-Za-z0-9_.,:;@/+*%=-]*)?", "one kernel argument", "mitigations=off"),
]
SysctlKey = Annotated[
    str, *text(r"[a-z0-9_]+(\.[A-Za-z0-9_/-]+)+", "a sysctl key in dotted form", "vm.swappiness")
]


@dataclass(frozen=True, slots=True)
class VfRef:
    """One VF, by its PF and its number; written `ens11f0/0`."""

    pf: str
    index: int

    @classmethod
    def parse(cls, text: str) -> VfRef:
        pf, _, index = text.partition("/")
        return cls(pf, int(index))

    def __str__(self) -> str:
        return f"{self.pf}/{self.index}"


VfName = Annotated[
    VfRef,
    *text(r"[A-Za-z0-9_.-]+/[0-9]{1,3}", "a VF (port/index)", "ens11f0/0", make=VfRef.parse),
]

SysctlValue = Annotated[
    str | int,
    *text(
        r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?",
        "a sysctl value (one line of ASCII)",
        "10",
        also=(int,),
    ),
]
OtherConfigKey = Annotated[
    str, *text(r"[a-z][a-z0-9-]*", "an other_config key", "dpdk-socket-limit")
]
OtherConfigValue = Annotated[
    str | int | bool,
    *text(
        r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?",
        "an other_config value (one line of ASCII)",
        "1024,1024",
        also=(int, bool),
    ),
]
ParameterName = Annotated[str, *text(r"[A-Za-z0-9_]+", "a module parameter", "max_vfs")]
ParameterValue = Annotated[
    str | int,
    *text(r"[A-Za-z0-9_.,:+-]+", "a module parameter's value", "2,2", also=(int,)),
]


def option_text(value: str | int | bool) -> str:
    """A value of other_config as Open vSwitch gets it: YAML's truths are `true` and `false`."""
    return str(value).lower() if isinstance(value, bool) else str(value)
