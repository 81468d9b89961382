"""What the kernel says of its machine, file by file, before anything is made of it.

Standard library only, as `builder.discover.system_files`. Sources: Documentation/ABI/stable/
sysfs-devices-node, testing/sysfs-{devices-system-cpu,bus-pci,class-net} and stable/sysfs-devices.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from builder.discover.system_files import Tree

CPUS = "sys/devices/system/cpu"
NODES = "sys/devices/system/node"
DEVICES = "sys/bus/pci/devices"
DMI = "sys/class/dmi/id"
EFI = "sys/firmware/efi"
SECURE_BOOT = f"{EFI}/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
NETWORK_CLASS = "0x02"


@dataclass(frozen=True, slots=True)
class Netdev:
    """An interface of a PCI function.

    assigned: addr_assign_type, 0 for the address the card came with. permanent: what it was
    before a bond changed it. port_name: phys_port_name, which tells representors of VFs apart.
    """

    name: str
    address: str | None = None
    assigned: int | None = None
    permanent: str | None = None
    master: str | None = None
    port_name: str | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A PCI function of the network class. is_vf: it is a virtual function of another.

    has_net: it has a place for interfaces; if there is none in it, another network namespace,
    such as a pod's, has the interface.
    """

    pci: str
    kind: str
    id: str | None
    numa: int | None = None
    driver: str | None = None
    is_vf: bool = False
    total_vfs: int | None = None
    has_net: bool = False
    netdevs: tuple[Netdev, ...] = ()


@dataclass(frozen=True, slots=True)
class NumaNode:
    """A NUMA node. cpus: those online, as a CPU list. mem_kib: its MemTotal."""

    number: int
    cpus: str | None
    mem_kib: int | None


@dataclass(frozen=True, slots=True)
class Machine:
    """All that was read.

    siblings: of each online CPU its core's CPUs as a CPU list. offline_nodes: node of each
    offline CPU. folded: the kernel gives back the page structures of hugepages (HVO).
    routes: interfaces with an IPv4 route, those with a default route first.
    """

    cpuinfo: Mapping[str, str] = field(default_factory=dict)
    cpus: tuple[int, ...] = ()
    online: str | None = None
    siblings: Mapping[int, str] = field(default_factory=dict)
    offline_nodes: Mapping[int, int] = field(default_factory=dict)
    nodes: tuple[NumaNode, ...] = ()
    mem_kib: int | None = None
    folded: bool = False
    functions: tuple[Function, ...] = ()
    vendor: str | None = None
    product: str | None = None
    serial: str | None = None
    hostname: str | None = None
    efi: bool = False
    secure_boot: bytes | None = None
    routes: tuple[str, ...] = ()
    faults: Mapping[str, str] = field(default_factory=dict)


def read_machine(tree: Tree) -> Machine:
    """Everything; what is missing or may not be read is None, and in `faults`."""
    numbers = tuple(_numbered(tree.names(CPUS), "cpu"))
    nodes = _numbered(tree.names(NODES), "node")
    cpus = {cpu: tree.read(f"{CPUS}/cpu{cpu}/topology/thread_siblings_list") for cpu in numbers}
    silent = [cpu for cpu, text in cpus.items() if text is None]
    return Machine(
        cpuinfo=_read_cpuinfo(tree),
        cpus=numbers,
        online=tree.read(f"{CPUS}/online"),
        siblings={cpu: text for cpu, text in cpus.items() if text is not None},
        offline_nodes={
            cpu: node for cpu in silent for node in nodes if tree.has(f"{CPUS}/cpu{cpu}/node{node}")
        },
        nodes=tuple(_read_node(tree, node) for node in nodes),
        mem_kib=_mem_total(tree.read("proc/meminfo")),
        folded=tree.read_number("proc/sys/vm/hugetlb_optimize_vmemmap") == 1,
        functions=tuple(_read_functions(tree)),
        vendor=tree.read(f"{DMI}/sys_vendor"),
        product=tree.read(f"{DMI}/product_name"),
        serial=tree.read(f"{DMI}/product_serial"),
        hostname=tree.read("proc/sys/kernel/hostname"),
        efi=tree.has(EFI),
        secure_boot=tree.read_bytes(SECURE_BOOT) if tree.has(EFI) else None,
        routes=_routes(tree.read("proc/net/route")),
        faults=tree.faults,
    )


