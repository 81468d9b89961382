"""The kernel command line: one word at a time, in order, each with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from builder.catalog.latency import KERNEL_ARGS, settings_of
from builder.catalog.versions import Version
from builder.model.sizes import page_size_text
from builder.plan.crash import plan_crash_kernel
from builder.plan.inputs import Inputs, origin
from builder.plan.nouns.cpus import CpuPlan
from builder.plan.nouns.kernel import KernelArg, ModuleOption
from builder.plan.nouns.pages import HugepagePool
from builder.plan.nouns.why import Why

# What an image has for consoles, a screen and a line, unless the inventory names its own of that
# kind: they are no part of the plan. The last one becomes /dev/console
# (Documentation/admin-guide/serial-console.rst).
_SCREEN, _LINE = "console=tty0", "console=ttyS0,115200n8"
CONSOLES = (_SCREEN, _LINE)
# `console=` and `console=null` ask for none (kernel-parameters.txt).
_NO_CONSOLE = ("", "null")
# hugepages=<node>:<pages>: Linux 5.16, commit b5389086ad7b.
PER_NODE_HUGEPAGES = Version(5, 16)
# One CPU mask for each kind of isolation: Linux 5.18, kernel/sched/isolation.c
# housekeeping_setup(). Before it, isolcpus= and nohz_full= share one mask, and the second
# word is dropped when its CPUs differ ("Housekeeping: nohz_full= must match isolcpus=").
SEPARATE_ISOLATION = Version(5, 18)


def plan_kernel_args(
    inputs: Inputs,
    cpus: CpuPlan,
    pools: tuple[HugepagePool, ...],
    built_in_options: tuple[ModuleOption, ...],
) -> tuple[KernelArg, ...]:
    """All words but those that say where to boot from and where to print.

    built_in_options: options of modules that are part of the kernel.
    """
    return (
        *_hugepages(inputs, pools),
        *_iommu(inputs),
        *_isolation(inputs, cpus),
        *_latency(inputs),
        *_transparent_hugepages(inputs),
        *plan_crash_kernel(inputs),
        *(
            KernelArg(f"{option.module}.{option.name}", option.value, option.why)
            for option in built_in_options
        ),
        *_user_args(inputs),
    )


def default_consoles(args: Iterable[KernelArg]) -> tuple[str, ...]:
    """The consoles beside those `args` name: a screen does not replace the line, nor it a screen."""
    own = [arg.value or "" for arg in args if arg.name == "console"]
    if any(value in _NO_CONSOLE for value in own):
        return ()
    screens = [re.fullmatch(r"tty\d+", value.partition(",")[0]) is not None for value in own]
    return (*(() if any(screens) else (_SCREEN,)), *(() if not all(screens) else (_LINE,)))


def _hugepages(inputs: Inputs, pools: tuple[HugepagePool, ...]) -> Iterator[KernelArg]:
    """The default size, then each size before its count: `hugepages=` counts pages of the
    `hugepagesz=` before it (Documentation/admin-guide/mm/hugetlbpage.rst).
    """
    if not pools:
        return
    default = pools[0]
    yield KernelArg(
        "default_hugepagesz",
        page_size_text(default.size_kib),
        inputs.why(
            "the size /dev/hugepages is mounted with, and that of pages nobody names a size for",
            inputs.profile_key("hugepages", "size"),
        ),
    )
    for size in dict.fromkeys(pool.size_kib for pool in pools):
        yield from _one_size(inputs, tuple(pool for pool in pools if pool.size_kib == size))


def _one_size(inputs: Inputs, pools: tuple[HugepagePool, ...]) -> Iterator[KernelArg]:
    origins = pools[0].why.origins
    yield KernelArg(
        "hugepagesz",
        page_size_text(pools[0].size_kib),
        Why("the size the next word counts; reserved at boot, while memory is whole", origins),
    )
    total = str(sum(pool.count for pool in pools))
    # A node of memory only has no pool here, but its share of a plain number: the kernel goes
    # round all nodes with memory (mm/hugetlb.c, hugetlb_hstate_alloc_pages()).
    if len(inputs.hardware.numa) == 1:
        value, reason = total, "pages of the only NUMA node that has any"
    elif inputs.release.kernel >= PER_NODE_HUGEPAGES:
        value = ",".join(f"{pool.node}:{pool.count}" for pool in pools)
        reason = (
            "pages of each NUMA node; the kernel silently takes another node when one has too "
            "little memory, so the hugepages unit reads them back"
        )
    else:
        value = total
        reason = (
            f"pages in all: kernel {inputs.release.kernel} has no hugepages=<node>:<pages> "
            f"({PER_NODE_HUGEPAGES} has), so the hugepages unit sets the pages of each NUMA node"
        )
    yield KernelArg("hugepages", value, Why(reason, origins))


def _iommu(inputs: Inputs) -> Iterator[KernelArg]:
    """Documentation/admin-guide/kernel-parameters.txt: AMD's IOMMU is on by itself, and
    amd_iommu= has no value `on`.
    """
    if inputs.profile.ovs is None and not inputs.profile.sriov:
        return
    key = inputs.hardware_key("cpu", "vendor")
    if inputs.hardware.cpu.vendor == "intel":
        yield KernelArg(
            "intel_iommu",
            "on",
            inputs.why("vfio-pci needs the IOMMU, which Intel kernels may leave off", key),
        )
    yield KernelArg(
        "iommu",
        "pt",
        inputs.why("devices the kernel drives pass the IOMMU untranslated, at full speed", key),
    )


def _isolation(inputs: Inputs, cpus: CpuPlan) -> Iterator[KernelArg]:
    """Kernel noise away from PMD and pod CPUs; no balancing only on PMD CPUs.

    Without balancing (`domain`) all threads of a container would stay on one CPU
    (kubernetes issues 87862, 79603), so pod CPUs keep it.
    """
    if not cpus.isolated:
        return
    pmd, housekeeping = cpus.why["pmd"].origins, cpus.why["housekeeping"].origins
    yield from _isolcpus(inputs, cpus)
    # RCU_NOCB_CPU comes with NO_HZ_FULL (kernel/time/Kconfig).
    if inputs.release.kernels[0].no_hz_full:
        reason = "no timer tick on PMD and pod CPUs while one thread runs there"
        yield KernelArg("nohz_full", str(cpus.isolated), Why(reason, (*pmd, *housekeeping)))
        reason = "RCU callbacks of PMD and pod CPUs run on housekeeping CPUs"
        yield KernelArg("rcu_nocbs", str(cpus.isolated), Why(reason, (*pmd, *housekeeping)))
    yield KernelArg(
        "irqaffinity",
        str(cpus.housekeeping),
        Why("interrupts start on housekeeping CPUs", housekeeping),
    )
    yield KernelArg(
        "systemd.cpu_affinity",
        str(cpus.housekeeping),
        Why(
            "every service starts on housekeeping CPUs; a service that needs more sets its own "
            "CPUAffinity=",
            housekeeping,
        ),
    )


def _isolcpus(inputs: Inputs, cpus: CpuPlan) -> Iterator[KernelArg]:
    """`domain` takes CPUs out of load balancing, `managed_irq` out of managed interrupts."""
    pmd, housekeeping = cpus.why["pmd"].origins, cpus.why["housekeeping"].origins
    if not inputs.profile.cpu.balance_pods:
        asked = origin(inputs.marks, inputs.profile_key("cpu", "balance-pods"))
        yield KernelArg(
            "isolcpus",
            f"domain,managed_irq,{cpus.isolated}",
            Why(
                "the scheduler moves nothing to PMD and pod CPUs, as the inventory asks, and "
                "managed interrupts keep off them: a container's threads must pin themselves",
                (asked, *pmd, *housekeeping),
            ),
        )
        return
    separate = inputs.release.kernel >= SEPARATE_ISOLATION
    if cpus.pmd and separate:
        yield KernelArg(
            "isolcpus",
            f"domain,{cpus.pmd}",
            Why(
                "the scheduler moves nothing to PMD CPUs; pod CPUs stay balanced, or all threads of "
                "a container would share one CPU",
                pmd,
            ),
        )
    reason = "interrupts whose affinity the kernel manages keep off PMD and pod CPUs"
    if cpus.pmd and not separate:
        reason += (
            f"; kernel {inputs.release.kernel} has one mask for all kinds of isolation "
            f"({SEPARATE_ISOLATION} has more), so PMD CPUs are kept free by systemd.cpu_affinity alone"
        )
    yield KernelArg("isolcpus", f"managed_irq,{cpus.isolated}", Why(reason, (*pmd, *housekeeping)))


def _latency(inputs: Inputs) -> Iterator[KernelArg]:
    key = inputs.profile_key("latency")
    vendor = inputs.hardware.cpu.vendor
    for item in settings_of(inputs.profile.latency, vendor, KERNEL_ARGS):
        yield KernelArg(item.name, item.value, inputs.why(item.reason, key))


def _transparent_hugepages(inputs: Inputs) -> Iterator[KernelArg]:
    """As tuned's profile network-latency has it; a real-time kernel has none."""
    if inputs.release.kernels[0].real_time:
        return
    yield KernelArg(
        "transparent_hugepage",
        "never",
        inputs.why(
            "khugepaged stalls threads while it collapses pages; DPDK has real hugepages",
            inputs.profile_key("hugepages"),
        ),
    )


def _user_args(inputs: Inputs) -> Iterator[KernelArg]:
    for place, text in enumerate(inputs.profile.kernel_args):
        name, equals, value = text.partition("=")
        key = inputs.profile_key("kernel-args", place)
        reason = "set in the inventory; last, so that it wins over a word before it"
        yield KernelArg(name, value if equals else None, inputs.why(reason, key), key)
