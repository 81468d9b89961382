"""Rules on OVS bridges and ports: each port is one device, and no device is two things."""

from __future__ import annotations

from collections.abc import Iterator

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.catalog.ethernet import ETHERNET_MTU
from builder.diagnostics import KeyPath
from builder.model.fields import VfRef
from builder.model.hardware import Nic
from builder.model.inventory import Inventory
from builder.model.ovs import OvsPort
from builder.model.ports import is_bifurcated
from builder.model.rules.pairs import Pair, pairs
from builder.model.rules.sriov import driver_of
from builder.model.sriov import SriovPolicy, Vf
from builder.model.wording import suggest
from builder.rule import SEE, Finding, Rule, each


def _ports(inventory: Inventory) -> Iterator[tuple[KeyPath, OvsPort]]:
    for name, profile in inventory.profiles.items():
        for bridge_name, bridge in profile.ovs.bridges.items() if profile.ovs else ():
            for port_name, port in bridge.ports.items():
                path = ("profiles", name, "ovs", "bridges", bridge_name, "ports", port_name)
                yield path, port


def used_ports(pair: Pair) -> Iterator[tuple[KeyPath, OvsPort]]:
    for bridge_name, bridge in pair.profile.ovs.bridges.items() if pair.profile.ovs else ():
        for port_name, port in bridge.ports.items():
            yield (*pair.path, "ovs", "bridges", bridge_name, "ports", port_name), port


def check_nic_or_vf(inventory: Inventory) -> Iterator[Finding]:
    for path, port in _ports(inventory):
        if port.nic is not None and port.vf is not None:
            message = f"a port must be one device: nic {port.nic} or vf {port.vf}, not both"
            yield Finding(path, message, at_key=True)
        elif port.nic is None and port.vf is None:
            message = "this port has no device"
            yield Finding(path, message, "nic: <a NIC>, or vf: <a NIC>/<index>", at_key=True)


def check_nic_known(pair: Pair) -> Iterator[Finding]:
    names = [nic.name for nic in pair.hardware.nics]
    for path, port in used_ports(pair):
        if port.nic is not None and port.nic not in names:
            message = f"hardware class {pair.class_name} has no NIC {port.nic}"
            yield Finding((*path, "nic"), message, suggest(port.nic, names))


def check_vf_known(inventory: Inventory) -> Iterator[Finding]:
    for path, port in _ports(inventory):
        if port.vf is None:
            continue
        profile = inventory.profiles[str(path[1])]
        policies = {policy.pf: policy for policy in profile.sriov}
        pf, index = port.vf.pf, port.vf.index
        policy = policies.get(pf)
        if policy is None:
            if _has_nic(inventory, pf) and not all(_has_nic(inventory, name) for name in policies):
                continue  # the policy of this NIC misspells it, which is told there
            message = f"{pf} has no VFs: there is no sriov policy for it"
            hint = suggest(pf, policies) if policies else f"sriov: [{{pf: {pf}, num-vfs: 1}}]"
            yield Finding((*path, "vf"), message, hint)
        elif index >= policy.num_vfs:
            message = f"there is no VF {index} of {pf}: with num-vfs {policy.num_vfs} the last "
            yield Finding((*path, "vf"), message + f"one is {policy.num_vfs - 1}")


def _has_nic(inventory: Inventory, name: str) -> bool:
    return any(hardware.nic(name) is not None for hardware in inventory.hardware.values())


def check_vf_for_ovs(inventory: Inventory) -> Iterator[Finding]:
    """The VF of a port is set apart from those for pods."""
    for path, port in _ports(inventory):
        profile = inventory.profiles[str(path[1])]
        found = _find_vf(port.vf, profile.sriov) if port.vf is not None else None
        if port.vf is None or found is None:
            continue
        (number, policy, vf), index = found, port.vf.index
        if vf is None or vf.use != "ovs-dpdk":
            pool = (vf.pool if vf else None) or policy.pool
            message = f"VF {index} of {policy.pf} is not reserved for Open vSwitch"
            if pool:
                message += f": it is in pool {pool} for pods"
            hint = f"in sriov[{number}].vfs: {{index: {index}, driver: vfio-pci, use: ovs-dpdk}}"
            yield Finding((*path, "vf"), message, hint)


