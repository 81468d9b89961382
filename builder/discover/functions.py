"""What the kernel says of network ports: PCI functions and their interfaces.

Standard library only, as `builder.discover.system_files`. Sources: Documentation/ABI/testing/
sysfs-{bus-pci,class-net}; drivers/pci/pci-sysfs.c and iov.c.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field, replace

from builder.discover.config_space import find_sriov_capability
from builder.discover.system_files import Tree

DEVICES = "sys/bus/pci/devices"
INTERFACES = "sys/class/net"
NETWORK_CLASS = "0x02"
# include/uapi/linux/if_arp.h
ARPHRD_INFINIBAND = 32
# Some of what each device has (pci_dev_attrs).
ALWAYS = frozenset({"uevent", "modalias", "resource", "config", "irq", "enable"})
# And since Linux 3.16, when sriov_totalvfs was there already (3.8).
SINCE_3_16 = "driver_override"


@dataclass(frozen=True, slots=True)
class Netdev:
    """An interface of a PCI function.

    assigned: addr_assign_type, 0 for the address the card came with. permanent: what it was
    before a bond changed it. port_name: phys_port_name, which tells representors of VFs apart.
    kind: ARPHRD_ number. port: number among the ports of one function (dev_port; dev_id before
    Linux 3.15).
    """

    name: str
    address: str | None = None
    assigned: int | None = None
    permanent: str | None = None
    master: str | None = None
    port_name: str | None = None
    kind: int | None = None
    port: int = 0


@dataclass(frozen=True, slots=True)
class Sriov:
    """sriov_totalvfs, sriov_offset, sriov_stride and sriov_vf_device of a port; None: not there."""

    total: int | None = None
    offset: int | None = None
    stride: int | None = None
    vf_device: str | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A PCI function of the network class. local_cpus: CPU list of those near it, where its node
    is not there. is_vf: the kernel says it is a virtual one.

    vfs: addresses of its own virtual functions. has_net: it has a place for interfaces; if there
    is none in it, another network namespace, such as a pod's, has the interface.
    is_whole: the directory has what sysfs has of every device, so what is not there does not
    exist; a copy of only some files may lack it. tells_sriov: likewise of SR-IOV.
    """

    pci: str
    kind: str
    id: str | None
    numa: int | None = None
    local_cpus: str | None = None
    driver: str | None = None
    is_vf: bool = False
    vfs: tuple[str, ...] = ()
    sriov: Sriov = field(default_factory=Sriov)
    has_net: bool = False
    is_whole: bool = True
    tells_sriov: bool = True
    netdevs: tuple[Netdev, ...] = ()


def read_functions(tree: Tree) -> tuple[tuple[Function, ...], tuple[str, ...]]:
    """Functions of the network class, and the addresses of devices that cannot be read."""
    kinds: dict[str, str] = {}
    lost: list[str] = []
    if not tree.has(DEVICES):
        tree.faults[DEVICES] = "no such directory"
    for pci in tree.names(DEVICES):
        kind = tree.read(f"{DEVICES}/{pci}/class") if tree.follow(f"{DEVICES}/{pci}") else None
        if kind is None:
            lost.append(pci)
        elif kind.startswith(NETWORK_CLASS):
            kinds[pci] = kind
    found = tuple(_read_function(tree, pci, kind) for pci, kind in kinds.items())
    silent = {function.pci for function in found if not function.netdevs}
    others = _read_others(tree, silent) if silent else {}
    return (
        tuple(
            replace(function, netdevs=tuple(others.get(function.pci, function.netdevs)))
            for function in found
        ),
        tuple(lost),
    )


def _read_others(tree: Tree, devices: Container[str]) -> Mapping[str, list[Netdev]]:
    """Interfaces that a copy has only in /sys/class/net, by the device their link leads to."""
    found: dict[str, list[Netdev]] = {}
    for name in tree.names(INTERFACES):
        base = f"{INTERFACES}/{name}"
        if tree.follow(base) and tree.link(f"{base}/device") is not None:
            parts = tree.links[f"{base}/device"].split("/")
            for pci in [part for part in parts if part in devices][-1:]:
                found.setdefault(pci, []).append(_read_netdev(tree, base, name))
    return found


