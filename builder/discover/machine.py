"""What the kernel says of its machine, file by file, before anything is made of it.

Standard library only, as `builder.discover.system_files`. Sources: Documentation/ABI/stable/
sysfs-devices-node, testing/sysfs-devices-system-cpu and stable/sysfs-devices;
Documentation/admin-guide/cputopology.rst.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from builder.discover.functions import Function, read_functions
from builder.discover.routes import Layer, read_layers, read_routes
from builder.discover.system_files import Tree

CPUS = "sys/devices/system/cpu"
NODES = "sys/devices/system/node"
DMI = "sys/class/dmi/id"
FIRMWARE = "sys/firmware"
EFI = f"{FIRMWARE}/efi"
SECURE_BOOT = f"{EFI}/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
CPUINFO = "proc/cpuinfo"
MEMINFO = "proc/meminfo"


@dataclass(frozen=True, slots=True)
class Cpu:
    """The core of a CPU, in the first form of those there are that tells it.

    siblings: CPUs of the core as a CPU list; mask: as a mask; core: numbers of the package, the
    die and the core. path: the file of it. All None: the CPU is offline, or they are not there.
    """

    path: str
    siblings: str | None = None
    mask: str | None = None
    core: tuple[int | None, int | None, int] | None = None

    @property
    def is_told(self) -> bool:
        return self.siblings is not None or self.mask is not None or self.core is not None


@dataclass(frozen=True, slots=True)
class NumaNode:
    """A NUMA node. cpus: those online, as a CPU list; cpumap: as a mask; links: those it has links
    to, offline ones too on some kernels. mem_kib: its MemTotal.
    """

    number: int
    cpus: str | None
    mem_kib: int | None
    cpumap: str | None = None
    links: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """All that was read.

    cpus: those that have a directory; online, present: CPU lists. cpu_nodes: node of each offline
    CPU that has a link to one. folded: the kernel gives back the page structures of hugepages (HVO).
    lost: devices that could not be read. efi: None: what firmware there is cannot be told.
    routes: interfaces with a route, those with a default
    route first; ipv6: only IPv6 has one. layers: what lies under those that are no ports.
    """

    cpuinfo: Mapping[str, str] = field(default_factory=dict)
    cpus: Mapping[int, Cpu] = field(default_factory=dict)
    online: str | None = None
    present: str | None = None
    cpu_nodes: Mapping[int, int] = field(default_factory=dict)
    nodes: tuple[NumaNode, ...] = ()
    mem_kib: int | None = None
    folded: bool = False
    functions: tuple[Function, ...] = ()
    lost: tuple[str, ...] = ()
    vendor: str | None = None
    product: str | None = None
    serial: str | None = None
    hostname: str | None = None
    efi: bool | None = None
    secure_boot: bytes | None = None
    routes: tuple[str, ...] = ()
    ipv6: bool = False
    layers: Mapping[str, Layer] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)


def read_machine(tree: Tree) -> Machine:
    """Everything; what is missing or may not be read is None, and in `faults`."""
    cpus = {cpu: _read_cpu(tree, cpu) for cpu in _numbered(tree.names(CPUS), "cpu")}
    nodes = tuple(_read_node(tree, node) for node in _numbered(tree.names(NODES), "node"))
    functions, lost = read_functions(tree)
    routes, ipv6 = read_routes(tree)
    efi = tree.has(EFI)
    return Machine(
        cpuinfo=_read_cpuinfo(tree),
        online=tree.read(f"{CPUS}/online"),
        present=tree.read(f"{CPUS}/present") if tree.has(f"{CPUS}/present") else None,
        cpus=cpus,
        cpu_nodes=dict(_read_cpu_nodes(tree, cpus)),
        nodes=nodes,
        mem_kib=_mem_total(tree.read(MEMINFO)),
        folded=tree.read_number("proc/sys/vm/hugetlb_optimize_vmemmap") == 1,
        functions=functions,
        lost=lost,
        vendor=tree.read(f"{DMI}/sys_vendor"),
        product=tree.read(f"{DMI}/product_name"),
        serial=tree.read(f"{DMI}/product_serial"),
        hostname=tree.read("proc/sys/kernel/hostname"),
        efi=True if efi else False if tree.has(FIRMWARE) else None,
        secure_boot=tree.read_bytes(SECURE_BOOT) if efi else None,
        routes=routes,
        ipv6=ipv6,
        layers=read_layers(tree, routes),
        faults=tree.faults,
    )


def _numbered(names: list[str], stem: str) -> list[int]:
    found = (re.fullmatch(rf"{stem}([0-9]{{1,5}})", name) for name in names)
    return sorted(int(match[1]) for match in found if match)


def _read_cpuinfo(tree: Tree) -> Mapping[str, str]:
    lines = (tree.read_paragraph(CPUINFO) or "").splitlines()
    pairs = (line.partition(":") for line in lines)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _mem_total(text: str | None) -> int | None:
    found = re.search(r"MemTotal:\s+([0-9]+) kB", text or "")
    return int(found[1]) if found else None


def _read_cpu(tree: Tree, cpu: int) -> Cpu:
    """thread_siblings is the older name of core_cpus. An offline CPU has no topology."""
    base = f"{CPUS}/cpu{cpu}/topology"
    present = tree.names(base)
    for name in ("thread_siblings_list", "core_cpus_list"):
        siblings = tree.read(f"{base}/{name}") if name in present else None
        if siblings is not None:
            return Cpu(f"{base}/{name}", siblings=siblings)
    for name in ("thread_siblings", "core_cpus"):
        mask = tree.read(f"{base}/{name}") if name in present else None
        if mask is not None:
            return Cpu(f"{base}/{name}", mask=mask)
    core, package, die = (
        tree.read_number(f"{base}/{name}") if name in present else None
        for name in ("core_id", "physical_package_id", "die_id")
    )
    return Cpu(f"{base}/core_id", core=None if core is None else (package, die, core))


def _read_cpu_nodes(tree: Tree, cpus: Mapping[int, Cpu]) -> list[tuple[int, int]]:
    """Of CPUs without topology; they may be offline, and cpulist is of those online."""
    silent = [cpu for cpu, told in cpus.items() if not told.is_told]
    return [
        (cpu, node)
        for cpu in silent
        # The directory may have nothing else in it that is read, and a copy must have the CPU.
        for node in _numbered(tree.names(f"{CPUS}/cpu{cpu}"), "node")
        if tree.has_link(f"{CPUS}/cpu{cpu}/node{node}")
    ]


def _read_node(tree: Tree, number: int) -> NumaNode:
    base = f"{NODES}/node{number}"
    names = tree.names(base)
    cpus = tree.read(f"{base}/cpulist")
    cpumap = tree.read(f"{base}/cpumap") if cpus is None and "cpumap" in names else None
    links = _numbered(names, "cpu") if cpus is cpumap is None else []
    return NumaNode(
        number,
        cpus,
        _mem_total(tree.read(f"{base}/meminfo")),
        cpumap,
        tuple(cpu for cpu in links if tree.has_link(f"{base}/cpu{cpu}")),
    )
