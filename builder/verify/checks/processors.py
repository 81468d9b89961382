"""CPUs, NUMA nodes, memory pages and the IOMMU, as the kernel set them up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from builder.model.memory import crash_kernel_mib, mem_total_range
from builder.model.sizes import HUGEPAGE_KIB
from builder.model.values import CpuSet
from builder.plan.nouns.kernel import KernelArg
from builder.verify.checks.case import (
    NONE,
    NOT_REPORTED,
    Case,
    CheckResult,
    answer,
    compare,
    cpus_text,
    format_cpus,
    listed,
    no_extra,
    text_of,
)

# Flags that may stand before the list in isolcpus= (kernel/sched/isolation.c).
_ISOLCPUS_FLAGS = frozenset({"nohz", "domain", "managed_irq"})
_SIZE_NAMES = {kib: name for name, kib in HUGEPAGE_KIB.items()}


def check_cpu(case: Case) -> Iterator[CheckResult]:
    cpus, facts = case.image.cpus, case.facts
    online = CpuSet.of(cpus.roles) - cpus.with_role("offline")
    why_offline = cpus.why.get("offline")
    yield compare("cpu.online", format_cpus(online), cpus_text(facts.cpus.online), why_offline)
    isolcpus, nohz_full = case.kernel_args("isolcpus"), case.kernel_arg("nohz_full")
    yield compare(
        "cpu.isolated",
        _domain_isolated(isolcpus),
        cpus_text(facts.cpus.isolated),
        isolcpus[0].why if isolcpus else None,
    )
    yield compare(
        "cpu.nohz-full",
        cpus_text(nohz_full.value if nohz_full else "") or NONE,
        cpus_text(facts.cpus.nohz_full),
        nohz_full.why if nohz_full else None,
    )
    yield compare(
        "cpu.pid1",
        format_cpus(cpus.housekeeping),
        cpus_text(facts.pid1_cpus),
        cpus.why.get("housekeeping"),
        "all services inherit the affinity of PID 1",
    )


def _domain_isolated(isolcpus: Sequence[KernelArg]) -> str:
    """What sysfs must show as isolated: only the `domain` flag (the default) takes CPUs away.

    Source: kernel/sched/isolation.c housekeeping_isolcpus_setup(), drivers/base/cpu.c.
    """
    cpus: list[str] = []
    for arg in isolcpus:
        words = (arg.value or "").split(",")
        flags = _ISOLCPUS_FLAGS.intersection(words)
        if not flags or "domain" in flags:
            cpus += [word for word in words if word not in flags]
    return cpus_text(",".join(cpus)) or NONE


def check_numa(case: Case) -> Iterator[CheckResult]:
    cpus, facts, memory = case.image.cpus, case.facts.numa, case.image.memory_mib
    crash = sum(crash_kernel_mib(map(str, case.image.kernel_args), sum(memory)))
    planned = listed(str(number) for number in range(len(cpus.nodes)))
    found = None if facts is None else listed(str(fact.node) for fact in facts)
    yield compare("numa.nodes", planned, found)
    offline = cpus.with_role("offline")
    for number, node in enumerate(cpus.nodes):
        fact = next((fact for fact in facts or () if fact.node == number), None)
        # The kernel lists only the online CPUs of a node.
        expected = format_cpus(node - offline)
        yield compare(f"numa.node{number}.cpus", expected, cpus_text(fact.cpus) if fact else None)
        yield _memory(number, memory[number], fact.mem_kib if fact else None, crash)


def _memory(node: int, planned_mib: int, found_kib: int | None, crash: int = 0) -> CheckResult:
    """Whether the node has the memory of the class; a missing DIMM is a twelfth and more.

    What the kernel reports is less than what is installed, mostly of node 0. crash: MiB of a
    kernel for dumps, wherever it found room.
    """
    low, high = mem_total_range(planned_mib)
    low -= crash
    found_mib = None if found_kib is None else found_kib // 1024
    good = found_mib is not None and low <= found_mib <= high
    expected = f"{planned_mib} MiB, minus what kernel and firmware reserve (at least {low} MiB)"
    found = NOT_REPORTED if found_mib is None else f"{found_mib} MiB"
    return answer("pass" if good else "fail", f"numa.node{node}.memory", expected, found)


def check_hugepages(case: Case) -> Iterator[CheckResult]:
    """Pages are read back: a node short of memory gets fewer, silently.

    Source: mm/hugetlb.c hugetlb_hstate_alloc_pages(), which falls back to other nodes.
    """
    facts = case.facts.hugepages
    planned = {(pool.node, pool.size_kib) for pool in case.image.hugepages}
    for pool in case.image.hugepages:
        size = _size_name(pool.size_kib)
        fact = next(
            (f for f in facts or () if (f.node, f.size_kib) == (pool.node, pool.size_kib)), None
        )
        yield compare(
            f"hugepages.node{pool.node}.{size}",
            str(pool.count),
            text_of(fact.total) if fact else None,
            pool.why,
        )
    extra = [
        f"{fact.total} of {_size_name(fact.size_kib)} on node {fact.node}"
        for fact in facts or ()
        if (fact.node, fact.size_kib) not in planned and fact.total != 0
    ]
    yield no_extra("hugepages.extra", extra, "pages", reported=facts is not None)


def _size_name(size_kib: int | None) -> str:
    return _SIZE_NAMES.get(size_kib or 0, f"{size_kib}kB")


def check_memory(case: Case) -> Iterator[CheckResult]:
    """Transparent hugepages, when the plan says what they are to be."""
    arg = case.kernel_arg("transparent_hugepage")
    if arg is not None:
        yield compare("memory.transparent-hugepages", arg.value or "", case.facts.thp, arg.why)


def check_iommu(case: Case) -> Iterator[CheckResult]:
    """Groups are what vfio needs groups; `iommu=pt` makes the kernel's own devices skip translation."""
    on = case.kernel_arg("intel_iommu") or case.kernel_arg("amd_iommu") or case.kernel_arg("iommu")
    groups = case.facts.iommu.groups
    if on is not None:
        good = groups is not None and groups > 0
        found = text_of(groups) or NOT_REPORTED
        yield answer("pass" if good else "fail", "iommu.groups", "at least 1", found, on.why)
    iommu = case.kernel_arg("iommu")
    if iommu is not None and iommu.value == "pt":
        yield compare("iommu.type", "identity", case.facts.iommu.default_type, iommu.why)
