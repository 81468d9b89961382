"""What each rule asks of an inventory, in one sentence, and how much it matters: for the reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# either: an error where the node would not work, a warning where it works and is not meant.
Weight = Literal["error", "warning", "either"]


@dataclass(frozen=True, slots=True)
class RuleText:
    """What a rule wants, and what it says when it does not get it."""

    weight: Weight
    about: str


def _error(about: str) -> RuleText:
    return RuleText("error", about)


def _warning(about: str) -> RuleText:
    return RuleText("warning", about)


def _either(about: str) -> RuleText:
    return RuleText("either", about)


RULE_TEXTS: dict[str, RuleText] = {
    "cpu-any": _error("A machine has CPUs."),
    "cpu-on-one-node": _error("A CPU is on one NUMA node."),
    "cpu-siblings-or-threads": _error(
        "SMT siblings are told one way: by their distance (`siblings`) or core by core (`threads`)."
    ),
    "cpu-siblings-complete": _error("With `siblings`, every CPU has a sibling at that distance."),
    "cpu-siblings-on-one-node": _error("The siblings of a core are on one NUMA node."),
    "cpu-threads-exist": _error("CPUs named in `threads` are CPUs of the machine."),
    "cpu-threads-once": _error("A CPU is a thread of one core."),
    "nic-pci-once": _error("A PCI address is that of one port."),
    "nic-name-once": _error("A name is that of one port."),
    "nic-model-known": _warning(
        "The device id is in the NIC table; for others the message says what is assumed."
    ),
    "nic-kernel-driver": _error("The driver is the one the kernel has for the device id."),
    "nic-numa-exists": _error("The NUMA node of a port is one of the machine's."),
    "nic-numa-given": _warning(
        "The NUMA node of a DPDK port is known: Open vSwitch takes node 0 for one that is not."
    ),
    "role-listed-or-counted": _error("The CPUs of a role are either listed or counted."),
    "role-cpus-exist": _error("CPUs listed for a role are CPUs of the machine."),
    "role-cpus-apart": _error("No CPU is both for housekeeping and for PMD threads."),
    "role-offline-apart": _error("A CPU that is taken offline has no other role."),
    "role-offline-boot-cpu": _error("CPU 0 stays online: the kernel boots on it."),
    "role-smt-siblings": _warning("`smt: false` is for machines that have SMT siblings."),
    "role-whole-cores": _warning(
        "Roles are given to whole cores: siblings share one, and disturb each other."
    ),
    "role-boot-cpu": _warning(
        "CPU 0 is for housekeeping: the kernel keeps it busy whatever is set."
    ),
    "role-housekeeping-fits": _error("There are as many cores as housekeeping is to have."),
    "role-housekeeping-somewhere": _either(
        "There are housekeeping CPUs, and some on every NUMA node that has CPUs."
    ),
    "role-offline-cores-fit": _error(
        "Cores taken offline leave some on each NUMA node but those a map names."
    ),
    "role-pods-remain": _error("Housekeeping and PMD threads leave CPUs for pods."),
    "role-nodes-exist": _error("Maps by NUMA node name nodes of the machine that have CPUs."),
    "pmd-cores-fit": _error("There are as many cores on a NUMA node as PMD threads are to have."),
    "pmd-for-each-port": _error(
        "Each NUMA node with a DPDK port has a PMD core: its ports are polled from there."
    ),
    "pmd-has-ports": _warning("PMD cores are on NUMA nodes that have a DPDK port."),
    "pmd-wants-ovs": _warning("PMD cores are for profiles with Open vSwitch."),
    "hugepages-any": _error("OVS-DPDK and DPDK pods have hugepages."),
    "hugepages-nodes-exist": _error("Pages are counted and promised on NUMA nodes that are there."),
    "hugepages-even": _warning(
        "A number of pages in all can be spread evenly over the NUMA nodes."
    ),
    "hugepages-size-once": _error("Pages of a size are counted in one place."),
    "hugepages-1g": _error("1G pages are for CPUs that have them (`pdpe1gb`)."),
    "sriov-pf-known": _error("The PF of a policy is a port of the hardware class."),
    "sriov-pf-once": _error("A PF has one policy."),
    "sriov-capable": _error("The PF of a policy is a device with SR-IOV."),
    "sriov-num-vfs": _error("A PF has no more VFs than its device can have."),
    "sriov-set-in-card": _warning(
        "A PF has no more VFs than its card is delivered with, or the card is set up for more."
    ),
    "sriov-pf-makes-vfs": _error(
        "A PF that has VFs is not on uio_pci_generic itself, which makes none."
    ),
    "sriov-bifurcated": _error(
        "VFs that DPDK drives through their kernel driver (mlx5) are not bound to another."
    ),
    "sriov-pool-one-kind": _error("All VFs of a pool have the same kind of driver."),
    "vf-index": _error("A VF's index is below `num-vfs`."),
    "vf-one-use": _error("A VF is either for Open vSwitch or in a pool for pods."),
    "vf-has-use": _warning("Every VF is in a pool or for Open vSwitch."),
    "vf-for-ovs-driver": _error("A VF for OVS-DPDK has a driver DPDK can use it through."),
    "vf-for-ovs-used": _warning("A VF set apart for Open vSwitch is a port of a bridge."),
    "vf-rates": _error("The rate promised to a VF is not above its limit."),
    "vf-driver-can": _error("What is set of a VF, the driver of its PF can set."),
    "vf-value": _error("What is set of a VF is a value the driver takes as it is."),
    "vf-switchdev": _error("In switchdev mode, nothing is set that flows on a representor decide."),
    "vf-switchdev-ovs": _warning(
        "A VF that is a DPDK port itself is on a PF in legacy mode, or flows forward its frames."
    ),
    "sriov-switchdev": _error("Switchdev mode is for devices whose driver has it."),
    "ovs-mtu": _error("The MTU of an Open vSwitch port is one its device can have."),
    "vf-interrupts": _error("VFs are not on uio_pci_generic, which needs an interrupt they lack."),
    "binding-secure-boot": _error("With Secure Boot, drivers are signed modules of the kernel."),
    "binding-bifurcated": _error(
        "A port that DPDK drives through its kernel driver (mlx5) is not bound to another."
    ),
    "binding-iommu": _error("Kernel words leave vfio-pci its IOMMU and VFs their interrupts."),
    "binding-by-model": _error("vfio-pci is not told to take all ports of a model by its id."),
    "binding-blocked": _error("Kernel words do not keep a driver that is used from loading."),
    "driver-signed": _warning("With Secure Boot, a driver is the kernel's own build of it."),
    "ovs-nic-or-vf": _error("A port of a bridge is one device: a NIC port or a VF."),
    "ovs-nic-known": _error("The NIC of a bridge's port is one of the hardware class."),
    "ovs-vf-known": _error("The VF of a bridge's port is one that is made."),
    "ovs-vf-for-ovs": _error("The VF of a bridge's port is set apart for Open vSwitch."),
    "ovs-device-once": _error("A device is one port of one bridge."),
    "ovs-names-once": _error("Bridges and ports of a switch have different names."),
    "ovs-bridge-is-no-nic": _error("A bridge has not the name of a NIC."),
    "ovs-two-roles": _error(
        "A PF that Open vSwitch has as a whole is not needed by the kernel for its VFs."
    ),
    "ovs-vf-jumbo": _error("A VF with large packets is on a PF that has them too, where it must."),
    "ovs-option-known": _warning("An option is one some release of Open vSwitch knows."),
    "ovs-option-derived": _error("Options that follow from other keys are not set by hand."),
    "ovs-option-value": _error("An option's value is one Open vSwitch takes as it is."),
    "ovs-memory-once": _error("DPDK's memory is given by one option."),
    "ovs-pools": _warning("Shared pools are configured only where ports share pools."),
    "ovs-rxq-isolate": _error("`pmd-rxq-isolate: false` goes with `pmd-rxq-assign: group`."),
    "ovs-auto-lb": _warning("Automatic balancing goes with an assignment it works with."),
    "driver-used": _warning("A driver with options is that of a NIC."),
    "driver-has-max-vfs": _error("VFs by module parameter are for drivers that have one."),
    "driver-max-vfs-form": _error(
        "`max_vfs` has the form the driver takes: one number, or a list."
    ),
    "driver-max-vfs-limit": _error("`max_vfs` is not above what the device can have."),
    "driver-max-vfs-once": _error("`max_vfs` is not set where it follows from `num-vfs`."),
    "driver-max-vfs-agrees": _error("`max_vfs` by hand and `num-vfs` are the same number."),
    "driver-one-number": _error(
        "Where `max_vfs` is one number, all ports of the driver have as many VFs."
    ),
    "driver-other-ports": _error(
        "Where `max_vfs` is for all ports of a driver, each has a policy."
    ),
    "kernel-args-derived": _error("Kernel words that follow from other keys are not set by hand."),
    "kernel-args-keep-cpus": _error("No kernel word changes which CPUs and NUMA nodes there are."),
    "kernel-args-of-image": _error("Kernel words that make the image boot are left to it."),
    "kernel-args-once": _warning("A kernel word is there once."),
    "sysctl-hugepages": _error("Pages are counted under `hugepages`, not by sysctl."),
    "access-login": _warning("Somebody can log in."),
    "secret-path-free": _error("A secret is a file of its own, never one of the system's or ours."),
    "secret-path-once": _error("A path is that of one fetched file."),
    "secret-mode": _warning("A fetched secret is not for everybody on the node."),
    "secret-in-clear": _error("No text of the inventory is a secret: it is fetched at boot."),
    "hardware-used": _warning("A hardware class has hosts."),
    "profile-used": _warning("A profile has hosts: without, most of it cannot be checked."),
    "host-hardware-known": _error("A host's hardware class is described."),
    "host-profile-known": _error("A host's profile is described."),
    "host-interface-known": _error("A host's interface is a port of its hardware class."),
    "host-interface-not-in-ovs": _error("A host's interface is not a port of Open vSwitch."),
    "host-interface-mtu": _error("The MTU of an interface is one its device can have."),
    "host-rack-known": _error("A host's rack is one of `racks`, where they are listed."),
    "rack-used": _warning("A rack has hosts."),
    "rack-gateway-used": _warning("A rack's gateway is that of one of its hosts."),
    "host-management": _warning("A host has a management interface."),
    "host-management-address": _error("A management interface has an address."),
    "host-boot-mac": _warning("The boot MAC is that of an interface, where all MACs are given."),
    "host-identity-once": _error("MACs, serial numbers and addresses are those of one host."),
    "host-vf-mac-once": _error("A profile with VF MACs is that of one host."),
    "host-vf-mac-own": _error("A VF's MAC is not that of a port."),
    "host-dhcp-or-fixed": _error("A default route comes from DHCP or from `gateway`, not both."),
    "host-gateway": _error("A gateway is another address of an interface's own network."),
    "host-rack-gateway": _error("A rack's gateway is in the network of each host that gets it."),
    "host-one-gateway": _error("A host has one gateway of a kind."),
}
