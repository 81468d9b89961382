"""Numbers and sizes in other spellings, and what is meant by them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from builder.model.numerals import cpus_of_mask, size_in_kib, whole_number

MIB, GIB = 1 << 10, 1 << 20


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("8", "write 8 without quotes"),
        ("+8", "write 8"),
        ("0x10", "write 16"),
        ("0o20", "write 16"),
        ("0b101", "write 5"),
        ("010", "write 10, or 8 if the octal number is meant"),
        ("0100", "write 100, or 64 if the octal number is meant"),
        ("06", "write 6"),
        ("08", "write 8"),
        ("00", "write 0"),
        ("1_000", "write 1000"),
        ("9,000", "write 9000"),
        ("8.0", "write 8"),
        ("1e3", "write 1000"),
        ("-1", "write -1 without quotes"),
        ("-8", None),
        ("1.5", None),
        ("1:30", None),
        ("eight", None),
        ("8GiB", None),
        ("", None),
    ],
)
def test_whole_number(text: str, hint: str | None) -> None:
    assert whole_number(text) == hint


@pytest.mark.parametrize(
    ("text", "cpus"),
    [("0x10", {4}), ("0XF", {0, 1, 2, 3}), ("0x0", None), ("10", None), ("0xg", None)],
)
def test_cpus_of_a_mask(text: str, cpus: set[int] | None) -> None:
    assert cpus_of_mask(text) == cpus


@pytest.mark.parametrize(
    ("value", "kib"),
    [
        ("500Mi", 500 * MIB),
        ("1Gi", GIB),
        ("96GB", 96 * GIB),
        ("96 GB", 96 * GIB),
        ("96gb", 96 * GIB),
        ("1.5G", 1536 * MIB),
        ("2TB", 2048 * GIB),
        ("1048576k", GIB),
        ("1048576 kB", GIB),
        ("16 gigabytes", 16 * GIB),
        ("2 terabytes", 2048 * GIB),
        ("1048576 kilobytes", GIB),
        ("1073741824 bytes", GIB),
        ("15.5", 15872 * MIB),
        ("1,024MiB", GIB),
        ("1073741824", GIB),
        ("1073741824B", GIB),
        ("0x40000000", GIB),
        (1 << 30, GIB),
        (16384, 16 * GIB),
        (16, 16 * GIB),
        (1048576, GIB),
    ],
)
def test_size(value: str | int, kib: int) -> None:
    assert size_in_kib(value) == Decimal(kib)


@pytest.mark.parametrize("value", ["", "GiB", "-1GiB", "5%", "1GiBs", "1e10", "16 gytes", "many"])
def test_no_size(value: str) -> None:
    assert size_in_kib(value) is None
