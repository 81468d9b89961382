"""Machines made from a description: the files of /sys and /proc as Linux has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from builder.discover.description import Description, describe_machine
from builder.discover.machine import SECURE_BOOT, read_machine
from builder.discover.system_files import Tree
from builder.model.values import CpuSet

GIB_KIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Port:
    """A NIC. name None: no interface. net: there is a place for one all the same. whole: with a
    file that sysfs has of each device.
    """

    pci: str
    id: str
    driver: str | None
    name: str | None = None
    numa: int = 0
    mac: str = "02:00:00:00:00:01"
    kind: str = "0x020000"
    total_vfs: int | None = None
    physfn: str | None = None
    net: bool = False
    whole: bool = True
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Made:
    """nodes: number, CPU list and KiB of MemTotal. cores: sets of siblings, None: all alone.
    links: below the directory of PCI devices.
    """

    nodes: Sequence[tuple[int, str, int]] = ((0, "0-3", 16 * GIB_KIB * 63 // 64),)
    cores: Sequence[str] = ()
    offline: str = ""
    ports: Sequence[Port] = (Port("0000:08:00.0", "8086:1533", "igb", "enp8s0"),)
    vendor: str = "GenuineIntel"
    model: str = "Intel(R) Xeon(R) CPU E5-2620 v4 @ 2.10GHz"
    flags: str = "fpu vme pdpe1gb"
    hostname: str = "nfv1"
    dmi: Mapping[str, str] = field(default_factory=dict)
    secure_boot: bytes | None = None
    route: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)


def write(made: Made, root: Path) -> Path:
    """The tree below `root`."""
    files: dict[str, str] = {
        "proc/cpuinfo": f"processor\t: 0\nvendor_id\t: {made.vendor}\nmodel name\t: {made.model}\n"
        f"flags\t\t: {made.flags}\n\nprocessor\t: 1\nvendor_id\t: other\n",
        "proc/meminfo": f"MemTotal:  {sum(node[2] for node in made.nodes)} kB\n",
        "proc/sys/kernel/hostname": f"{made.hostname}\n",
        "sys/firmware/memmap/0/type": "System RAM\n",
        **{f"sys/class/dmi/id/{key}": value for key, value in made.dmi.items()},
    }
    offline = CpuSet.parse(made.offline) if made.offline else CpuSet()
    everything = CpuSet.of(cpu for _, cpus, _ in made.nodes if cpus for cpu in CpuSet.parse(cpus))
    cpu_dir = "sys/devices/system/cpu"
    files[f"{cpu_dir}/online"] = f"{everything - offline}\n"
    for number, cpus, kib in made.nodes:
        base = f"sys/devices/system/node/node{number}"
        here = CpuSet.parse(cpus) if cpus else CpuSet()
        files[f"{base}/cpulist"] = f"{here - offline}\n"
        files[f"{base}/meminfo"] = f"Node {number} MemTotal:       {kib} kB\n"
        files |= {f"{cpu_dir}/cpu{cpu}/node{number}": "" for cpu in here}
    siblings = {cpu: CpuSet.parse(core) for core in made.cores for cpu in CpuSet.parse(core)}
    for cpu in everything - offline:
        seen = siblings.get(cpu, CpuSet.of([cpu])) - offline
        files[f"{cpu_dir}/cpu{cpu}/topology/thread_siblings_list"] = f"{seen}\n"
    if made.route is not None:
        head = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
        files["proc/net/route"] = head + made.route
    for path, content in {**files, **made.files}.items():
        put(root / path, content.encode("utf-8", "surrogateescape"))
    for port in made.ports:
        write_port(port, root / "sys/bus/pci/devices" / port.pci)
    for path, target in made.links.items():
        (root / "sys/bus/pci/devices" / path).symlink_to(target)
    if made.secure_boot is not None:
        put(root / SECURE_BOOT, made.secure_boot)
    return root


def write_port(port: Port, base: Path) -> None:
    vendor, _, device = port.id.partition(":")
    put(base / "class", f"{port.kind}\n".encode())
    put(base / "vendor", f"0x{vendor}\n".encode())
    put(base / "device", f"0x{device}\n".encode())
    put(base / "numa_node", f"{port.numa}\n".encode())
    if port.whole:
        put(base / "uevent", f"PCI_SLOT_NAME={port.pci}\n".encode())
        put(base / "driver_override", b"(null)\n")
    if port.driver is not None:
        (base / "driver").symlink_to(f"../../../../bus/pci/drivers/{port.driver}")
    if port.physfn is not None:
        (base / "physfn").symlink_to(f"../{port.physfn}")
    if port.total_vfs is not None:
        put(base / "sriov_totalvfs", f"{port.total_vfs}\n".encode())
    if port.net:
        (base / "net").mkdir(parents=True)
    if port.name is not None:
        put(base / "net" / port.name / "address", f"{port.mac}\n".encode())
        put(base / "net" / port.name / "addr_assign_type", b"0\n")
    for path, content in port.files.items():
        put(base / path, content.encode())


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def describe(root: Path, name: str | None = None) -> Description:
    return describe_machine(read_machine(Tree(root)), name, None, "nfv")


SEED = Made(
    nodes=((0, "0-7,16-23", 48441880), (1, "8-15,24-31", 48465912)),
    cores=tuple(f"{cpu},{cpu + 16}" for cpu in range(16)),
    ports=(
        Port("0000:08:00.0", "8086:1533", "igb", "enp8s0", mac="cc:37:ab:e1:21:64"),
        Port("0000:09:00.0", "8086:1533", "igb", "enp9s0", mac="cc:37:ab:e1:21:65"),
        Port(
            "0000:01:00.0", "8086:10fb", "ixgbe", "ens11f0", mac="90:e2:ba:00:00:10", total_vfs=63
        ),
        Port(
            "0000:01:00.1", "8086:10fb", "ixgbe", "ens11f1", mac="90:e2:ba:00:00:11", total_vfs=63
        ),
    ),
    dmi={
        "sys_vendor": "Supermicro\n",
        "product_name": "SYS-6018R-MT\n",
        "product_serial": "S212345X6789\n",
    },
    route="enp8s0 00000000 0102A8C0 0003 0 0 100 00000000 0 0 0\n",
)