def _find_vf(
    wanted: VfRef, policies: tuple[SriovPolicy, ...]
) -> tuple[int, SriovPolicy, Vf | None] | None:
    """Place of a VF's policy, the policy, and the VF where it is listed."""
    for number, policy in enumerate(policies):
        if policy.pf == wanted.pf and wanted.index < policy.num_vfs:
            listed = (vf for vf in policy.vfs if vf.index == wanted.index)
            return number, policy, next(listed, None)
    return None


def check_device_once(inventory: Inventory) -> Iterator[Finding]:
    first: dict[tuple[str | int, str | VfRef], KeyPath] = {}
    for path, port in _ports(inventory):
        for key, device in (("nic", port.nic), ("vf", port.vf)):
            if device is None:
                continue
            other = first.setdefault((path[1], device), (*path, key))
            if other != (*path, key):
                yield Finding((*path, key), f"{device} is already a port: {SEE}", see=other)


def check_names_once(inventory: Inventory) -> Iterator[Finding]:
    """Ports and bridges of one switch share one name space (ovs-vsctl(8), add-port)."""
    first: dict[tuple[str | int, str], KeyPath] = {}
    for path in _named(inventory):
        name = str(path[-1])
        other = first.setdefault((path[1], name), path)
        if other != path:
            kind = "bridge" if other[-2] == "bridges" else "port"
            message = f"{name} is already the name of a {kind}: {SEE}"
            yield Finding(path, message, at_key=True, see=other)


def _named(inventory: Inventory) -> Iterator[KeyPath]:
    for name, profile in inventory.profiles.items():
        base = ("profiles", name, "ovs", "bridges")
        bridges = profile.ovs.bridges if profile.ovs else {}
        yield from ((*base, bridge) for bridge in bridges)
        for bridge_name, bridge in bridges.items():
            yield from ((*base, bridge_name, "ports", port) for port in bridge.ports)


def check_bridge_is_no_nic(pair: Pair) -> Iterator[Finding]:
    """A bridge's own interface (a tap of its name) and a NIC are both kernel interfaces."""
    for bridge in pair.profile.ovs.bridges if pair.profile.ovs else ():
        if pair.hardware.nic(bridge) is not None:
            path = (*pair.path, "ovs", "bridges", bridge)
            message = f"hardware class {pair.class_name} has a NIC of this name"
            yield Finding(path, message, "use another name, for example br0", at_key=True)


def check_two_roles(pair: Pair) -> Iterator[Finding]:
    """sriov-cni and the kernel set a VF up through its PF's interface (sriov-cni,
    pkg/utils/utils.go, GetPfName): bound to a userspace driver the PF has none.
    """
    policies = {policy.pf: (i, policy) for i, policy in enumerate(pair.profile.sriov)}
    for path, port in used_ports(pair):
        nic = pair.hardware.nic(port.nic or "")
        if nic is None or nic.name not in policies or is_bifurcated(nic):
            continue
        index, policy = policies[nic.name]
        driver = pair.profile.ovs.driver if pair.profile.ovs else "vfio-pci"
        yield from _kernel_vfs(path, pair, index, nic, driver)
        yield from _vf_settings(path, (*pair.path, "sriov", index), policy, driver)


def _kernel_vfs(port: KeyPath, pair: Pair, index: int, nic: Nic, driver: str) -> Iterator[Finding]:
    policy = pair.profile.sriov[index]
    listed = {vf.index: driver_of(policy, vf) for vf in policy.vfs}
    drivers = [listed.get(number, policy.driver) for number in range(min(policy.num_vfs, 256))]
    if any(name not in DPDK_DRIVERS for name in drivers):
        message = (
            f"{policy.pf} is both an Open vSwitch port and the PF of VFs with a kernel driver "
            f"({SEE}): on {driver} it has no network interface, which pods need to configure "
            "their VFs"
        )
        hint = (
            f"give OVS a VF of it: vf: {policy.pf}/0, in sriov[{index}].vfs "
            "{index: 0, driver: vfio-pci, use: ovs-dpdk}"
        )
        # plan-pf-with-vfs refuses a PF whose DPDK driver serves no VFs.
        if nic.model.driver.dpdk_vf_host not in ("none", "no-rss"):
            hint += "; or put all its VFs on driver: vfio-pci"
        yield Finding((*port, "nic"), message, hint, see=(*pair.path, "sriov", index))


