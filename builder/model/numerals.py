"""Numbers and sizes people write in other forms than an inventory takes, and the form it takes."""

from __future__ import annotations

import re
from decimal import Decimal

# How people write truths.
TRUTHS = {
    **dict.fromkeys(("true", "yes", "y", "on", "1"), "true"),
    **dict.fromkeys(("false", "no", "n", "off", "0"), "false"),
}
_KIB_OF = {"": 0, "k": 1, "m": 1 << 10, "g": 1 << 20, "t": 1 << 30}
_SIZE = re.compile(
    r"([0-9][0-9_,]*(?:\.[0-9]+)?) ?([kmgt]?)(?:i?b?|bytes?|ilobytes?|igabytes?|egabytes?|erabytes?)",
    re.IGNORECASE,
)
_HEX = re.compile(r"0x([0-9a-f]+)", re.IGNORECASE)
_BYTES_FROM = 1 << 30
_KB_FROM = 1 << 20
_MIB_FROM = 1 << 10


def whole_number(text: str) -> str | None:
    """What to write for a number written otherwise: `write 16`; None: it is no whole number."""
    bare = text.strip().replace("_", "")
    # No key of an inventory has a number below 0, but for -1, a node that is not known.
    if re.fullmatch(r"\+?[1-9][0-9]*|-1|0", bare):
        # A number that stands like this in the file was in quotes.
        return f"write {int(bare)}" + (" without quotes" if str(int(bare)) == text else "")
    octal = re.fullmatch(r"0o?([0-7]+)", bare)
    if octal and bare[1] != "o" and int(octal[1]) > 7:
        return f"write {int(octal[1])}, or {int(octal[1], 8)} if the octal number is meant"
    for pattern, base in ((r"0o([0-7]+)", 8), (r"0x([0-9a-fA-F]+)", 16), (r"0b([01]+)", 2)):
        match = re.fullmatch(pattern, bare)
        if match is not None:
            return f"write {int(match[1], base)}"
    if re.fullmatch(r"[0-9]+(,[0-9]{3})+", bare):
        return f"write {bare.replace(',', '')}"
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?(e\+?[0-9])?", bare, re.IGNORECASE):
        number = Decimal(bare)
        return f"write {int(number)}" if number == int(number) else None
    return None


def bits_of(mask: int) -> frozenset[int]:
    """`0x11` -> 0 and 4."""
    return frozenset(bit for bit in range(mask.bit_length()) if mask >> bit & 1)


def cpus_of_mask(text: str) -> frozenset[int] | None:
    """CPUs of a hexadecimal mask; None: it is none, or has no CPU."""
    match = _HEX.fullmatch(text)
    return bits_of(int(match[1], 16)) or None if match else None


def size_in_kib(value: object) -> Decimal | None:
    """A size in one of the usual spellings: of Kubernetes, the kernel, memory modules.

    Memory comes in powers of two, whatever its unit is called: 96GB are 96 GiB. A number alone
    is in bytes or kB, as the kernel tells sizes, where it is that large; else MiB, or GiB.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return _of_number(Decimal(value))
    text = str(value).strip()
    match = _SIZE.fullmatch(text)
    if match is None:
        hexadecimal = _HEX.fullmatch(text)
        return _of_number(Decimal(int(hexadecimal[1], 16))) if hexadecimal else None
    number = Decimal(match[1].replace("_", "").replace(",", ""))
    unit = match[2].lower()
    if not unit:
        return number / 1024 if len(text) > len(match[1]) else _of_number(number)
    return number * _KIB_OF[unit]


def mib_list(text: str) -> str | None:
    """`4GiB,2Gi` as the MiB that Open vSwitch takes: `4096,2048`; None: a part is no size."""
    parts = [part if part.isdigit() else size_in_kib(part) for part in text.split(",")]
    mib = [part if isinstance(part, str) else str(int(part) // 1024) for part in parts if part]
    return ",".join(mib) if len(mib) == len(parts) else None


def _of_number(number: Decimal) -> Decimal:
    if number >= _BYTES_FROM:
        return number / 1024
    if number >= _KB_FROM:
        return number
    return number * _KIB_OF["m" if number >= _MIB_FROM else "g"]
