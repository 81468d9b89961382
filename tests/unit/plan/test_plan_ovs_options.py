"""other_config against each release's Open vSwitch, and against the machine it is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from builder.catalog import versions
from builder.catalog.ovs_options import OVS_OPTIONS
from builder.catalog.releases import RELEASES, OsRelease
from builder.diagnostics import Marks
from builder.model.inventory import Inventory
from builder.plan.checks import check_plan
from builder.plan.nouns.host import HostPlan
from tests.plans import plan_inventory

Version = tuple[int, int]
# Severity, rule, message, hint.
Found = tuple[str, str, str, str | None]
Check = Callable[..., list[Found]]
VERSIONS: list[Version] = [(2, 17), (3, 1), (3, 2), (3, 3), (3, 5), (3, 6), (3, 7), (4, 0)]
# What the seed has anyway.
SEED = "plan-page-sharing"


def with_ovs(version: Version) -> OsRelease:
    return replace(RELEASES["debian-13"], ovs=versions.Version(*version))


@pytest.fixture
def plan(seed_inventory: Callable[..., Inventory]) -> Callable[..., HostPlan]:
    """The seed's plan with some other-config, on an Open vSwitch of some version."""

    def run(config: dict[str, Any], version: Version = (3, 5)) -> HostPlan:
        def edit(data: dict[str, Any]) -> None:
            data["profiles"]["nfv"]["ovs"]["other-config"] = config

        return plan_inventory(seed_inventory(edit), release=with_ovs(version))

    return run


@pytest.fixture
def check(plan: Callable[..., HostPlan]) -> Check:
    def run(config: dict[str, Any], version: Version = (3, 5)) -> list[Found]:
        found = check_plan(plan(config, version), Marks("inventory.yaml"))
        return [(d.severity, d.rule, d.message, d.hint) for d in found if d.rule != SEED]

    return run


