"""Kernel modules a node loads by itself, and the options modules are loaded with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from builder.catalog.dpdk_drivers import DPDK_DRIVERS
from builder.catalog.modules import OVS_MODULES, is_vfio
from builder.catalog.sysctls import sysctl_module
from builder.diagnostics import KeyPath
from builder.model.profile import NicDriver
from builder.plan.inputs import Inputs
from builder.plan.nouns.devices import Binding, PfPlan, VfPlan
from builder.plan.nouns.kernel import Module, ModuleOption
from builder.plan.nouns.why import Why


def plan_modules(
    inputs: Inputs, pfs: tuple[PfPlan, ...], bindings: tuple[Binding, ...]
) -> tuple[Module, ...]:
    """What nothing else loads: udev loads the NICs' own drivers by their modalias."""
    users = _users_of(pfs, bindings)
    modules = [
        Module(
            driver,
            inputs.why(
                f"driver of {', '.join(users[driver])}",
                *map(_key_of, bound_functions(driver, pfs, bindings)),
            ),
        )
        for driver in DPDK_DRIVERS
        if driver in users
    ]
    if inputs.profile.ovs is not None:
        key = inputs.profile_key("ovs")
        modules += [Module(name, inputs.why(reason, key)) for name, reason in OVS_MODULES.items()]
    return (*modules, *_of_sysctls(inputs, {module.name for module in modules}))


def _of_sysctls(inputs: Inputs, loaded: set[str]) -> Iterator[Module]:
    """systemd-sysctl.service runs after systemd-modules-load.service, and once."""
    keys: dict[str, list[str]] = {}
    for key in inputs.profile.sysctl:
        module = sysctl_module(key)
        if module is not None and module not in loaded:
            keys.setdefault(module, []).append(key)
    for module, names in keys.items():
        reason = f"it has {', '.join(names)}, which cannot be set before it is loaded"
        paths = (inputs.profile_key("sysctl", name) for name in names)
        yield Module(module, inputs.why(reason, *paths))


def plan_vfio_options(
    inputs: Inputs, pfs: tuple[PfPlan, ...], bindings: tuple[Binding, ...]
) -> tuple[ModuleOption, ...]:
    """Options of VFIO's modules; never `ids`, which binds every port of a model."""
    makers: list[Binding | PfPlan] = [pf for pf in pfs if pf.driver == "vfio-pci"]
    whole = [*(binding for binding in bindings if binding.driver == "vfio-pci"), *makers]
    options: list[ModuleOption] = []
    if whole:
        reason = (
            "a port nobody has opened yet stays awake instead of going to D3hot, from which some "
            "ports come back with no link"
        )
        options.append(_vfio_option(inputs, "disable_idle_d3", reason, whole))
    if makers:
        # drivers/vfio/pci/vfio_pci.c: sriov_numvfs of a PF on vfio-pci is refused without it.
        reason = "VFs are made while the PF is on vfio-pci"
        options.append(_vfio_option(inputs, "enable_sriov", reason, makers))
    for name in sorted(filter(is_vfio, inputs.profile.drivers)):
        options += _user_options(inputs, name, inputs.profile.drivers[name])
    return tuple(options)


def _vfio_option(
    inputs: Inputs, name: str, reason: str, ports: list[Binding | PfPlan]
) -> ModuleOption:
    names = ", ".join(port.name for port in ports)
    why = inputs.why(f"{names}: {reason}", *map(_key_of, ports))
    return ModuleOption("vfio-pci", name, "1", why)


def plan_module_options(inputs: Inputs, pfs: tuple[PfPlan, ...]) -> tuple[ModuleOption, ...]:
    """Options of the NICs' drivers: max_vfs where asked for, and the inventory's own."""
    options: list[ModuleOption] = []
    for name, settings in sorted(inputs.profile.drivers.items()):
        if is_vfio(name):
            continue
        if settings.vf_mode == "module-parameter":
            options += _max_vfs(inputs, name, settings, pfs)
        options += _user_options(inputs, name, settings)
    return tuple(options)


