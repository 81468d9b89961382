"""Where a machine is not what an inventory says of it: key by key, with both values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.catalog.modules import module_name
from builder.diagnostics import KeyPath, Location, Marks, format_path
from builder.discover.card import Layout, planned_layout, real_layout, within_driver
from builder.discover.description import Description
from builder.discover.ports import FoundNic
from builder.discover.topology import FoundNode
from builder.discover.vfs import vf_id_of
from builder.errors import BuilderError
from builder.model.hardware import HardwareClass, Nic
from builder.model.inventory import Inventory
from builder.model.memory import mem_total_range
from builder.model.sizes import format_mib
from builder.model.sriov import SriovPolicy, count_card_ports, most_vfs_wanted
from builder.model.values import CpuSet
from builder.phrases import count_text, format_names, plural

NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Difference:
    """One key. is_note: no fault of either side, such as a name that only our image gives."""

    where: Location
    path: KeyPath
    inventory: str
    machine: str
    is_note: bool = False

    def __str__(self) -> str:
        kind = "note" if self.is_note else "different"
        values = f"the inventory has {self.inventory}, the machine has {self.machine}"
        return f"{self.where}: {kind}: {format_path(self.path)}: {values}"


def class_to_compare(
    inventory: Inventory, file: str, class_name: str | None, host_name: str | None
) -> str:
    """The class named, or else that of the host; raises BuilderError for what `file` has not."""
    hosts = f"hosts: {format_names(inventory.hosts)}"
    if host_name is not None and host_name not in inventory.hosts:
        raise BuilderError(f"{file} has no host {host_name!r}", hint=hosts)
    name = class_name or inventory.hosts[str(host_name)].hardware
    if name not in inventory.hardware:
        raise BuilderError(
            f"{file} has no hardware class {name!r}",
            hint=f"hardware classes: {format_names(inventory.hardware)}",
        )
    return name


def compare_machine(
    found: Description, inventory: Inventory, marks: Marks, class_name: str, host_name: str | None
) -> tuple[Difference, ...]:
    """Every difference, in the order of the inventory's keys; of the host only if it is named."""
    base: KeyPath = ("hardware", class_name)
    hardware = inventory.hardware[class_name]
    pairs = [
        *_compare_cpu(found, hardware, base),
        *_compare_numa(found, hardware, base),
        *_compare_cores(found, hardware, base),
        *_compare_nics(found, hardware, _policies(inventory, class_name, host_name), base),
        *_compare_secure_boot(found, hardware, base),
    ]
    if host_name is not None:
        pairs += _compare_host(found, inventory, hardware, host_name)
    return tuple(
        Difference(marks.value_at(pair.path), pair.path, pair.inventory, pair.machine, pair.is_note)
        for pair in pairs
    )


@dataclass(frozen=True, slots=True)
class _Pair:
    """A difference that does not know its place yet."""

    path: KeyPath
    inventory: str
    machine: str
    is_note: bool = False


def _differ(path: KeyPath, inventory: object, machine: object) -> Iterator[_Pair]:
    if inventory != machine:
        yield _Pair(path, _shown(inventory), _shown(machine))


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return NOTHING if value is None or value == CpuSet() else str(value)


def _compare_cpu(found: Description, hardware: HardwareClass, base: KeyPath) -> Iterator[_Pair]:
    yield from _differ((*base, "cpu", "vendor"), hardware.cpu.vendor, found.vendor)
    if found.pdpe1gb is not None:
        yield from _differ((*base, "cpu", "pdpe1gb"), hardware.cpu.pdpe1gb, found.pdpe1gb)


def _compare_numa(found: Description, hardware: HardwareClass, base: KeyPath) -> Iterator[_Pair]:
    here, there = hardware.numa, found.topology.nodes
    if len(here) != len(there):
        yield _Pair((*base, "numa"), count_text(len(here), "node"), count_text(len(there), "node"))
    for index, (node, real) in enumerate(zip(here, there, strict=False)):
        path = (*base, "numa", index)
        yield from _differ((*path, "cpus"), node.cpus, real.cpus)
        if not _same_memory(node.memory, real):
            yield _Pair((*path, "memory"), format_mib(node.memory), format_mib(real.memory))


def _same_memory(wanted: int, real: FoundNode) -> bool:
    """Whether a node of the inventory's MiB would have this MemTotal, as `verify` judges it."""
    low, high = mem_total_range(wanted)
    return low <= real.mem_kib // 1024 <= high


def _compare_cores(found: Description, hardware: HardwareClass, base: KeyPath) -> Iterator[_Pair]:
    """Of CPUs that are offline the kernel does not tell the siblings."""
    unsure = found.topology.unsure
    here = {core for core in hardware.cores if not core & unsure}
    there = {core - unsure for core in found.topology.cores} - {CpuSet()}
    known = CpuSet.of(cpu for core in here for cpu in core)
    there = {core for core in there if core & known or not unsure}
    if here != there:
        key = "threads" if hardware.threads is not None else "siblings"
        yield _Pair((*base, key), _cores(sorted(here)), _cores(sorted(there)))


