"""Rules on userspace drivers: what Secure Boot, the device and the kernel's words allow."""

from __future__ import annotations

from collections.abc import Iterator

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.catalog.kernel_words import (
    NO_IOMMU,
    NO_REMAPPING,
    STUBS,
    Word,
    device_ids,
    truth,
)
from builder.diagnostics import KeyPath
from builder.model.hardware import Nic
from builder.model.inventory import Inventory
from builder.model.ports import dpdk_ports, is_bifurcated
from builder.model.rules.pairs import Pair, pairs
from builder.model.words import options_of, words_of
from builder.phrases import all_names
from builder.rule import SEE, Finding, Rule, each


def bindings(pair: Pair) -> Iterator[tuple[KeyPath, str, bool]]:
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
        for path, driver, _ in bindings(pair):
            known = DPDK_DRIVERS.get(driver)
            if known is None or known.secure_boot is None:
                continue
            refused_by = (*_locked_down(pair), *(() if known.is_signed else _only_signed(pair)))
            for other, name in refused_by:
                message = f"{driver} does not work with {name} ({SEE}): {known.secure_boot}"
                yield Finding(path, message, "driver: vfio-pci", see=other)


def _locked_down(pair: Pair) -> Iterator[tuple[KeyPath, str]]:
    """What keeps unsigned modules and UIO out: Secure Boot, or a word that does the same
    (security/lockdown/lockdown.c, lockdown_param()).
    """
    if pair.hardware.secure_boot:
        yield (*pair.class_path, "secure-boot"), "Secure Boot"
    for path, word in words_of(pair.profile):
        if word.name == "lockdown" and word.value in ("integrity", "confidentiality"):
            yield (*pair.path, *path), word.text


def _only_signed(pair: Pair) -> Iterator[tuple[KeyPath, str]]:
    """A word that keeps unsigned modules out, and nothing else (kernel/module/signing.c)."""
    for path, word in words_of(pair.profile):
        if word.name == "module.sig_enforce" and truth(word.value):
            yield (*pair.path, *path), word.text


def check_vf_interrupts(pair: Pair) -> Iterator[Finding]:
    """VFs have MSI-X only (DPDK, Linux drivers guide)."""
    for path, driver, is_vf in bindings(pair):
        if is_vf and driver in DPDK_DRIVERS and DPDK_DRIVERS[driver].needs_intx:
            message = f"{driver} needs a legacy interrupt (INTx), which a VF does not have"
            yield Finding(path, message, "driver: vfio-pci")


def check_iommu(pair: Pair) -> Iterator[Finding]:
    """Words that leave vfio-pci without an IOMMU, or VFs without interrupts."""
    has_vfio = any(driver == "vfio-pci" for _, driver, _ in bindings(pair))
    for place, word in words_of(pair.profile):
        path = (*pair.path, *place)
        reason = _no_iommu(pair, word)
        if has_vfio and reason is not None:
            message = f"{word.text}: {reason}, so vfio-pci cannot open any port"
            yield Finding(path, message, "remove it")
        elif word.name == "pci" and "nomsi" in word.parts and pair.profile.sriov:
            message = "pci=nomsi: VFs have only MSI-X interrupts, so their drivers fail"
            yield Finding(path, message, "remove nomsi")


def _no_iommu(pair: Pair, word: Word) -> str | None:
    """Why vfio-pci opens no port with the word; vfio.rst, "No-IOMMU", does without an IOMMU."""
    if _is_on(pair, "vfio", "enable_unsafe_noiommu_mode"):
        return None
    texts = {word.name, word.plain, *(f"{word.name}={part}" for part in word.parts)}
    other = {"intel": "amd_iommu=off", "amd": "intel_iommu=off"}[pair.hardware.cpu.vendor]
    missing = [NO_IOMMU[text] for text in sorted(texts & NO_IOMMU.keys() - {other})]
    if not _is_on(pair, "vfio_iommu_type1", "allow_unsafe_interrupts"):
        missing += [NO_REMAPPING[text] for text in sorted(texts & NO_REMAPPING.keys())]
    return next(iter(missing), None)


def _is_on(pair: Pair, module: str, parameter: str) -> bool:
    given = [
        option.value for option in options_of(pair.profile, module) if option.name == parameter
    ]
    return bool(given and truth(given[-1]))


def check_taken_by_model(pair: Pair) -> Iterator[Finding]:
    """vfio_pci.c, vfio_pci_fill_ids(): `ids` takes every port of a model, also those that stay."""
    for name, driver in STUBS.items():
        for option in options_of(pair.profile, name.partition(".")[0]):
            if option.name != "ids":
                continue
            taken = device_ids(option.value)
            names = [nic.name for nic in pair.hardware.nics if nic.id in taken]
            names += [f"the VFs of {nic.name}" for nic in sriov_nics(pair) if _vf_id(nic) in taken]
            message = f"{option.value}: {driver} claims every port with this device id"
            if names:
                message += f", including {all_names(names)}, as soon as it is loaded"
            hint = "remove it: bridges and sriov bind ports and VFs by PCI address"
            yield Finding((*pair.path, *option.path), message, hint)


def sriov_nics(pair: Pair) -> Iterator[Nic]:
    """Ports that have VFs."""
    for policy in pair.profile.sriov:
        nic = pair.hardware.nic(policy.pf)
        if nic is not None:
            yield nic


def _vf_id(nic: Nic) -> str | None:
    return nic.model.vf.device_id if nic.model.vf is not None else None


def check_driver_signed(pair: Pair) -> Iterator[Finding]:
    """A module of another build loads with Secure Boot only when its key is enrolled (MOK)."""
    for name, settings in pair.profile.drivers.items():
        if settings.flavour == "out-of-tree":
            for other, cause in (*_locked_down(pair), *_only_signed(pair)):
                message = (
                    f"with {cause} ({SEE}), an out-of-tree {name} loads only if it is signed with "
                    "a key that the machine trusts"
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
        "driver-signed",
        "warning",
        "With Secure Boot, a NIC driver is the in-tree build: others need an enrolled key.",
        each(pairs, check_driver_signed),
    ),
)
