"""Rules on userspace drivers: what Secure Boot, the device and the kernel's words allow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from builder.diagnostics import Diagnostic, KeyPath, Marks
from builder.model.inventory import Inventory
from builder.model.roles import dpdk_ports, is_bifurcated
from builder.model.rules.findings import Pair, at, error, pairs, warning


def _bindings(pair: Pair) -> Iterator[tuple[KeyPath, str, bool]]:
    """(place, driver, whether it is for VFs) of each choice of a driver that has an effect."""
    ovs = pair.profile.ovs
    whole = [
        port
        for port in dpdk_ports(pair.hardware, pair.profile)
        if port.port.nic is not None and port.nic is not None and not is_bifurcated(port.nic)
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


def check_secure_boot(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """DPDK, FAQ: with UEFI Secure Boot the kernel may disallow the use of UIO."""
    reasons = {
        "igb_uio": "it is not signed, so the kernel does not load it",
        "uio_pci_generic": "the kernel's lockdown refuses UIO",
    }
    for pair in pairs(inventory):
        for path, driver, _ in _bindings(pair):
            if pair.hardware.secure_boot and driver in reasons:
                other = at(marks, (*pair.class_path, "secure-boot"))
                message = f"{driver} does not work with Secure Boot ({other}): {reasons[driver]}"
                yield error(marks, path, message, "driver: vfio-pci")


def check_vf_interrupts(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """uio_pci_generic.c probe(): "No IRQ assigned to device: no support for interrupts?"; VFs
    have MSI-X only (DPDK, Linux drivers guide).
    """
    for pair in pairs(inventory):
        for path, driver, is_vf in _bindings(pair):
            if is_vf and driver == "uio_pci_generic":
                message = "uio_pci_generic needs a legacy interrupt (INTx), and a VF has none"
                yield error(marks, path, message, "driver: vfio-pci")


def check_iommu(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """Words that leave vfio-pci without an IOMMU, or VFs without interrupts."""
    for pair in pairs(inventory):
        has_vfio = any(driver == "vfio-pci" for _, driver, _ in _bindings(pair))
        for index, text in enumerate(pair.profile.kernel_args):
            path = (*pair.path, "kernel-args", index)
            name, _, value = text.partition("=")
            is_off = name in (
                "iommu",
                f"{pair.hardware.cpu.vendor}_iommu",
            ) and "off" in value.split(",")
            reason = "it turns the IOMMU off" if is_off else _NO_IOMMU.get(text)
            if has_vfio and reason is not None:
                message = f"{text}: {reason}, so that vfio-pci opens no port"
                yield error(marks, path, message, "remove it")
            elif name == "pci" and "nomsi" in value.split(",") and pair.profile.sriov:
                message = "pci=nomsi: VFs have no interrupts but MSI-X, so that their drivers fail"
                yield error(marks, path, message, "remove nomsi")


# vfio_iommu_type1.c, vfio_iommu_type1_attach_group(): "No interrupt remapping support" is EPERM.
_NO_IOMMU = {
    "acpi=off": "the IOMMU is found by ACPI (its tables DMAR and IVRS)",
    "intremap=off": "VFIO wants interrupts to be remapped",
    "nointremap": "VFIO wants interrupts to be remapped",
}


def check_taken_by_model(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """vfio_pci.c, vfio_pci_fill_ids(): `ids` takes every port of a model, also those that stay."""
    for pair in pairs(inventory):
        options = pair.profile.drivers.get("vfio-pci")
        given = [
            ((*pair.path, "kernel-args", index), text.partition("=")[2])
            for index, text in enumerate(pair.profile.kernel_args)
            if text.replace("-", "_").startswith("vfio_pci.ids=")
        ]
        if options is not None and "ids" in options.options:
            path = (*pair.path, "drivers", "vfio-pci", "options", "ids")
            given.append((path, str(options.options["ids"])))
        for path, ids in given:
            taken = {text.lower() for text in ids.split(",")}
            names = [nic.name for nic in pair.hardware.nics if nic.id in taken]
            message = f"{ids}: vfio-pci takes every port of a model by its id"
            if names:
                message += f", {' and '.join(names)} among them, as soon as it is loaded"
            hint = "remove it: ports and VFs are bound by PCI address, as bridges and sriov say"
            yield error(marks, path, message, hint)


def check_not_blocked(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """kernel/module/main.c, blacklisted(); modprobe.d(5): modprobe.blacklist= is for aliases."""
    for pair in pairs(inventory):
        wanted = {nic.driver: f"the driver of {nic.name}" for nic in pair.hardware.nics}
        wanted |= {
            driver: "what ports or VFs are bound to"
            for _, driver, _ in _bindings(pair)
            if driver != "kernel"
        }
        known = {name.replace("-", "_"): use for name, use in wanted.items()}
        for index, text in enumerate(pair.profile.kernel_args):
            name, _, value = text.partition("=")
            if name.replace("-", "_") not in {"module_blacklist", "modprobe.blacklist"}:
                continue
            for module in value.split(","):
                use = known.get(module.replace("-", "_"))
                if use is not None:
                    path = (*pair.path, "kernel-args", index)
                    message = f"{name} keeps {module} from loading, {use}"
                    yield error(marks, path, message, f"remove {module}")


def check_driver_signed(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """A module of another build loads with Secure Boot only when its key is enrolled (MOK)."""
    for pair in pairs(inventory):
        for name, settings in pair.profile.drivers.items():
            if settings.flavour == "out-of-tree" and pair.hardware.secure_boot:
                other = at(marks, (*pair.class_path, "secure-boot"))
                message = (
                    f"an out-of-tree {name} loads with Secure Boot ({other}) only when it is "
                    "signed with a key the machine knows"
                )
                hint = "flavour: in-tree, or enroll the key on each machine (mokutil --import)"
                path = (*pair.path, "drivers", name, "flavour")
                yield warning(marks, path, message, hint)


def check_bifurcated_port(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """DPDK, mlx5 guide: the port stays with its kernel driver."""
    for pair in pairs(inventory):
        ovs = pair.profile.ovs
        if ovs is None or "driver" not in ovs.model_fields_set:
            continue
        for port in dpdk_ports(pair.hardware, pair.profile):
            nic = port.nic
            if port.port.nic is not None and nic is not None and is_bifurcated(nic):
                message = (
                    f"{ovs.driver} would take {nic.name} (port {port.name}) from {nic.driver}, "
                    "through which DPDK drives it"
                )
                yield error(marks, (*pair.path, "ovs", "driver"), message, "leave it out")
                break
