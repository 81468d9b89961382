"""Internet addresses of an inventory, as types with their rules."""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv6Address,
    IPv6Interface,
    ip_address,
    ip_interface,
)
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from builder.model.values import WrongKindError, parsed
from builder.phrases import quote

Address = IPv4Address | IPv6Address
Cidr = IPv4Interface | IPv6Interface


def _parse_address(value: object) -> Address:
    if isinstance(value, Address):
        return value
    if not isinstance(value, str):
        raise WrongKindError('an address like "192.0.2.1"')
    try:
        address = ip_address(value)
    except ValueError:
        raise ValueError(f'{quote(value)} is not an address like "192.0.2.1"') from None
    _refuse_zone(value)
    return address


def _parse_cidr(value: object) -> Cidr:
    if isinstance(value, Cidr):
        return value
    if not isinstance(value, str):
        raise WrongKindError('an address with its prefix length like "192.0.2.10/24"')
    try:
        interface = ip_interface(value)
    except ValueError:
        wanted = 'an address with its prefix length like "192.0.2.10/24"'
        raise ValueError(f"{quote(value)} is not {wanted}") from None
    if "/" not in value:
        # ipaddress would take it for a network of this one address.
        raise ValueError(f'{quote(value)} has no prefix length, as in "{value}/24"')
    _refuse_zone(value)
    _refuse_special(interface, value)
    return interface


def _refuse_zone(value: str) -> None:
    if "%" in value:
        raise ValueError(f"{quote(value)}: %zone is not allowed here")


def _refuse_special(interface: Cidr, value: str) -> None:
    address, network = interface.ip, interface.network
    if address.is_multicast or address.is_loopback or address.is_unspecified:
        raise ValueError(f"{quote(value)} is not an address of one host")
    if network.prefixlen >= network.max_prefixlen - 1 or address.version == 6:
        return
    if address == network.network_address:
        raise ValueError(f"{quote(value)} is the address of the network {network} itself")
    if address == network.broadcast_address:
        raise ValueError(f"{quote(value)} is the broadcast address of {network}")


def _listed(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


def _one_of_each(found: tuple[Address, ...]) -> tuple[Address, ...]:
    for version in (4, 6):
        same = [address for address in found if address.version == version]
        if len(same) > 1:
            raise ValueError(
                f"{same[0]} and {same[1]} are both IPv{version} gateways: there is one of each"
            )
    return found


IpAddress = Annotated[Address, *parsed(_parse_address, "An IPv4 or IPv6 address", "192.0.2.1")]
IpInterface = Annotated[
    Cidr,
    *parsed(
        _parse_cidr,
        "An IPv4 or IPv6 address with its prefix length",
        "192.0.2.10/24",
        pattern="^[^/]+/[0-9]+$",
    ),
]
# One address, or a list with one of each IP version.
Gateways = Annotated[
    tuple[IpAddress, ...],
    BeforeValidator(_listed),
    AfterValidator(_one_of_each),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "examples": ["192.0.2.1"]},
                {"type": "array", "items": {"type": "string"}},
            ]
        }
    ),
]
