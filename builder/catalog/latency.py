"""What `latency:` costs and brings: kernel arguments and settings by level, each with its reason.

Left out on purpose: mce=off (OpenShift's real-time profile has it) also hides uncorrected
memory errors, so that a node goes on with bad data; rcutree.kthread_prio= and
kernel.sched_rt_runtime_us=-1 are for real-time kernels; nohz=on is the kernel's default.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

LatencyLevel = Literal["default", "low", "ultra-low"]
LATENCY_LEVELS: tuple[LatencyLevel, ...] = ("default", "low", "ultra-low")


@dataclass(frozen=True, slots=True)
class LatencySetting:
    """A kernel argument (value None: a bare word) or sysctl that `level` and those after it set.

    vendor: the CPUs it is for; None: all.
    """

    level: LatencyLevel
    name: str
    value: str | None
    reason: str
    vendor: Literal["intel", "amd"] | None = None


# Documentation/admin-guide/kernel-parameters.txt; tuned, profiles network-latency and
# cpu-partitioning; OpenShift's performance profile for the real-time workload hint.
KERNEL_ARGS = (
    LatencySetting(
        "low",
        "skew_tick",
        "1",
        "the timer ticks of the CPUs are set apart, so that they do not wait for one another's locks",
    ),
    LatencySetting(
        "low",
        "tsc",
        "reliable",
        "the kernel does not check the TSC against another clock on every CPU in turn; right for "
        "CPUs with an invariant TSC, as all servers have",
    ),
    LatencySetting(
        "low",
        "nosoftlockup",
        None,
        "a PMD thread polls and never sleeps: no detector is to take that for a lockup",
    ),
    LatencySetting(
        "low",
        "nmi_watchdog",
        "0",
        "no NMI looks for hard lockups, and its performance counter is free",
    ),
    LatencySetting(
        "low",
        "rcupdate.rcu_normal_after_boot",
        "1",
        "after boot RCU waits for CPUs instead of sending each an interrupt to be quick",
    ),
    LatencySetting(
        "ultra-low",
        "intel_idle.max_cstate",
        "0",
        "the driver that puts Intel CPUs to deep sleep is off",
        "intel",
    ),
    LatencySetting(
        "ultra-low",
        "processor.max_cstate",
        "1",
        "no CPU sleeps deeper than C1, out of which it is back in about 2 us",
    ),
    LatencySetting(
        "ultra-low",
        "idle",
        "poll",
        "idle CPUs spin instead of sleeping: no wake-up time at all, for full power and heat",
    ),
)
SYSCTLS = (
    LatencySetting(
        "low",
        "kernel.hung_task_timeout_secs",
        "600",
        "the search for hung tasks wakes a CPU every ten minutes instead of every two",
    ),
)


def settings_of(
    level: LatencyLevel, vendor: str, table: tuple[LatencySetting, ...]
) -> Iterator[LatencySetting]:
    """What of `table` a machine of this vendor gets at this level."""
    for setting in table:
        is_meant = setting.vendor in (None, vendor)
        if is_meant and LATENCY_LEVELS.index(setting.level) <= LATENCY_LEVELS.index(level):
            yield setting
