"""Rules on the VFs of a policy: each is there, and has one use."""

from __future__ import annotations

from collections.abc import Iterator

from builder.model.fields import VfRef
from builder.model.inventory import Inventory
from builder.model.ports import dpdk_ports, is_bifurcated
from builder.model.rules.sriov import UsedPf, driver_of, policies, used_pfs
from builder.model.values import CpuSet
from builder.phrases import is_are, numbers
from builder.rule import SEE, Finding, Rule, each


def check_vf_index(inventory: Inventory) -> Iterator[Finding]:
    for path, _, policy in policies(inventory):
        first: dict[int, int] = {}
        for number, vf in enumerate(policy.vfs):
            where = (*path, "vfs", number, "index")
            if vf.index >= policy.num_vfs:
                message = f"there is no VF {vf.index}: with num-vfs {policy.num_vfs} the last one "
                yield Finding(where, message + f"is {policy.num_vfs - 1}")
            elif first.setdefault(vf.index, number) != number:
                other = (*path, "vfs", first[vf.index], "index")
                yield Finding(where, f"VF {vf.index} is already listed: {SEE}", see=other)


def check_vf_one_use(inventory: Inventory) -> Iterator[Finding]:
    for path, _, policy in policies(inventory):
        for number, vf in enumerate(policy.vfs):
            if vf.use is not None and vf.pool is not None:
                message = f"VF {vf.index} is both for OVS and in pool {vf.pool} for pods"
                yield Finding((*path, "vfs", number, "pool"), message, "remove use or pool")


def check_vf_has_use(inventory: Inventory) -> Iterator[Finding]:
    for path, _, policy in policies(inventory):
        if policy.pool is not None:
            continue
        with_use = {vf.index for vf in policy.vfs if vf.use is not None or vf.pool is not None}
        idle = CpuSet.of(set(range(min(policy.num_vfs, 256))) - with_use)
        if idle:
            message = (
                f"{numbers('VF', idle)} of {policy.pf} {is_are(idle)} neither in a pool nor for OVS"
            )
            hint = "add pool to the policy or to the VF, or use: ovs-dpdk"
            yield Finding(path, message, hint, at_key=True)


def check_vf_for_ovs_driver(pf: UsedPf) -> Iterator[Finding]:
    for number, vf in enumerate(pf.policy.vfs):
        is_kernel = driver_of(pf.policy, vf) == "kernel"
        if vf.use == "ovs-dpdk" and is_kernel and not is_bifurcated(pf.nic):
            path = (*pf.path, "vfs", number, "use")
            message = f"VF {vf.index} is for OVS-DPDK, but keeps its kernel driver"
            yield Finding(path, message, "driver: vfio-pci")


def check_vf_for_ovs_used(pf: UsedPf) -> Iterator[Finding]:
    taken = {port.vf for port in dpdk_ports(pf.pair.hardware, pf.pair.profile)}
    for number, vf in enumerate(pf.policy.vfs):
        name = VfRef(pf.policy.pf, vf.index)
        if vf.use == "ovs-dpdk" and name not in taken:
            path = (*pf.path, "vfs", number, "use")
            message = f"no bridge has a port with vf: {name}"
            yield Finding(path, message, "add the port, or give the VF a pool")


RULES: tuple[Rule[Inventory], ...] = (
    Rule("vf-index", "error", "A VF's index is below `num-vfs`.", check_vf_index),
    Rule(
        "vf-one-use",
        "error",
        "A VF is either for Open vSwitch or in a pool for pods.",
        check_vf_one_use,
    ),
    Rule("vf-has-use", "warning", "Every VF is in a pool or for Open vSwitch.", check_vf_has_use),
    Rule(
        "vf-for-ovs-driver",
        "error",
        "A VF for OVS-DPDK has a driver that DPDK can use.",
        each(used_pfs, check_vf_for_ovs_driver),
    ),
    Rule(
        "vf-for-ovs-used",
        "warning",
        "A VF reserved for Open vSwitch is a port of a bridge.",
        each(used_pfs, check_vf_for_ovs_used),
    ),
)
