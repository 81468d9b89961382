"""What the kernel has of a node's memory: all but its own structures and what others keep."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from builder.catalog.kernel_words import UNIT_BITS

# struct page is 64 bytes for each 4 KiB (include/linux/mm_types.h), also for hugepages:
# hugetlb_free_vmemmap is off unless asked for (Documentation/mm/vmemmap_dedup.rst).
PAGE_STRUCTURES = 64
# What firmware, kernel and initrd keep of a node beside that: 1.7 % is missing in all on a node of
# 47 GiB, 2.8 % on one of 8 GiB.
FIRMWARE_MIB = 512
# crashkernel=<size>,high reserves memory below 4 GiB for DMA too, unless told how much:
# DEFAULT_CRASH_KERNEL_LOW_SIZE of arch/x86/include/asm/crash_reserve.h.
CRASH_LOW_MIB = 256
_SIZE = r"([0-9]{1,12})([KMGT])?"


def mem_total(memory: int) -> int:
    """MiB that the kernel reports as MemTotal of a node with `memory` MiB, at the least."""
    return max(0, memory - memory // PAGE_STRUCTURES - FIRMWARE_MIB)


def mem_total_range(memory: int) -> tuple[int, int]:
    """Least and most MiB of MemTotal.

    An inventory may also have a number taken from MemTotal, and rounded: so another 64th, either
    way.
    """
    share = memory // PAGE_STRUCTURES
    return memory - share - FIRMWARE_MIB - share, memory + share


def usable_memory(memory: Sequence[int], words: Iterable[str]) -> tuple[int, ...]:
    """MiB of each node for pages, pods and the system.

    memory: MiB of each node. words: of the kernel command line.
    """
    totals = [mem_total(mib) for mib in memory]
    below, high = crash_kernel_mib(words, sum(memory))
    # Below 4 GiB is on node 0; `high` is searched for from the end of memory.
    totals[0] = max(0, totals[0] - below)
    totals[-1] = max(0, totals[-1] - high)
    return tuple(totals)


def crash_kernel_mib(words: Iterable[str], memory: int) -> tuple[int, int]:
    """MiB that crashkernel= keeps for a kernel that writes dumps: below 4 GiB, and at the end.

    kernel/crash_reserve.c, parse_crashkernel(): of words of one kind the last counts, and one
    without a kind is tried below 4 GiB first. memory: MiB of the machine, for words with ranges.
    """
    plain = low = high = None
    for word in words:
        name, _, value = word.partition("=")
        size, comma, kind = value.partition(",")
        if name != "crashkernel":
            continue
        if comma and kind in {"high", "low", "cma"}:
            high = _mib(size) if kind == "high" else high
            low = _mib(size) if kind == "low" else low
        else:
            plain = _mib_of_ranges(value, memory) if ":" in value else _mib(size)
    if plain or high is None:
        return plain or 0, 0
    return CRASH_LOW_MIB if low is None else low, high


def _mib_of_ranges(value: str, memory: int) -> int:
    """`2G-64G:256M,64G-:512M@16M` -> the size whose range the machine's memory is in."""
    for part in value.split(","):
        match = re.match(rf"{_SIZE}-(?:{_SIZE})?:", part, re.IGNORECASE)
        if match is None:
            return 0
        first = _scaled(match[1], match[2])
        last = _scaled(match[3], match[4]) if match[3] else None
        if first <= memory and (last is None or memory < last):
            return _mib(part[match.end() :])
    return 0


def _mib(text: str) -> int:
    """`256M`, `256M@16M` -> 256; 0 for what is no size."""
    match = re.match(_SIZE, text, re.IGNORECASE)
    return round(_scaled(match[1], match[2])) if match is not None else 0


def _scaled(number: str, unit: str | None) -> float:
    return int(number) * 2.0 ** (UNIT_BITS[(unit or "").upper()] - UNIT_BITS["M"])
