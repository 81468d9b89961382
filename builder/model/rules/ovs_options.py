"""Rules on other_config: known keys, sane values, nothing that undoes what the CPUs' roles say.

Which release knows which key is a check of the plan (`builder.plan.checks.ovs_options`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from builder.catalog.ovs_options import OVS_OPTIONS, PORT_OPTIONS
from builder.diagnostics import KeyPath
from builder.model.fields import option_text
from builder.model.inventory import Inventory
from builder.model.numerals import TRUTHS, cpus_of_mask, mib_list
from builder.model.values import CpuSet
from builder.phrases import numbers
from builder.rule import SEE, Finding, Rule

Value = str | int | bool


def _settings(inventory: Inventory) -> Iterator[tuple[KeyPath, str, Value]]:
    for name, profile in inventory.profiles.items():
        for key, value in profile.ovs.other_config.items() if profile.ovs else ():
            yield ("profiles", name, "ovs", "other-config", key), key, value


def check_key_known(inventory: Inventory) -> Iterator[Finding]:
    for path, key, _ in _settings(inventory):
        if key in OVS_OPTIONS:
            continue
        known = [o.key for o in OVS_OPTIONS.values() if not (o.removed or o.renamed_to)]
        close = difflib.get_close_matches(key, known, n=1, cutoff=0.65)
        hint = f"did you mean {close[0]}?" if close else "see ovs-vswitchd.conf.db(5)"
        message = "Open vSwitch does not know this key and silently ignores it"
        if key in PORT_OPTIONS:
            message = (
                f"this is a port option ({PORT_OPTIONS[key].column}), not an option of the switch"
            )
            hint = f"see {path[0]}.{path[1]}.ovs.bridges: rxq, rxd, txd and rxq-affinity of a port"
        yield Finding(path, message, hint, at_key=True)


def check_not_derived(inventory: Inventory) -> Iterator[Finding]:
    for path, key, value in _settings(inventory):
        if key == "pmd-cpu-mask":
            message = "the PMD CPUs are derived from the CPU roles"
            hint = f"set {path[0]}.{path[1]}.cpu.pmd"
            yield Finding(path, message, hint, at_key=True)
        elif key == "dpdk-init" and option_text(value).lower() == "false":
            message = "the bridges below have DPDK ports, which require DPDK"
            yield Finding(path, message)
        elif key == "flow-restore-wait" and option_text(value).lower() == "true":
            message = "while it is true, Open vSwitch forwards no packets, and nothing resets it"
            yield Finding(path, message, "leave it to ovs-ctl, which sets it for a hot upgrade")


def check_values(inventory: Inventory) -> Iterator[Finding]:
    """Open vSwitch refuses no value: it takes its default, the nearest it can do, or passes it on
    to DPDK, which then does not start. What only newer releases take is `plan-ovs-value`.
    """
    for path, key, value in _settings(inventory):
        option, text = OVS_OPTIONS.get(key), option_text(value)
        # The form of dpdk-socket-mem has a check of its own, where its nodes are known.
        if option is None or key == "dpdk-socket-mem":
            continue
        if not option.form.accepts(text):
            message = f"{text} is not {option.form.about}: Open vSwitch does not check it"
            hint = f"its default is {option.default}" if option.default else None
            meant = TRUTHS.get(text.lower()) if option.form.kind == "bool" else None
            meant = mib_list(text) if "MiB" in option.form.about else meant
            yield Finding(path, message, f"write {meant}" if meant else hint)
        elif option.form.kind == "mask" and isinstance(value, int):
            yield from _check_mask(path, value)


def _check_mask(path: KeyPath, number: int) -> Iterator[Finding]:
    """A mask as a number: Open vSwitch and EAL read its digits as hexadecimal."""
    read, written = cpus_of_mask(f"0x{number}"), cpus_of_mask(hex(number))
    if read != written and read and written:
        message = (
            f"Open vSwitch reads the digits {number} as a hexadecimal mask, "
            f"{numbers('CPU', CpuSet(read))}; as a number it is the mask {hex(number)}, "
            f"{numbers('CPU', CpuSet(written))}"
        )
        yield Finding(
            path, message, f'write the one meant in quotes: "0x{number}" or "{hex(number)}"'
        )


def check_memory_once(inventory: Inventory) -> Iterator[Finding]:
    """lib/dpdk.c: "Multiple defined options for memory type", and dpdk-socket-mem wins."""
    for name, profile in inventory.profiles.items():
        if profile.ovs is not None and "dpdk-alloc-mem" in profile.ovs.other_config:
            path = ("profiles", name, "ovs", "other-config", "dpdk-alloc-mem")
            message = (
                "dpdk-socket-mem already sets the memory per node, and Open vSwitch ignores "
                "this option then"
            )
            yield Finding(path, message, "remove it", at_key=True)


def check_pools(inventory: Inventory) -> Iterator[Finding]:
    """lib/netdev-dpdk.c, dpdk_mp_get(): under per-port-memory no pool is shared."""
    for name, profile in inventory.profiles.items():
        settings = profile.ovs.other_config if profile.ovs else {}
        own = option_text(settings.get("per-port-memory", "false")).lower() == "true"
        if own and "shared-mempool-config" in settings:
            path: KeyPath = ("profiles", name, "ovs", "other-config", "shared-mempool-config")
            other = (*path[:-1], "per-port-memory")
            message = f"it has no effect while each port has its own pool: {SEE}"
            yield Finding(path, message, "remove one of them", at_key=True, see=other)


def check_rxq_isolate(inventory: Inventory) -> Iterator[Finding]:
    """vswitch.xml: pmd-rxq-isolate=false has an effect with pmd-rxq-assign=group only."""
    for name, profile in inventory.profiles.items():
        settings = profile.ovs.other_config if profile.ovs else {}
        assign = option_text(settings.get("pmd-rxq-assign", "cycles"))
        if (
            option_text(settings.get("pmd-rxq-isolate", "true")).lower() == "false"
            and assign != "group"
        ):
            path = ("profiles", name, "ovs", "other-config", "pmd-rxq-isolate")
            message = f"false has an effect only with pmd-rxq-assign group, but it is {assign}"
            yield Finding(path, message, "set pmd-rxq-assign: group, or remove it")


def check_auto_lb(inventory: Inventory) -> Iterator[Finding]:
    """lib/dpif-netdev.c, set_pmd_auto_lb(): with roundrobin there is no automatic balancing."""
    for name, profile in inventory.profiles.items():
        settings = profile.ovs.other_config if profile.ovs else {}
        if option_text(settings.get("pmd-auto-lb", "false")).lower() != "true":
            continue
        path: KeyPath = ("profiles", name, "ovs", "other-config", "pmd-auto-lb")
        if option_text(settings.get("pmd-rxq-assign", "cycles")) == "roundrobin":
            other = (*path[:-1], "pmd-rxq-assign")
            yield Finding(path, f"it has no effect with roundrobin: {SEE}", see=other)


RULES: tuple[Rule[Inventory], ...] = (
    Rule(
        "ovs-option-known",
        "warning",
        "An option exists in some release of Open vSwitch.",
        check_key_known,
    ),
    Rule(
        "ovs-option-derived",
        "error",
        "Options that are derived from other keys are not set by hand.",
        check_not_derived,
    ),
    Rule(
        "ovs-option-value",
        "error",
        "Open vSwitch accepts the value of an option unchanged.",
        check_values,
    ),
    Rule(
        "ovs-memory-once",
        "error",
        "The memory of DPDK is set by one option only.",
        check_memory_once,
    ),
    Rule(
        "ovs-pools",
        "warning",
        "Shared memory pools are configured only if ports share pools.",
        check_pools,
    ),
    Rule(
        "ovs-rxq-isolate",
        "error",
        "`pmd-rxq-isolate: false` requires `pmd-rxq-assign: group`.",
        check_rxq_isolate,
    ),
    Rule(
        "ovs-auto-lb",
        "warning",
        "Automatic load balancing is used with an assignment that supports it.",
        check_auto_lb,
    ),
)
