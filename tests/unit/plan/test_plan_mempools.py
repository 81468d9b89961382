"""Open vSwitch's memory model, against its own document and against computed boundaries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.plan import mempools
from builder.plan.mempools import (
    PortMemory,
    buffer_bytes,
    per_port_node_mib,
    pool_mib,
    port_mbufs,
    shared_mbufs,
    shared_node_mib,
    shared_pools,
)

MTUS = st.integers(min_value=68, max_value=9702)


@pytest.mark.parametrize(
    ("mtu", "mbuf"),
    # Documentation/topics/dpdk/memory.rst of Open vSwitch; 2022 and 2023 are its boundary.
    [
        (1500, 3008),
        (1800, 3008),
        (2022, 3008),
        (2023, 4032),
        (6000, 7104),
        (9000, 10176),
        (9216, 11200),
    ],
)
def test_mbuf_size(mtu: int, mbuf: int) -> None:
    assert buffer_bytes(mtu) + mempools.MBUF_OVERHEAD == mbuf


@pytest.mark.parametrize(
    ("mtu", "megabytes"),
    # memory.rst, "Shared Memory": 262144 mbufs, in decimal MB.
    [(1500, 788), (1800, 788), (6000, 1862), (9000, 2667)],
)
def test_shared_pool(mtu: int, megabytes: int) -> None:
    buffer = buffer_bytes(mtu)
    size = shared_mbufs(buffer) * (buffer + mempools.MBUF_OVERHEAD)
    assert size // 1_000_000 == megabytes


@pytest.mark.parametrize(
    ("mtu", "mbufs"), [(9000, 262144), (1500, 262144), (999, 262144), (998, 16384), (68, 16384)]
)
def test_small_pools_are_of_small_buffers(mtu: int, mbufs: int) -> None:
    # memory.rst draws the line at MTU 1500; the code at the buffer, which is of 1152 bytes up to
    # 998 and of 2176 above.
    assert shared_mbufs(buffer_bytes(mtu)) == mbufs


@pytest.mark.parametrize(
    ("rxq", "pmd", "mtu", "mbufs", "megabytes"),
    # memory.rst, "Per Port Memory". Its third example adds one queue's burst, and says 26656;
    # its own algorithm and dpdk_calculate_mbufs() add both.
    [(1, 1, 1500, 22560, 67), (1, 2, 6000, 24608, 175), (2, 2, 9000, 26656 + 32, 271)],
)
def test_per_port_pool(rxq: int, pmd: int, mtu: int, mbufs: int, megabytes: int) -> None:
    assert port_mbufs(PortMemory(mtu, rxq), pmd) == mbufs
    size = mbufs * (buffer_bytes(mtu) + mempools.MBUF_OVERHEAD) / 1_000_000
    assert abs(size - megabytes) < 1  # the document rounds now up, now down


@pytest.mark.parametrize(
    ("mtus", "mib"),
    [
        ([1500], 2048),  # 752 + 512
        ([1500, 1800], 2048),  # one pool
        ([1500, 2000], 2048),
        ([2023], 3072),  # 752 + 1008 + 512
        ([9000], 4096),  # 752 + 2544 + 512
        ([9000, 2000], 4096),
        ([4096], 3072),  # 752 + 1520 - TripleO's formula gives 2048, too little
        ([9216], 4096),  # 752 + 2800 + 512 = 4064
        ([2048, 9000], 5120),  # 752 + 1008 + 2544 + 512; TripleO: 4096
    ],
)
def test_node_memory(mtus: list[int], mib: int) -> None:
    assert shared_node_mib(mtus) == mib


@pytest.mark.parametrize(
    ("port", "pmd", "mbufs"),
    [
        (PortMemory(1500, 4, 1024, 512), 3, 4 * 1024 + 4 * 512 + 4 * 32 + 16384),
        (PortMemory(1500, 4, 4096, 4096), 3, 4 * 4096 + 4 * 4096 + 4 * 32 + 16384),
        (PortMemory(1500, 200, 64, 64), 0, 200 * 64 + 64 + 128 * 32 + 16384),
    ],
)
def test_queues_and_descriptors_count_per_port(port: PortMemory, pmd: int, mbufs: int) -> None:
    assert port_mbufs(port, pmd) == mbufs


@pytest.mark.parametrize(
    ("mtus", "node", "buffers"),
    # memory.rst, "Shared Mempool Configuration": 9000,1500:1,6000:1. Buffers of 2176 bytes are
    # of MTU 1500, 6272 of 6000, 9344 of 9000, 10368 of 9300. The pool of 1500 is always there.
    [
        ([1500], 0, [9344]),
        ([6000], 0, [9344]),
        ([9000], 0, [9344]),
        ([9300], 0, [9344, 10368]),
        ([1500], 1, [2176]),
        ([6000], 1, [2176, 6272]),
        ([9000], 1, [2176, 9344]),
        ([9300], 1, [2176, 10368]),
    ],
)
def test_offered_pools(mtus: list[int], node: int, buffers: list[int]) -> None:
    offered = {0: [9000], 1: [9000, 1500, 6000]}[node]
    assert list(shared_pools(mtus, offered)) == buffers


def test_pools_are_told_apart_by_buffer_size() -> None:
    assert shared_pools([1500, 1800, 9000]) == {2176: 752, 9344: 2544}


def test_small_mtu_shares_the_default_pool() -> None:
    # 1400 has the buffers of 1500; 576 has its own, of 16384 mbufs.
    assert shared_pools([1400]) == {2176: 752}
    assert shared_pools([576]) == {1152: 31, 2176: 752}


def test_per_port_node() -> None:
    # The vhost-user port and the port itself: 2 pools of 22560 mbufs, 65 MiB each.
    assert pool_mib(buffer_bytes(1500), 22560) == 65
    assert per_port_node_mib([PortMemory(1500)], 1) == 1024
    assert per_port_node_mib([PortMemory(9000, 4)] * 4, 4) == 2048


@given(st.lists(MTUS, max_size=6))
def test_memory_holds_every_pool(mtus: list[int]) -> None:
    needed = sum(shared_pools(mtus).values()) + mempools.HEADROOM_MIB
    assert shared_node_mib(mtus) % 1024 == 0
    assert needed <= shared_node_mib(mtus) < needed + 1024


@given(st.lists(MTUS, min_size=1, max_size=6), MTUS)
def test_a_port_more_never_needs_less(mtus: list[int], mtu: int) -> None:
    assert shared_node_mib(mtus) <= shared_node_mib([*mtus, mtu])
