"""CPU lists and masks as the files of /sys have them."""

from __future__ import annotations

import re

from builder.errors import BuilderError
from builder.model.numerals import bits_of
from builder.model.values import MAX_CPU, CpuSet
from builder.phrases import quote


def parse_list(text: str | None, path: str) -> CpuSet:
    """`0-3,8`; nothing is no CPU. Raises BuilderError."""
    if not text:
        return CpuSet()
    try:
        return CpuSet.parse(text)
    except ValueError as fault:
        raise BuilderError(f"{path} is not a list of CPUs: {fault}", hint="copy it again") from None


def parse_mask(text: str, path: str) -> CpuSet:
    """`ff,00000003`: bitmap_string() of lib/vsprintf.c, in groups of 32 bits, the last one first.
    Raises BuilderError.
    """
    if not text:
        return CpuSet()
    if re.fullmatch(r"[0-9a-fA-F]{1,8}(,[0-9a-fA-F]{8})*", text) is None:
        raise BuilderError(f"{path} is not a mask of CPUs: {quote(text)}", hint="copy it again")
    bits = int(text.replace(",", ""), 16)
    if bits.bit_length() > MAX_CPU + 1:
        raise BuilderError(
            f"{path}: CPU {bits.bit_length() - 1} exceeds the kernel's limit {MAX_CPU}",
            hint="copy it again",
        )
    return CpuSet(bits_of(bits))
