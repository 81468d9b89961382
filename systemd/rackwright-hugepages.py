#!/usr/bin/python3 -BES
# SPDX-License-Identifier: Apache-2.0
"""Sees to it that each NUMA node has the hugepages planned for it.

The kernel reserves them at boot (hugepages=0:4,1:4), but takes them from another node
without a word when the one asked has no free aligned memory, and kernels before 5.16 do
not know the node syntax and spread the total.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rackwright_node import Config, Machine, NodeError, Pages, Status, main

NODES = "sys/devices/system/node"


def work(machine: Machine, config: Config, status: Status) -> None:
    """Give back what is too much before asking for more."""
    wrong: list[tuple[Pages, int]] = []
    for pages in with_absent_nodes(machine, config.hugepages):
        try:
            count = read_count(machine, pages)
        except NodeError as fault:
            status.error(str(fault))
            continue
        if count == pages.count:
            status.step(label(pages), f"left its {count} pages alone", "as many as planned")
        else:
            wrong.append((pages, count))
    for pages, count in sorted(wrong, key=lambda item: item[0].count - item[1]):
        try:
            correct(machine, pages, count, status)
        except NodeError as fault:
            status.error(str(fault))


def with_absent_nodes(machine: Machine, planned: Iterable[Pages]) -> list[Pages]:
    """A node for which a planned size has no count is to have none of that size."""
    wanted = {(pages.size_kib, pages.node): pages for pages in planned}
    nodes = [int(name[4:]) for name in machine.names(NODES) if name[4:].isdigit()]
    for size_kib in {size for size, _ in wanted}:
        for node in nodes:
            pages = Pages(node=node, size_kib=size_kib, count=0)
            if machine.exists(pool(pages)):
                wanted.setdefault((size_kib, node), pages)
    return [wanted[key] for key in sorted(wanted)]


def label(pages: Pages) -> str:
    return f"node {pages.node}, pages of {pages.size_kib} kB"


def pool(pages: Pages) -> str:
    return f"{NODES}/node{pages.node}/hugepages/hugepages-{pages.size_kib}kB/nr_hugepages"


def read_count(machine: Machine, pages: Pages) -> int:
    text = machine.read(pool(pages))
    if text is not None:
        return int(text)
    if not machine.exists(f"{NODES}/node{pages.node}"):
        raise NodeError(f"{label(pages)}: the machine has no such node")
    raise NodeError(
        f"{label(pages)}: the kernel has no such size; 1 GiB pages want a CPU with pdpe1gb"
    )


def correct(machine: Machine, pages: Pages, before: int, status: Status) -> None:
    """Set the count; when the kernel finds less, let it compact memory and ask once more."""
    try:
        machine.write(pool(pages), f"{pages.count}\n")
        if read_count(machine, pages) < pages.count:
            machine.write("proc/sys/vm/compact_memory", "1\n")
            machine.write(pool(pages), f"{pages.count}\n")
    except OSError as fault:
        raise NodeError(f"{label(pages)}: setting {pages.count}: {fault.strerror}") from fault
    after = read_count(machine, pages)
    if after != pages.count:
        raise NodeError(
            f"{label(pages)}: the plan has {pages.count}, the node has {after}; "
            + ("too little memory in one piece" if after < pages.count else "they are in use")
        )
    status.step(label(pages), f"set to {after}", f"the kernel had reserved {before}")


if __name__ == "__main__":
    sys.exit(main("hugepages", work))
