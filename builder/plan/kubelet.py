"""What the kubelet keeps back for the system, in the numbers of KubeletConfiguration."""

from __future__ import annotations

from builder.plan.inputs import Inputs
from builder.plan.types import CpuPlan, HugepagePool, KubeletPlan


def plan_kubelet(
    _inputs: Inputs, _cpus: CpuPlan, _pools: tuple[HugepagePool, ...]
) -> KubeletPlan | None:
    return None
