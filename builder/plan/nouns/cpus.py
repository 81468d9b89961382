"""Which CPU does what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from builder.model.values import CpuSet
from builder.plan.nouns.why import Why

Role = Literal["housekeeping", "pmd", "pods", "offline"]


@dataclass(frozen=True, slots=True)
class CpuPlan:
    """One role for each logical CPU. nodes: the CPUs of each NUMA node, by node number."""

    roles: Mapping[int, Role]
    nodes: tuple[CpuSet, ...]
    # Physical cores as sets of SMT siblings, in order of their lowest CPU.
    cores: tuple[CpuSet, ...]
    why: Mapping[Role, Why]

    def with_role(self, *roles: Role) -> CpuSet:
        return CpuSet.of(cpu for cpu, role in self.roles.items() if role in roles)

    @property
    def housekeeping(self) -> CpuSet:
        return self.with_role("housekeeping")

    @property
    def pmd(self) -> CpuSet:
        return self.with_role("pmd")

    @property
    def pods(self) -> CpuSet:
        return self.with_role("pods")

    @property
    def offline(self) -> CpuSet:
        return self.with_role("offline")

    @property
    def isolated(self) -> CpuSet:
        """What the scheduler and interrupts keep off: PMD and pod CPUs."""
        return self.with_role("pmd", "pods")
