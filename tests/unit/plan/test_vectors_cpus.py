"""CPU roles against other tools' own test vectors, and where we differ from them on purpose."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.model.hardware import HardwareClass
from builder.model.inventory import Inventory
from builder.model.profile import Profile
from builder.model.roles import Roles, roles_of, share_out
from builder.model.rules import RULES
from builder.model.values import CpuSet

NIC = {"id": "8086:1533", "driver": "igb"}
# OpenShift, cluster-node-tuning-operator, pkg/performanceprofile/profilecreator/
# profilecreator_test.go: 16 cores of 2 sockets in 4 NUMA nodes, and 2 sockets of 20 cores with
# even CPUs on node 0 and odd ones on node 1.
T1 = {"numa": ["0-3,8-11", "4-7,12-15", "16-19,24-27", "20-23,28-31"], "siblings": 8}
EVEN, ODD = CpuSet.of(range(0, 80, 2)), CpuSet.of(range(1, 80, 2))
T2 = {"numa": [str(EVEN), str(ODD)], "siblings": 40}


def machine(numa: list[str], **keys: Any) -> HardwareClass:
    """A class with a NIC on each node."""
    nics = [
        {**NIC, "pci": f"0000:{node + 1:02x}:00.0", "name": f"p{node}", "numa": node}
        for node in range(len(numa))
    ]
    nodes = [{"memory": "64GiB"} | ({"cpus": cpus} if cpus else {}) for cpus in numa]
    return HardwareClass.model_validate(
        {"cpu": {"vendor": "intel"}, "numa": nodes, "nics": nics, **keys}
    )


def roles(
    shape: dict[str, Any], cpu: dict[str, Any], ports: tuple[int, ...] = ()
) -> tuple[str, str, str, str]:
    """Housekeeping, PMD, pods, offline; ports: nodes with a DPDK port."""
    found = raw_roles(shape, cpu, ports)
    return str(found.housekeeping), str(found.pmd), str(found.pods), str(found.offline)


def faults(shape: dict[str, Any], cpu: dict[str, Any]) -> list[str]:
    """What the rules say of these roles, without those on other things."""
    inventory = Inventory.model_validate(
        {
            "version": 1,
            "image": {"name": "node"},
            "hardware": {"m": machine(**shape)},
            "profiles": {"p": {"cpu": cpu}},
            "hosts": {"h": {"hardware": "m", "profile": "p"}},
        }
    )
    rules = [rule for rule in RULES if rule.name.startswith(("cpu-", "role-", "pmd-"))]
    return [found.message for rule in rules for found in rule.check(inventory)]


def raw_roles(shape: dict[str, Any], cpu: dict[str, Any], ports: tuple[int, ...]) -> Roles:
    profile: dict[str, Any] = {"cpu": cpu}
    if ports:
        named = {f"dpdk{node}": {"nic": f"p{node}"} for node in ports}
        profile["ovs"] = {"bridges": {"br0": {"ports": named}}}
    return roles_of(machine(**shape), Profile.model_validate(profile))


def test_profile_creator_reserved_and_offline() -> None:
    # T1, 8 reserved, 16 offline: 0-3,8-11 / 4-7,12-15 / 16-31.
    cpu = {"housekeeping-cores-per-node": {0: 4}, "offline-cores-per-node": {2: 4, 3: 4}}
    assert roles(T1, cpu) == ("0-3,8-11", "", "4-7,12-15", "16-31")


def test_profile_creator_without_siblings() -> None:
    # T1, 4 reserved, 8 offline, --disable-ht: 0-3 / 4-7 / 16-23, the siblings gone by nosmt.
    cpu = {
        "smt": False,
        "housekeeping-cores-per-node": {0: 4},
        "offline-cores-per-node": {2: 4, 3: 4},
    }
    assert roles(T1, cpu) == ("0-3", "", "4-7", "8-31")


def test_profile_creator_whole_sockets() -> None:
    # T2, 20 reserved, 40 offline: 20,22,…,38,60,62,…,78 for pods, all odd CPUs offline.
    cpu = {"housekeeping-cores-per-node": {0: 10}, "offline-cores-per-node": {1: 20}}
    assert roles(T2, cpu)[2:] == (str(CpuSet.of([*range(20, 40, 2), *range(60, 80, 2)])), str(ODD))
    assert faults(T2, cpu) == []


NONE_FOR_PODS = (
    "no CPU of hardware class m is left for pods: housekeeping has 0-79, PMD threads have none"
)
NO_HOUSEKEEPING = (
    "no housekeeping CPU on node 1 of hardware class m: kernel work for a node would run on "
    "another node"
)


@pytest.mark.parametrize(
    ("shape", "cpu", "expected"),
    [
        # Whole sockets, as above; there is no sibling left to pair with.
        (T1, {"smt": False, "offline-cores-per-node": {2: 4, 3: 4}}, []),
        (
            T1,
            {"housekeeping-cores-per-node": {0: 4}, "offline-cores-per-node": {2: 4, 3: 4}},
            [NO_HOUSEKEEPING],
        ),
        # T2, 100 reserved of 80: error.
        (T2, {"housekeeping-cores": 50}, ["hardware class m has 40 cores, not 50", NONE_FOR_PODS]),
        # 40 reserved and 41 offline: error. Here it says which node lacks a core.
        (
            T2,
            {"housekeeping-cores-per-node": {0: 19}, "offline-cores-per-node": {1: 21}},
            ["21 cores offline would leave none on node 1 of hardware class m, which has 20"],
        ),
        # All reserved, none for pods.
        (
            T2,
            {"housekeeping-cores": 40},
            [NONE_FOR_PODS],
        ),
    ],
)
def test_profile_creator_refuses(
    shape: dict[str, Any], cpu: dict[str, Any], expected: list[str]
) -> None:
    assert faults(shape, cpu) == expected


def test_profile_creator_in_sequence() -> None:
    # T2, 20 reserved: 0,2,…,18,40,42,…,58.
    cpus = raw_roles(T2, {"housekeeping-cores-per-node": {0: 10}}, ())
    assert cpus.housekeeping == CpuSet.of([*range(0, 20, 2), *range(40, 60, 2)])


def test_profile_creator_split_over_two_nodes() -> None:
    # T2, 20 reserved, --split-reserved-cpus-across-numa: 0-9,40-49.
    cpus = raw_roles(T2, {"housekeeping-cores": 10}, ())
    assert str(cpus.housekeeping) == "0-9,40-49"


@pytest.mark.parametrize(
    ("nodes", "asked", "theirs", "ours"),
    # CPUs it reserves, by running its own function; the quota of a node is
    # (node + 1) * per + (nodes - remainder), which fits two nodes or an even division only.
    [
        (3, 4, 5, (2, 1, 1)),
        (4, 5, 7, (2, 1, 1, 1)),
        (4, 6, 7, (2, 2, 1, 1)),
        (8, 9, 15, (2, 1, 1, 1, 1, 1, 1, 1)),
    ],
)
def test_profile_creator_takes_too_many_of_three_nodes_and_more(
    nodes: int, asked: int, theirs: int, ours: tuple[int, ...]
) -> None:
    assert share_out(asked, [6] * nodes) == ours
    assert sum(ours) == asked != theirs


# OpenStack, tripleo-ansible, tripleo_ansible/tests/modules/test_tripleo_get_host_cpus.py and
# test_tripleo_get_dpdk_core_list.py.
TRIPLEO = {
    "numa": ["11,15,20,55,59,64", "25,34,38,69,78,82"],
    "threads": [[38, 82], [20, 64], [25, 69], [15, 59], [34, 78], [11, 55]],
}


def test_tripleo_host_cpus() -> None:
    shape = {
        "numa": ["15,20,59,64", "25,38,69,82"],
        "threads": [[38, 82], [20, 64], [25, 69], [15, 59]],
    }
    assert roles(shape, {})[0] == "15,25,59,69"


def test_tripleo_core_list() -> None:
    """[2, 1] cores give 20,64,15,59,38,82: on node 1 the first of its list that is not the host's.

    We take the lowest, 34,78: the order cores are listed in is not a property of the machine.
    """
    cpu = {"pmd-cores-per-node": {0: 2, 1: 1}}
    assert roles(TRIPLEO, cpu, ports=(0, 1))[:2] == ("11,25,55,69", "15,20,34,59,64,78")


def test_tripleo_pmd_on_nodes_without_ports() -> None:
    """It keeps a PMD core on every node; we do on those with a DPDK port, and where asked for."""
    shape = {"numa": ["0-21,44-65", "22-43,66-87"], "siblings": 44}
    assert roles(shape, {}, ports=(0,))[1] == "1,45"
    assert roles(shape, {"pmd-cores-per-node": {0: 1, 1: 1}}, ports=(0,))[1] == "1,23,45,67"


ROOMS = st.lists(st.integers(0, 12), min_size=1, max_size=9)


@given(total=st.integers(0, 120), room=ROOMS)
def test_shares_are_exact_even_and_within_the_nodes(total: int, room: list[int]) -> None:
    shares = share_out(total, room)
    assert sum(shares) == min(total, sum(room))
    assert all(0 <= share <= there for share, there in zip(shares, room, strict=True))
    # Two nodes differ by more than one only if the one with fewer has no core left.
    for share, there in zip(shares, room, strict=True):
        assert share == there or share >= max(shares) - 1
    # Of nodes alike the lower gives first.
    for left in range(len(room) - 1):
        if room[left] == room[left + 1]:
            assert shares[left] >= shares[left + 1]


@given(total=st.integers(0, 60), room=ROOMS)
def test_one_more_core_takes_none_away(total: int, room: list[int]) -> None:
    fewer, more = share_out(total, room), share_out(total + 1, room)
    assert all(a <= b for a, b in zip(fewer, more, strict=True))


@given(
    sizes=st.lists(st.integers(0, 8), min_size=1, max_size=6).filter(any),
    smt=st.booleans(),
    numbering=st.sampled_from(["contiguous", "interleaved", "adjacent"]),
    keep=st.booleans(),
    total=st.integers(1, 12),
    pmd=st.integers(0, 3),
    off=st.integers(0, 2),
)
def test_roles_partition_every_machine(
    sizes: list[int], smt: bool, numbering: str, keep: bool, total: int, pmd: int, off: int
) -> None:
    """Any number of nodes, of any size, some of memory only, with and without siblings."""
    cores = sum(sizes)
    order = [(node, core) for node, size in enumerate(sizes) for core in range(size)]
    if numbering == "interleaved":  # core by core over the nodes, as many BIOSes count
        order.sort(key=lambda place: place[::-1])
    step, gap = (2, 1) if numbering == "adjacent" and smt else (1, cores)
    numa = [
        str(
            CpuSet.of(
                place * step + thread * gap
                for place, (home, _) in enumerate(order)
                for thread in range(1 + smt)
                if home == node
            )
        )
        for node in range(len(sizes))
    ]
    shape: dict[str, Any] = {"numa": numa} | ({"siblings": gap} if smt else {})
    ports = (next(node for node, size in enumerate(sizes) if size),)
    cpu = {
        "housekeeping-cores": total,
        "pmd-cores-per-node": pmd,
        "offline-cores-per-node": off,
        "smt": keep,
    }
    hardware, found = machine(**shape), raw_roles(shape, cpu, ports)
    parts = (found.housekeeping, found.pmd, found.pods, found.offline)
    assert sum(len(part) for part in parts) == len(hardware.cpus)
    assert CpuSet.of(c for part in parts for c in part) == hardware.cpus
    for core in hardware.cores:  # whole cores; only siblings that are off part from theirs
        assert sum(bool(core & part) for part in parts[:3]) <= 1
        assert keep or len(core - found.offline) <= 1
    online = [min(size, max(0, size - off)) for size in sizes]
    assert len({min(core) for core in hardware.cores if core & found.housekeeping}) == min(
        total, sum(online)
    )
