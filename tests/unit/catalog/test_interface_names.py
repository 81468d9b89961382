"""Names that are not free to use."""

from __future__ import annotations

import pytest

from builder.catalog.interface_names import find_taken_name

REFUSED = (
    "lo", "all", "default", "0", "4094", "0x1f", "bonding_masters", "ovs-netdev", "ovs-system",
    "genev_sys_6081", "vxlan_sys_4789", "gre_sys", "ip6gre_sys", "erspan_sys",
)  # fmt: skip
GIVEN = (
    "eth0", "eth12", "wlan0", "wwan0", "usb1", "ib0", "wpan0", "can3", "bond0", "team1", "dummy0",
    "tap0", "tun1", "veth7", "sit0", "tunl0", "gre0", "ip6tnl0", "ip6_vti0", "ifb1", "rename4",
    "cni0", "docker0", "kube-ipvs0", "flannel.1", "cilium_host",
)  # fmt: skip
FREE = (
    "enp8s0", "ens11f0", "eno1", "ibp26s0", "wlp2s0", "lan0", "lo0", "br0", "br-int", "ethernet",
    "eth", "eth0a", "mgmt0", "data0", "xe0", "dpdk0", "all0", "default0", "ovs-br0", "vhost0",
    "p000002000", "enx00e04c680001", "bond-a", "tenant",
)  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_under_which_nothing_works(name: str) -> None:
    taken = find_taken_name(name)
    assert taken is not None
    assert taken.is_refused


@pytest.mark.parametrize("name", GIVEN)
def test_a_name_somebody_else_may_give_first(name: str) -> None:
    taken = find_taken_name(name)
    assert taken is not None
    assert not taken.is_refused


@pytest.mark.parametrize("name", FREE)
def test_a_free_name(name: str) -> None:
    assert find_taken_name(name) is None
