"""Accounts and groups of the distribution: names nobody can have of their own."""

from __future__ import annotations

# base-passwd of Debian and Ubuntu (/usr/share/base-passwd/{passwd,group}.master), of
# users and of groups: useradd(8) refuses a name that a group has too, as it makes one for the user.
_BASE = (
    "root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc gnats _apt "
    "nobody nogroup adm tty disk kmem dialout fax voice cdrom floppy tape sudo audio dip operator "
    "src shadow utmp video sasl plugdev staff users"
)
# Of packages every node has: systemd and udev (sysusers.d), dbus, openssh-server, chrony,
# util-linux, dhcpcd, polkit, and what Ubuntu's images add.
_PACKAGES = (
    "systemd-journal systemd-network systemd-resolve systemd-timesync systemd-coredump "
    "systemd-bus-proxy input sgx clock kvm render crontab netdev lxd messagebus sshd _ssh ssh "
    "_chrony uuidd dhcpcd polkitd syslog tss landscape pollinate fwupd-refresh usbmux tcpdump "
    "_rpc statd openvswitch hugetlbfs iscsi libvirt libvirt-qemu libvirt-dnsmasq"
)
SYSTEM_ACCOUNTS = frozenset(f"{_BASE} {_PACKAGES}".split())
