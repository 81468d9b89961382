"""Sizes of memory and of hugepages, as an inventory has them and as people read them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import PlainSerializer

from builder.model.numerals import size_in_kib
from builder.model.values import UnfitError, WrongKindError, parsed
from builder.phrases import quote

_UNITS = {"MiB": 1, "GiB": 1024, "TiB": 1024 * 1024}


def _parse_size(value: object) -> int:
    match = re.fullmatch(r"([0-9]{1,9}) ?(MiB|GiB|TiB)", value) if isinstance(value, str) else None
    if match is None:
        raise _not_a_size(value)
    if int(match[1]) == 0:
        raise ValueError(f"{quote(match[0])}: the size is zero")
    return int(match[1]) * _UNITS[match[2]]


def size_meant(value: object) -> str | None:
    """A hint: the size that was probably meant by something else."""
    kib = size_in_kib(value) if isinstance(value, str | int) else None
    mib = kib / 1024 if kib is not None else None
    return (
        f"write {format_mib(int(mib))}" if mib is not None and mib > 0 and mib == int(mib) else None
    )


def _not_a_size(value: object) -> ValueError:
    hint = size_meant(value)
    if not isinstance(value, str):
        return WrongKindError('a size with its unit like "47GiB"', hint)
    return UnfitError(f'{quote(value)} is not a size like "47GiB" (units MiB, GiB, TiB)', hint)


def mib_text(mib: int) -> str:
    """`47 GiB`, or `1500 MiB` where that is no whole number."""
    return f"{mib // 1024} GiB" if mib and mib % 1024 == 0 else f"{mib} MiB"


def format_mib(mib: int) -> str:
    """MiB as an inventory has it: `47GiB`, `1500MiB`."""
    return mib_text(mib).replace(" ", "")


HUGEPAGE_KIB = {"2M": 2048, "1G": 1048576}


def page_size_text(kib: int) -> str:
    """Page sizes as the kernel spells them: `2M`, `1G`; `4K` for one below a MiB."""
    mib, odd = divmod(kib, 1024)
    if odd:
        return f"{kib}K"
    return f"{mib // 1024}G" if mib % 1024 == 0 else f"{mib}M"


def _parse_page_size(value: object) -> str:
    if isinstance(value, str) and value in HUGEPAGE_KIB:
        return value
    kib = size_in_kib(value) if isinstance(value, str) else value
    # A number alone is in kB, as in /sys/kernel/mm/hugepages/hugepages-1048576kB.
    hint = next((f"write {size}" for size, known in HUGEPAGE_KIB.items() if known == kib), None)
    if not isinstance(value, str):
        raise WrongKindError('a hugepage size, "2M" or "1G"', hint)
    raise UnfitError(f"{quote(value)} is not a hugepage size of x86-64: 2M or 1G", hint)


MemoryMiB = Annotated[
    int,
    *parsed(
        _parse_size, "Size with its unit", "47GiB", pattern=r"^0*[1-9][0-9]{0,8} ?(MiB|GiB|TiB)$"
    ),
    PlainSerializer(format_mib, return_type=str),
]
PageSize = Annotated[str, *parsed(_parse_page_size, "Hugepage size", "1G", enum=["2M", "1G"])]
