# SPDX-License-Identifier: Apache-2.0
"""PCI devices through sysfs: what is at an address, and which driver has it.

Why binding here cannot race with udev: the kernel holds the device's lock while a driver
probes it, and a write to driver_override takes the same lock (drivers/pci/pci-sysfs.c).
So after that write either the network driver has the device completely, or it never will:
its match is tried again under the lock and now fails. udev's worker may still be renaming
an interface that goes away; it then gets ENODEV and is done.
"""

from __future__ import annotations

import errno

from rackwright_node import DPDK_DRIVERS, Machine, NodeError

DEVICES = "sys/bus/pci/devices"
DRIVERS = "sys/bus/pci/drivers"
PROBE = "sys/bus/pci/drivers_probe"
DRIVER_TIMEOUT_S = 60.0
LINK_LOCAL_SCOPE = "20"
GROUPS = "sys/kernel/iommu_groups"
# With driver_managed_dma; before 6.0 vfio_dev_viable() lets them pass.
HARMLESS = frozenset({"vfio-pci", "pci-stub", "pcieport"})


def device_id(machine: Machine, pci: str) -> str | None:
    """`vendor:device` as the plan spells it."""
    vendor = machine.read(f"{DEVICES}/{pci}/vendor")
    device = machine.read(f"{DEVICES}/{pci}/device")
    if vendor is None or device is None:
        return None
    return f"{vendor.removeprefix('0x')}:{device.removeprefix('0x')}"


def driver_of(machine: Machine, pci: str) -> str | None:
    return machine.link(f"{DEVICES}/{pci}/driver")


def netdevs(machine: Machine, pci: str) -> list[str]:
    """The device's interfaces in our network namespace."""
    return [name for folder in net_folders(machine, pci) for name in machine.names(folder)]


def net_folders(machine: Machine, pci: str) -> list[str]:
    """Where its interfaces are; of a virtio NIC they belong to the virtio device on it."""
    device = f"{DEVICES}/{pci}"
    inner = [name for name in machine.names(device) if name.startswith("virtio")]
    folders = (f"{device}/net", *(f"{device}/{name}/net" for name in inner))
    return [folder for folder in folders if machine.exists(folder)]


def write(machine: Machine, path: str, text: str, what: str) -> None:
    """Write to sysfs; the kernel's refusal becomes an error that names the file."""
    try:
        machine.write(path, text)
    except OSError as fault:
        raise NodeError(f"{what}: writing {text.strip()!r} to /{path}: {fault.strerror}") from fault


def bind(machine: Machine, pci: str, driver: str) -> str:
    """Give a device to `driver`, unless something uses it. Returns what was done."""
    before = driver_of(machine, pci)
    if before == driver:
        return f"left on {driver}"
    load_driver(machine, pci, driver)
    write(machine, f"{DEVICES}/{pci}/driver_override", f"{driver}\n", pci)
    before = driver_of(machine, pci)
    if before == driver:
        # Loading its module gave the driver every device that already had its override.
        return f"bound to {driver}"
    try:
        release(machine, pci)
    except NodeError:
        write(machine, f"{DEVICES}/{pci}/driver_override", "\n", pci)
        raise
    write(machine, PROBE, pci, pci)
    if driver_of(machine, pci) != driver:
        raise NodeError(_bind_failed(machine, pci, driver))
    return f"bound to {driver}" + (f", taken from {before}" if before else "")


def give_to_kernel(machine: Machine, pci: str) -> str:
    """Let the device's own network driver have it. Returns what was done."""
    driver = driver_of(machine, pci)
    if driver is not None and driver not in DPDK_DRIVERS:
        return f"left on {driver}"
    release(machine, pci)
    write(machine, f"{DEVICES}/{pci}/driver_override", "\n", pci)
    load_modules_for(machine, pci)
    write(machine, PROBE, pci, pci)
    # The module may be loading on udev's behalf at this moment: it then binds by itself.
    if not machine.wait(lambda: driver_of(machine, pci) is not None, DRIVER_TIMEOUT_S):
        raise NodeError(f"{pci}: no driver took {device_id(machine, pci)}")
    return f"bound to {driver_of(machine, pci)}"


def release(machine: Machine, pci: str) -> None:
    """Unbind the device from the driver it has. Refused while it is used."""
    driver = driver_of(machine, pci)
    if driver is None:
        return
    use = use_of(machine, pci)
    if use is not None:
        raise NodeError(f"{pci}: left on {driver}: {use}")
    write(machine, f"{DEVICES}/{pci}/driver/unbind", pci, pci)


def load_driver(machine: Machine, pci: str, driver: str) -> None:
    """Make sure the driver is there to bind to."""
    if machine.exists(f"{DRIVERS}/{driver}"):
        return
    done = machine.run(["modprobe", driver])
    if not machine.exists(f"{DRIVERS}/{driver}"):
        raise NodeError(f"{pci}: driver {driver} is not there: {done.err or 'modprobe was silent'}")


