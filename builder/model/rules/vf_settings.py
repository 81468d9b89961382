"""Rules on the settings of VFs: the PF's driver can do them, and they do not contradict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from builder.diagnostics import Diagnostic, KeyPath, Marks
from builder.drivers.vf_settings import LEGACY_ONLY, PORT_DRIVERS
from builder.model.inventory import Inventory
from builder.model.roles import dpdk_ports
from builder.model.rules.findings import at, error, pairs, warning
from builder.model.rules.sriov import UsedPf, used_pfs
from builder.model.sriov import Vf, asked_settings


def _vfs(inventory: Inventory) -> Iterator[tuple[UsedPf, KeyPath, Vf]]:
    """Every listed VF of a PF that is there, with its place."""
    for pf in used_pfs(inventory):
        for number, vf in enumerate(pf.policy.vfs):
            yield pf, (*pf.path, "vfs", number), vf


def check_rates(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """rtnetlink.c, do_setvfinfo(): a min_tx_rate over the max_tx_rate is -EINVAL."""
    for _, path, vf in _vfs(inventory):
        if vf.max_tx_rate and vf.min_tx_rate and vf.min_tx_rate > vf.max_tx_rate:
            message = f"{vf.min_tx_rate} Mbit/s are promised, but {vf.max_tx_rate} is the most"
            hint = f"see {at(marks, (*path, 'max-tx-rate'))}"
            yield error(marks, (*path, "min-tx-rate"), message, hint)


def check_driver_can(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """A setting the driver has no call for is EOPNOTSUPP at boot."""
    for pf, path, vf in _vfs(inventory):
        driver = PORT_DRIVERS.get(pf.kind.kernel_driver) if pf.kind is not None else None
        for setting in asked_settings(vf) if driver is not None else ():
            nothing = setting == "min-tx-rate" and vf.min_tx_rate == 0
            if driver is not None and setting not in driver.settings and not nothing:
                message = f"the driver {driver.name} of {pf.nic.name} cannot set {setting} of a VF"
                yield error(marks, (*path, setting), message, "remove it")


def check_switchdev(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for pf in used_pfs(inventory):
        if pf.policy.eswitch != "switchdev" or pf.kind is None:
            continue
        driver = PORT_DRIVERS.get(pf.kind.kernel_driver)
        if driver is None or not driver.switchdev:
            message = f"{pf.nic.name} ({pf.kind.name}, driver {pf.kind.kernel_driver}) has no switchdev mode"
            yield error(marks, (*pf.path, "eswitch"), message, "eswitch: legacy")


def check_switchdev_settings(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for pf, path, vf in _vfs(inventory):
        for setting in asked_settings(vf) if pf.policy.eswitch == "switchdev" else ():
            if setting in LEGACY_ONLY:
                other = at(marks, (*pf.path, "eswitch"))
                message = f"in switchdev mode {setting} is set by flows on the representor: {other}"
                yield error(marks, (*path, setting), message, "remove it, or eswitch: legacy")


def check_eswitch_on_userspace(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """VFs that OVS-DPDK has by their own address do not go through the embedded switch's flows."""
    for pf, path, vf in _vfs(inventory):
        if pf.policy.eswitch == "switchdev" and vf.use == "ovs-dpdk":
            message = (
                f"VF {vf.index} of {pf.nic.name} is a port of its own in Open vSwitch: in switchdev "
                "mode nothing forwards its frames until flows are set on its representor"
            )
            yield warning(marks, (*path, "use"), message, "eswitch: legacy")


def check_mtu(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """dev_validate_mtu(): over netdev->max_mtu is EINVAL, and the interface keeps 1500."""
    for pair in pairs(inventory):
        for port in dpdk_ports(pair.hardware, pair.profile):
            driver = PORT_DRIVERS.get(port.nic.driver) if port.nic is not None else None
            if port.nic is not None and driver is not None and port.port.mtu > driver.max_mtu:
                message = (
                    f"MTU {port.port.mtu}, but {port.nic.name} ({driver.name}) has {driver.max_mtu} at "
                    "most"
                )
                yield error(marks, (*pair.path, *port.path, "mtu"), message)


def check_interface_mtu(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """The same of a host's own interfaces."""
    most = {
        (name, nic.name): PORT_DRIVERS[nic.driver].max_mtu
        for name, hardware in inventory.hardware.items()
        for nic in hardware.nics
        if nic.driver in PORT_DRIVERS
    }
    for host_name, host in inventory.hosts.items():
        for name, interface in host.interfaces.items():
            limit = most.get((host.hardware, name))
            if interface.mtu is not None and limit is not None and interface.mtu > limit:
                path = ("hosts", host_name, "interfaces", name, "mtu")
                yield error(marks, path, f"MTU {interface.mtu}, but {name} has {limit} at most")
