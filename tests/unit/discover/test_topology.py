"""CPUs, NUMA nodes and memory of many kinds of machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import GIB_KIB, SEED, Made

from builder.discover.compare import _same_memory
from builder.discover.description import hardware_data
from builder.discover.topology import FoundNode, _round_up
from builder.errors import BuilderError
from builder.model.values import CpuSet
from builder.verify.checks import processors

Discover = Callable[[Made], Any]
GIB16 = 16 * GIB_KIB * 63 // 64


def topology(discover: Discover, made: Made) -> dict[str, Any]:
    data = hardware_data(discover(made))
    return {key: data[key] for key in ("numa", "siblings", "threads") if key in data}


def test_two_sockets_with_siblings_interleaved(discover: Discover) -> None:
    assert topology(discover, SEED) == {
        "numa": [
            {"cpus": "0-7,16-23", "memory": "47GiB"},
            {"cpus": "8-15,24-31", "memory": "47GiB"},
        ],
        "siblings": 16,
    }


def test_one_socket_without_smt(discover: Discover) -> None:
    assert topology(discover, Made()) == {"numa": [{"cpus": "0-3", "memory": "16GiB"}]}


def test_amd_with_four_nodes_a_socket(discover: Discover) -> None:
    """NPS4: two sockets, 8 nodes of 16 cores; CPU n and n+128 share a core."""
    nodes = [
        (node, f"{node * 16}-{node * 16 + 15},{node * 16 + 128}-{node * 16 + 143}", 63 * GIB_KIB)
        for node in range(8)
    ]
    cores = [f"{cpu},{cpu + 128}" for cpu in range(128)]
    found = discover(Made(nodes=nodes, cores=cores, vendor="AuthenticAMD", model="AMD EPYC 9554"))
    data = hardware_data(found)
    assert data["cpu"] == {"vendor": "amd", "pdpe1gb": True}
    assert data["siblings"] == 128
    assert [node["cpus"] for node in data["numa"]] == [node[1] for node in nodes]
    assert {node["memory"] for node in data["numa"]} == {"64GiB"}
    assert found.class_name == "amd-epyc-9554"


def test_siblings_side_by_side(discover: Discover) -> None:
    """As some firmware numbers them, and QEMU."""
    made = Made(cores=("0-1", "2-3"))
    assert topology(discover, made)["siblings"] == 1


def test_siblings_at_no_common_distance_are_listed(discover: Discover) -> None:
    made = Made(nodes=((0, "0-4", GIB16),), cores=("0,2", "1,4"))
    assert topology(discover, made)["threads"] == [[0, 2], [1, 4]]
    assert "siblings" not in topology(discover, made)


def test_a_node_of_memory_only(discover: Discover) -> None:
    made = Made(nodes=((0, "0-3", GIB16), (1, "", 126 * GIB_KIB)))
    assert topology(discover, made)["numa"] == [
        {"cpus": "0-3", "memory": "16GiB"},
        {"memory": "128GiB"},
    ]


def test_offline_siblings_are_paired_as_the_others_are(discover: Discover) -> None:
    """The kernel tells their node, not their core."""
    found = discover(replace(SEED, offline="3,31"))
    assert found.topology.core_notes == (
        "CPUs 3,31 are offline: siblings are assumed to be as far apart as the others, 16",
    )
    assert hardware_data(found)["siblings"] == 16
    assert hardware_data(found)["numa"] == topology(discover, SEED)["numa"]


def test_with_smt_switched_off_siblings_are_not_guessed(discover: Discover) -> None:
    """nosmt: every second sibling is offline, nothing shows the distance."""
    found = discover(replace(SEED, offline="16-31"))
    assert "siblings" not in hardware_data(found)
    assert hardware_data(found)["numa"] == topology(discover, SEED)["numa"]
    assert found.topology.core_notes == (
        (
            "CPUs 16-31 are offline: their siblings are not known, so each is assumed to be a core of its "
            "own. Bring them online (echo 1 > /sys/devices/system/cpu/cpu16/online, or boot without "
            "nosmt) and discover again"
        ),
    )


def test_an_offline_cpu_of_no_node_is_left_out(discover: Discover) -> None:
    made = replace(SEED, offline="31")
    lost = {"sys/devices/system/cpu/cpu32/online": "0\n"}
    found = discover(replace(made, files=lost))
    assert found.topology.node_notes[0] == (
        "CPU 32 is left out: offline and on no node; bring them online to include them (echo 1 > "
        "/sys/devices/system/cpu/cpu32/online)"
    )


def test_a_kernel_without_numa(discover: Discover, tmp_path: Any) -> None:
    made = Made(
        nodes=(),
        files={
            "sys/devices/system/cpu/cpu0/topology/thread_siblings_list": "0\n",
            "sys/devices/system/cpu/cpu1/topology/thread_siblings_list": "1\n",
            "sys/devices/system/cpu/online": "0-1\n",
            "proc/meminfo": "MemTotal:       8010000 kB\nMemFree: 1 kB\n",
        },
    )
    found = discover(made)
    assert hardware_data(found)["numa"] == [{"cpus": "0-1", "memory": "8GiB"}]
    assert found.topology.node_notes[0] == (
        "the kernel has no sys/devices/system/node: all CPUs and memory are assigned to one node"
    )


@pytest.mark.parametrize(
    ("mem_kib", "memory"),
    [
        # What Linux 6.1 counts of a QEMU machine's 47 GiB, of the node with the kernel in it.
        (48441880, "47GiB"),
        (512 * GIB_KIB * 63 // 64, "512GiB"),
        (512 * GIB_KIB * 63 // 64 - 700 * 1024, "512GiB"),
        (1536 * GIB_KIB * 63 // 64 - 1, "1536GiB"),
        (33 * GIB_KIB, "34GiB"),
        (24 * GIB_KIB, "25088MiB"),
        (8010000, "8GiB"),
        (2013000, "2GiB"),
        (100, "256MiB"),
    ],
)
def test_memory_is_what_the_kernel_was_given(discover: Discover, mem_kib: int, memory: str) -> None:
    assert topology(discover, Made(nodes=((0, "0-3", mem_kib),)))["numa"][0]["memory"] == memory


@given(st.integers(1024 * GIB_KIB // 256, 4096 * GIB_KIB), st.integers(1, 2**22))
def test_verify_takes_the_memory_that_was_discovered(mem_kib: int, other: int) -> None:
    """The node that reports this MemTotal must not fail for it; nor does `--compare` differ."""
    memory = _round_up(mem_kib, folded=False)
    assert processors._memory(0, memory, mem_kib).status == "pass"
    real = FoundNode(CpuSet(), mem_kib, memory)
    assert _same_memory(memory, real)
    assert _same_memory(other, real) == (processors._memory(0, other, mem_kib).status == "pass")


def test_page_structures_that_were_given_back_are_not_counted_twice(discover: Discover) -> None:
    made = Made(
        nodes=((0, "0-3", 127 * GIB_KIB),),
        files={"proc/sys/vm/hugetlb_optimize_vmemmap": "1\n"},
    )
    found = discover(made)
    assert hardware_data(found)["numa"][0]["memory"] == "127GiB"
    assert found.topology.node_notes == (
        (
            "memory: MemTotal, rounded up to whole GiB; as hugetlb_optimize_vmemmap is on, nothing was "
            "added for page structures"
        ),
    )
    assert hardware_data(discover(replace(made, files={})))["numa"][0]["memory"] == "130GiB"


MISTAKES = {
    "sparse": (
        Made(nodes=((0, "0-1", GIB_KIB), (2, "2-3", GIB_KIB))),
        (
            "the kernel's NUMA nodes are 0, 2; an inventory numbers nodes from 0 without gaps, so it "
            "cannot describe this machine"
        ),
        (
            "the kernel leaves out a node without memory modules: install some, or choose fewer "
            "nodes (SNC, NPS) in the firmware"
        ),
    ),
    "no-memory": (
        Made(nodes=((0, "0-1", GIB_KIB), (1, "2-3", 0))),
        "NUMA node 1 has CPUs 2-3 but no memory, which an inventory cannot describe",
        "install memory modules, or choose fewer nodes (SNC, NPS) in the firmware",
    ),
    "no-meminfo": (
        Made(files={"sys/devices/system/node/node0/meminfo": ""}),
        (
            "sys/devices/system/node/node0/meminfo has no MemTotal: the memory of NUMA node 0 is "
            "not known"
        ),
        "copy the file too",
    ),
    "no-cpus": (
        Made(nodes=()),
        "sys/devices/system/cpu has no CPUs (cpu0, cpu1, …): this machine cannot be described",
        "is this a copy of /sys? `rackwright discover --record DIR` creates one",
    ),
    "no-vendor": (
        Made(files={"proc/cpuinfo": "Features : fp asimd\n"}),
        (
            "proc/cpuinfo has no vendor_id: the vendor of the CPU is not known, nor are the "
            "kernel arguments of the IOMMU"
        ),
        "rackwright is for x86-64; copy the file too",
    ),
    "other-vendor": (
        Made(vendor="CentaurHauls"),
        'the CPU is of "CentaurHauls"; an inventory knows intel and amd only',
        None,
    ),
    "no-list": (
        Made(files={"sys/devices/system/node/node0/cpulist": "0-x\n"}),
        (
            'sys/devices/system/node/node0/cpulist is not a list of CPUs: "0-x" is not a CPU or '
            "a range of CPUs"
        ),
        "copy it again",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_an_inventory_cannot_say_is_refused(discover: Discover, name: str) -> None:
    made, message, hint = MISTAKES[name]
    with pytest.raises(BuilderError) as caught:
        discover(made)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_a_cpu_online_without_topology_is_a_core(discover: Discover) -> None:
    made = Made(files={"sys/devices/system/cpu/online": "0-4\n"})
    silent = replace(made, files={**made.files, "sys/devices/system/cpu/cpu4/node0": ""})
    found = discover(silent)
    assert found.topology.core_notes == (
        "no thread_siblings_list of CPU 4: each is assumed to be a core of its own",
    )


def test_hygon_has_the_iommu_of_amd(discover: Discover) -> None:
    found = discover(Made(vendor="HygonGenuine", flags="fpu"))
    assert hardware_data(found)["cpu"] == {"vendor": "amd", "pdpe1gb": False}
    assert found.cpu_notes == ("a Hygon CPU has AMD's IOMMU",)