# A value of each key that some release lacks, which every form of it takes.
SOME_VALUE: dict[str, str | int] = {
    "dpdk-probe-at-init": "false",
    "hw-offload-priority": "tc",
    "n-dpdk-rxqs": 2,
    "pmd-maxsleep": 100,
    "pmd-sleep-max": 100,
    "shared-mempool-config": "1500",
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("key", sorted(SOME_VALUE))
def test_key_is_refused_where_it_is_not_known(check: Check, key: str, version: Version) -> None:
    refused = any(
        severity == "error" and rule == "plan-ovs-key"
        for severity, rule, _, _ in check({key: SOME_VALUE[key]}, version)
    )
    assert refused is not OVS_OPTIONS[key].is_in(version)


def test_key_that_comes_later(check: Check) -> None:
    assert check({"dpdk-probe-at-init": True}, (3, 7)) == [
        (
            "error",
            "plan-ovs-key",
            "Open vSwitch 3.7 of debian-13 does not have it yet, 4.0 is the first",
            "remove it, or use a newer release",
        )
    ]


@pytest.mark.parametrize(
    ("version", "hint"),
    [
        ((2, 17), "remove it, or use a newer release"),
        ((3, 1), "set pmd-maxsleep, its name in this release"),
    ],
)
def test_new_name_in_an_old_release(check: Check, version: Version, hint: str) -> None:
    ((severity, rule, message, found),) = check({"pmd-sleep-max": 100}, version)
    assert (severity, rule, found) == ("error", "plan-ovs-key", hint)
    assert message.endswith("does not have it yet, 3.2 is the first")


@pytest.mark.parametrize("version", VERSIONS[2:])
def test_old_name_in_a_new_release(check: Check, version: Version) -> None:
    assert check({"pmd-maxsleep": 100}, version) == [
        (
            "warning",
            "plan-ovs-key",
            "deprecated since Open vSwitch 3.2",
            "set pmd-sleep-max",
        )
    ]


def test_old_name_in_its_release(check: Check) -> None:
    assert check({"pmd-maxsleep": 100}, (3, 1)) == []


def test_key_long_gone(check: Check) -> None:
    assert check({"n-dpdk-rxqs": 2}) == [
        (
            "error",
            "plan-ovs-key",
            "Open vSwitch 3.5 of debian-13 no longer has it, since 2.6",
            "set rxq of a port",
        )
    ]


@pytest.mark.parametrize(
    ("key", "value", "first"),
    [("min-revalidate-pps", 0, (3, 2)), ("pmd-sleep-max", "9,1:8", (3, 3))],
)
@pytest.mark.parametrize("version", VERSIONS[2:])
def test_value_of_newer_releases(
    check: Check, key: str, value: str | int, first: Version, version: Version
) -> None:
    assert [rule for _, rule, _, _ in check({key: value}, version)] == (
        [] if version >= first else ["plan-ovs-value"]
    )


def test_value_of_newer_releases_is_said(check: Check) -> None:
    assert check({"pmd-sleep-max": "50,1:0"}, (3, 2)) == [
        (
            "error",
            "plan-ovs-value",
            (
                "50,1:0 requires Open vSwitch 3.3 or later: Open vSwitch 3.2 of debian-13 "
                "accepts a number of microseconds from 0 to 10000"
            ),
            "use such a value, or a newer release",
        )
    ]


def test_value_of_a_key_not_there_is_not_looked_at(check: Check) -> None:
    assert [rule for _, rule, _, _ in check({"pmd-sleep-max": "50,1:0"}, (2, 17))] == [
        "plan-ovs-key"
    ]


def test_sleep_of_cpus_without_thread(check: Check) -> None:
    assert check({"pmd-sleep-max": "1:50,2:0,30:9"}) == [
        (
            "warning",
            "plan-ovs-sleep",
            "no PMD thread is on CPUs 2,30 (PMD CPUs: 1,17)",
            "name PMD CPUs only",
        )
    ]


@pytest.mark.parametrize(("letters", "fits"), [(55, True), (56, False)])
def test_room_for_sockets(check: Check, letters: int, fits: bool) -> None:
    found = check({"vhost-sock-dir": "s" * letters})
    assert [rule for _, rule, _, _ in found] == ([] if fits else ["plan-ovs-socket-path"])
    # /var/run/openvswitch/ + 55 + / + 30 = 107, and a NUL makes 108.
    assert len("/var/run/openvswitch/") + 55 + 1 + 30 == 107


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("2048,1024", None),
        ("0,0", None),
        ("4096", None),
        ("2047,1024", "node 0 is limited to 2047 MiB, less than the 2048 MiB"),
        ("2048,512", "node 1 is limited to 512 MiB, less than the 1024 MiB"),
    ],
)
def test_limit_below_what_is_taken(check: Check, limit: str, said: str | None) -> None:
    found = check({"dpdk-socket-limit": limit})
    assert [(severity, rule) for severity, rule, _, _ in found] == (
        [] if said is None else [("warning", "plan-ovs-limit")]
    )
    if said is not None:
        assert found[0][2] == f"{said} that dpdk-socket-mem allocates there at start"


@pytest.mark.parametrize(
    ("mask", "severity", "said"),
    [
        ("0x1", "warning", "all threads that do not poll would share one core, CPU 0"),
        ("10000", "warning", "all threads that do not poll would share one core, CPU 16"),
        (
            "0x2",
            "error",
            "CPU 1 of the mask is not for housekeeping (housekeeping CPUs: 0,8,16,24)",
        ),
        (
            "0x100000003",
            "error",
            "CPUs 1,32 of the mask are not for housekeeping (housekeeping CPUs: 0,8,16,24)",
        ),
    ],
)
@pytest.mark.parametrize("version", [(2, 17), (3, 7), (4, 0)])
def test_lcore_mask(check: Check, mask: str, severity: str, said: str, version: Version) -> None:
    ((found, rule, message, _),) = check({"dpdk-lcore-mask": mask}, version)
    assert (found, rule, message) == (severity, "plan-ovs-lcore-mask", said)