def _max_vfs(
    inputs: Inputs, driver: str, settings: NicDriver, pfs: tuple[PfPlan, ...]
) -> list[ModuleOption]:
    """max_vfs. In-tree it is one uint for all ports (module_param(max_vfs, uint, 0)), to which
    `2,2` is a parse error that keeps the driver from loading; Intel's own build takes a list
    with a place for each port in order of probing (src/ixgbe_param.c).
    """
    counts = {pf.pci: pf.num_vfs for pf in pfs if pf.driver == driver}
    if not counts:
        return []
    keys = [inputs.profile_key("drivers", driver, "vf-mode")]
    keys += [(*pf.key, "num-vfs") for pf in pfs if pf.driver == driver]
    if settings.flavour == "in-tree":
        value = str(max(counts.values()))
        reason = f"in-tree {driver} takes one number, for every port it drives"
    else:
        ports = sorted(nic.pci for nic in inputs.hardware.nics if nic.driver == driver)
        value = ",".join(str(counts.get(pci, 0)) for pci in ports)
        reason = (
            f"out-of-tree {driver} takes one number for each port, in order of PCI address: "
            f"{', '.join(str(pci) for pci in ports)}"
        )
    return [ModuleOption(driver, "max_vfs", value, inputs.why(reason, *keys))]


def _user_options(inputs: Inputs, name: str, settings: NicDriver) -> list[ModuleOption]:
    return [
        ModuleOption(
            name,
            option,
            str(value),
            inputs.why(
                "set in the inventory", inputs.profile_key("drivers", name, "options", option)
            ),
        )
        for option, value in settings.options.items()
    ]


def plan_module_files(inputs: Inputs) -> Mapping[str, Why]:
    """Drivers with a file in modprobe.d, options or not: who looks for max_vfs finds why."""
    files: dict[str, Why] = {}
    policies = {policy.pf: place for place, policy in enumerate(inputs.profile.sriov)}
    for nic in inputs.hardware.nics:
        place = policies.get(nic.name)
        if place is None or nic.driver in files:
            continue
        settings = inputs.profile.drivers.get(nic.driver)
        key = inputs.profile_key("drivers", nic.driver, "vf-mode")
        if settings is not None and "max_vfs" in settings.options:
            key = inputs.profile_key("drivers", nic.driver, "options", "max_vfs")
        files[nic.driver] = inputs.why(
            _explain_file(settings), inputs.profile_key("sriov", place), key
        )
    for name in inputs.profile.drivers:
        reason = "listed in the inventory"
        if is_vfio(name) and inputs.release.vfio_built_in:
            reason += "; it is part of the kernel, so its options are on the kernel command line"
        files.setdefault(name, inputs.why(reason, inputs.profile_key("drivers", name)))
    return dict(sorted(files.items()))


def _explain_file(settings: NicDriver | None) -> str:
    if settings is not None and (
        settings.vf_mode == "module-parameter" or "max_vfs" in settings.options
    ):
        return "VFs are made by max_vfs when the driver loads, as the inventory asks"
    return (
        "no max_vfs: VFs are made at boot, by PCI address, through sriov_numvfs; in-tree drivers "
        "take one max_vfs for all ports and do not load when given a list"
    )


def _users_of(pfs: tuple[PfPlan, ...], bindings: tuple[Binding, ...]) -> Mapping[str, list[str]]:
    """DPDK driver -> the functions bound to it."""
    users: dict[str, list[str]] = {}
    for binding in bindings:
        users.setdefault(binding.driver, []).append(binding.name)
    for pf in pfs:
        if pf.driver in DPDK_DRIVERS:
            users.setdefault(pf.driver, []).append(pf.name)
        for vf in pf.vfs:
            if vf.driver is not None:
                users.setdefault(vf.driver, []).append(f"VF {vf.index} of {pf.name}")
    return users


def bound_functions(
    driver: str, pfs: tuple[PfPlan, ...], bindings: tuple[Binding, ...]
) -> list[Binding | PfPlan | VfPlan]:
    """Every PCI function that `driver` is bound to."""
    functions: list[Binding | PfPlan | VfPlan] = [*bindings, *pfs]
    functions += [vf for pf in pfs for vf in pf.vfs]
    return [function for function in functions if function.driver == driver]


def _key_of(function: Binding | PfPlan | VfPlan) -> KeyPath:
    """The key that makes a function be there."""
    return (*function.key, "num-vfs") if isinstance(function, PfPlan) else function.key
