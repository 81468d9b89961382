"""How the kubelet's static CPU manager counts cores and sockets, where they are not alike.

Source: kubernetes, pkg/kubelet/cm/cpumanager/cpu_assignment.go (isCoreFree(), isSocketFree(),
takeFullCores(), takeFullSockets()) and topology/topology.go (CPUsPerCore(), CPUsPerSocket()).
"""

from __future__ import annotations

from collections.abc import Iterable

from builder.model.values import CpuSet
from builder.plan.nouns.cpus import CpuPlan


def online_cores(cpus: CpuPlan) -> tuple[CpuSet, ...]:
    """Cores as the kubelet finds them: CPUs that are offline are not there."""
    return tuple(core - cpus.offline for core in cpus.cores if core - cpus.offline)


def online_nodes(cpus: CpuPlan) -> tuple[CpuSet, ...]:
    """CPUs of each NUMA node that has some online."""
    return tuple(node - cpus.offline for node in cpus.nodes if node - cpus.offline)


def cpus_per_group(groups: Iterable[CpuSet]) -> int:
    """What the kubelet takes each core, or socket, to have: the average, rounded down."""
    sizes = [len(group) for group in groups]
    return sum(sizes) // len(sizes) if sizes else 0


def taken_for_free(groups: tuple[CpuSet, ...], reserved: CpuSet) -> tuple[CpuSet, ...]:
    """Cores, or sockets, that the kubelet takes for free though part of them is reserved.

    It takes one for free that has as many CPUs left as the average has in all, and then gives
    a pod all of it: the reserved CPUs too.
    """
    size = cpus_per_group(groups)
    return tuple(
        group for group in groups if group & reserved and len(group - reserved) == size and size
    )