@pytest.mark.parametrize("key", ["n-handler-threads", "n-revalidator-threads"])
@pytest.mark.parametrize(("threads", "many"), [(4, False), (5, True)])
def test_more_threads_than_cpus(check: Check, key: str, threads: int, many: bool) -> None:
    found = check({key: threads})
    expected = (
        "warning",
        "plan-ovs-threads",
        "5 threads on 4 housekeeping CPUs",
        "at most 4 can run at the same time",
    )
    assert found == ([expected] if many else [])


ALLOW = "-a 0000:09:00.0 -a 0000:01:10.0"


@pytest.mark.parametrize(
    ("word", "message", "hint"),
    [
        (
            "-c 0x1",
            "-c is the same as dpdk-lcore-mask: with both, one is ignored or DPDK does not start",
            "remove it, and set dpdk-lcore-mask",
        ),
        (
            "-l0-3",
            "-l is the same as dpdk-lcore-mask: with both, one is ignored or DPDK does not start",
            "remove it, and set dpdk-lcore-mask",
        ),
        (
            "--socket-mem=1024",
            (
                "--socket-mem is the same as dpdk-socket-mem: with both, one is ignored or DPDK does "
                "not start"
            ),
            "remove it, and set dpdk-socket-mem",
        ),
        (
            "-m 1024",
            "-m is the same as dpdk-alloc-mem: with both, one is ignored or DPDK does not start",
            "remove it, and set dpdk-alloc-mem",
        ),
        (
            "--huge-dir /mnt",
            (
                "--huge-dir is the same as dpdk-hugepage-dir: with both, one is ignored or DPDK does "
                "not start"
            ),
            "remove it, and set dpdk-hugepage-dir",
        ),
        (
            "--vhost-perm 0666",
            "--vhost-perm: EAL has no such option, so DPDK does not start",
            "remove it",
        ),
        (
            "-w 0000:09:00.0",
            "-w: EAL has no such option, so DPDK does not start",
            "use -a instead",
        ),
        (
            "--main-lcore=4",
            (
                "--main-lcore: Open vSwitch gives EAL a single lcore, so DPDK does not start "
                "with another one"
            ),
            "remove it",
        ),
        (
            "--no-pci",
            "--no-pci: the ports are PCI devices, and DPDK would ignore all PCI devices",
            "remove it",
        ),
    ],
)
def test_refused_in_dpdk_extra(check: Check, word: str, message: str, hint: str) -> None:
    assert check({"dpdk-extra": f"{ALLOW} {word}"}) == [("error", "plan-ovs-extra", message, hint)]


def test_allow_and_block(check: Check) -> None:
    assert check({"dpdk-extra": f"{ALLOW} -b 0000:08:00.0"}) == [
        (
            "error",
            "plan-ovs-extra",
            "DPDK does not start with both an allow list (-a) and a block list (-b)",
            "remove -b: devices not listed in -a stay closed",
        )
    ]


def test_option_given_twice_is_said_once(check: Check) -> None:
    assert len(check({"dpdk-extra": f"{ALLOW} -m 1 -m 2"})) == 1


@pytest.mark.parametrize("word", ["-n 4", "--iova-mode=va", "--log-level=pmd,8", "--in-memory"])
def test_fine_in_dpdk_extra(check: Check, word: str) -> None:
    assert check({"dpdk-extra": f"{ALLOW} {word}"}) == []


NO_LIST = (
    "warning",
    "plan-allow-list",
    (
        "dpdk-extra has no -a: Open vSwitch {} of debian-13 then opens every device on its "
        "driver, including VFs of pods, which pods can no longer open"
    ),
    "add -a 0000:09:00.0 -a 0000:01:10.0",
)


@pytest.mark.parametrize(
    ("version", "config", "warned"),
    [
        ((2, 17), {}, True),
        ((3, 7), {}, True),
        ((4, 0), {}, False),
        ((4, 0), {"dpdk-probe-at-init": False}, False),
        ((4, 0), {"dpdk-probe-at-init": True}, True),
        ((4, 0), {"dpdk-probe-at-init": "TRUE"}, True),
    ],
)
def test_no_allow_list(
    check: Check, version: Version, config: dict[str, Any], warned: bool
) -> None:
    severity, rule, message, hint = NO_LIST
    said = (severity, rule, message.format(f"{version[0]}.{version[1]}"), hint)
    assert check({"dpdk-extra": "--iova-mode=va", **config}, version) == ([said] if warned else [])