def _vf_settings(
    port: KeyPath, policy_path: KeyPath, policy: SriovPolicy, driver: str
) -> Iterator[Finding]:
    for number, vf in enumerate(policy.vfs):
        for key in vf.settings.given():
            message = (
                f"{key} of a VF is set through the interface of {policy.pf}, which does not "
                f"exist while {policy.pf} is an Open vSwitch port on {driver}: {SEE}"
            )
            yield Finding((*policy_path, "vfs", number, key), message, see=(*port, "nic"))


def check_vf_jumbo(inventory: Inventory) -> Iterator[Finding]:
    """Kernel ixgbe, ixgbe_set_vf_lpe(): on an 82599 it stops the receive path of a VF that wants
    larger packets than Ethernet's while the PF's own MTU allows none.
    """
    for pair in pairs(inventory):
        whole = {port.nic for _, port in used_ports(pair)}
        for path, port in used_ports(pair):
            nic = pair.hardware.nic(port.vf.pf) if port.vf is not None else None
            if nic is None or not nic.model.vf_jumbo_needs_pf or nic.name in whole:
                continue
            small = _hosts_with_small_mtu(inventory, pair, nic.name)
            if port.mtu > ETHERNET_MTU and small:
                message = (
                    f"VFs of {nic.name} ({nic.model.name}) receive nothing with an MTU above "
                    f"{ETHERNET_MTU} unless the MTU of {nic.name} is also larger: it is not on "
                    f"host {' and '.join(small[:2])}"
                )
                hint = f"hosts.{small[0]}.interfaces.{nic.name}: {{role: none, mtu: {port.mtu}}}"
                yield Finding((*path, "mtu"), message, hint)


def _hosts_with_small_mtu(inventory: Inventory, pair: Pair, nic_name: str) -> list[str]:
    small: list[str] = []
    for name, host in inventory.hosts.items():
        interface = host.interfaces.get(nic_name)
        same = (host.hardware, host.profile) == (pair.class_name, pair.profile_name)
        # A PF no host's netplan sets up gets the VF's MTU from our own .network file.
        if same and interface is not None and (interface.mtu or ETHERNET_MTU) <= ETHERNET_MTU:
            small.append(name)
    return small


RULES: tuple[Rule[Inventory], ...] = (
    Rule(
        "ovs-nic-or-vf",
        "error",
        "A bridge port is exactly one device: a NIC port or a VF.",
        check_nic_or_vf,
    ),
    Rule(
        "ovs-nic-known",
        "error",
        "The NIC of a bridge port is in the hardware class.",
        each(pairs, check_nic_known),
    ),
    Rule(
        "ovs-vf-known",
        "error",
        "The VF of a bridge port is created by an SR-IOV policy.",
        check_vf_known,
    ),
    Rule(
        "ovs-vf-for-ovs",
        "error",
        "The VF of a bridge port is reserved for Open vSwitch.",
        check_vf_for_ovs,
    ),
    Rule(
        "ovs-device-once",
        "error",
        "A device is used by one port of one bridge only.",
        check_device_once,
    ),
    Rule(
        "ovs-names-once",
        "error",
        "Names of bridges and ports are unique.",
        check_names_once,
    ),
    Rule(
        "ovs-bridge-is-no-nic",
        "error",
        "A bridge does not have the name of a NIC.",
        each(pairs, check_bridge_is_no_nic),
    ),
    Rule(
        "ovs-two-roles",
        "error",
        "A PF that is an Open vSwitch port is not also needed by the kernel for its VFs.",
        each(pairs, check_two_roles),
    ),
    Rule(
        "ovs-vf-jumbo",
        "error",
        "If a VF uses jumbo frames and the device requires it, the PF uses them too.",
        check_vf_jumbo,
    ),
)
