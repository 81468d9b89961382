"""What of a hardware class its twin is not, in words: printed with every verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from builder.phrases import count_text
from builder.verify.emulated_nics import EMULATED_NICS, IGB
from builder.verify.spec import (
    TWIN_MBIT_S,
    TwinNic,
    TwinSpec,
    add_first_functions,
    choose_models,
    find_absent,
)
from builder.verify.topology import RootBus


def find_limits(spec: TwinSpec, roots: Sequence[RootBus]) -> tuple[str, ...]:
    """NICs that are missing, stand-ins and what they lack, NUMA nodes that are not met."""
    absent = find_absent(spec.nics)
    by_id: dict[str, list[TwinNic]] = {}
    for nic in spec.nics:
        if nic.pci not in absent:
            by_id.setdefault(nic.device_id, []).append(nic)
    present = [nic for nics in by_id.values() for nic in nics]
    said = [
        f"{nic.pci} ({nic.device_id}) is missing: {absent[nic.pci]}"
        for nic in spec.nics
        if nic.pci in absent
    ]
    said += [
        f"{nic.pci} is a port too, {nic.device_id}: a PCI device is found by its function 0"
        for nic in add_first_functions(present)
    ]
    models = choose_models(present)
    for device_id, nics in by_id.items():
        if models[device_id] != device_id:
            said += _substitutions(device_id, models[device_id], nics)
    for nic in present:
        twin_id = models[nic.device_id]
        said += [*_vf_limits(nic, twin_id), *_wish_limits(nic, twin_id), *_node_limits(nic, roots)]
    return (*said, *_cpu_limits(spec))


def _substitutions(device_id: str, twin_id: str, nics: Sequence[TwinNic]) -> Iterator[str]:
    """A sentence for each number of VFs: where NICs describe their own, it goes by port."""
    alike: dict[str, list[str]] = {}
    for nic in nics:
        vfs = "without VFs"
        if twin_id == IGB.device_id:
            vfs = f"with {IGB.total_vfs} VFs instead of {nic.model.total_vfs}"
        alike.setdefault(vfs, []).append(str(nic.pci))
    what = f"an {EMULATED_NICS[twin_id].device}, {twin_id}"
    for vfs, ports in alike.items():
        yield f"{device_id} ({', '.join(ports)}) is {what}, {vfs}"


def _vf_limits(nic: TwinNic, twin_id: str) -> tuple[str, ...]:
    most = IGB.total_vfs if twin_id == IGB.device_id else 0
    said: list[str] = []
    if nic.num_vfs > most:
        said.append(
            f"{nic.pci} can have {count_text(most, 'VF')}, not the {nic.num_vfs} of the plan"
        )
    layout = (nic.model.vf_offset, nic.model.vf_stride, nic.model.vf_pool)
    if nic.num_vfs and most and layout != (IGB.vf_offset, IGB.vf_stride, IGB.vf_pool):
        first = nic.pci.vf(IGB.vf_offset, IGB.vf_stride, 0)
        said.append(
            f"VFs of {nic.pci} are where an 82576 has them: from {first} "
            f"in steps of {IGB.vf_stride}, not where {nic.device_id} has them"
        )
    return tuple(said)


def _wish_limits(nic: TwinNic, twin_id: str) -> Iterator[str]:
    """Settings of VFs: an igb takes few, and QEMU does nothing about a rate."""
    wishes, real = nic.wishes, twin_id == nic.device_id
    if wishes.switchdev and not real:
        yield f"{nic.pci} stays in legacy mode: QEMU has no NIC with a switchdev mode"
    if twin_id != IGB.device_id:
        return  # it has no VFs, which is said of its model
    if wishes.link_state and not real:
        yield f"VFs of {nic.pci} have no link state of their own: igb cannot set it"
    if wishes.floor and not real:
        yield f"VFs of {nic.pci} have no min-tx-rate: igb cannot set it"
    if wishes.rate > TWIN_MBIT_S and not real:
        yield (
            f"VFs of {nic.pci} have no max-tx-rate over {TWIN_MBIT_S} Mbit/s, the speed of "
            f"igb's link; the plan has up to {wishes.rate}"
        )
    elif wishes.rate:
        yield f"rates of VFs of {nic.pci} are set and read back; QEMU sends as fast as it can"


def _node_limits(nic: TwinNic, roots: Sequence[RootBus]) -> tuple[str, ...]:
    bus = nic.pci.bus
    root = next((root for root in roots if bus in root.buses), roots[0])
    if nic.numa is None or nic.numa == root.node:
        return ()
    what = f"{nic.pci} is on NUMA node {root.node} instead of {nic.numa}"
    return (f"{what}: QEMU cannot put neighbouring buses on two nodes",)


def _cpu_limits(spec: TwinSpec) -> tuple[str, ...]:
    said = ["CPU model: QEMU's own under TCG, the host's under KVM"]
    if spec.smt:
        said.append("SMT siblings: each CPU is its own core; QEMU numbers siblings consecutively")
    if spec.vendor == "amd":
        said.append(
            "IOMMU: Intel VT-d; Linux cannot receive interrupts through QEMU's AMD-Vi under TCG"
        )
    if spec.firmware == "uefi-secure-boot":
        said.append("Secure Boot: enforced, but its variables are not guarded by SMM")
    if spec.idle_poll:
        said.append("idle=poll: idle CPUs spin on the build host's own; the boot takes much longer")
    said.append("disk: virtio-blk; network ports: 1 Gbit/s, each on its own network")
    return tuple(said)
