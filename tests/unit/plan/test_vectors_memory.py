"""Memory and pages against what others compute: Open vSwitch, DPDK, TripleO."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numa_machine import faults_of, make_plan, pages_of, socket_mem_of

from builder.plan.eal_pages import PageStock, pages_taken
from builder.plan.mempools import shared_node_mib, shared_pools

GIB, MIB = 1048576, 1024  # in KiB
STOCKS = st.tuples(st.integers(0, 6), st.integers(0, 3000))


def tripleo_socket_mem(mtus: list[int]) -> int:
    """MiB of a node, by tripleo-ansible's tripleo_get_dpdk_socket_memory.py."""
    pools = [(ceil(mtu / 1024) * 1024 + 800) * 4096 * 64 for mtu in set(mtus)]
    mib = sum(pools) / 1024 / 1024
    return ceil((mib + 512 if mtus else 1024) / 1024) * 1024


@pytest.mark.parametrize(
    ("mtus", "theirs", "ours"),
    # `theirs` are the results of tests/modules/test_tripleo_get_dpdk_socket_memory.py (first
    # four) and of its function. Where ours is more, their sum lacks the pool of vhost-user
    # ports (MTU 1500), or their 800 bytes the 832 and the header; less: they count two MTUs of
    # one buffer size as two pools.
    [
        ([8192], 3072, 4096),
        ([1500, 2048], 2048, 3072),
        ([4096, 4096], 2048, 3072),
        ([1200], 2048, 2048),
        ([1500], 2048, 2048),
        ([2000], 2048, 2048),
        ([2048], 2048, 3072),
        ([4096], 2048, 3072),
        ([9000], 3072, 4096),
        ([9216], 3072, 4096),
        ([9000, 2000], 4096, 4096),
        ([2048, 9000], 4096, 5120),
        ([2048, 4096, 9216], 5120, 7168),
        ([1500, 1600, 1700, 1800], 4096, 2048),
        ([1000, 1500, 2020], 3072, 2048),
        ([1100, 2049, 2999, 3000], 5120, 3072),
    ],
)
def test_socket_memory_of_tripleo(mtus: list[int], theirs: int, ours: int) -> None:
    assert (tripleo_socket_mem(mtus), shared_node_mib(mtus)) == (theirs, ours)


@pytest.mark.parametrize(
    ("mtus", "lacks"),
    # What Open vSwitch takes for these ports and its vhost-user ports, beyond TripleO's value.
    [([4096], 224), ([9000], 224), ([9216], 480), ([2048, 9000], 208), ([2048, 4096, 9216], 960)],
)
def test_what_tripleo_lacks(mtus: list[int], lacks: int) -> None:
    taken = sum(shared_pools(mtus).values())
    assert taken - tripleo_socket_mem(mtus) == lacks


def test_a_node_without_ports() -> None:
    # TripleO's 1024, which a vhost-user port of MTU 1500 (752 MiB) fits into.
    assert tripleo_socket_mem([]) == 1024
    assert socket_mem_of(make_plan({"hugepages": {"count": 8}}, ports=[(1, {"mtu": 8192})])) == (
        "1024,4096"
    )


def test_pages_of_tripleo() -> None:
    """int((GiB - 4) * percent / 100) of what is installed: at 100 per cent 252 pages of host A.

    derive_params_formulas.yaml; host A of 2 x 128 GiB and host C of 32 GiB at 50 per cent. Of
    128 GiB the kernel has 125.5, and 2 are for the system.
    """
    host_a, host_c = ((22, 131072), (22, 131072)), ((8, 32768),)
    assert pages_of(make_plan({"hugepages": {"count": 126}}, nodes=host_a)) == {
        (0, GIB): 63,
        (1, GIB): 63,
    }
    assert pages_of(make_plan({"hugepages": {"count": 14}}, nodes=host_c)) == {(0, GIB): 14}
    for count, nodes in ((246, []), (247, [0]), (248, [0, 1])):
        found = faults_of(make_plan({"hugepages": {"count": count}}, nodes=host_a))
        assert found == [
            (
                "plan-pages-fit",
                "profiles.nfv.hugepages.count",
                (
                    f"hugepages on node {node} (124 pages of 1G) need 124GiB, but of its 128GiB the "
                    "kernel has 128512MiB (a 64th is for page structures, 512MiB a node for firmware "
                    "and kernel), and 2GiB of that are for the system"
                ),
            )
            for node in nodes
        ]


def test_host_a_needs_fewer_pages_than_a_percentage() -> None:
    """TripleO: 126 pages and 3072,1024. Ours come of what is asked for."""
    plan = make_plan(
        {"hugepages": {"pods": {"memory": "32GiB"}}},
        nodes=((22, 131072), (22, 131072)),
        ports=[(0, {"mtu": 9000})],
    )
    assert socket_mem_of(plan) == "4096,1024"
    assert pages_of(plan) == {(0, GIB): 36, (1, GIB): 33}


def eal_pages(memory: int, sizes: list[int], there: list[int]) -> tuple[list[int], int]:
    """The loop of eal_dynmem_calc_num_pages_per_socket() for one node, as it stands there.

    lib/eal/common/eal_common_dynmem.c; sizes from the largest to the smallest, as
    hugepage_info_init() of lib/eal/linux/eal_hugepage_info.c sorts them.
    """
    used = [0] * len(sizes)
    for i, size in enumerate(sizes):
        if memory == 0:
            break
        used[i] = min(memory // size, there[i])
        memory -= used[i] * size
        if memory == 0:
            break
        if used[i] == there[i]:
            continue
        remaining = sum(sizes[j] * there[j] for j in range(i + 1, len(sizes)))
        if remaining < memory:
            memory -= min(memory, size)
            used[i] += 1
            break
    return used, memory


@given(st.integers(0, 10000), STOCKS)
def test_pages_are_those_eal_takes(mib: int, stock: tuple[int, int]) -> None:
    large, small = stock
    taken, lack = pages_taken(mib, [PageStock(2 * MIB, small), PageStock(GIB, large)])
    used, left = eal_pages(mib * 1024, [GIB, 2 * MIB], [large, small])
    assert ([(s.size_kib, s.count) for s in taken], lack) == (
        [(GIB, used[0]), (2 * MIB, used[1])],
        -(-left // 1024),
    )


@pytest.mark.parametrize(
    ("mib", "large", "small", "taken", "lack"),
    [
        (2048, 2, 1024, (2, 0), 0),  # whole pages of 1G: none of 2M, whatever the default is
        (1500, 2, 1024, (1, 238), 0),  # what is left over comes in pages of 2M, if they suffice
        (1500, 2, 238, (1, 238), 0),
        (1500, 2, 237, (2, 0), 0),  # else one more of 1G, and none of 2M
        (3072, 2, 1024, (2, 512), 0),  # no page of 1G left
        (3072, 2, 256, (2, 256), 512),
        (1025, 0, 1024, (0, 513), 0),
    ],
)
def test_pages_of_two_sizes(
    mib: int, large: int, small: int, taken: tuple[int, int], lack: int
) -> None:
    found, lacks = pages_taken(mib, [PageStock(GIB, large), PageStock(2 * MIB, small)])
    assert (tuple(stock.count for stock in found), lacks) == (taken, lack)
