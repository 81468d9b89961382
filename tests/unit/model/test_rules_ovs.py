"""Rules on Open vSwitch that hold in every release: what they say, and what they let through."""

from __future__ import annotations

import pytest

from builder.diagnostics import Diagnostic
from tests.plans import check

OVS = "    ovs:\n"
PORT = "            dpdk1: {vf: xe0/0}\n"
IFACE = "      mgmt0: {role: management, dhcp4: true}\n"


def found(base: str, *edits: tuple[str, str], rule: str) -> list[Diagnostic]:
    for old, new in edits:
        assert old in base
        base = base.replace(old, new)
    _, report = check(base)
    return [item for item in report.items if item.rule == rule]


def options(base: str, text: str, rule: str) -> list[tuple[str, str, str | None]]:
    edit = (OVS, f"{OVS}      other-config: {{{text}}}\n")
    return [(d.severity, d.message, d.hint) for d in found(base, edit, rule=rule)]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("pmd-cpu-masc: 1", "did you mean pmd-cpu-mask?"),
        ("pmd-max-sleep: 1", "did you mean pmd-sleep-max?"),
        ("n-dpdk-rxq: 1", "see ovs-vswitchd.conf.db(5)"),
        ("colour: red", "see ovs-vswitchd.conf.db(5)"),
    ],
)
def test_key_no_release_knows(base: str, text: str, hint: str) -> None:
    message = "Open vSwitch does not know this key and silently ignores it"
    assert options(base, text, "ovs-option-known") == [("warning", message, hint)]


def test_key_of_a_port(base: str) -> None:
    assert options(base, 'pmd-rxq-affinity: "0:1"', "ovs-option-known") == [
        (
            "warning",
            "this is a port option (Interface other_config), not an option of the switch",
            "see profiles.nfv.ovs.bridges: rxq, rxd, txd and rxq-affinity of a port",
        )
    ]


@pytest.mark.parametrize(
    "text",
    [
        "smc-enable: true",
        'smc-enable: "TRUE"',
        "dpdk-init: try",
        "max-idle: 500",
        'pmd-sleep-max: "50,1:0"',
        'shared-mempool-config: "9000,1500:1"',
        # Its form is looked at with its nodes, in the plan.
        "dpdk-socket-mem: 2G",
        # So is the key that no release knows.
        "colour: red",
    ],
)
def test_values_let_through(base: str, text: str) -> None:
    assert options(base, text, "ovs-option-value") == []


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "max-idle: 499",
            "499 is not a number of milliseconds (500 or more): Open vSwitch does not check it",
            "its default is 10000",
        ),
        (
            "n-handler-threads: 0",
            "0 is not a number of threads (1 or more): Open vSwitch does not check it",
            None,
        ),
        (
            "vhost-sock-dir: /run/sockets",
            (
                "/run/sockets is not a directory below the run directory, without ..: Open vSwitch "
                "does not check it"
            ),
            None,
        ),
        (
            'dpdk-lcore-mask: "0x0"',
            "0x0 is not a hexadecimal mask like 0x1: Open vSwitch does not check it",
            None,
        ),
    ],
)
def test_values_no_release_takes(base: str, text: str, message: str, hint: str | None) -> None:
    assert options(base, text, "ovs-option-value") == [("error", message, hint)]


@pytest.mark.parametrize("value", ["true", '"True"'])
def test_switch_that_waits_for_its_flows(base: str, value: str) -> None:
    assert options(base, f"flow-restore-wait: {value}", "ovs-option-derived") == [
        (
            "error",
            "while it is true, Open vSwitch forwards no packets, and nothing resets it",
            "leave it to ovs-ctl, which sets it for a hot upgrade",
        )
    ]


@pytest.mark.parametrize(
    "text", ["flow-restore-wait: false", "dpdk-init: true", "dpdk-init: try", "hw-offload: true"]
)
def test_what_may_be_set(base: str, text: str) -> None:
    assert options(base, text, "ovs-option-derived") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pmd-rxq-isolate: false", True),
        ('pmd-rxq-isolate: "False", pmd-rxq-assign: roundrobin', True),
        ("pmd-rxq-isolate: false, pmd-rxq-assign: group", False),
        ("pmd-rxq-isolate: true", False),
    ],
)
def test_isolation_goes_with_group(base: str, text: str, *, said: bool) -> None:
    assert [severity for severity, _, _ in options(base, text, "ovs-rxq-isolate")] == (
        ["error"] if said else []
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('per-port-memory: true, shared-mempool-config: "1500"', True),
        ('per-port-memory: false, shared-mempool-config: "1500"', False),
        ("per-port-memory: true", False),
    ],
)
def test_shared_pools_beside_pools_of_ports(base: str, text: str, *, said: bool) -> None:
    assert [severity for severity, _, _ in options(base, text, "ovs-pools")] == (
        ["warning"] if said else []
    )


def jumbo(base: str, *edits: tuple[str, str], mtu: int = 9000) -> list[Diagnostic]:
    port = (PORT, f"            dpdk1: {{vf: xe0/0, mtu: {mtu}}}\n")
    return found(base, port, *edits, rule="ovs-vf-jumbo")


def interface(text: str) -> tuple[str, str]:
    return IFACE, f"{IFACE}      xe0: {text}\n"


@pytest.mark.parametrize("edits", [[interface("{role: none}")], [interface("{mtu: 1500}")]])
def test_large_packets_of_an_82599s_vf(base: str, edits: list[tuple[str, str]]) -> None:
    assert [(d.severity, d.message, d.hint) for d in jumbo(base, *edits)] == [
        (
            "error",
            (
                "VFs of xe0 (Intel 82599ES (SFP+)) receive nothing with an MTU above 1500 unless "
                "the MTU of xe0 is also larger: it is not on host nfv1"
            ),
            "hosts.nfv1.interfaces.xe0: {role: none, mtu: 9000}",
        )
    ]


@pytest.mark.parametrize(
    ("edits", "mtu"),
    [
        ([], 1500),
        # The PF's own .network file has the MTU then: no netplan of the host stands before it.
        ([], 9000),
        ([interface("{role: none, mtu: 9000}")], 9000),
        ([interface("{role: none, mtu: 1501}")], 9000),
        # An X540.
        ([("8086:10fb", "8086:1528")], 9000),
    ],
)
def test_packets_that_the_vf_takes(base: str, edits: list[tuple[str, str]], mtu: int) -> None:
    assert jumbo(base, *edits, mtu=mtu) == []
