"""How much hugepage memory Open vSwitch needs on each NUMA node (dpdk-socket-mem).

The model is Open vSwitch's own (Documentation/topics/dpdk/memory.rst, lib/netdev-dpdk.c):
one pool of packet buffers for each NUMA node and buffer size, which all ports of that size
share; or, with per-port-memory, one for each port. The wide-spread formula of TripleO counts
pools by MTU and knows 800 bytes of overhead instead of 832 and a header: too low by 296 MiB
for an MTU just under a multiple of 1024, too high where two MTUs share a buffer size.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MIB = 1024 * 1024
# ETHER_HDR_MAX_LEN of lib/netdev-dpdk.c: Ethernet header, two VLAN tags, CRC.
FRAME_OVERHEAD = 26
# FRAME_LEN_TO_MTU(): the MTU Open vSwitch reads off a buffer, its header and CRC without tags.
FRAME_HEADER = 18
# NETDEV_DPDK_MBUF_ALIGN, and RTE_PKTMBUF_HEADROOM in front of the data.
BUFFER_ALIGN = 1024
BUFFER_HEADROOM = 128
# struct dp_packet, mempool object header and trailer: what memory.rst's 3008 bytes for an
# MTU of 1500 hold beyond the buffer.
MBUF_OVERHEAD = 832
MAX_MBUFS = 4096 * 64
MIN_MBUFS = 4096 * 4
# Rings of a port (NIC_PORT_DEFAULT_RXQ_SIZE, …TXQ_SIZE) and a burst (NETDEV_MAX_BURST is 32)
# kept back for each of at most 128 queues (RTE_MAX_LCORE).
DESCRIPTORS = 2048
# What EAL, rings and the ports' own structures take, as TripleO and Red Hat reckon it.
HEADROOM_MIB = 512
ROUND_MIB = 1024
# A node without DPDK ports: a vhost-user port moves to the node its guest's memory is on
# (lib/netdev-dpdk.c, new_device()).
IDLE_NODE_MIB = 1024
# The table of ports (struct eth_dev_shared of lib/ethdev/ethdev_private.h) is under 1 MiB, and a
# pool of MIN_MBUFS with an MTU of 1500 is 47.
PORT_TABLE_MIB = 64
# Every node with a DPDK port also gets vhost-user ports, whose MTU is 1500.
DEFAULT_MTU = 1500


@dataclass(frozen=True, slots=True)
class PortMemory:
    """What of a port decides its memory."""

    mtu: int
    rxq: int = 1
    rxd: int = DESCRIPTORS
    txd: int = DESCRIPTORS


def buffer_bytes(mtu: int) -> int:
    """Size of a packet's buffer: ports whose sizes are equal share one pool."""
    aligned = -(-(mtu + FRAME_OVERHEAD) // BUFFER_ALIGN) * BUFFER_ALIGN
    return aligned + BUFFER_HEADROOM


def shared_mbufs(buffer: int) -> int:
    """Buffers of a shared pool: dpdk_calculate_mbufs().

    dpdk_mp_get() asks with the MTU that the buffer holds, not with the port's: a port of MTU
    1400 fills buffers of 2176 bytes, and gets as many as one of 1500 (memory.rst says fewer).
    """
    return MAX_MBUFS if buffer - FRAME_HEADER >= DEFAULT_MTU else MIN_MBUFS


def port_mbufs(port: PortMemory, pmd_threads: int) -> int:
    """Buffers of one port's own pool (per-port-memory): dpdk_calculate_mbufs()."""
    rings = port.rxq * port.rxd + (pmd_threads + 1) * port.txd
    return rings + min(128, port.rxq) * 32 + MIN_MBUFS


def pool_mib(buffer: int, mbufs: int) -> int:
    """Memory of a pool, in whole MiB."""
    return -(-mbufs * (buffer + MBUF_OVERHEAD) // MIB)


def shared_pools(mtus: Iterable[int], offered: Iterable[int] = ()) -> dict[int, int]:
    """MiB of each pool by buffer size, with the pool of the default MTU always among them."""
    return port_pools((DEFAULT_MTU, *mtus), offered)


def port_pools(mtus: Iterable[int], offered: Iterable[int] = ()) -> dict[int, int]:
    """MiB of each pool of these ports alone, by buffer size.

    offered: MTUs of shared-mempool-config on this node; a port takes the smallest of them that
    holds its packets, and has a pool of its own size when none does
    (dpdk_get_user_adjusted_mtu()).
    """
    sizes = sorted(buffer_bytes(mtu) for mtu in offered)
    wanted = [buffer_bytes(mtu) for mtu in mtus]
    used = {next((size for size in sizes if size >= own), own) for own in wanted}
    return {size: pool_mib(size, shared_mbufs(size)) for size in sorted(used)}


def shared_node_mib(mtus: Iterable[int], offered: Iterable[int] = ()) -> int:
    """dpdk-socket-mem of a node with ports of these MTUs."""
    return _round_up(sum(shared_pools(mtus, offered).values()) + HEADROOM_MIB)


def per_port_node_mib(ports: Iterable[PortMemory], pmd_threads: int) -> int:
    """dpdk-socket-mem of a node under per-port-memory, one vhost-user port included."""
    pools = own_pools_mib((PortMemory(DEFAULT_MTU), *ports), pmd_threads)
    return _round_up(pools + HEADROOM_MIB)


def own_pools_mib(ports: Iterable[PortMemory], pmd_threads: int) -> int:
    """MiB of the pools of these ports under per-port-memory."""
    return sum(pool_mib(buffer_bytes(p.mtu), port_mbufs(p, pmd_threads)) for p in ports)


def _round_up(mib: int) -> int:
    return -(-mib // ROUND_MIB) * ROUND_MIB
