#!/usr/bin/python3 -BES
# SPDX-License-Identifier: Apache-2.0
"""Takes the CPUs offline that the plan has offline.

The kernel command line has no word for a set of CPUs: nosmt and maxcpus= count. Only CPUs of
the plan are touched; one that somebody took offline for another reason stays so.
"""

from __future__ import annotations

import sys

from rackwright_node import Config, Machine, NodeError, Status, attempt, main

CPUS = "sys/devices/system/cpu"


def work(machine: Machine, config: Config, status: Status) -> None:
    for cpu in config.offline_cpus:
        attempt(status, take_offline, machine, cpu, status)


def take_offline(machine: Machine, cpu: int, status: Status) -> None:
    folder = f"{CPUS}/cpu{cpu}"
    if not machine.exists(folder):
        raise NodeError(f"CPU {cpu}: the machine has no such CPU")
    state = machine.read(f"{folder}/online")
    if state is None:
        # arch_cpu_is_hotpluggable(), arch/x86/kernel/topology.c: all but the boot CPU.
        raise NodeError(
            f"CPU {cpu}: cannot be taken offline, there is no /{folder}/online; "
            "the kernel keeps the CPU it boots on"
        )
    if state == "0":
        status.step(f"CPU {cpu}", "left offline", "as planned")
        return
    try:
        machine.write(f"{folder}/online", "0\n")
    except OSError as fault:
        raise NodeError(f"CPU {cpu}: taking it offline: {fault.strerror}") from fault
    if machine.read(f"{folder}/online") != "0":
        raise NodeError(f"CPU {cpu}: still online after it was taken offline")
    status.step(f"CPU {cpu}", "taken offline", "the plan has it offline")


if __name__ == "__main__":
    sys.exit(main("cpus", work))
