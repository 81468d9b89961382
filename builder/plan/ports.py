"""The DPDK ports of a profile's bridges: which NIC port or VF each one is, and on which node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from builder.diagnostics import KeyPath
from builder.model.hardware import Nic
from builder.model.roles import dpdk_ports, is_bifurcated, node_of
from builder.plan.inputs import Inputs


@dataclass(frozen=True, slots=True)
class DpdkPort:
    """A port of a bridge. vf: index of the VF it is, None for the whole NIC port."""

    bridge: str
    name: str
    nic: Nic
    vf: int | None
    mtu: int
    rxq: int
    key: KeyPath
    rxd: int | None = None
    txd: int | None = None
    rxq_affinity: Mapping[int, int] = field(default_factory=dict)

    @property
    def node(self) -> int:
        """NUMA node whose CPUs and memory serve the port; unknown counts as 0, as in DPDK."""
        return node_of(self.nic)

    @property
    def source(self) -> str:
        """`enp9s0`, or `VF 0 of ens11f0`."""
        return self.nic.name if self.vf is None else f"VF {self.vf} of {self.nic.name}"


def find_dpdk_ports(inputs: Inputs) -> tuple[DpdkPort, ...]:
    """All ports in inventory order; one that names no NIC of the class is the rules' matter."""
    ports: list[DpdkPort] = []
    for found in dpdk_ports(inputs.hardware, inputs.profile):
        if found.nic is None:
            continue
        port, index = found.port, (found.port.vf or "").partition("/")[2]
        ports.append(
            DpdkPort(
                bridge=found.bridge,
                name=found.name,
                nic=found.nic,
                vf=int(index) if index else None,
                mtu=port.mtu,
                rxq=port.rxq,
                key=inputs.profile_key(*found.path, "vf" if index else "nic"),
                rxd=port.rxd,
                txd=port.txd,
                rxq_affinity=port.rxq_affinity,
            )
        )
    return tuple(ports)


def dpdk_nodes(ports: tuple[DpdkPort, ...]) -> Mapping[int, str]:
    """NUMA nodes that have a DPDK port, with their ports as people name them."""
    nodes: dict[int, list[str]] = {}
    for port in ports:
        unknown = "; its NUMA node is not known, 0 assumed" if port.nic.numa is None else ""
        nodes.setdefault(port.node, []).append(f"{port.name} ({port.source}{unknown})")
    return {node: " and ".join(names) for node, names in sorted(nodes.items())}


def whole_ports(ports: tuple[DpdkPort, ...]) -> Mapping[str, DpdkPort]:
    """NIC ports that leave the kernel for Open vSwitch, by interface name."""
    return {
        port.nic.name: port for port in ports if port.vf is None and not is_bifurcated(port.nic)
    }
