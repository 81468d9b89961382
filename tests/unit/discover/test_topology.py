"""CPUs, NUMA nodes and memory of many kinds of machines."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import GIB_KIB, SEED, Made, Port, describe, write

from builder.discover.compare import _same_memory
from builder.discover.cpu_sets import parse_mask
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
        "there is no sys/devices/system/node here: all CPUs and memory are assigned to one node"
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


NODE = "sys/devices/system/node"
CPU = "sys/devices/system/cpu"


def partial(tmp_path: Path, made: Made, *without: str) -> dict[str, Any]:
    """The topology of a copy that lacks the files that match."""
    root = write(made, tmp_path)
    for pattern in without:
        found = list(root.glob(pattern))
        assert found
        for path in found:
            path.unlink()
    return hardware_data(describe(root))


def test_nodes_by_their_masks(tmp_path: Path) -> None:
    """Groups of 32 bits, the last CPUs first; a node of memory has none."""
    nodes = ((0, "0-1,32-33", GIB16), (1, "2-3,34-35", GIB16), (2, "", GIB16))
    masks = {0: "3,00000003", 1: "0000000c,0000000c", 2: "00000000,00000000"}
    files = {f"{NODE}/node{node}/cpumap": f"{mask}\n" for node, mask in masks.items()}
    data = partial(tmp_path, Made(nodes=nodes, files=files), f"{NODE}/node*/cpulist")
    assert [node.get("cpus") for node in data["numa"]] == ["0-1,32-33", "2-3,34-35", None]


def test_a_list_that_ends_with_a_nul(tmp_path: Path) -> None:
    files = {
        f"{NODE}/node0/cpulist": "0-3\n\0",
        f"{CPU}/cpu0/topology/thread_siblings_list": "0\n\0",
    }
    assert partial(tmp_path, Made(files=files))["numa"] == [{"cpus": "0-3", "memory": "16GiB"}]


def test_nodes_by_their_links(tmp_path: Path) -> None:
    nodes = ((0, "0,2", GIB16), (1, "1,3", GIB16))
    files = {f"{NODE}/node{cpu % 2}/cpu{cpu}": f"../../cpu/cpu{cpu}" for cpu in range(4)}
    data = partial(tmp_path, Made(nodes=nodes, files=files), f"{NODE}/node*/cpulist")
    assert [node["cpus"] for node in data["numa"]] == ["0,2", "1,3"]


def test_the_only_node_has_all_cpus(tmp_path: Path) -> None:
    data = partial(tmp_path, Made(), f"{NODE}/node0/cpulist")
    assert data["numa"] == [{"cpus": "0-3", "memory": "16GiB"}]


def test_the_memory_of_the_only_node_is_that_of_the_machine(tmp_path: Path) -> None:
    data = partial(tmp_path, Made(), f"{NODE}/node0/meminfo")
    assert data["numa"] == [{"cpus": "0-3", "memory": "16GiB"}]


CORE_FILES = {
    "core_cpus_list": lambda cpu: f"{cpu % 2},{cpu % 2 + 2}",
    "thread_siblings": lambda cpu: f"{0b101 << cpu % 2:x}",
    "core_cpus": lambda cpu: f"0,0000000{0b101 << cpu % 2:x}",
}


@pytest.mark.parametrize("name", CORE_FILES)
def test_siblings_by_other_files(tmp_path: Path, name: str) -> None:
    files = {f"{CPU}/cpu{cpu}/topology/{name}": CORE_FILES[name](cpu) for cpu in range(4)}
    made = Made(cores=("0,2", "1,3"), files=files)
    data = partial(tmp_path, made, f"{CPU}/cpu*/topology/thread_siblings_list")
    assert (data["siblings"], "threads" in data) == (2, False)


def test_siblings_by_numbers_of_cores(tmp_path: Path) -> None:
    """core_id is one of a package, or, with dies, of a die."""
    files: dict[str, str] = {}
    for cpu, (package, die, core) in enumerate(
        [(0, 0, 0), (0, 1, 0), (1, 0, 0), (0, 0, 0), (0, 1, 0), (1, 0, 0)]
    ):
        base = f"{CPU}/cpu{cpu}/topology"
        files |= {f"{base}/physical_package_id": f"{package}", f"{base}/core_id": f"{core}"}
        files |= {f"{base}/die_id": f"{die}"}
    made = Made(nodes=((0, "0-5", GIB16),), files=files)
    data = partial(tmp_path, made, f"{CPU}/cpu*/topology/thread_siblings_list")
    assert data["siblings"] == 3


def test_performance_and_efficiency_cores(discover: Discover) -> None:
    made = Made(nodes=((0, "0-7", GIB16),), cores=("0-1", "2-3"))
    assert topology(discover, made)["threads"] == [[0, 1], [2, 3]]


def test_numbers_of_cpus_with_gaps(discover: Discover) -> None:
    made = Made(nodes=((0, "0-3,8-11", GIB16), (1, "4-7,12-15", GIB16)))
    assert [node["cpus"] for node in topology(discover, made)["numa"]] == ["0-3,8-11", "4-7,12-15"]


def test_siblings_that_were_not_copied_though_there_are_some(tmp_path: Path) -> None:
    cpuinfo = "vendor_id : GenuineIntel\nsiblings : 4\ncpu cores : 2\nflags : pdpe1gb\n"
    root = write(Made(files={"proc/cpuinfo": cpuinfo}), tmp_path)
    for path in root.glob(f"{CPU}/cpu*/topology/thread_siblings_list"):
        path.unlink()
    assert describe(root).topology.core_notes == (
        (
            "no thread_siblings_list of CPUs 0-3: each is assumed to be a core of its own, which is "
            "wrong: proc/cpuinfo has 4 CPUs in 2 cores. Copy topology/thread_siblings_list of each "
            "CPU, or enter siblings or threads"
        ),
    )


def test_which_cpus_are_online_was_not_copied(tmp_path: Path) -> None:
    """Those that have a topology are."""
    root = write(replace(SEED, offline="3"), tmp_path)
    (root / f"{CPU}/online").unlink()
    assert describe(root).topology.core_notes == (
        "CPU 3 is offline: siblings are assumed to be as far apart as the others, 16",
    )
    (root / f"{NODE}/node1/cpulist").unlink()
    with pytest.raises(BuilderError, match="CPUs 8-15,24-31 are: no cpulist, cpumap or"):
        describe(root)


def test_an_empty_node_is_left_out(discover: Discover) -> None:
    """A socket without memory modules, or a node that memory may yet be plugged into."""
    found = discover(Made(nodes=((0, "0-3", GIB16), (1, "", 0), (2, "", 0))))
    assert hardware_data(found)["numa"] == [{"cpus": "0-3", "memory": "16GiB"}]
    assert found.topology.node_notes[:2] == (
        "NUMA node 1 is left out: it has neither CPUs nor memory",
        "NUMA node 2 is left out: it has neither CPUs nor memory",
    )


def test_flags_that_are_not_recorded(discover: Discover) -> None:
    found = discover(Made(files={"proc/cpuinfo": "vendor_id : AuthenticAMD\n"}))
    assert (found.pdpe1gb, hardware_data(found)["cpu"]["pdpe1gb"]) == (None, False)
    assert found.cpu_notes == (
        (
            "pdpe1gb: proc/cpuinfo has no flags, so it is not recorded whether the CPU has pages of "
            "1 GiB; assumed that it has not"
        ),
    )


OTHER_CPUS = {
    "ARM (CPU implementer: 0x41)": "BogoMIPS : 50.00\nCPU implementer : 0x41\n",
    "ARM (Features: fp asimd)": "Features : fp asimd\n",
    "IBM Z (vendor_id: IBM/S390)": "vendor_id : IBM/S390\n# processors : 4\n",
    "Itanium (arch: IA-64)": "vendor : GenuineIntel\narch : IA-64\n",
    "SPARC (cpu: UltraSparc T1 (Niagara))": "cpu : UltraSparc T1 (Niagara)\n",
    "ARM (Processor: ARMv7 Processor rev 1)": "Processor : ARMv7 Processor rev 1\n",
    "POWER (cpu: POWER9, altivec supported)": "cpu : POWER9, altivec supported\nclock : 3000MHz\n",
    "RISC-V (hart: 0)": "processor : 0\nhart : 0\nisa : rv64imafdc\n",
    "LoongArch (CPU Family: Loongson-64bit)": "CPU Family : Loongson-64bit\n",
    "MIPS (system type: Cavium)": "system type : Cavium\n",
}


@pytest.mark.parametrize("name", OTHER_CPUS)
def test_another_architecture_is_named(discover: Discover, name: str) -> None:
    with pytest.raises(BuilderError) as caught:
        discover(Made(files={"proc/cpuinfo": OTHER_CPUS[name]}))
    assert caught.value.message == (
        f"proc/cpuinfo is of {name}: an inventory describes x86-64 machines only"
    )


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
    "sparse-without-the-empty-one": (
        Made(nodes=((0, "0-1", GIB_KIB), (1, "", 0), (2, "2-3", GIB_KIB))),
        (
            "the kernel's NUMA nodes are 0, 2; an inventory numbers nodes from 0 without gaps, so it "
            "cannot describe this machine"
        ),
        (
            "the kernel leaves out a node without memory modules: install some, or choose fewer "
            "nodes (SNC, NPS) in the firmware"
        ),
    ),
    "emulated-nodes": (
        Made(nodes=((0, "0-3", GIB_KIB), (1, "2-3", GIB_KIB))),
        ("CPUs 2-3 are on NUMA node 0 and on node 1: an inventory cannot describe this machine"),
        (
            "boot without numa=fake; without it, the firmware's table (ACPI SRAT) or the copy is "
            "wrong"
        ),
    ),
    "nodes-not-copied": (
        Made(
            nodes=(),
            ports=(Port("0000:81:00.0", "8086:1533", "igb", "enp129s0", numa=1),),
            files={
                "sys/devices/system/cpu/cpu0/topology/thread_siblings_list": "0\n",
                "sys/devices/system/cpu/online": "0\n",
            },
        ),
        "there is no sys/devices/system/node here, though 0000:81:00.0 is on NUMA node 1",
        "copy it too: cpulist and meminfo of each node",
    ),
    "no-memory-at-all": (
        Made(nodes=(), files={"sys/devices/system/cpu/online": "0-1\n", "proc/meminfo": ""}),
        "proc/meminfo has no MemTotal: the memory of NUMA node 0 is not known",
        "copy the file too",
    ),
    "no-mask": (
        Made(files={"sys/devices/system/cpu/cpu0/topology/thread_siblings_list": "0,,2\n"}),
        (
            'sys/devices/system/cpu/cpu0/topology/thread_siblings_list is not a list of CPUs: "" is '
            "not a CPU or a range of CPUs"
        ),
        "copy it again",
    ),
    "no-memory": (
        Made(nodes=((0, "0-1", GIB_KIB), (1, "2-3", 0))),
        "NUMA node 1 has CPUs 2-3 but no memory, which an inventory cannot describe",
        "install memory modules, or choose fewer nodes (SNC, NPS) in the firmware",
    ),
    "no-meminfo": (
        Made(files={"sys/devices/system/node/node0/meminfo": "", "proc/meminfo": ""}),
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
        Made(files={"proc/cpuinfo": "processor : 0\nflags : fpu\n"}),
        (
            "proc/cpuinfo has no vendor_id: the vendor of the CPU is not known, nor are the "
            "kernel arguments of the IOMMU"
        ),
        "copy the whole file",
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


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("fffx", 'not a mask of CPUs: "fffx"'),
        ("ffff,f", 'not a mask of CPUs: "ffff,f"'),
        (f"1{',00000000' * 256}", "CPU 8192 exceeds the kernel's limit 8191"),
    ],
)
def test_a_mask_that_is_none(text: str, fault: str) -> None:
    with pytest.raises(BuilderError, match=re.escape(fault)) as caught:
        parse_mask(text, "cpumap")
    assert caught.value.hint == "copy it again"


@given(st.sets(st.integers(0, 200)))
def test_a_mask_is_read_as_the_kernel_writes_it(cpus: set[int]) -> None:
    bits = f"{sum(1 << cpu for cpu in cpus):056x}"
    groups = ",".join(bits[start : start + 8] for start in range(0, 56, 8))
    assert parse_mask(groups, "cpumap") == CpuSet.of(cpus)


def test_nodes_that_tell_no_cpus(tmp_path: Path) -> None:
    made = Made(nodes=((0, "0-1", GIB16), (1, "2-3", GIB16)))
    with pytest.raises(BuilderError) as caught:
        partial(tmp_path, made, f"{NODE}/node1/cpulist")
    assert (caught.value.message, caught.value.hint) == (
        (
            "it is not known on which NUMA node CPUs 2-3 are: no cpulist, cpumap or cpu* of a node says "
            "it"
        ),
        "copy sys/devices/system/node/node1/cpulist too",
    )


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
