"""The inventory: image, hardware classes, profiles, hosts."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field

from builder.catalog.kernels import KernelFlavour
from builder.catalog.releases import RELEASES
from builder.model.access import Access
from builder.model.addresses import Gateways, IpAddress, IpInterface
from builder.model.base import Part
from builder.model.hardware import HardwareClass, IfName
from builder.model.profile import Profile
from builder.model.values import Flag, Mac, Whole, WrongKindError, text

# A type checker takes no Literal of names that are known when the program runs.
if TYPE_CHECKING:
    Os = str
else:
    Os = Literal["host", *RELEASES]
Name = Annotated[
    str, *text(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", "a lower-case name", "nfv", longest=63)
]
# RFC 1123 labels; 64 is HOST_NAME_MAX of Linux.
HostName = Annotated[
    str,
    *text(
        r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*",
        "a host name (RFC 1123, lower case)",
        "nfv1",
        longest=64,
    ),
]
Url = Annotated[
    str,
    *text(
        r"(https?|file)://[A-Za-z0-9.:/_~%@+-]+", "a package mirror", "http://mirror.example/debian"
    ),
]
PackageName = Annotated[str, *text(r"[a-z0-9][a-z0-9+.-]+", "a package name", "ethtool")]
Serial = Annotated[
    str,
    *text(
        r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?",
        "a serial number (one line of ASCII)",
        "CZ3404ABCD",
        longest=64,
    ),
]


def _parse_version(value: object) -> object:
    # Literal compares with ==, and true == 1 == 1.0 to Python.
    if type(value) is not int:
        raise WrongKindError("the version of the format, 1", "write 1")
    if value != 1:
        raise ValueError(f"version {value} is not supported: this program reads version 1")
    return value


class Image(Part):
    """What the golden image is made of."""

    name: Annotated[Name, Field(description="Name of the image, used in the names of artefacts")]
    os: Annotated[
        Os,
        Field(
            description="Release of the image; host: the newest supported release of the "
            "build host's own family"
        ),
    ] = "host"
    kernel: Annotated[
        KernelFlavour | None,
        Field(description="Kernel of the image, of those the release has; default: its usual one"),
    ] = None
    mirror: Annotated[
        Url | None,
        Field(
            description="Package mirror of images, and of nodes that boot a stock image; default: the build host's, or the node's own"
        ),
    ] = None
    packages: Annotated[tuple[PackageName, ...], Field(description="Additional packages")] = ()


class Interface(Part):
    """A kernel network interface of a host."""

    role: Annotated[
        Literal["management", "storage", "none"],
        Field(description="management: the interface for Kubernetes and ssh"),
    ] = "management"
    dhcp4: Annotated[Flag, Field(description="IPv4 address by DHCP")] = False
    dhcp6: Annotated[Flag, Field(description="IPv6 address by DHCP")] = False
    addresses: Annotated[
        tuple[IpInterface, ...], Field(description="Fixed addresses with their prefix length")
    ] = ()
    gateway: Annotated[
        Gateways,
        Field(description="Default gateway; for IPv4 and IPv6, a list of both"),
    ] = ()
    nameservers: Annotated[tuple[IpAddress, ...], Field(description="DNS servers")] = ()
    mtu: Annotated[Whole | None, Field(ge=68, le=65535, description="MTU")] = None
    mac: Annotated[
        Mac | None, Field(description="Permanent MAC address of the port on this host")
    ] = None

    @property
    def uses_dhcp(self) -> bool:
        """Of either version."""
        return self.dhcp4 or self.dhcp6

    @property
    def has_address(self) -> bool:
        """By DHCP or of its own."""
        return self.uses_dhcp or bool(self.addresses)

    def has_dhcp(self, version: int) -> bool:
        """Whether its address of an IP version, 4 or 6, comes by DHCP."""
        return self.dhcp4 if version == 4 else self.dhcp6


class Rack(Part):
    """What the hosts of a rack have in common; a host's own value comes first."""

    gateway: Annotated[
        Gateways,
        Field(description="Default gateway of management interfaces; for IPv4 and IPv6, a list"),
    ] = ()
    nameservers: Annotated[
        tuple[IpAddress, ...], Field(description="DNS servers of management interfaces")
    ] = ()


class Host(Part):
    """The identity of one machine."""

    hardware: Annotated[Name, Field(description="Name of its hardware class")]
    profile: Annotated[Name, Field(description="Name of its profile")]
    rack: Annotated[Name | None, Field(description="Name of its rack")] = None
    serial: Annotated[
        Serial | None, Field(description="Serial number (dmidecode -s system-serial-number)")
    ] = None
    boot_mac: Annotated[
        Mac | None, Field(description=("MAC address of the port that the host boots from"))
    ] = None
    interfaces: Annotated[
        dict[IfName, Interface], Field(description="Kernel interfaces by NIC name")
    ] = Field(default_factory=dict)


class Inventory(Part):
    """A rackwright inventory."""

    version: Annotated[
        Literal[1], BeforeValidator(_parse_version), Field(description="Version of this format")
    ]
    image: Annotated[Image, Field(description="The golden image")]
    hardware: Annotated[
        dict[Name, HardwareClass], Field(min_length=1, description="Hardware classes by name")
    ]
    profiles: Annotated[dict[Name, Profile], Field(min_length=1, description="Profiles by name")]
    racks: Annotated[dict[Name, Rack], Field(description="Racks by name")] = Field(
        default_factory=dict
    )
    access: Annotated[
        Access, Field(description="Who may log in, and what nodes fetch after the first boot")
    ] = Access()
    hosts: Annotated[dict[HostName, Host], Field(min_length=1, description="Machines by host name")]

    # Of hosts that are faulty otherwise.
    _more_pairs: tuple[tuple[str, str], ...] = ()

    @cached_property
    def used_pairs(self) -> tuple[tuple[str, str], ...]:
        """Hardware class and profile of the hosts, each combination once, in their order.

        Kept: nearly every rule asks for it, and there may be ten thousand hosts.
        """
        pairs = ((host.hardware, host.profile) for host in self.hosts.values())
        return tuple(dict.fromkeys((*pairs, *self._more_pairs)))

    def with_pairs(self, pairs: Iterable[tuple[str, str]]) -> Inventory:
        """The inventory with combinations that hosts use which are not in it."""
        self._more_pairs = tuple(pairs)
        return self
