"""How a check of a plan says what it found, and what most checks look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from builder.diagnostics import KeyPath, Severity
from builder.plan.devices import OtherConfig, OvsPortPlan
from builder.plan.ovs_memory import parse_socket_mem
from builder.plan.types import ImagePlan


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault at an inventory key; the place in the file is looked up later."""

    severity: Severity
    key: KeyPath
    message: str
    hint: str


PlanCheck = Callable[[ImagePlan], Iterator[Finding]]


def profile_key(image: ImagePlan, *keys: str | int) -> KeyPath:
    return ("profiles", image.profile, *keys)


def dpdk_ports(image: ImagePlan) -> list[OvsPortPlan]:
    bridges = image.ovs.bridges if image.ovs is not None else ()
    return [port for bridge in bridges for port in bridge.ports]


def find_setting(image: ImagePlan, key: str) -> OtherConfig | None:
    settings = image.ovs.other_config if image.ovs is not None else ()
    return next((setting for setting in settings if setting.key == key), None)


def socket_mem(image: ImagePlan) -> tuple[int, ...]:
    """MiB of each NUMA node; () when the inventory's own text is not such a list."""
    setting = find_setting(image, "dpdk-socket-mem")
    return () if setting is None else parse_socket_mem(setting.value)
