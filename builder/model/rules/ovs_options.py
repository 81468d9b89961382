"""Rules on other_config: known keys, sane values, nothing that undoes what the CPUs' roles say."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator

from builder.diagnostics import Diagnostic, KeyPath, Marks
from builder.model.inventory import Inventory
from builder.model.rules.findings import error, warning

# vswitchd/vswitch.xml of Open vSwitch 2.17 to 3.7, table Open_vSwitch, column other_config.
# Which release has which key is the plan's matter.
KNOWN_KEYS = (
    "bundle-idle-timeout",
    "ct-size",
    "dpdk-alloc-mem",
    "dpdk-extra",
    "dpdk-hugepage-dir",
    "dpdk-init",
    "dpdk-lcore-mask",
    "dpdk-probe-at-init",
    "dpdk-socket-limit",
    "dpdk-socket-mem",
    "emc-insert-inv-prob",
    "explicit-sampled-tunnel-info",
    "flow-limit",
    "flow-restore-wait",
    "hw-offload",
    "hw-offload-ct-size",
    "max-idle",
    "max-revalidator",
    "min-revalidate-pps",
    "n-dpdk-rxqs",
    "n-handler-threads",
    "n-offload-threads",
    "n-revalidator-threads",
    "offload-rebalance",
    "ovs-vswitchd-tc-policy",
    "per-port-memory",
    "pmd-auto-lb",
    "pmd-auto-lb-improvement-threshold",
    "pmd-auto-lb-load-threshold",
    "pmd-auto-lb-rebal-interval",
    "pmd-cpu-mask",
    "pmd-maxsleep",
    "pmd-perf-metrics",
    "pmd-rxq-assign",
    "pmd-rxq-isolate",
    "pmd-sleep-max",
    "shared-mempool-config",
    "smc-enable",
    "stats-update-interval",
    "tc-policy",
    "tx-flush-interval",
    "userspace-tso-enable",
    "vhost-iommu-support",
    "vhost-postcopy-support",
    "vhost-sock-dir",
    "vlan-limit",
)
Value = str | int | bool
_MASK = re.compile(r"(0x)?[0-9a-fA-F]+")


def _settings(inventory: Inventory) -> Iterator[tuple[KeyPath, str, Value]]:
    for name, profile in inventory.profiles.items():
        for key, value in profile.ovs.other_config.items() if profile.ovs else ():
            yield ("profiles", name, "ovs", "other-config", key), key, value


def check_key_known(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for path, key, _ in _settings(inventory):
        if key not in KNOWN_KEYS:
            close = difflib.get_close_matches(key, KNOWN_KEYS, n=1)
            message = "Open vSwitch does not know this key, and would not say so"
            hint = f"did you mean {close[0]}?" if close else "see ovs-vswitchd.conf.db(5)"
            yield warning(marks, path, message, hint, at_key=True)


def check_not_derived(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for path, key, value in _settings(inventory):
        if key == "pmd-cpu-mask":
            message = "PMD CPUs follow from the roles of the CPUs"
            hint = f"set {path[0]}.{path[1]}.cpu.pmd"
            yield error(marks, path, message, hint, at_key=True)
        elif key == "dpdk-init" and str(value).lower() == "false":
            message = "the bridges below have DPDK ports, which cannot be without DPDK"
            yield error(marks, path, message)


def _is_number(value: Value, least: int) -> bool:
    return not isinstance(value, bool) and str(value).isdigit() and int(value) >= least


# vswitch.xml: a value that OVS cannot use is replaced by the default without a word.
_CHECKS: dict[str, tuple[Callable[[Value], bool], str]] = {
    "max-idle": (lambda value: _is_number(value, 500), "a number of milliseconds from 500"),
    "flow-limit": (lambda value: _is_number(value, 0), "a number of flows"),
    "tx-flush-interval": (
        lambda value: _is_number(value, 0) and int(value) <= 1000000,
        "a number of microseconds up to 1000000",
    ),
    "n-handler-threads": (lambda value: _is_number(value, 1), "a number from 1"),
    "n-revalidator-threads": (lambda value: _is_number(value, 1), "a number from 1"),
    "dpdk-lcore-mask": (
        lambda value: not isinstance(value, bool) and bool(_MASK.fullmatch(str(value))),
        "a hexadecimal mask like 0x1",
    ),
    "dpdk-init": (
        lambda value: str(value).lower() in ("true", "false", "try"),
        "true, false or try",
    ),
    **{
        key: (lambda value: str(value).lower() in ("true", "false"), "true or false")
        for key in (
            "hw-offload",
            "per-port-memory",
            "pmd-auto-lb",
            "smc-enable",
            "userspace-tso-enable",
            "vhost-iommu-support",
            "vhost-postcopy-support",
        )
    },
}


def check_values(inventory: Inventory, marks: Marks) -> Iterable[Diagnostic]:
    for path, key, value in _settings(inventory):
        check = _CHECKS.get(key)
        if check is not None and not check[0](value):
            shown = str(value).lower() if isinstance(value, bool) else value
            message = f"{shown} is not {check[1]}: Open vSwitch would take its default"
            yield error(marks, path, message)
