"""Rules on other_config: known keys, sane values, nothing that undoes what the CPUs' roles say.

Which release knows which key is a check of the plan (`builder.plan.checks.ovs_options`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from builder.diagnostics import Diagnostic, KeyPath, Marks
from builder.drivers.ovs_options import OVS_OPTIONS
from builder.model.inventory import Inventory
from builder.model.rules.findings import at, error, warning

Value = str | int | bool


def _settings(inventory: Inventory) -> Iterator[tuple[KeyPath, str, Value]]:
    for name, profile in inventory.profiles.items():
        for key, value in profile.ovs.other_config.items() if profile.ovs else ():
            yield ("profiles", name, "ovs", "other-config", key), key, value


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_key_known(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for path, key, _ in _settings(inventory):
        if key not in OVS_OPTIONS:
            close = difflib.get_close_matches(key, OVS_OPTIONS, n=1)
            message = "Open vSwitch does not know this key, and would not say so"
            hint = f"did you mean {close[0]}?" if close else "see ovs-vswitchd.conf.db(5)"
            yield warning(marks, path, message, hint, at_key=True)


def check_not_derived(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for path, key, value in _settings(inventory):
        if key == "pmd-cpu-mask":
            message = "PMD CPUs follow from the roles of the CPUs"
            hint = f"set {path[0]}.{path[1]}.cpu.pmd"
            yield error(marks, path, message, hint, at_key=True)
        elif key == "dpdk-init" and _text(value) == "false":
            message = "the bridges below have DPDK ports, which cannot be without DPDK"
            yield error(marks, path, message)


def check_values(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """vswitch.xml: a value that OVS cannot use is replaced by the default without a word."""
    for path, key, value in _settings(inventory):
        option = OVS_OPTIONS.get(key)
        # The form of dpdk-socket-mem has a check of its own, where its nodes are known.
        if option is None or key == "dpdk-socket-mem" or option.form.accepts(_text(value)):
            continue
        message = f"{_text(value)} is not {option.form.about}: Open vSwitch would take its default"
        yield error(marks, path, message)


def check_memory_once(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """lib/dpdk.c: "Multiple defined options for memory type", and dpdk-socket-mem wins."""
    for name, profile in inventory.profiles.items():
        if profile.ovs is not None and "dpdk-alloc-mem" in profile.ovs.other_config:
            path = ("profiles", name, "ovs", "other-config", "dpdk-alloc-mem")
            message = "dpdk-socket-mem says it node by node, and Open vSwitch takes that of the two"
            yield error(marks, path, message, "remove it", at_key=True)


def check_rxq_isolate(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """vswitch.xml: pmd-rxq-isolate=false has an effect with pmd-rxq-assign=group only."""
    for name, profile in inventory.profiles.items():
        settings = profile.ovs.other_config if profile.ovs else {}
        assign = _text(settings.get("pmd-rxq-assign", "cycles"))
        if _text(settings.get("pmd-rxq-isolate", "true")) == "false" and assign != "group":
            path = ("profiles", name, "ovs", "other-config", "pmd-rxq-isolate")
            message = f"false has an effect with pmd-rxq-assign group only, here it is {assign}"
            yield error(marks, path, message, "set pmd-rxq-assign: group, or remove it")


def check_auto_lb(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    """lib/dpif-netdev.c, set_pmd_auto_lb(): with roundrobin there is no automatic balancing."""
    for name, profile in inventory.profiles.items():
        settings = profile.ovs.other_config if profile.ovs else {}
        if _text(settings.get("pmd-auto-lb", "false")) != "true":
            continue
        path: KeyPath = ("profiles", name, "ovs", "other-config", "pmd-auto-lb")
        if _text(settings.get("pmd-rxq-assign", "cycles")) == "roundrobin":
            other = at(marks, (*path[:-1], "pmd-rxq-assign"))
            yield warning(marks, path, f"it does nothing with roundrobin: {other}")
