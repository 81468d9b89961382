"""What the kubelet keeps, and how it places pods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from builder.model.values import CpuSet
from builder.plan.nouns.why import Why


@dataclass(frozen=True, slots=True)
class ReservedMemory:
    """Memory of one NUMA node the kubelet keeps from pods (reservedMemory)."""

    node: int
    mib: int


@dataclass(frozen=True, slots=True)
class KubeletPlan:
    """The node's numbers of KubeletConfiguration; why: by field of this class.

    Source: kubernetes, staging/src/k8s.io/kubelet/config/v1beta1/types.go.
    """

    reserved_system_cpus: CpuSet
    cpu_manager_policy: Literal["static"]
    cpu_manager_policy_options: Mapping[str, str]
    topology_manager_policy: str
    topology_manager_scope: str
    topology_manager_policy_options: Mapping[str, str]
    memory_manager_policy: Literal["Static", "None"]
    kube_reserved_mib: int
    system_reserved_mib: int
    eviction_hard_mib: int
    # Sum: exactly reserved_mib, or the kubelet ends.
    reserved_memory: tuple[ReservedMemory, ...]
    why: Mapping[str, Why]

    @property
    def reserved_mib(self) -> int:
        """All that is not for pods."""
        return self.kube_reserved_mib + self.system_reserved_mib + self.eviction_hard_mib
