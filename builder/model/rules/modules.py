"""Rules on kernel modules: nothing keeps those from loading that are needed."""

from __future__ import annotations

from collections.abc import Iterator

from builder.catalog.kernel_words import blocked_by
from builder.catalog.modules import KUBERNETES_MODULES, OVS_MODULES, module_name, with_needs
from builder.catalog.sysctls import sysctl_module
from builder.model.inventory import Inventory
from builder.model.rules.binding import bindings, sriov_nics
from builder.model.rules.pairs import Pair, pairs
from builder.model.words import sysctls_of, words_of
from builder.rule import Finding, Rule, each


def check_not_blocked(pair: Pair) -> Iterator[Finding]:
    """A module that is not loaded leaves a port without driver, or a service unstarted."""
    uses = _modules_needed(pair)
    needed = dict(reversed(list(with_needs(uses))))
    for place, word in words_of(pair.profile):
        for part, blocked in blocked_by(word):
            module = module_name(blocked)
            if module in needed:
                user = needed[module]
                use = uses[module] if user is None else f"which {user} needs, {uses[user]}"
                message = f"{word.text.partition('=')[0]} prevents {blocked} from loading, {use}"
                yield Finding((*pair.path, *place), message, f"remove {part}")


def _modules_needed(pair: Pair) -> dict[str, str]:
    """Module as the kernel shows it -> what it is for."""
    uses = {nic.driver: f"the driver of {nic.name}" for nic in pair.hardware.nics}
    for nic in sriov_nics(pair):
        if nic.model.vf_driver is not None:
            uses.setdefault(nic.model.vf_driver, f"the driver of the VFs of {nic.name}")
    uses |= {
        driver: "the driver that ports or VFs are bound to"
        for _, driver, _ in bindings(pair)
        if driver != "kernel"
    }
    if pair.profile.ovs is not None:
        uses |= {name: f"which Open vSwitch needs: {why}" for name, why in OVS_MODULES.items()}
    if pair.profile.kubernetes is not None:
        uses |= KUBERNETES_MODULES
    for key in pair.profile.sysctl:
        module = sysctl_module(key)
        if module is not None:
            uses.setdefault(module, f"which brings {key}")
    return {module_name(name): use for name, use in uses.items()}


def check_modules_load(inventory: Inventory) -> Iterator[Finding]:
    """kernel/module/main.c, modules_disabled: once it is 1, nothing loads until the next boot."""
    for name, profile in inventory.profiles.items():
        found = [
            (setting.path, f"{setting.key}={setting.value}")
            for setting in sysctls_of(profile)
            if setting.key == "kernel.modules_disabled" and setting.value != "0"
        ]
        found += [(path, word.text) for path, word in words_of(profile) if word.name == "nomodule"]
        for path, text in found:
            message = (
                f"{text} keeps all modules from loading that are not loaded yet: drivers of ports "
                "that appear later, what containers need, and Open vSwitch's"
            )
            yield Finding(("profiles", name, *path), message, "remove it")


RULES: tuple[Rule[Inventory], ...] = (
    Rule(
        "binding-blocked",
        "error",
        "Kernel arguments do not block a driver that is needed.",
        each(pairs, check_not_blocked),
    ),
    Rule(
        "modules-load",
        "error",
        "Kernel modules can be loaded after the boot.",
        check_modules_load,
    ),
)
