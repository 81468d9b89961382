"""Versions of packages, as far as what they can do differs by them."""

from __future__ import annotations

from typing import NamedTuple


class Version(NamedTuple):
    """Major and minor number, ordered as versions are; written `3.5`."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


class DpdkVersion(Version):
    """DPDK's are a year and a month, which has two digits: `25.07`."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"{self.major}.{self.minor:02d}"
