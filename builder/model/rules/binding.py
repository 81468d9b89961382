"""Rules on userspace drivers: what Secure Boot, the device and the kernel's words allow."""

from __future__ import annotations

from collections.abc import Iterator

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.catalog.modules import module_name
from builder.diagnostics import KeyPath
from builder.model.fields import arg_name
from builder.model.inventory import Inventory
from builder.model.ports import dpdk_ports, is_bifurcated
from builder.model.rules.pairs import Pair, pairs
from builder.rule import SEE, Finding, Rule, each


def _bindings(pair: Pair) -> Iterator[tuple[KeyPath, str, bool]]:
    """(place, driver, whether it is for VFs) of each choice of a driver that has an effect."""
    ovs = pair.profile.ovs
    whole = [
        port
        for port in dpdk_ports(pair.hardware, pair.profile)
        if port.port.nic is not None and not is_bifurcated(port.nic)
    ]
    if ovs is not None and whole:
        yield (*pair.path, "ovs", "driver"), ovs.driver, False
    for index, policy in enumerate(pair.profile.sriov):
        path = (*pair.path, "sriov", index)
        if len({vf.index for vf in policy.vfs if vf.driver}) < policy.num_vfs:
            yield (*path, "driver"), policy.driver, True
        for number, vf in enumerate(policy.vfs):
            if vf.driver is not None:
                yield (*path, "vfs", number, "driver"), vf.driver, True


def check_secure_boot(inventory: Inventory) -> Iterator[Finding]:
    for pair in pairs(inventory):
        for path, driver, _ in _bindings(pair):
            known = DPDK_DRIVERS.get(driver)
            if pair.hardware.secure_boot and known is not None and known.secure_boot is not None:
                other = (*pair.class_path, "secure-boot")
                message = f"{driver} does not work with Secure Boot ({SEE}): {known.secure_boot}"
                yield Finding(path, message, "driver: vfio-pci", see=other)


def check_vf_interrupts(pair: Pair) -> Iterator[Finding]:
    """VFs have MSI-X only (DPDK, Linux drivers guide)."""
    for path, driver, is_vf in _bindings(pair):
        if is_vf and driver in DPDK_DRIVERS and DPDK_DRIVERS[driver].needs_intx:
            message = f"{driver} needs a legacy interrupt (INTx), which a VF does not have"
            yield Finding(path, message, "driver: vfio-pci")


def check_iommu(pair: Pair) -> Iterator[Finding]:
    """Words that leave vfio-pci without an IOMMU, or VFs without interrupts."""
    has_vfio = any(driver == "vfio-pci" for _, driver, _ in _bindings(pair))
    for index, text in enumerate(pair.profile.kernel_args):
        path = (*pair.path, "kernel-args", index)
        name, _, value = text.partition("=")
        is_off = name in (
            "iommu",
            f"{pair.hardware.cpu.vendor}_iommu",
        ) and "off" in value.split(",")
        reason = "it disables the IOMMU" if is_off else _NO_IOMMU.get(text)
        if has_vfio and reason is not None:
            message = f"{text}: {reason}, so vfio-pci cannot open any port"
            yield Finding(path, message, "remove it")
        elif name == "pci" and "nomsi" in value.split(",") and pair.profile.sriov:
            message = "pci=nomsi: VFs have only MSI-X interrupts, so their drivers fail"
            yield Finding(path, message, "remove nomsi")


# vfio_iommu_type1.c, vfio_iommu_type1_attach_group(): "No interrupt remapping support" is EPERM.
_NO_IOMMU = {
    "acpi=off": "the kernel finds the IOMMU through ACPI (tables DMAR and IVRS)",
    "intremap=off": "VFIO requires interrupt remapping",
    "nointremap": "VFIO requires interrupt remapping",
}