def _read_function(tree: Tree, pci: str, kind: str) -> Function:
    base = f"{DEVICES}/{pci}"
    names = tree.names(base)
    event = _event(tree, base)
    # The interfaces of a virtio NIC belong to the virtio device on it.
    folders = [f"{base}/net", *(f"{base}/{name}/net" for name in names if "virtio" in name[:6])]
    numa = tree.read_number(f"{base}/numa_node") if "numa_node" in names else None
    return Function(
        pci=pci,
        kind=kind,
        id=_id(tree, base, event),
        numa=numa,
        local_cpus=_local_cpus(tree, base) if numa is None else None,
        # A copy that has followed links has the driver's directory, without its name.
        driver=tree.link(f"{base}/driver") or event.get("DRIVER"),
        is_vf=tree.has_link(f"{base}/physfn"),
        vfs=tuple(_read_vfs(tree, base, names)),
        sriov=_read_sriov(tree, base),
        has_net=any(tree.has(folder) for folder in folders),
        is_whole=not ALWAYS.isdisjoint(names),
        tells_sriov=SINCE_3_16 in names and tree.read(f"{base}/{SINCE_3_16}") is not None,
        netdevs=tuple(
            _read_netdev(tree, f"{folder}/{name}", name)
            for folder in folders
            for name in tree.names(folder)
        ),
    )


def _local_cpus(tree: Tree, base: str) -> str | None:
    return tree.read(f"{base}/local_cpulist") if tree.has(f"{base}/local_cpulist") else None


def _event(tree: Tree, base: str) -> Mapping[str, str]:
    """pci_uevent(): DRIVER, PCI_CLASS, PCI_ID, PCI_SLOT_NAME and more, one a line."""
    text = tree.read(f"{base}/uevent") if tree.has(f"{base}/uevent") else None
    pairs = (line.partition("=") for line in (text or "").splitlines())
    return {key: value for key, _, value in pairs}


def _id(tree: Tree, base: str, event: Mapping[str, str]) -> str | None:
    vendor, device = tree.read(f"{base}/vendor"), tree.read(f"{base}/device")
    if vendor is None or device is None:
        told = event.get("PCI_ID")
        return None if told is None else told.lower()
    return f"{vendor}:{device}".replace("0x", "").lower()


def _read_vfs(tree: Tree, base: str, names: list[str]) -> Iterator[str]:
    for name in names:
        if name.startswith("virtfn"):
            path = f"{base}/{name}"
            there = tree.link(path) or _event(tree, path).get("PCI_SLOT_NAME")
            yield from [there] if there is not None else []


def _read_sriov(tree: Tree, base: str) -> Sriov:
    """Before Linux 4.13 only the number of VFs has a file; the configuration space has it all."""
    total, device = _optional(tree, f"{base}/sriov_totalvfs"), f"{base}/sriov_vf_device"
    offset, stride = (_optional(tree, f"{base}/sriov_{name}") for name in ("offset", "stride"))
    vf_device = tree.read(device) if tree.has(device) else None
    config = f"{base}/config"
    if total and (offset is None or stride is None) and tree.has(config):
        told = find_sriov_capability(tree.read_bytes(config) or b"")
        if told is not None:
            return Sriov(total, told.offset, told.stride, vf_device or f"{told.vf_device:x}")
    return Sriov(total, offset, stride, vf_device)


def _optional(tree: Tree, path: str) -> int | None:
    """A number that not every device has: none is no fault."""
    return tree.read_number(path) if tree.has(path) else None


def _read_netdev(tree: Tree, base: str, name: str) -> Netdev:
    tree.names(base)
    bonded = f"{base}/bonding_slave/perm_hwaddr"
    port_id = tree.read(f"{base}/dev_id") if tree.has(f"{base}/dev_id") else None
    return Netdev(
        name=name,
        address=tree.read(f"{base}/address"),
        assigned=tree.read_number(f"{base}/addr_assign_type"),
        permanent=tree.read(bonded) if tree.has(bonded) else None,
        master=tree.link(f"{base}/master"),
        # The driver may have none: reading the file then fails with EOPNOTSUPP.
        port_name=tree.read(f"{base}/phys_port_name"),
        kind=_optional(tree, f"{base}/type"),
        port=_optional(tree, f"{base}/dev_port") or _hexadecimal(port_id),
    )


def _hexadecimal(text: str | None) -> int:
    try:
        return int(text or "0", 16)
    except ValueError:
        return 0
