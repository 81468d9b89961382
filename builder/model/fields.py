"""Kinds of values of a profile: numbers per NUMA node, names and texts with their syntax."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from builder.model.sizes import MemoryMiB
from builder.model.values import UnfitError, Whole, WrongKindError, parsed, text
from builder.phrases import one_line, quote


def _parse_key(value: object) -> int | None:
    """A number that is a key, which YAML gives as a number and JSON as a text."""
    if type(value) is int and value >= 0:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    return None


def _parse_number(value: object, what: str) -> int:
    number = _parse_key(value)
    if number is None:
        raise UnfitError(f"{quote(str(value))} is not {what} like 0", _space_missing(str(value)))
    return number


def _space_missing(text: str) -> str | None:
    """A hint for a key and its value that YAML takes for one text."""
    match = re.fullmatch(r"([0-9]+):(\S+)", text)
    return f'put a space after the ":": {match[1]}: {match[2]}' if match is not None else None


def _parse_node(value: object) -> int:
    return _parse_number(value, "the number of a NUMA node")


def _parse_queue(value: object) -> int:
    return _parse_number(value, "the number of a receive queue")


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
_KERNEL_ARG = r"[A-Za-z0-9_./-]+(=[A-Za-z0-9_.,:;@/+*%=!-]*)?"
_NOT_IN_AN_ARG = re.compile(r"[^A-Za-z0-9_.,:;@/+*%=!-]")
_DYNDBG = re.compile(r"dyndbg=(?P<q>[\"'])module (?P<module>\w+) (?P<flags>[=+-][a-z]+)(?P=q)")
_RESERVED = re.compile(r"memmap=(?P<size>\w+)\\*\$(?P<at>\w+)")


def _parse_kernel_arg(value: object) -> str:
    wanted = 'one kernel argument like "mitigations=off"'
    if isinstance(value, dict) and len(value) == 1:
        raise WrongKindError(wanted, f'write one text with =: "{next(iter(value))}=..."')
    if not isinstance(value, str):
        raise WrongKindError(wanted)
    if re.fullmatch(_KERNEL_ARG, value) is None:
        raise UnfitError(*_kernel_arg_fault(value, wanted))
    return value


def _kernel_arg_fault(text: str, wanted: str) -> tuple[str, str | None]:
    """Message and hint."""
    words = text.split()
    if len(words) > 1 and all(re.fullmatch(_KERNEL_ARG, word) for word in words):
        return f"{quote(text)} is {len(words)} kernel arguments", (
            f"write each as an entry of its own: {', '.join(words)}"
        )
    bad = _NOT_IN_AN_ARG.search(text)
    if bad is None:
        return f"{quote(text)} is not {wanted}", None
    message = f"{quote(text)} has a {_CHARS.get(bad[0], one_line(bad[0]))} in it"
    return f"{message}, which GRUB or the kernel would not read as part of the argument", (
        _kernel_arg_instead(text)
    )


_CHARS = {" ": "space", '"': 'quote (")', "'": "quote (')", "$": '"$"', "\\": "backslash"}


def _kernel_arg_instead(text: str) -> str | None:
    dyndbg, reserved = _DYNDBG.fullmatch(text), _RESERVED.fullmatch(text)
    if dyndbg:
        return f"write it for the module: {dyndbg['module']}.dyndbg={dyndbg['flags']}"
    if reserved:
        # Documentation/admin-guide/kernel-parameters.txt: region type 1 is memory, 2 is reserved.
        return (
            f"write memmap={reserved['size']}%{reserved['at']}-1+2, which reserves the same region"
        )
    bare = text.replace('"', "").replace("'", "").strip()
    return f"write {bare}" if re.fullmatch(_KERNEL_ARG, bare) else None


KernelArgText = Annotated[
    str,
    *parsed(
        _parse_kernel_arg, "One kernel argument", "mitigations=off", pattern=f"^({_KERNEL_ARG})$"
    ),
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
