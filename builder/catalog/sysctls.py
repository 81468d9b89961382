"""Which kernel module brings a sysctl: without it systemd-sysctl finds no such key and goes on."""

from __future__ import annotations

# Beginning of a key -> module that registers it (register_sysctl() and its kind); the longest
# counts. In the kernel: br_netfilter_hooks.c, nf_conntrack_standalone.c, nf_conntrack_reasm.c,
# ip_vs_ctl.c, af_mpls.c, vrf.c, nfs4sysctl.c, fs/lockd/svc.c, xfs_sysctl.c, and so on.
_MODULES = {
    "dev.cdrom.": "cdrom",
    "dev.parport.": "parport",
    "dev.raid.": "md_mod",
    "dev.scsi.": "scsi_mod",
    "fs.nfs.": "nfs",
    "fs.nfs.idmap_cache_timeout": "nfsv4",
    "fs.nfs.nfs_callback_tcpport": "nfsv4",
    "fs.nfs.nlm_": "lockd",
    "fs.nfs.nsm_": "lockd",
    "fs.xfs.": "xfs",
    "net.bridge.bridge-nf-": "br_netfilter",
    "net.ipv4.vs.": "ip_vs",
    "net.iw_cm.": "iw_cm",
    "net.llc.": "llc2",
    "net.mpls.": "mpls_router",
    "net.netfilter.nf_conntrack_": "nf_conntrack",
    "net.netfilter.nf_conntrack_frag6_": "nf_defrag_ipv6",
    "net.netfilter.nf_flowtable_": "nf_conntrack",
    "net.nf_conntrack_max": "nf_conntrack",
    "net.rdma_ucm.": "rdma_ucm",
    "net.rds.": "rds",
    "net.rds.tcp.": "rds_tcp",
    "net.sctp.": "sctp",
    "net.smc.": "smc",
    "net.tipc.": "tipc",
    "net.vrf.": "vrf",
    "sunrpc.": "sunrpc",
}
# What the kernels of our releases have from the start.
_BUILT_IN = (
    "abi.", "crypto.", "debug.", "dev.hpet.", "dev.tty.", "fs.", "kernel.", "net.core.",
    "net.ipv4.", "net.ipv6.", "net.mptcp.", "net.netfilter.", "net.unix.", "user.", "vm.",
)  # fmt: skip


def sysctl_module(key: str) -> str | None:
    """The module with the sysctl `net.bridge.bridge-nf-call-iptables`; None: no module that we know."""
    found = [start for start in _MODULES if key.startswith(start)]
    return _MODULES[max(found, key=len)] if found else None


def is_known_sysctl(key: str) -> bool:
    """Whether it is clear what brings the key: the kernel itself, or a module."""
    return sysctl_module(key) is not None or key.startswith(_BUILT_IN)
