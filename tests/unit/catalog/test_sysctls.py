"""Sysctls and the modules that bring them."""

from __future__ import annotations

import pytest

from builder.catalog.sysctls import is_known_sysctl, sysctl_module


@pytest.mark.parametrize(
    ("key", "module"),
    [
        ("net.bridge.bridge-nf-call-arptables", "br_netfilter"),
        ("net.nf_conntrack_max", "nf_conntrack"),
        ("net.netfilter.nf_conntrack_tcp_timeout_established", "nf_conntrack"),
        ("net.netfilter.nf_conntrack_frag6_timeout", "nf_defrag_ipv6"),
        ("net.netfilter.nf_log_all_netns", None),
        ("net.ipv4.vs.expire_nodest_conn", "ip_vs"),
        ("net.ipv4.tcp_rmem", None),
        ("net.mpls.platform_labels", "mpls_router"),
        ("net.mptcp.enabled", None),
        ("net.rds.tcp.rds_tcp_sndbuf", "rds_tcp"),
        ("sunrpc.tcp_max_slot_table_entries", "sunrpc"),
        ("fs.nfs.nlm_tcpport", "lockd"),
        ("fs.nfs.nfs_callback_tcpport", "nfsv4"),
        ("fs.nfs.nfs_mountpoint_timeout", "nfs"),
        ("fs.inotify.max_user_watches", None),
        ("dev.raid.speed_limit_max", "md_mod"),
        ("kernel.panic", None),
    ],
)
def test_sysctl_module(key: str, module: str | None) -> None:
    assert sysctl_module(key) == module
    assert is_known_sysctl(key)


@pytest.mark.parametrize(
    "key", ["net.brigde.bridge-nf-call-iptables", "nett.core.rmem_max", "dev.x.y"]
)
def test_unknown(key: str) -> None:
    assert not is_known_sysctl(key)
