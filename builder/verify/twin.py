"""The twin: a hardware class as a QEMU machine, and in words what of the class QEMU cannot be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from builder.errors import BuilderError
from builder.model.values import CpuSet
from builder.verify.emulated_nics import EMULATED_NICS, IGB
from builder.verify.limits import find_limits
from builder.verify.spec import (
    Firmware,
    TwinNic,
    TwinNode,
    TwinSpec,
    add_first_functions,
    choose_models,
    find_absent,
)
from builder.verify.topology import (
    Port,
    bridge_argv,
    free_slots,
    node_table,
    plan_root_buses,
    take_slots,
)

Accelerator = Literal["kvm", "tcg"]

# The CPU under TCG. `max` alone is an AMD CPU without a constant TSC: Linux then measures the
# delay loop of each CPU anew, 1 s and more each (calibrate_delay_is_known()). An Intel CPU of
# model 0x0e to 0x3a has one (early_init_intel()); this model is one that Linux does not give
# page-table isolation, which costs TCG a TLB flush a system call (cpu_vuln_whitelist in
# arch/x86/kernel/cpu/common.c; steppings up to 2 lose 2 MiB pages, Atom erratum AAE44).
# svm, monitor: nested KVM and MWAIT idling, both of which TCG has only the name of.
TCG_CPU = "max,vendor=GenuineIntel,family=6,model=28,stepping=10,svm=off,monitor=off"
# TCG_PHYS_ADDR_BITS of QEMU is 40: 1 TiB, less what q35 puts between memory and its end.
TCG_MEMORY_MIB = 1000 * 1024
# Beyond it x2APIC is needed, and interrupt remapping that knows it (intel-iommu,eim=on).
MAX_CPUS = 255


@dataclass(frozen=True, slots=True)
class TwinMachine:
    """The machine: `argv` its hardware, without accelerator, CPU model, disk and consoles.

    substitutions: device id of the class -> id of the NIC that stands in for it.
    limits: one sentence for each thing the twin is not as the class is.
    slots: free slots of PCI bus 0 for disk, serial port and random numbers.
    acpi: a table to give to firmware, if any.
    """

    argv: tuple[str, ...]
    firmware: Firmware
    pdpe1gb: bool
    memory_mib: int
    substitutions: Mapping[str, str]
    limits: tuple[str, ...]
    slots: tuple[int, int, int]
    acpi: bytes | None


@dataclass(frozen=True, slots=True)
class TwinFiles:
    """Files of one boot: what `twin_argv` wires the machine to.

    code, variables: UEFI only. seed: a second disk, read-only, for cloud-init.
    """

    disk: str
    facts: str
    console: str
    acpi: str
    code: str = ""
    variables: str = ""
    seed: str = ""


def plan_twin(spec: TwinSpec) -> TwinMachine:
    """The QEMU machine for `spec`; raises BuilderError where there can be none at all."""
    cpus = _check_cpus(spec.nodes)
    absent = find_absent(spec.nics)
    named = [nic for nic in spec.nics if nic.pci not in absent]
    present = [*named, *add_first_functions(named)]
    ports = [Port(nic.pci, nic.numa) for nic in present]
    roots = plan_root_buses(ports)
    slots = free_slots(_occupied(present))
    bridges = bridge_argv(roots, slots)
    disk, serial, rng = take_slots(slots, 3)
    models = choose_models(present)
    substitutions = {real: twin for real, twin in models.items() if real != twin}
    return TwinMachine(
        argv=(
            *_machine_argv(spec, cpus),
            *_identity_argv(substitutions),
            *bridges,
            *_nic_argv(present, models),
        ),
        firmware=spec.firmware,
        pdpe1gb=spec.pdpe1gb,
        memory_mib=sum(node.memory_mib for node in spec.nodes),
        substitutions=substitutions,
        limits=find_limits(spec, roots),
        slots=(disk, serial, rng),
        acpi=None if roots[0].node is None else node_table(roots[0].node),
    )


def _check_cpus(nodes: Sequence[TwinNode]) -> int:
    """How many CPUs; Linux numbers those it finds from 0 without gaps, so the class must too."""
    cpus = sorted(cpu for node in nodes for cpu in node.cpus)
    if cpus != list(range(len(cpus))) or not cpus:
        raise BuilderError(
            f"the twin needs CPUs numbered from 0 without gaps, the class has "
            f"{CpuSet.of(cpus) or 'none'}",
            hint="list all logical CPUs the machine has, each on one NUMA node",
        )
    if len(cpus) > MAX_CPUS:
        raise BuilderError(f"the twin can have {MAX_CPUS} CPUs, the class has {len(cpus)}")
    memory = sum(node.memory_mib for node in nodes)
    if memory > TCG_MEMORY_MIB:
        raise BuilderError(
            f"the twin can have {TCG_MEMORY_MIB} MiB of memory, the class has {memory} MiB"
        )
    return len(cpus)


def _occupied(nics: Sequence[TwinNic]) -> set[int]:
    """Slots of bus 0 that NICs there take, for themselves and for their VFs."""
    taken: set[int] = set()
    for nic in nics:
        if nic.pci.bus == 0:
            taken.add(nic.pci.device)
            vfs = [nic.pci.vf(IGB.vf_offset, IGB.vf_stride, n) for n in range(IGB.total_vfs)]
            taken |= {vf.device for vf in vfs if vf.bus == 0}
    return taken


def _machine_argv(spec: TwinSpec, cpus: int) -> tuple[str, ...]:
    """Board, CPUs, memory and IOMMU.

    hpet=off: timer interrupts by it stall on a loaded build host. sata, smbus: not used, and
    their functions of device 1f are free for the class. eim: lets the guest use x2APIC, cheaper
    to emulate than APIC registers in memory.
    """
    cores = _socket_size([node.cpus for node in spec.nodes], cpus)
    words = [
        "-machine",
        "q35,hpet=off,kernel-irqchip=split,sata=off,smbus=off,vmport=off",
        "-smp",
        f"{cpus},sockets={cpus // cores},cores={cores},threads=1",
        "-m",
        f"{sum(node.memory_mib for node in spec.nodes)}M",
    ]
    for number, node in enumerate(spec.nodes):
        ranges = "".join(f",cpus={part}" for part in str(CpuSet.of(node.cpus)).split(",") if part)
        words += [
            "-object",
            f"memory-backend-ram,id=mem{number},size={node.memory_mib}M,reserve=off",
            "-numa",
            f"node,nodeid={number},memdev=mem{number}{ranges}",
        ]
    return (*words, "-device", "intel-iommu,intremap=on,eim=on,caching-mode=on")


def _socket_size(nodes: Sequence[Sequence[int]], cpus: int) -> int:
    """The largest socket of which none has CPUs of two nodes: Linux warns of those that have."""
    node_of = {cpu: number for number, node in enumerate(nodes) for cpu in node}
    for size in range(cpus, 1, -1):
        if cpus % size == 0 and all(
            node_of[cpu] == node_of[cpu - cpu % size] for cpu in range(cpus)
        ):
            return size
    return 1


def _identity_argv(substitutions: Mapping[str, str]) -> tuple[str, ...]:
    """SMBIOS: that this is a twin, and which ids stand in for which."""
    words = ["-smbios", "type=1,manufacturer=rackwright,product=twin"]
    for real, twin in sorted(substitutions.items()):
        words += ["-smbios", f"type=11,value=rackwright.substitute={real}={twin}"]
    return tuple(words)


def _nic_argv(nics: Sequence[TwinNic], models: Mapping[str, str]) -> tuple[str, ...]:
    """Each NIC with a network of its own: link up, DHCP, no way out (restrict=on).

    romfile: without a network boot program, which would cost the boot seconds.
    """
    devices = Counter((nic.pci.bus, nic.pci.device) for nic in nics)
    words: list[str] = []
    for number, nic in enumerate(sorted(nics, key=lambda nic: nic.pci)):
        pci = nic.pci
        bus = "pcie.0" if pci.bus == 0 else f"bus{pci.bus}"
        device = f"{EMULATED_NICS[models[nic.device_id]].device},netdev=net{number},romfile="
        device += f",bus={bus},addr={pci.device:02x}.{pci.function}"
        if pci.function == 0 and devices[pci.bus, pci.device] > 1:
            # Linux goes by the ARI capability, not by function numbers, on such a bus.
            device += ",multifunction=on,x-pcie-ari-nextfn-1=on"
        if nic.mac is not None:
            device += f",mac={nic.mac}"
        words += ["-netdev", f"user,id=net{number},restrict=on", "-device", device]
    return tuple(words)


def twin_argv(
    machine: TwinMachine, files: TwinFiles, accelerator: Accelerator, *, may_reboot: bool = False
) -> tuple[str, ...]:
    """The whole QEMU command: `machine` with its accelerator, firmware, disk and channels."""
    kvm = accelerator == "kvm"
    cpu = ("host" if kvm else TCG_CPU) + ("" if machine.pdpe1gb else ",pdpe1gb=off")
    disk, serial, rng = (f"bus=pcie.0,addr={slot:02x}.0" for slot in machine.slots)
    acpi = () if machine.acpi is None else ("-acpitable", f"file={_value(files.acpi)}")
    return (
        *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none"),
        # A reset ends QEMU: a node that reboots unasked has not come up. UEFI firmware may reset
        # once on its own account (edk2: PcdResetOnMemoryTypeInformationChange; shim's fallback).
        *(() if may_reboot or machine.firmware != "bios" else ("-no-reboot",)),
        *("-accel", "kvm" if kvm else "tcg,thread=multi", "-cpu", cpu),
        *machine.argv,
        *acpi,
        *_firmware_argv(machine.firmware, files),
        # The overlay is thrown away: no need to have it on the disk.
        *("-drive", f"if=none,id=disk,format=qcow2,cache=unsafe,file={_value(files.disk)}"),
        *("-device", f"virtio-blk-pci,drive=disk,{disk},bootindex=0{_beside(files.seed)}"),
        *_seed_argv(files.seed, machine.slots[0]),
        *("-chardev", f"file,id=console,path={_value(files.console)}"),
        *("-serial", "chardev:console"),
        *("-chardev", f"file,id=facts,path={_value(files.facts)}"),
        *("-device", f"virtio-serial-pci,{serial}"),
        *("-device", "virtserialport,chardev=facts,name=rackwright.facts"),
        *("-object", "rng-random,id=rng,filename=/dev/urandom"),
        *("-device", f"virtio-rng-pci,rng=rng,{rng}"),
    )


def _beside(seed: str) -> str:
    return ",multifunction=on" if seed else ""


def _seed_argv(seed: str, slot: int) -> tuple[str, ...]:
    """The seed's disk, beside the system's in its slot."""
    if not seed:
        return ()
    drive = f"if=none,id=seed,format=raw,readonly=on,file={_value(seed)}"
    return ("-drive", drive, "-device", f"virtio-blk-pci,drive=seed,bus=pcie.0,addr={slot:02x}.1")


def _firmware_argv(firmware: Firmware, files: TwinFiles) -> tuple[str, ...]:
    if firmware == "bios":
        return ()
    code = f"if=pflash,format=raw,unit=0,readonly=on,file={_value(files.code)}"
    variables = f"if=pflash,format=raw,unit=1,file={_value(files.variables)}"
    return ("-drive", code, "-drive", variables)


def _value(path: str) -> str:
    """A path inside an option of QEMU, where a comma ends a value unless it is doubled."""
    return path.replace(",", ",,")