@pytest.mark.parametrize(
    "text",
    [
        ALLOW,
        "-a 09:00.0 -a 01:10.0",
        "-a0000:09:00.0 --allow=0000:01:10.0,arg=1",
        "--allow 0000:09:00.0 -a=0000:01:10.0 -a 0000:03:00.0",
    ],
)
def test_ways_to_write_the_allow_list(check: Check, text: str) -> None:
    assert check({"dpdk-extra": text}) == []


def test_port_left_out_of_the_list(check: Check) -> None:
    assert check({"dpdk-extra": "-a 0000:09:00.0"}) == [
        (
            "warning",
            "plan-allow-list",
            (
                "dpdk-extra allows 0000:09:00.0, but not 0000:01:10.0: Open vSwitch opens such a "
                "port only when it adds it, not when DPDK starts"
            ),
            "add -a 0000:01:10.0",
        )
    ]


def test_vf_of_pods_on_the_list(check: Check) -> None:
    assert check({"dpdk-extra": f"{ALLOW} -a 0000:01:10.2"}) == [
        (
            "error",
            "plan-allow-list",
            (
                "-a 0000:01:10.2 is VF 1 of ens11f0, which is for pods: Open vSwitch opens it "
                "first, so no pod can open it"
            ),
            "remove -a 0000:01:10.2",
        )
    ]


@pytest.mark.parametrize(("word", "said"), [("", True), ("--vfio-vf-token=1-2", False)])
def test_token_of_a_pf_that_makes_vfs(
    seed_inventory: Callable[..., Inventory], word: str, *, said: bool
) -> None:
    def edit(data: dict[str, Any]) -> None:
        profile = data["profiles"]["nfv"]
        profile["cpu"] = {"pmd": "1"}
        profile["sriov"] = [{"pf": "ens11f0", "num-vfs": 2, "driver": "vfio-pci"}]
        profile["ovs"]["bridges"] = {"br0": {"ports": {"dpdk0": {"nic": "ens11f0"}}}}
        profile["ovs"]["other-config"] = {"dpdk-extra": f"-a 0000:01:00.0 {word}".strip()}

    made = plan_inventory(seed_inventory(edit), release=with_ovs((3, 5)))
    found = check_plan(made, Marks("inventory.yaml"))
    assert [(d.severity, d.message, d.hint) for d in found if d.rule == "plan-ovs-token"] == (
        [
            (
                "error",
                (
                    "dpdk-extra has no --vfio-vf-token: ens11f0 is on vfio-pci, so its VFs can "
                    "be opened only with the token that it was opened with"
                ),
                "add --vfio-vf-token=<a UUID>, and use the same one for DPDK in pods",
            )
        ]
        if said
        else []
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_derived_settings_are_in_every_release(
    check: Check, plan: Callable[..., HostPlan], version: Version
) -> None:
    made = plan({}, version).image
    assert made.ovs is not None
    assert check({}, version) == []
    for setting in made.ovs.other_config:
        option = OVS_OPTIONS[setting.key]
        assert option.is_in(version)
        assert option.form_in(version).accepts(setting.value)


def test_allow_list_says_what_it_is_for(plan: Callable[..., HostPlan]) -> None:
    def reason(version: Version) -> str:
        made = plan({}, version).image
        assert made.ovs is not None
        (found,) = (s for s in made.ovs.other_config if s.key == "dpdk-extra")
        assert found.value == ALLOW
        return found.why.reason

    text = "DPDK opens these devices only: without a list it opens every VF that is for pods"
    assert reason((3, 7)) == text
    assert reason((4, 0)) == f"{text} as soon as dpdk-probe-at-init is true"