def check_taken_by_model(pair: Pair) -> Iterator[Finding]:
    """vfio_pci.c, vfio_pci_fill_ids(): `ids` takes every port of a model, also those that stay."""
    options = pair.profile.drivers.get("vfio-pci")
    given = [
        ((*pair.path, "kernel-args", index), text.partition("=")[2])
        for index, text in enumerate(pair.profile.kernel_args)
        if arg_name(text) == "vfio_pci.ids" and "=" in text
    ]
    if options is not None and "ids" in options.options:
        path = (*pair.path, "drivers", "vfio-pci", "options", "ids")
        given.append((path, str(options.options["ids"])))
    for path, ids in given:
        taken = {text.lower() for text in ids.split(",")}
        names = [nic.name for nic in pair.hardware.nics if nic.id in taken]
        message = f"{ids}: vfio-pci claims every port with this device id"
        if names:
            message += f", including {' and '.join(names)}, as soon as it is loaded"
        hint = "remove it: bridges and sriov bind ports and VFs by PCI address"
        yield Finding(path, message, hint)


def check_not_blocked(pair: Pair) -> Iterator[Finding]:
    """kernel/module/main.c, blacklisted(); modprobe.d(5): modprobe.blacklist= is for aliases."""
    wanted = {nic.driver: f"the driver of {nic.name}" for nic in pair.hardware.nics}
    wanted |= {
        driver: "the driver that ports or VFs are bound to"
        for _, driver, _ in _bindings(pair)
        if driver != "kernel"
    }
    known = {module_name(name): use for name, use in wanted.items()}
    for index, text in enumerate(pair.profile.kernel_args):
        name, _, value = text.partition("=")
        if arg_name(text) not in {"module_blacklist", "modprobe.blacklist"}:
            continue
        for module in value.split(","):
            use = known.get(module_name(module))
            if use is not None:
                path = (*pair.path, "kernel-args", index)
                message = f"{name} prevents {module} from loading, {use}"
                yield Finding(path, message, f"remove {module}")


def check_driver_signed(pair: Pair) -> Iterator[Finding]:
    """A module of another build loads with Secure Boot only when its key is enrolled (MOK)."""
    for name, settings in pair.profile.drivers.items():
        if settings.flavour == "out-of-tree" and pair.hardware.secure_boot:
            other = (*pair.class_path, "secure-boot")
            message = (
                f"with Secure Boot ({SEE}), an out-of-tree {name} loads only if it is signed "
                "with a key that the machine trusts"
            )
            hint = "flavour: in-tree, or enroll the key on each machine (mokutil --import)"
            path = (*pair.path, "drivers", name, "flavour")
            yield Finding(path, message, hint, see=other)


def check_bifurcated_port(pair: Pair) -> Iterator[Finding]:
    """DPDK, mlx5 guide: the port stays with its kernel driver."""
    ovs = pair.profile.ovs
    if ovs is None or "driver" not in ovs.model_fields_set:
        return
    for port in dpdk_ports(pair.hardware, pair.profile):
        nic = port.nic
        if port.port.nic is not None and is_bifurcated(nic):
            message = (
                f"{ovs.driver} would take {nic.name} (port {port.name}) away from {nic.driver}, "
                "which DPDK needs to drive it"
            )
            yield Finding((*pair.path, "ovs", "driver"), message, "leave it out")
            break


RULES: tuple[Rule[Inventory], ...] = (
    Rule(
        "vf-interrupts",
        "error",
        "VFs do not use uio_pci_generic: it needs a legacy interrupt, which VFs do not have.",
        each(pairs, check_vf_interrupts),
    ),
    Rule(
        "binding-secure-boot",
        "error",
        "With Secure Boot, drivers are signed kernel modules.",
        check_secure_boot,
    ),
    Rule(
        "binding-bifurcated",
        "error",
        "A port that DPDK drives through its kernel driver (mlx5) is not bound to another driver.",
        each(pairs, check_bifurcated_port),
    ),
    Rule(
        "binding-iommu",
        "error",
        "Kernel arguments do not disable the IOMMU for vfio-pci or interrupts for VFs.",
        each(pairs, check_iommu),
    ),
    Rule(
        "binding-by-model",
        "error",
        "vfio-pci does not claim all ports of a model by device id.",
        each(pairs, check_taken_by_model),
    ),
    Rule(
        "binding-blocked",
        "error",
        "Kernel arguments do not block a driver that is needed.",
        each(pairs, check_not_blocked),
    ),
    Rule(
        "driver-signed",
        "warning",
        "With Secure Boot, a NIC driver is the in-tree build: others need an enrolled key.",
        each(pairs, check_driver_signed),
    ),
)
