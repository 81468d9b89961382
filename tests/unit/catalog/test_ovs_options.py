"""The table of Open vSwitch's options: each key's values, and the releases it is for."""

from __future__ import annotations

import pytest

from builder.catalog.eal_options import eal_options
from builder.catalog.ovs_options import OVS_OPTIONS, PORT_OPTIONS

RELEASES = [(2, 17), (3, 1), (3, 2), (3, 3), (3, 5), (3, 6), (3, 7), (4, 0)]
ALL = {**OVS_OPTIONS, **PORT_OPTIONS}

# Taken and refused values of each key, by the newest release.
VALUES: dict[str, tuple[list[str], list[str]]] = {
    "bundle-idle-timeout": (["1", "60"], ["0", "-1", "1s"]),
    "dpdk-alloc-mem": (["0", "1024"], ["-1", "1G", ""]),
    "dpdk-devargs": (["0000:09:00.0", "net_tap0,iface=tap0"], ["", "a b"]),
    "dpdk-extra": (["", "-a 0000:09:00.0 --iova-mode=va"], ["a\nb"]),
    "dpdk-hugepage-dir": (["/dev/hugepages", "/mnt/huge-2M"], ["dev/hugepages", "", "/a b"]),
    "dpdk-init": (["true", "false", "try", "TRUE", "Try"], ["yes", "1", "0", ""]),
    "dpdk-lcore-mask": (["0x1", "1", "FF", "0X10"], ["0", "0x0", "0x", "xyz", "1,2"]),
    "dpdk-probe-at-init": (["true", "false"], ["try", "1"]),
    "dpdk-socket-limit": (["1024", "1024,0", "0,0,0,2048"], ["1024,", ",1024", "1G", "1024 0", ""]),
    "dpdk-socket-mem": (["1024", "1024,1024"], ["1024,", "2G", "1024;1024"]),
    "emc-insert-inv-prob": (["0", "1", "4294967295"], ["4294967296", "-1", "50%"]),
    "enable-statistics": (["true", "false"], ["1", "on"]),
    "flow-limit": (["0", "200000"], ["-1", "many"]),
    "flow-restore-wait": (["true", "false"], ["0"]),
    "hw-offload": (["true", "False"], ["yes"]),
    "hw-offload-priority": (["tc,dpdk", ""], ["tc\n"]),
    "max-idle": (["500", "30000"], ["499", "10s"]),
    "max-revalidator": (["100", "500"], ["99"]),
    "min-revalidate-pps": (["0", "1"], ["-1"]),
    "n-dpdk-rxqs": (["1"], ["0"]),
    "n-handler-threads": (["1", "64"], ["0", "auto"]),
    "n-offload-threads": (["1", "10"], ["0", "11"]),
    "n-revalidator-threads": (["1"], ["0"]),
    "n_rxq": (["1", "64"], ["0", "-1"]),
    "n_rxq_desc": (["1", "64", "2048", "4096", "8192"], ["0", "3000", "4095", "02048"]),
    "n_txq_desc": (["1", "512", "4096", "16384"], ["0", "100", "-2048"]),
    "offload-rebalance": (["true", "false"], ["1"]),
    "per-port-memory": (["true", "FALSE"], ["on", "1"]),
    "pmd-auto-lb": (["true", "false"], ["enabled"]),
    "pmd-auto-lb-improvement-threshold": (["0", "100"], ["101", "25%"]),
    "pmd-auto-lb-load-threshold": (["0", "95"], ["101", "-1"]),
    "pmd-auto-lb-rebal-interval": (["0", "20000"], ["20001"]),
    "pmd-cpu-mask": (["0x20002", "20002"], ["0", "1-3", "0xg"]),
    "pmd-maxsleep": (["0", "10000"], ["10001", "1:50"]),
    "pmd-perf-metrics": (["true", "false"], ["2"]),
    "pmd-rxq-affinity": (["0:2", "0:2,1:18"], ["0", "0:2,", "0-2", "0:2;1:3"]),
    "pmd-rxq-assign": (["cycles", "roundrobin", "group"], ["round-robin", "Cycles", ""]),
    "pmd-rxq-isolate": (["true", "false"], ["no"]),
    "pmd-sleep-max": (
        ["0", "10000", "50,8:0,9:0", "10:100,11:100"],
        ["10001", "8:", "1:10001", ""],
    ),
    "shared-mempool-config": (["1500", "9000,1500:1", "1500:0"], ["1500:", "jumbo", "9000,", ""]),
    "smc-enable": (["true", "false"], ["1"]),
    "stats-update-interval": (["5000"], ["4999"]),
    "tc-policy": (["none", "skip_sw", "skip_hw"], ["skip-sw", "None"]),
    "tx-flush-interval": (["0", "1000000"], ["1000001"]),
    "userspace-tso-enable": (["true", "false"], ["tso"]),
    "vhost-iommu-support": (["true", "false"], ["1"]),
    "vhost-postcopy-support": (["true", "false"], ["1"]),
    "vhost-sock-dir": (["sockets", "a/b", "a.b"], ["/run/sockets", "../a", "a/../b", "", "a b"]),
    "vlan-limit": (["0", "2"], ["-1"]),
}

