"""One machine: its image, and its identity."""

from __future__ import annotations

from dataclasses import dataclass

from builder.model.values import PciAddress
from builder.plan.nouns.image import ImagePlan
from builder.plan.nouns.why import Why


@dataclass(frozen=True, slots=True)
class InterfacePlan:
    """A kernel interface of a host, as netplan sets it up. addresses: CIDR text.

    routes: whether what DHCP and routers announce gives the host a default route. metric: of its
    default routes, where several interfaces have some: the lowest wins; None: netplan's own.
    dns: whether name servers that DHCP names are used.
    """

    name: str
    pci: PciAddress
    role: str
    dhcp4: bool
    dhcp6: bool
    addresses: tuple[str, ...]
    gateways: tuple[str, ...]
    nameservers: tuple[str, ...]
    mtu: int | None
    mac: str | None
    why: Why
    routes: bool = True
    metric: int | None = None
    dns: bool = True


@dataclass(frozen=True, slots=True)
class UserPlan:
    """A login. password_hash: of crypt(5), for the console."""

    name: str
    ssh_keys: tuple[str, ...]
    password_hash: str | None
    sudo: bool
    groups: tuple[str, ...]
    why: Why


@dataclass(frozen=True, slots=True)
class SecretPlan:
    """A file fetched once after the first boot. mode: octal, as `0600`."""

    name: str
    url: str
    path: str
    mode: str
    why: Why


@dataclass(frozen=True, slots=True)
class AccessPlan:
    """Who may log in to a host, and what it fetches."""

    users: tuple[UserPlan, ...] = ()
    secrets: tuple[SecretPlan, ...] = ()

    @property
    def is_private(self) -> bool:
        """Whether it has what not everybody is to read: hashes, or addresses of secrets."""
        return bool(self.secrets) or any(user.password_hash for user in self.users)


@dataclass(frozen=True, slots=True)
class HostPlan:
    """One machine: the image plan of its class and profile, and its identity.

    plan_id: sha256 (hex) over the canonical JSON of everything but plan ids themselves.
    """

    hostname: str
    image: ImagePlan
    interfaces: tuple[InterfacePlan, ...]
    why: Why
    plan_id: str
    access: AccessPlan = AccessPlan()