def load_modules_for(machine: Machine, pci: str) -> None:
    """Load what udev would load for the device, without waiting for udev to come to it.

    -b: a deny-listed module stays out. The exit status is no verdict: a driver that is
    built in has no module; whether the device got a driver is looked at afterwards.
    """
    alias = machine.read(f"{DEVICES}/{pci}/modalias")
    if alias is not None:
        machine.run(["modprobe", "-b", alias])


def use_of(machine: Machine, pci: str) -> str | None:
    """Who would lose the device if its driver went away; None when nobody."""
    if driver_of(machine, pci) in DPDK_DRIVERS:
        return _holder(machine, pci)
    # An empty net directory: the interface was moved. Before a driver has made its
    # interface there is no such directory.
    if net_folders(machine, pci) and not netdevs(machine, pci):
        return "its interface is in another network namespace, as a pod's is"
    for name in netdevs(machine, pci):
        use = _interface_use(machine, name)
        if use is not None:
            return use
    return None


def _interface_use(machine: Machine, name: str) -> str | None:
    master = machine.link(f"sys/class/net/{name}/master")
    if master is not None:
        return f"{name} is a port of {master}"
    routes = [row.split() for row in (machine.read("proc/net/route") or "").splitlines()]
    ours = [row for row in routes if row and row[0] == name]
    if any(row[1] == "00000000" and row[7] == "00000000" for row in ours):
        return f"{name} carries the default route"
    addresses = [row.split() for row in (machine.read("proc/net/if_inet6") or "").splitlines()]
    if ours or any(row[-1] == name and row[3] != LINK_LOCAL_SCOPE for row in addresses):
        return f"{name} has an address"
    return None


def _holder(machine: Machine, pci: str) -> str | None:
    """The process that has the device's userspace node open: unbinding would wait for it."""
    device = f"{DEVICES}/{pci}"
    nodes = {f"/dev/vfio/devices/{name}" for name in machine.names(f"{device}/vfio-dev")}
    nodes |= {f"/dev/{name}" for name in machine.names(f"{device}/uio")}
    group = machine.link(f"{device}/iommu_group")
    if group is not None:
        nodes.add(f"/dev/vfio/{group}")
    for pid in filter(str.isdigit, machine.names("proc")):
        for descriptor in machine.names(f"proc/{pid}/fd"):
            node = machine.target(f"proc/{pid}/fd/{descriptor}")
            if node in nodes:
                return f"{machine.read(f'proc/{pid}/comm')} (process {pid}) has {node} open"
    return None


def group_users(machine: Machine, pci: str) -> list[str]:
    """Others in its IOMMU group that keep it closed: `0000:02:00.0 (tg3, mgmt0)`."""
    group = machine.link(f"{DEVICES}/{pci}/iommu_group")
    found: list[str] = []
    for other in machine.names(f"{GROUPS}/{group}/devices"):
        driver = driver_of(machine, other)
        if other != pci and driver is not None and driver not in HARMLESS:
            found.append(f"{other} ({', '.join((driver, *netdevs(machine, other)))})")
    return found


def check_group(machine: Machine, pci: str, name: str) -> None:
    """At the end, when the others are bound as well."""
    users = group_users(machine, pci) if driver_of(machine, pci) == "vfio-pci" else []
    if users:
        group = machine.link(f"{DEVICES}/{pci}/iommu_group")
        raise NodeError(
            f"{pci}: {name} cannot be opened: IOMMU group {group} also has {', '.join(users)}; "
            "use a port with a group of its own"
        )


def _bind_failed(machine: Machine, pci: str, driver: str) -> str:
    now = driver_of(machine, pci)
    message = f"{pci}: {driver} did not take it, it is on {now or 'no driver'}"
    if driver == "vfio-pci" and machine.link(f"{DEVICES}/{pci}/iommu_group") is None:
        return (
            f"{message}: the device has no IOMMU group; VT-d or AMD-Vi is off in the BIOS or kernel"
        )
    return f"{message}; dmesg has the driver's reason"


HINTS = {
    errno.ENOMEM: "the firmware left no room for the VFs' memory: "
    "enable SR-IOV and Above 4G Decoding in the BIOS, or boot with pci=realloc",
    errno.ENOSPC: "the device or the machine is out of interrupt vectors",
    errno.EBUSY: "the kernel still has VFs of it, or its bus has no numbers left for them: "
    "enable SR-IOV in the BIOS, or boot with pci=realloc,assign-busses",
    errno.ENOENT: "its driver does not make VFs; vfio-pci does with the option enable_sriov=1",
}


def write_vf_count(machine: Machine, pci: str, count: int) -> None:
    """Make the device have `count` VFs. igb_uio has a file of its own for it."""
    own = f"{DEVICES}/{pci}/max_vfs"
    path = own if machine.exists(own) else f"{DEVICES}/{pci}/sriov_numvfs"
    try:
        machine.write(path, f"{count}\n")
    except OSError as fault:
        hint = HINTS.get(fault.errno or 0, "dmesg has the kernel's reason")
        raise NodeError(f"{pci}: {count} VFs refused: {fault.strerror}; {hint}") from fault
