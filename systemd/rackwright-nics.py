#!/usr/bin/python3 -BES
# SPDX-License-Identifier: Apache-2.0
"""Makes the planned VFs and gives NIC ports to the planned drivers, in one ordered pass."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from rackwright_eswitch import set_eswitch
from rackwright_node import (
    DPDK_DRIVERS,
    Binding,
    Config,
    Machine,
    NodeError,
    Pf,
    Status,
    Vf,
    attempt,
    main,
)
from rackwright_pci import (
    DEVICES,
    DRIVER_TIMEOUT_S,
    bind,
    check_group,
    device_id,
    driver_of,
    give_to_kernel,
    load_modules_for,
    write,
)
from rackwright_twin import read_substitutions
from rackwright_uplink import set_up
from rackwright_vf_settings import check_mac, set_attributes, set_rates
from rackwright_vfs import check_vf, ensure_vfs, set_autoprobe, within_stand_in

DEVICE_TIMEOUT_S = 10.0


def work(machine: Machine, config: Config, status: Status) -> None:
    """Each PF and then its VFs, then whole ports. A fault of one does not stop the next."""
    substitutes = read_substitutions(machine)
    for pf in config.pfs:
        attempt(status, configure_pf, machine, pf, ovs_devices(config), substitutes, status)
    for binding in config.bindings:
        attempt(status, configure_binding, machine, binding, substitutes, status)
    for port in config.kernel_ports:
        attempt(status, await_kernel_port, machine, port, substitutes, status)
    for pci, name in planned_devices(config).items():
        attempt(status, check_group, machine, pci, name)


def planned_devices(config: Config) -> dict[str, str]:
    """Address -> what is there."""
    ports: tuple[Pf | Binding, ...] = (*config.pfs, *config.bindings)
    found = {port.pci: port.name for port in ports}
    vfs = {vf.pci: f"VF {vf.index} of {pf.name}" for pf in config.pfs for vf in pf.vfs}
    return {**found, **vfs}


def configure_binding(
    machine: Machine, binding: Binding, substitutes: Mapping[str, str], status: Status
) -> None:
    check_identity(machine, binding, substitutes, status)
    did = bind(machine, binding.pci, binding.driver)
    status.step(binding.pci, did, f"{binding.name} is for userspace")


def await_kernel_port(
    machine: Machine, port: Binding, substitutes: Mapping[str, str], status: Status
) -> None:
    """Ready before ovs-vswitchd starts."""
    stand_in = check_identity(machine, port, substitutes, status)
    wait_for_driver(machine, port, stand_in)
    if not stand_in:
        await_rdma(machine, port.pci, port.name)


def await_rdma(machine: Machine, pci: str, name: str) -> None:
    """mlx5_ib makes it after mlx5_core has its interface; so with mlx4 and mana."""
    folder = f"{DEVICES}/{pci}/infiniband"
    if not machine.wait(lambda: bool(machine.names(folder)), DEVICE_TIMEOUT_S):
        raise NodeError(
            f"{pci}: {name} has no RDMA device, by which DPDK opens it; dmesg has the reason"
        )


def ovs_devices(config: Config) -> dict[str, int]:
    """Address -> MTU of what Open vSwitch has as DPDK ports."""
    ports = [port for bridge in config.bridges for port in bridge.ports]
    return {port.options.get("dpdk-devargs", ""): port.mtu for port in ports}


def vf_mtu(pf: Pf, ports: Mapping[str, int]) -> int:
    """The longest MTU Open vSwitch will ask a VF of this PF for."""
    return max((ports.get(vf.pci, 0) for vf in pf.vfs), default=0)


def configure_pf(
    machine: Machine,
    pf: Pf,
    ports: Mapping[str, int],
    substitutes: Mapping[str, str],
    status: Status,
) -> None:
    """The PF's driver, its VFs, what the PF says about each, and then the VFs' drivers.

    While VFs are being made no driver may take them: a network driver would keep a random
    MAC, and a VF meant for userspace would pass through udev as ethN first.
    """
    stand_in = check_identity(machine, pf, substitutes, status)
    if stand_in:
        pf = within_stand_in(machine, pf, status)
    if pf.driver in DPDK_DRIVERS:
        status.step(pf.pci, bind(machine, pf.pci, pf.driver), f"{pf.name} is for userspace")
    else:
        wait_for_driver(machine, pf, stand_in)
    if pf.up_first:
        attempt(status, set_up, machine, pf, vf_mtu(pf, ports), status)
    switched = set_eswitch(machine, pf, stand_in, status, last=False)
    ensure_vfs(machine, pf, stand_in, status)
    if not switched:
        attempt(status, set_eswitch_after, machine, pf, stand_in, status)
    if pf.driver not in DPDK_DRIVERS and not pf.up_first:
        attempt(status, set_up, machine, pf, vf_mtu(pf, ports), status)
    right = [vf for vf in pf.vfs if prepare_vf(machine, pf, vf, stand_in, status)]
    # Back to the kernel's default: with 0 nothing at all, drivers_probe included, can bind
    # a VF that has no override (pci_device_can_probe, drivers/pci/pci-driver.c).
    set_autoprobe(machine, pf, "1")
    set_rates(machine, pf, right, ports, stand_in, status)
    for vf in right:
        attempt(status, give_vf, machine, pf, vf, stand_in, status)
        if vf.driver is None and vf.pci in ports and not stand_in:
            attempt(status, await_rdma, machine, vf.pci, f"VF {vf.index} of {pf.name}")


def set_eswitch_after(machine: Machine, pf: Pf, stand_in: bool, status: Status) -> None:
    set_eswitch(machine, pf, stand_in, status, last=True)


def check_identity(
    machine: Machine, nic: Pf | Binding, substitutes: Mapping[str, str], status: Status
) -> bool:
    """Refuse to touch a device that is not the planned one. True: a stand-in, on a twin.

    Addresses move with the BIOS, risers and hot-plug; the device there may be the disk.
    """
    if not machine.wait(lambda: machine.exists(f"{DEVICES}/{nic.pci}"), DEVICE_TIMEOUT_S):
        raise NodeError(f"{nic.pci}: no device there, the plan has {nic.id} ({nic.name})")
    found = device_id(machine, nic.pci)
    if found == nic.id:
        return False
    if found is not None and substitutes.get(nic.id) == found:
        status.step(nic.pci, f"took {found} for {nic.id}", "this machine is a twin")
        return True
    raise NodeError(f"{nic.pci}: found {found}, the plan has {nic.id} ({nic.name}); left alone")


def wait_for_driver(machine: Machine, pf: Pf | Binding, stand_in: bool) -> None:
    """The kernel driver has the port. A twin's stand-in has the driver of its own model."""
    if driver_of(machine, pf.pci) is None:
        load_modules_for(machine, pf.pci)
    if not machine.wait(lambda: driver_of(machine, pf.pci) is not None, DRIVER_TIMEOUT_S):
        raise NodeError(f"{pf.pci}: no driver took it, the plan has {pf.driver}")
    found = driver_of(machine, pf.pci)
    if found in DPDK_DRIVERS or (found != pf.driver and not stand_in):
        raise NodeError(f"{pf.pci}: is on {found}, the plan has {pf.driver}; left alone")


def prepare_vf(machine: Machine, pf: Pf, vf: Vf, stand_in: bool, status: Status) -> bool:
    """All that comes before a driver may take the VF. False: it stays as it is."""
    try:
        check_vf(machine, pf, vf, stand_in)
        set_attributes(machine, pf, vf, stand_in, status)
        if vf.driver is not None and driver_of(machine, vf.pci) is None:
            write(machine, f"{DEVICES}/{vf.pci}/driver_override", f"{vf.driver}\n", vf.pci)
    except NodeError as fault:
        status.error(str(fault))
        return False
    return True


def give_vf(machine: Machine, pf: Pf, vf: Vf, stand_in: bool, status: Status) -> None:
    if vf.driver is None:
        is_new = driver_of(machine, vf.pci) is None
        did = give_to_kernel(machine, vf.pci)
        status.step(vf.pci, did, f"VF {vf.index} of {pf.name} keeps its interface")
        if is_new:
            check_mac(machine, vf, stand_in, status)
    else:
        did = bind(machine, vf.pci, vf.driver)
        status.step(vf.pci, did, f"VF {vf.index} of {pf.name} is for userspace")


if __name__ == "__main__":
    sys.exit(main("nics", work))
