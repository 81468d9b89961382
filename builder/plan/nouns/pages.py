"""Hugepages: pools, mounts, and what of them is promised."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from builder.diagnostics import KeyPath
from builder.plan.nouns.json_form import HIDDEN
from builder.plan.nouns.why import Why


def whole_pages(mib: int, size_kib: int) -> int:
    """Pages that hold so much."""
    return -(-mib * 1024 // size_kib)


@dataclass(frozen=True, slots=True)
class HugepagePool:
    """Pages of one size on one NUMA node."""

    node: int
    size_kib: int
    count: int
    why: Why
    # Of the count, or of the first demand they are for.
    key: KeyPath = field(metadata=HIDDEN)

    @property
    def mib(self) -> int:
        """All of its pages."""
        return self.count * self.size_kib // 1024


@dataclass(frozen=True, slots=True)
class PageMount:
    """A hugetlbfs of pages of one size. where: an absolute path."""

    where: str
    size_kib: int
    why: Why


@dataclass(frozen=True, slots=True)
class PageDemand:
    """Memory in pages of one size that pods or virtual machines are to have on a NUMA node."""

    who: Literal["pods", "virtual machines"]
    node: int
    size_kib: int
    mib: int
    why: Why
    key: KeyPath = field(metadata=HIDDEN)

    @property
    def pages(self) -> int:
        return whole_pages(self.mib, self.size_kib)