def _cores(cores: list[CpuSet]) -> str:
    """`16 cores of 2 CPUs (0,16; 1,17; …)`."""
    sizes = sorted({len(core) for core in cores})
    first = "; ".join(str(core) for core in cores[:2]) + ("; …" if len(cores) > 2 else "")
    each = " or ".join(map(str, sizes))
    return f"{count_text(len(cores), 'core')} of {each} {plural('CPU', max(sizes, default=0))} ({first})"


def _compare_nics(
    found: Description, hardware: HardwareClass, policies: Sequence[SriovPolicy], base: KeyPath
) -> Iterator[_Pair]:
    real = {nic.pci: nic for nic in found.nics}
    for index, nic in enumerate(hardware.nics):
        path = (*base, "nics", index)
        there = real.pop(str(nic.pci), None)
        if there is None:
            yield _Pair(path, f"{nic.name} at {nic.pci}", "no port there")
        else:
            yield from _compare_nic(nic, there, path, len(found.topology.nodes))
            yield from _compare_vfs(nic, there, path, hardware, policies)
    for extra in real.values():
        kind = f"{extra.name} at {extra.pci} ({extra.id}, {extra.driver})"
        yield _Pair((*base, "nics"), "no port there", kind)


def _compare_nic(nic: Nic, real: FoundNic, path: KeyPath, nodes: int) -> Iterator[_Pair]:
    yield from _differ((*path, "id"), nic.id, real.id)
    bound = real.bound if real.bound not in DPDK_DRIVERS else None
    driver = bound or (real.driver if real.driver != "unknown" else nic.driver)
    if module_name(nic.driver) != module_name(driver):
        yield _Pair((*path, "driver"), nic.driver, driver)
    if real.kernel_name not in (None, nic.name):
        # The image's .link files give ports their names: another system need not have them.
        yield _Pair((*path, "name"), nic.name, f"{real.kernel_name}", is_note=True)
    if real.numa is not None:
        # On a machine of one node it makes no difference.
        if nodes > 1 or nic.numa not in (None, real.numa):
            yield from _differ((*path, "numa"), nic.numa, real.numa)
    elif nic.numa is not None and nodes > 1:
        yield _Pair((*path, "numa"), str(nic.numa), NOTHING, is_note=True)


def _compare_vfs(
    nic: Nic,
    real: FoundNic,
    path: KeyPath,
    hardware: HardwareClass,
    policies: Sequence[SriovPolicy],
) -> Iterator[_Pair]:
    """What is planned with for the port's VFs, beside what the kernel says it can have."""
    model, sriov, path = nic.model, real.capability, (*path, "sriov")
    asked = max((policy.num_vfs for policy in policies if policy.pf == nic.name), default=0)
    if sriov.total == 0 and asked:
        yield _Pair(path, count_text(asked, "VF"), NOTHING)
    if not sriov.total or not model.total_vfs or nic.id != real.id:
        return
    ports = count_card_ports(hardware, nic)
    wanted = most_vfs_wanted(hardware, policies, nic)
    planned = planned_layout(model, nic.pci.function, ports, wanted)
    total = within_driver(model, Layout(sriov.total, 0, 0), planned).total
    yield from _differ((*path, "total-vfs"), planned.total, total)
    there = real_layout(sriov)
    if there is not None:
        yield from _differ((*path, "vf-offset"), planned.offset, there.offset)
        yield from _differ((*path, "vf-stride"), planned.stride, there.stride)
    vf_id = vf_id_of(real.id, sriov)
    if vf_id is not None and model.vf is not None:
        yield from _differ((*path, "vf-id"), model.vf.device_id, vf_id)


def _policies(
    inventory: Inventory, class_name: str, host_name: str | None
) -> tuple[SriovPolicy, ...]:
    """Those of the host, or of all hosts of the class."""
    names = dict.fromkeys(
        host.profile
        for name, host in inventory.hosts.items()
        if host.hardware == class_name and host_name in (None, name)
    )
    profiles = (inventory.profiles.get(name) for name in names)
    return tuple(policy for profile in profiles if profile for policy in profile.sriov)


def _compare_secure_boot(
    found: Description, hardware: HardwareClass, base: KeyPath
) -> Iterator[_Pair]:
    if found.secure_boot is not None:
        yield from _differ((*base, "secure-boot"), hardware.secure_boot, found.secure_boot)


def _compare_host(
    found: Description, inventory: Inventory, hardware: HardwareClass, name: str
) -> Iterator[_Pair]:
    """What identifies a machine, as far as the inventory says it."""
    host, base = inventory.hosts[name], ("hosts", name)
    serial = found.host.serial
    if host.serial is not None and serial is None:
        yield _Pair((*base, "serial"), host.serial, NOTHING, is_note=True)
    elif host.serial is not None:
        yield from _differ((*base, "serial"), host.serial, serial)
    macs = {nic.pci: nic.mac for nic in found.nics}
    known = [mac for mac in macs.values() if mac is not None]
    if host.boot_mac is not None and known and host.boot_mac not in known:
        # A port whose own address could not be read may be the one.
        unsure = len(known) < len(macs)
        yield _Pair((*base, "boot-mac"), host.boot_mac, ", ".join(known), is_note=unsure)
    for interface, settings in host.interfaces.items():
        nic = hardware.nic(interface)
        mac = None if nic is None else macs.get(str(nic.pci))
        if settings.mac is not None and mac is not None:
            yield from _differ((*base, "interfaces", interface, "mac"), settings.mac, mac)