def _numbered(names: list[str], stem: str) -> list[int]:
    found = (re.fullmatch(rf"{stem}([0-9]{{1,5}})", name) for name in names)
    return sorted(int(match[1]) for match in found if match)


def _read_cpuinfo(tree: Tree) -> Mapping[str, str]:
    lines = (tree.read_paragraph("proc/cpuinfo") or "").splitlines()
    pairs = (line.partition(":") for line in lines)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _mem_total(text: str | None) -> int | None:
    found = re.search(r"MemTotal:\s+([0-9]+) kB", text or "")
    return int(found[1]) if found else None


def _read_node(tree: Tree, number: int) -> NumaNode:
    base = f"{NODES}/node{number}"
    return NumaNode(number, tree.read(f"{base}/cpulist"), _mem_total(tree.read(f"{base}/meminfo")))


def _routes(text: str | None) -> tuple[str, ...]:
    """net/ipv4/fib_trie.c: Iface Destination Gateway Flags RefCnt Use Metric Mask ..."""
    rows = [row.split() for row in (text or "").splitlines()[1:]]
    rows = [row for row in rows if len(row) > 7]
    default = [row[0] for row in rows if row[1] == row[7] == "00000000"]
    return tuple(dict.fromkeys([*default, *(row[0] for row in rows)]))


def _read_functions(tree: Tree) -> list[Function]:
    kinds = {pci: tree.read(f"{DEVICES}/{pci}/class") or "" for pci in tree.names(DEVICES)}
    return [
        _read_function(tree, pci, kind)
        for pci, kind in kinds.items()
        if kind.startswith(NETWORK_CLASS)
    ]


def _read_function(tree: Tree, pci: str, kind: str) -> Function:
    base = f"{DEVICES}/{pci}"
    vendor, device = tree.read(f"{base}/vendor"), tree.read(f"{base}/device")
    known = vendor is not None and device is not None
    # The interfaces of a virtio NIC belong to the virtio device on it.
    inner = [name for name in tree.names(base) if name.startswith("virtio")]
    folders = [f"{base}/net", *(f"{base}/{name}/net" for name in inner)]
    return Function(
        pci=pci,
        kind=kind,
        id=f"{vendor}:{device}".replace("0x", "").lower() if known else None,
        numa=tree.read_number(f"{base}/numa_node"),
        driver=tree.link(f"{base}/driver"),
        is_vf=tree.has(f"{base}/physfn"),
        total_vfs=_optional(tree, f"{base}/sriov_totalvfs"),
        has_net=any(tree.has(folder) for folder in folders),
        netdevs=tuple(
            _read_netdev(tree, f"{folder}/{name}", name)
            for folder in folders
            for name in tree.names(folder)
        ),
    )


def _optional(tree: Tree, path: str) -> int | None:
    """A number that not every device has: none is no fault."""
    return tree.read_number(path) if tree.has(path) else None


def _read_netdev(tree: Tree, base: str, name: str) -> Netdev:
    tree.names(base)
    bonded = f"{base}/bonding_slave/perm_hwaddr"
    return Netdev(
        name=name,
        address=tree.read(f"{base}/address"),
        assigned=tree.read_number(f"{base}/addr_assign_type"),
        permanent=tree.read(bonded) if tree.has(bonded) else None,
        master=tree.link(f"{base}/master"),
        # The driver may have none: reading the file then fails with EOPNOTSUPP.
        port_name=tree.read(f"{base}/phys_port_name"),
    )
