"""What packages make of their own accord for one machine when they are installed.

Made while an image is built, it would be the same on all nodes: the image builder takes it out,
and systemd/rackwright-identity.py makes it on each node, where the package is.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """A file for one machine. path, tool: absolute.

    tool: of the package that has the file. command: words; what it prints after `prefix` becomes
    the file; None where the package's own service makes it when it starts. placeholder: what
    stands there in an image, of a file that must not be missing.
    """

    path: str
    tool: str
    command: tuple[str, ...] | None = None
    prefix: str = ""
    placeholder: str = ""


_ANY_UUID = ("cat", "/proc/sys/kernel/random/uuid")
IDENTITIES: tuple[Identity, ...] = (
    # open-iscsi's hook copies it into the initramfs, and fails without; the word has its daemon
    # make a name, should it come before us (startup-checks.sh).
    Identity(
        "/etc/iscsi/initiatorname.iscsi",
        "/usr/sbin/iscsi-iname",
        ("iscsi-iname",),
        prefix="InitiatorName=",
        placeholder="GenerateName=yes\n",
    ),
    # nvme-cli's postinst takes both from the machine it runs on: the build host.
    Identity("/etc/nvme/hostnqn", "/usr/sbin/nvme", ("nvme", "gen-hostnqn")),
    Identity("/etc/nvme/hostid", "/usr/sbin/nvme", _ANY_UUID),
    # mdadm's postinst lists the arrays of the machine it runs on.
    Identity("/etc/mdadm/mdadm.conf", "/usr/share/mdadm/mkconf", ("/usr/share/mdadm/mkconf",)),
    # Each made by its own service, or by an administrator.
    Identity("/etc/multipath/bindings", "/usr/sbin/multipathd"),
    Identity("/etc/multipath/wwids", "/usr/sbin/multipathd"),
    Identity("/etc/munge/munge.key", "/usr/sbin/munged"),
    Identity("/etc/popularity-contest.conf", "/usr/sbin/popularity-contest"),
    Identity("/etc/bind/rndc.key", "/usr/sbin/named"),
    Identity("/etc/unbound/unbound_server.key", "/usr/sbin/unbound"),
    Identity("/etc/unbound/unbound_control.key", "/usr/sbin/unbound"),
    Identity("/etc/salt/pki/minion/minion.pem", "/usr/bin/salt-minion"),
    Identity("/var/lib/snmp/snmpd.conf", "/usr/sbin/snmpd"),
    Identity("/var/lib/tailscale/tailscaled.state", "/usr/sbin/tailscaled"),
    Identity("/var/lib/systemd/credential.secret", "/usr/bin/systemd-creds"),
    Identity("/var/lib/zerotier-one/identity.secret", "/usr/sbin/zerotier-one"),
)
