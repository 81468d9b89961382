"""Kernel settings of sysctl.d: few, each with a reason; the inventory's own win.

Left out of what tuned and others set: kernel.nmi_watchdog=0, as the watchdog keeps off
nohz_full CPUs by itself (Documentation/admin-guide/lockup-watchdogs.rst) and `latency: low`
has it on the kernel command line; kernel.sched_rt_runtime_us=-1, as no thread here is
real-time; kernel.timer_migration=1, which is the kernel's default; vm.nr_hugepages, which
knows one size and no NUMA node and would undo the pages reserved at boot.
"""

from __future__ import annotations

from builder.catalog.latency import SYSCTLS, settings_of
from builder.catalog.versions import Version
from builder.plan.inputs import Inputs
from builder.plan.nouns.kernel import SysctlSetting

# Since Linux 6.5 isolated CPUs are left alone by themselves: commit be5e015d107d,
# "vmstat: skip periodic vmstat update for isolated CPUs".
QUIET_VMSTAT = Version(6, 5)


def plan_sysctls(inputs: Inputs) -> tuple[SysctlSetting, ...]:
    """Settings by key."""
    settings = {setting.key: setting for setting in _derived(inputs)}
    for key, value in inputs.profile.sysctl.items():
        before = settings.get(key)
        reason = "set in the inventory"
        if before is not None:
            reason += f" instead of {before.value} ({before.why.reason})"
        own_key = inputs.profile_key("sysctl", key)
        settings[key] = SysctlSetting(key, str(value), inputs.why(reason, own_key), own_key)
    return tuple(settings[key] for key in sorted(settings))


def _derived(inputs: Inputs) -> list[SysctlSetting]:
    settings: list[SysctlSetting] = []
    # init/Kconfig: NUMA_BALANCING depends on !PREEMPT_RT.
    if len(inputs.hardware.numa) > 1 and not inputs.release.kernels[0].real_time:
        # tuned, profile network-latency.
        settings.append(
            SysctlSetting(
                "kernel.numa_balancing",
                "0",
                inputs.why(
                    "automatic NUMA balancing unmaps pages to see who uses them: page faults on PMD "
                    "and pod CPUs, whose memory is placed already",
                    inputs.hardware_key("numa"),
                ),
            )
        )
    if inputs.release.kernel < QUIET_VMSTAT:
        # tuned, profile network-latency.
        settings.append(
            SysctlSetting(
                "vm.stat_interval",
                "10",
                inputs.why(
                    "memory statistics wake isolated CPUs every 10 s instead of every second; kernel "
                    "6.5 and later do not wake them",
                    inputs.profile_key("cpu"),
                ),
            )
        )
    key = inputs.profile_key("latency")
    settings += [
        SysctlSetting(item.name, item.value or "", inputs.why(item.reason, key))
        for item in settings_of(inputs.profile.latency, inputs.hardware.cpu.vendor, SYSCTLS)
    ]
    # tuned, profile latency-performance; OpenShift's node tuning sets it on every node.
    settings.append(
        SysctlSetting(
            "vm.swappiness",
            "10",
            inputs.why(
                "file cache is dropped before memory of processes is swapped out, should a node get swap",
                inputs.profile_key("hugepages"),
            ),
        )
    )
    return settings
