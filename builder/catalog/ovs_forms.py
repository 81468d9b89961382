"""What an option of Open vSwitch is: the form of its value, and the releases that know it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from builder.catalog.versions import Version

# When a new value counts: at once; when ovs-vswitchd starts; or only if set before DPDK starts.
Applies = Literal["at once", "at start", "before dpdk-init"]
Column = Literal["Open_vSwitch other_config", "Interface options", "Interface other_config"]
FormKind = Literal["bool", "number", "mask", "list", "choice", "text"]


@dataclass(frozen=True, slots=True)
class Form:
    """about: for people, to follow "is not"; least, most: of numbers, both included."""

    kind: FormKind
    about: str
    pattern: str
    least: int | None = None
    most: int | None = None

    def accepts(self, text: str) -> bool:
        """Whether Open vSwitch does with `text` what it says; most others it drops silently."""
        if re.fullmatch(self.pattern, text, re.ASCII) is None:
            return False
        if self.least is None:
            return True
        return self.least <= int(text) and (self.most is None or int(text) <= self.most)


def number(unit: str, least: int = 0, most: int | None = None) -> Form:
    """A whole number; unit: `of MiB`, or nothing."""
    limits = f" ({least} or more)" if most is None else f" from {least} to {most}"
    return Form("number", f"a number {unit}".rstrip() + limits, r"\d{1,12}", least, most)


def choice(*words: str) -> Form:
    """One of some words, in the case they are given in (strcmp in dpif-netdev.c and netlink)."""
    return Form("choice", f"{', '.join(words[:-1])} or {words[-1]}", "|".join(words))


# smap_get_bool() compares without case; so does dpdk_init() with `true` and `try` (lib/dpdk.c).
BOOL = Form("bool", "true or false", r"(?i:true|false)")
INIT = Form("choice", "true, false or try", r"(?i:true|false|try)")
# EAL wants one core at least ("-c"); a mask of PMD CPUs may have 0x or not (dpif-netdev.c).
MASK = Form("mask", "a hexadecimal mask like 0x1", r"(0[xX])?0*[1-9a-fA-F][0-9a-fA-F]*")
TEXT = Form("text", "a text", r"[\x20-\x7e]*")
PATH = Form("text", "the path of a directory", r"/[\x21-\x7e]*")
MIB_PER_NODE = Form("list", "a list of MiB, one for each NUMA node, like 2048,1024", r"\d+(,\d+)*")
# lib/dpdk.c refuses ".." and takes the run directory itself then; a leading "/" it keeps below it.
BELOW_RUNDIR = Form(
    "text", "a directory below the run directory, without ..", r"(?!/)(?!.*\.\.)[\x21-\x7e]+"
)
MTUS = Form(
    "list",
    "a list of MTUs, each for all nodes or one, like 9000,1500:1",
    r"\d+(:\d+)?(,\d+(:\d+)?)*",
)
SLEEP = number("of microseconds", 0, 10000)
SLEEPS = Form(
    "list",
    "a number of microseconds from 0 to 10000, or a list of them by CPU like 50,8:0,9:0",
    r"(\d+:)?(\d{1,4}|10000)(,(\d+:)?(\d{1,4}|10000))*",
)
QUEUE_CPUS = Form("list", "a list of receive queue and CPU, like 0:2,1:18", r"\d+:\d+(,\d+:\d+)*")
# dpdk_process_queue_size() of lib/netdev-dpdk.c takes 2048 in place of what is no power of two.
_POWERS = "|".join(str(1 << bit) for bit in range(32))
RING = Form("number", "a power of two", _POWERS, 1)
RING_4096 = Form("number", "a power of two up to 4096", _POWERS, 1, 4096)
DEVARGS = Form("text", "a PCI address or the name of a virtual device", r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class OvsOption:
    """One key.

    since, deprecated, removed: first release for which it is so; None: all of them since 2.9,
    or none up to 4.0. renamed_to: the key that took its place; instead: what to do without it.
    older_forms: what releases before the one named took, oldest first.
    """

    key: str
    form: Form
    default: str
    about: str
    applies: Applies = "at once"
    since: Version | None = None
    deprecated: Version | None = None
    removed: Version | None = None
    renamed_to: str | None = None
    instead: str | None = None
    older_forms: tuple[tuple[Version, Form], ...] = ()
    source: str = "vswitch.xml"
    column: Column = "Open_vSwitch other_config"

    def form_in(self, release: Version) -> Form:
        """What that release takes."""
        return next((form for until, form in self.older_forms if release < until), self.form)

    def is_in(self, release: Version) -> bool:
        """Whether that release looks at the key."""
        begun = self.since is None or release >= self.since
        return begun and (self.removed is None or release < self.removed)
