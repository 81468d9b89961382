"""Who holds what of a machine: pages of each NUMA node, and network ports with their VFs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from builder.model.sizes import mib_text, page_size_text
from builder.model.values import PciAddress
from builder.phrases import count_text
from builder.plan.eal_pages import pages_of_switch
from builder.plan.nouns.devices import Binding, NicPlan, PfPlan, VfPlan
from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan
from builder.plan.nouns.ovs import OvsPortPlan
from builder.plan.subjects import port_settings, vf_settings

Holder = Literal["switch", "pods", "vms", "free", "small"]


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a node's memory. small: ordinary 4 KiB pages, for everything else."""

    holder: Holder
    mib: int
    text: str


@dataclass(frozen=True, slots=True)
class DrawnPort:
    """A port or a run of VFs that are alike. user: who has it. depth: 1 for VFs of the port above."""

    name: str
    address: str
    driver: str
    user: str
    depth: int = 0


def memory_shares(image: ImagePlan, node: int) -> tuple[Share, ...]:
    """Pages by size and holder, then what is left of the node's memory."""
    taken, _ = pages_of_switch(image)
    shares: list[Share] = []
    for pool in image.pools_on(node):
        switch = taken.get((node, pool.size_kib), 0)
        shares += _pool_shares(image, node, pool.size_kib, pool.count, switch)
    rest = image.memory_mib[node] - sum(share.mib for share in shares)
    small = Share("small", max(0, rest), f"{mib_text(max(0, rest))} in ordinary pages: the system")
    return (*shares, small)


def _pool_shares(
    image: ImagePlan, node: int, size_kib: int, count: int, switch: int
) -> Iterator[Share]:
    """The switch first, as it starts before pods do; demands get what is there."""
    left = count
    parts: list[tuple[Holder, str, int]] = [("switch", "Open vSwitch", switch)]
    for need in image.page_demands:
        if need.node == node and need.size_kib == size_kib:
            holder: Holder = "pods" if need.who == "pods" else "vms"
            parts.append((holder, need.who, need.pages))
    for holder, who, wanted in parts:
        pages = min(wanted, left)
        left -= pages
        if pages:
            yield _share(holder, pages, size_kib, who)
    if left:
        yield _share("free", left, size_kib, "free, for whoever asks")


def _share(holder: Holder, pages: int, size_kib: int, who: str) -> Share:
    text = f"{count_text(pages, 'page')} of {page_size_text(size_kib)}: {who}"
    return Share(holder, pages * size_kib // 1024, text)


def devices_on(plan: HostPlan, numa: int | None) -> tuple[DrawnPort, ...]:
    """Ports on a NUMA node in order of address, each followed by its VFs."""
    image = plan.image
    ports = {port.pci: (bridge, port) for bridge, port in _bridge_ports(image)}
    roles = {item.name: f"kernel, {item.role}" for item in plan.interfaces}
    pfs = {pf.pci: pf for pf in image.pfs}
    kept = {nic.pci: nic for nic in image.nics}
    known: dict[PciAddress, PfPlan | Binding | NicPlan] = {pf.pci: pf for pf in image.pfs}
    known.update({binding.pci: binding for binding in image.bindings})
    known.update(kept)
    found: list[DrawnPort] = []
    for pci, port in sorted(known.items()):
        if port.numa != numa:
            continue
        user = _user(ports.get(pci), roles.get(port.name, "kernel") if pci in kept else "userspace")
        found.append(DrawnPort(port.name, f"{pci}  {port.device_id}", port.driver, user))
        if pci in pfs:
            found += _vf_runs(pfs[pci], ports)
    return tuple(found)


def _bridge_ports(image: ImagePlan) -> Iterator[tuple[str, OvsPortPlan]]:
    for bridge in image.ovs.bridges if image.ovs is not None else ():
        yield from ((bridge.name, port) for port in bridge.ports)


def _user(port: tuple[str, OvsPortPlan] | None, otherwise: str) -> str:
    if port is None:
        return otherwise
    return f"{port[0]} / {port[1].name}  {' '.join(port_settings(port[1]))}"


def _vf_runs(pf: PfPlan, ports: dict[PciAddress, tuple[str, OvsPortPlan]]) -> Iterator[DrawnPort]:
    """Sixty VFs of one pool are one line."""
    rows = [(vf, _vf_user(vf, ports)) for vf in sorted(pf.vfs, key=lambda vf: vf.index)]
    for (driver, user), group in groupby(rows, key=lambda row: (row[0].driver, row[1])):
        vfs = [vf for vf, _ in group]
        first, last = vfs[0], vfs[-1]
        is_one = len(vfs) == 1
        yield DrawnPort(
            name=f"VF {first.index}" if is_one else f"VFs {first.index}-{last.index}",
            address=str(first.pci) if is_one else f"{first.pci} to {last.pci}",
            driver=driver or "kernel driver",
            user=user,
            depth=1,
        )


def _vf_user(vf: VfPlan, ports: dict[PciAddress, tuple[str, OvsPortPlan]]) -> str:
    user = _user(ports.get(vf.pci), f"pool {vf.pool}" if vf.pool is not None else "nobody")
    return "  ".join([user, *vf_settings(vf)])
