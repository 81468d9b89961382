"""Interface names that somebody else gives: the kernel, Open vSwitch, network plugins of pods."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TakenName:
    """Names that all of `pattern` matches, and why they are not free: names "that" + `why`.

    is_refused: nothing works under such a name; else it works until the other one is there first.
    """

    pattern: str
    why: str
    is_refused: bool = False

    def matches(self, name: str) -> bool:
        return re.fullmatch(self.pattern, name) is not None


def _refused(pattern: str, why: str) -> TakenName:
    return TakenName(pattern, why, is_refused=True)


# include/net/ip.h, sysctl_dev_name_is_allowed(): inetdev_init() fails for `all` and `default`;
# systemd's ifname_valid_full() refuses them, too, and what parse_ifindex() takes for a number.
# drivers/net/bonding/bond_sysfs.c: class attribute bonding_masters. Open vSwitch, lib/netdev.c,
# netdev_is_reserved_name(): "ovs-" and a datapath type, and what begins as the port of a vport
# class does (lib/netdev-vport.c).
_REFUSED = (
    _refused("lo", "the loopback interface has"),
    _refused(
        "all|default",
        "the kernel gives no IP addresses to: net.ipv4.conf.all and net.ipv4.conf.default are the "
        "settings of all interfaces",
    ),
    _refused("[0-9]+|0[xX][0-9a-fA-F]+", "ip and networkd read as the index of an interface"),
    _refused("bonding_masters", "/sys/class/net has for a file of the kernel's bonding driver"),
    _refused("ovs-(netdev|system|dummy)", "Open vSwitch gives to its datapath"),
    _refused(
        "(genev|vxlan|gre|lisp|stt|erspan|ip6erspan|ip6gre|gtpu|bareudp|srv6)_sys.*",
        "Open vSwitch gives to its tunnels",
    ),
)
# alloc_netdev() and alloc_etherdev() calls: the templates of ports. The next port that a driver
# finds takes the lowest free number, whatever a .link file says; systemd.link(5), Name=.
_OF_PORTS = TakenName(
    "(eth|wlan|wwan|usb|ib|wpan|can)[0-9]+",
    "the kernel gives to ports in the order in which it finds them",
)
# net/core/rtnetlink.c, rtnl_create_link(): kind and a number, where nobody gives a name. Tunnels
# without a number of the user's own are made when their module loads, bond0 and ifb0 likewise.
_OF_VIRTUAL = TakenName(
    "(bond|bridge|dummy|geneve|gre|gretap|erspan|ifb|ip6gre|ip6tnl|ip6_vti|ip_vti|ipvlan|ipvtap"
    "|macvlan|macvtap|ppp|sit|tap|team|tun|tunl|veth|vxlan|wg)[0-9]+",
    "the kernel gives to virtual interfaces created without one",
)
_OF_RENAMING = TakenName("rename[0-9]+", "udev gives to an interface that it cannot rename")
_OF_PODS = TakenName(
    r"cni0|docker0|kube-ipvs0|nodelocaldns|flannel(-v6)?\.[0-9]+|vxlan(-v6)?\.calico"
    "|cilium_(host|net|vxlan)",
    "the network of containers gives to an interface of its own",
)
_ALL = (*_REFUSED, _OF_PORTS, _OF_VIRTUAL, _OF_RENAMING, _OF_PODS)


def find_taken_name(name: str) -> TakenName | None:
    """Who has the name; None: it is free."""
    return next((row for row in _ALL if row.matches(name)), None)
