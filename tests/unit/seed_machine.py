"""The how-to's machine as plain values, for tests that want a plan without the planner."""

from __future__ import annotations

from builder.catalog.kernels import debian_kernels
from builder.catalog.releases import OsRelease
from builder.catalog.versions import DpdkVersion, Version
from builder.diagnostics import KeyPath, Location
from builder.model.values import CpuSet, PciAddress
from builder.plan.nouns.cpus import CpuPlan, Role
from builder.plan.nouns.host import InterfacePlan
from builder.plan.nouns.why import Origin, Why

RELEASE = OsRelease(
    id="debian-13",
    family="debian",
    suite="trixie",
    version="13",
    kernels=debian_kernels(Version(6, 12)),
    ovs=Version(3, 5),
    dpdk=DpdkVersion(24, 11),
    dpdk_abi="25",
    systemd=257,
    netplan=Version(1, 1),
    components=("main", "non-free-firmware"),
)
MEMORY_MIB = (48128, 48128)


def why(reason: str, *path: str | int, line: int = 1) -> Why:
    key: KeyPath = path
    return Why(reason, (Origin(key, Location("inventory.yaml", line, 3)),) if path else ())


def pci(text: str) -> PciAddress:
    return PciAddress.parse(text)


def make_cpus() -> CpuPlan:
    """Two nodes of eight cores; siblings 16 apart."""
    roles: dict[int, Role] = dict.fromkeys(range(32), "pods")
    roles |= dict.fromkeys((0, 8, 16, 24), "housekeeping") | dict.fromkeys((1, 17), "pmd")
    return CpuPlan(
        roles=roles,
        nodes=(CpuSet.parse("0-7,16-23"), CpuSet.parse("8-15,24-31")),
        cores=tuple(CpuSet.of((cpu, cpu + 16)) for cpu in range(16)),
        why={
            "housekeeping": why("the lowest core of each node", "profiles", "nfv", "cpu", line=29),
            "pmd": why("one core of the ports' node", "profiles", "nfv", "cpu", line=30),
        },
    )


def make_management(reason: Why, mac: str | None = None) -> InterfacePlan:
    """The host's own interface, by DHCP."""
    return InterfacePlan(
        name="enp8s0",
        pci=pci("0000:08:00.0"),
        role="management",
        dhcp4=True,
        dhcp6=False,
        addresses=(),
        gateways=(),
        nameservers=(),
        mtu=None,
        mac=mac,
        why=reason,
    )