# Keys that not all releases since 2.17 know: those among RELEASES that do.
KNOWN_IN = {
    "dpdk-probe-at-init": [(4, 0)],
    "hw-offload-priority": [(3, 7), (4, 0)],
    "n-dpdk-rxqs": [],
    "pmd-maxsleep": RELEASES[1:],
    "pmd-sleep-max": RELEASES[2:],
    "shared-mempool-config": RELEASES[1:],
}

# Values only newer releases take: the first that does, a release before it.
NEWER_VALUES = [
    ("min-revalidate-pps", "0", (3, 2), (3, 1)),
    ("n_rxq_desc", "8192", (3, 6), (3, 5)),
    ("n_txq_desc", "8192", (3, 6), (2, 17)),
    ("pmd-rxq-assign", "group", (2, 16), (2, 15)),
    ("pmd-sleep-max", "50,8:0", (3, 3), (3, 2)),
]


def test_every_key_is_tried() -> None:
    assert sorted(VALUES) == sorted(ALL)


@pytest.mark.parametrize(
    ("key", "value"), [(k, v) for k, (good, _) in VALUES.items() for v in good]
)
def test_taken(key: str, value: str) -> None:
    assert ALL[key].form.accepts(value)


@pytest.mark.parametrize(("key", "value"), [(k, v) for k, (_, bad) in VALUES.items() for v in bad])
def test_refused(key: str, value: str) -> None:
    assert not ALL[key].form.accepts(value)


@pytest.mark.parametrize("key", sorted(ALL))
def test_releases_that_know_it(key: str) -> None:
    assert [has for has in RELEASES if ALL[key].is_in(has)] == KNOWN_IN.get(key, RELEASES)


@pytest.mark.parametrize(("key", "value", "first", "before"), NEWER_VALUES)
def test_value_of_a_newer_release(
    key: str, value: str, first: tuple[int, int], before: tuple[int, int]
) -> None:
    option = ALL[key]
    assert option.form_in(first) is option.form
    assert option.form_in(first).accepts(value)
    assert not option.form_in(before).accepts(value)


def test_all_that_changed_its_form_is_tried() -> None:
    changed = {option.key for option in ALL.values() if option.older_forms}
    assert changed == {key for key, *_ in NEWER_VALUES}


@pytest.mark.parametrize("key", sorted(ALL))
def test_rows_are_sound(key: str) -> None:
    row = ALL[key]
    assert row.default == "" or row.form.accepts(row.default)
    for release, form in row.older_forms:
        assert row.default == "" or form.accepts(row.default)
        assert row.since is None or release > row.since
    assert row.renamed_to is None or row.renamed_to in OVS_OPTIONS
    assert (row.removed is None and row.deprecated is None) or row.renamed_to or row.instead
    assert row.about
    assert not row.about.endswith(".")


def test_what_wants_a_start_of_dpdk() -> None:
    assert sorted(o.key for o in ALL.values() if o.applies == "before dpdk-init") == [
        "per-port-memory",
        "shared-mempool-config",
    ]
    assert sorted(o.key for o in ALL.values() if o.applies == "at start") == [
        "dpdk-alloc-mem",
        "dpdk-extra",
        "dpdk-hugepage-dir",
        "dpdk-init",
        "dpdk-lcore-mask",
        "dpdk-probe-at-init",
        "dpdk-socket-limit",
        "dpdk-socket-mem",
        "hw-offload",
        "hw-offload-priority",
        "n-offload-threads",
        "offload-rebalance",
        "userspace-tso-enable",
        "vhost-iommu-support",
        "vhost-postcopy-support",
        "vhost-sock-dir",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("-a 0000:09:00.0", [("-a", "0000:09:00.0")]),
        ("-a0000:09:00.0", [("-a", "0000:09:00.0")]),
        ("-a=0000:09:00.0", [("-a", "0000:09:00.0")]),
        ("--allow 09:00.0 -n 4", [("--allow", "09:00.0"), ("-n", "4")]),
        ("--allow=09:00.0,x=1", [("--allow", "09:00.0,x=1")]),
        ("--in-memory -a 1", [("--in-memory", ""), ("-a", "1")]),
        ("--lcores '0@(0, 8)'", [("--lcores", "0@(0, 8)")]),
        ("--log-level 'open", [("--log-level", "'open")]),
        ("-", []),
        ("stray words", []),
    ],
)
def test_words_of_dpdk_extra(text: str, expected: list[tuple[str, str]]) -> None:
    assert list(eal_options(text)) == expected
