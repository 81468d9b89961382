"""Open vSwitch's options and bridges: which transactions, and what is said of their outcome.

The real ovs-vsctl and ovs-vswitchd are in tests/integration/test_node_open_vswitch.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from fake_kernel import FakeKernel, load_program
from nic_plans import config as plain_config
from rackwright_node import Bridge, Config, Finished, NodeError, Port, Status

from builder.catalog.ovs_options import OVS_OPTIONS

ovs = load_program("ovs")

VSCTL = "ovs-vsctl --timeout=100"
LIST_SWITCH = f"{VSCTL} --no-wait --format=json list Open_vSwitch"
LIST_ALL = (
    f"{VSCTL} --no-wait --format=json "
    "-- --columns=name,external_ids,datapath_type,fail_mode,ports list Bridge "
    "-- --columns=_uuid,name,external_ids,interfaces list Port "
    "-- --columns=_uuid,type,options,other_config,mtu_request,mtu,ofport,error list Interface"
)
AFFINITY = {"pmd-rxq-affinity": "0:1"}
DPDK0 = Port("dpdk0", "dpdk", 1500, {"dpdk-devargs": "0000:09:00.0", "n_rxq": "1"}, AFFINITY)
BR0 = Bridge("br0", "netdev", "standalone", (DPDK0,))


def table(headings: list[str], *rows: list[Any]) -> str:
    return json.dumps({"headings": headings, "data": rows})


def ovs_map(values: Mapping[str, str]) -> list[Any]:
    return ["map", [[key, value] for key, value in values.items()]]


def switch(other_config: Mapping[str, str], external_ids: Mapping[str, str]) -> Finished:
    columns = ["other_config", "external_ids"]
    return Finished(0, table(columns, [ovs_map(other_config), ovs_map(external_ids)]) + "\n", "")


NONE: list[Any] = ["set", []]
MARKED = ovs_map({"rackwright": "true"})


def port_rows(
    uuid: str, name: str, *, mark: list[Any] = MARKED, **interface: Any
) -> tuple[list[Any], list[Any]]:
    """A row of Port and its row of Interface; by default a DPDK port as planned and running."""
    values = {
        "type": "dpdk",
        "options": ovs_map(DPDK0.options),
        "other_config": ovs_map(DPDK0.other_config),
        "mtu_request": 1500,
        "mtu": 1500,
        "ofport": 1,
        "error": NONE,
        **interface,
    }
    port = [["uuid", f"p{uuid}"], name, mark, ["uuid", f"i{uuid}"]]
    return port, [["uuid", f"i{uuid}"], *values.values()]


def own_port(uuid: str, name: str, **interface: Any) -> tuple[list[Any], list[Any]]:
    """The port a bridge has of itself."""
    values = {"type": "internal", "options": ovs_map({}), "other_config": ovs_map({})}
    values |= {"mtu_request": NONE, "ofport": 65534}
    return port_rows(uuid, name, mark=ovs_map({}), **{**values, **interface})


def bridge_row(
    name: str, *uuids: str, mark: list[Any] = MARKED, fail_mode: Any = "standalone"
) -> list[Any]:
    ports = [["uuid", f"p{uuid}"] for uuid in uuids]
    return [name, mark, "netdev", fail_mode, ports[0] if len(ports) == 1 else ["set", ports]]


def database(bridges: list[list[Any]], *ports: tuple[list[Any], list[Any]]) -> Finished:
    text = "\n".join(
        [
            table(["name", "external_ids", "datapath_type", "fail_mode", "ports"], *bridges),
            table(["_uuid", "name", "external_ids", "interfaces"], *(port for port, _ in ports)),
            table(
                [
                    "_uuid",
                    *["type", "options", "other_config", "mtu_request", "mtu", "ofport", "error"],
                ],
                *(interface for _, interface in ports),
            ),
        ]
    )
    return Finished(0, text + "\n", "")


RIGHT = database([bridge_row("br0", "0", "1")], own_port("0", "br0"), port_rows("1", "dpdk0"))
EMPTY = database([])


class Switch:
    """Answers `list` with one database after the other, everything else with success."""

    def __init__(self, kernel: FakeKernel, *databases: Finished) -> None:
        self.left = list(databases)
        self.commands: list[str] = []
        self.failing: dict[str, Finished] = {}
        kernel.run = self

    def __call__(self, argv: Sequence[str], timeout_s: float = 0.0) -> Finished:
        line = " ".join(argv)
        if line in (LIST_ALL, LIST_SWITCH):
            return self.left.pop(0) if len(self.left) > 1 else self.left[0]
        self.commands.append(line.removeprefix("ovs-vsctl --timeout="))
        return self.failing.get(self.commands[-1], Finished(0, "", ""))


def config(*bridges: Bridge, **other_config: str) -> Config:
    keys = {key.replace("_", "-"): value for key, value in other_config.items()}
    return plain_config(other_config=keys, bridges=bridges)


def did(status: Status) -> list[str]:
    return [f"{step['what']}: {step['did']} ({step['why']})" for step in status.steps]


# Options


def test_sets_options_in_one_transaction(kernel: FakeKernel, status: Status) -> None:
    run = Switch(kernel, switch({"hw-offload": "false"}, {}))
    ovs.set_options(kernel, config(dpdk_init="true", dpdk_extra="-a 0000:09:00.0"), status)
    assert run.commands == [
        (
            "100 --no-wait -- set Open_vSwitch . "
            'external_ids:rackwright-keys="dpdk-extra,dpdk-init" '
            'other_config:dpdk-extra="-a 0000:09:00.0" other_config:dpdk-init="true"'
        )
    ]
    assert did(status) == [
        "other_config:dpdk-extra: set to -a 0000:09:00.0 (was not set)",
        "other_config:dpdk-init: set to true (was not set)",
    ]


def test_right_options_are_left_alone(kernel: FakeKernel, status: Status) -> None:
    run = Switch(kernel, switch({"dpdk-init": "true"}, {"rackwright-keys": "dpdk-init"}))
    ovs.set_options(kernel, config(dpdk_init="true"), status)
    assert run.commands == []
    assert did(status) == ["other_config: left alone (all keys are as planned)"]


def test_removes_what_it_once_set_and_nothing_else(kernel: FakeKernel, status: Status) -> None:
    present = {"dpdk-init": "true", "dpdk-lcore-mask": "0x1", "hw-offload": "false"}
    ours = {"rackwright-keys": "dpdk-init,dpdk-lcore-mask,pmd-cpu-mask"}
    run = Switch(kernel, switch(present, ours))
    ovs.set_options(kernel, config(dpdk_init="true"), status)
    assert run.commands == [
        (
            '100 --no-wait -- set Open_vSwitch . external_ids:rackwright-keys="dpdk-init" '
            "-- remove Open_vSwitch . other_config dpdk-lcore-mask"
        )
    ]
    assert did(status) == ["other_config:dpdk-lcore-mask: removed (the plan no longer has it)"]


@pytest.mark.parametrize("running", [True, False])
def test_says_when_the_switch_needs_a_restart(
    kernel: FakeKernel, status: Status, running: bool
) -> None:
    Switch(kernel, switch({"dpdk-init": "false", "max-idle": "500"}, {}))
    kernel.put("run/openvswitch/ovs-vswitchd.pid", "42\n")
    if running:
        kernel.put("proc/42/comm", "ovs-vswitchd\n")
    ovs.set_options(kernel, config(dpdk_init="true", max_idle="900"), status)
    told = "ovs-vswitchd: needs a restart (it reads dpdk-init only when it starts)"
    assert (told in did(status)) is running


def test_a_database_nobody_initialised(kernel: FakeKernel, status: Status) -> None:
    Switch(kernel, Finished(0, table(["other_config"]) + "\n", ""))
    with pytest.raises(NodeError) as caught:
        ovs.set_options(kernel, config(dpdk_init="true"), status)
    assert str(caught.value) == (
        "the Open vSwitch database is empty; ovs-ctl has not initialised it"
    )


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (Finished(1, "", "database connection failed"), "database connection failed"),
        (Finished(-14, "", ""), "no answer in 100 s"),
    ],
)
def test_a_database_that_does_not_answer(
    kernel: FakeKernel, status: Status, outcome: Finished, text: str
) -> None:
    Switch(kernel, outcome)
    with pytest.raises(NodeError) as caught:
        ovs.set_options(kernel, config(), status)
    assert str(caught.value) == (f"ovs-vsctl --no-wait --format=json list Open_vSwitch: {text}")


def test_what_wants_a_restart_is_what_the_option_table_says() -> None:
    """The program stands alone on the node; the table is the planner's."""
    column = "Open_vSwitch other_config"
    table = [option for option in OVS_OPTIONS.values() if option.column == column]
    late = {option.key for option in table if option.applies != "at once"}
    assert late == ovs.RESTART_ONLY


# Bridges


def test_makes_bridge_and_port_each_in_one_transaction(kernel: FakeKernel, status: Status) -> None:
    run = Switch(kernel, EMPTY, RIGHT)
    ovs.make_bridges(kernel, config(BR0, dpdk_init="true"), status)
    assert status.errors == []
    assert run.commands == [
        "20 wait-until Open_vSwitch . dpdk_initialized=true",
        (
            "100 --may-exist add-br br0 -- set Bridge br0 datapath_type=netdev "
            "fail_mode=standalone external_ids:rackwright=true"
        ),
        (
            "100 --may-exist add-port br0 dpdk0 -- set Port dpdk0 external_ids:rackwright=true "
            "-- set Interface dpdk0 type=dpdk mtu_request=1500 "
            'options={"dpdk-devargs"="0000:09:00.0","n_rxq"="1"} '
            'other_config={"pmd-rxq-affinity"="0:1"}'
        ),
    ]
    assert did(status) == [
        "br0: made (datapath_type=netdev fail_mode=standalone)",
        "dpdk0: added to br0 (type=dpdk mtu=1500 dpdk-devargs=0000:09:00.0 n_rxq=1 pmd-rxq-affinity=0:1)",
    ]


def test_right_bridges_are_left_alone(kernel: FakeKernel, status: Status) -> None:
    run = Switch(kernel, RIGHT)
    ovs.make_bridges(kernel, config(BR0), status)
    assert run.commands == []
    assert did(status) == [
        "br0: left alone (the bridge is as planned)",
        "dpdk0: left alone (the port is as planned)",
    ]


@pytest.mark.parametrize(
    "interface",
    [
        {"mtu_request": 9000},
        {"mtu_request": NONE},
        {"options": ovs_map({})},
        {"other_config": ovs_map({})},
        {"other_config": ovs_map({**AFFINITY, "a": "b"})},
        {"type": "system"},
    ],
    ids=str,
)
def test_a_port_with_other_settings_is_set(
    kernel: FakeKernel, status: Status, interface: dict[str, Any]
) -> None:
    before = database(
        [bridge_row("br0", "0", "1")], own_port("0", "br0"), port_rows("1", "dpdk0", **interface)
    )
    Switch(kernel, before, RIGHT)
    ovs.make_bridges(kernel, config(BR0), status)
    assert status.errors == []
    assert did(status)[1] == (
        "dpdk0: set on br0 (type=dpdk mtu=1500 dpdk-devargs=0000:09:00.0 n_rxq=1 pmd-rxq-affinity=0:1)"
    )


def test_a_bridge_with_other_settings_is_set(kernel: FakeKernel, status: Status) -> None:
    before = database([bridge_row("br0", "0", fail_mode=NONE)], own_port("0", "br0"))
    Switch(kernel, before, RIGHT)
    ovs.make_bridges(kernel, config(BR0), status)
    assert did(status)[0] == "br0: set (datapath_type=netdev fail_mode=standalone)"


def test_our_strays_go_and_others_ports_stay(kernel: FakeKernel, status: Status) -> None:
    before = database(
        [
            bridge_row("br0", "0", "1", "2", "3"),
            bridge_row("br1", "4", "5"),
            bridge_row("br2", "6"),
        ],
        own_port("0", "br0"),
        port_rows("1", "dpdk0"),
        port_rows("2", "dpdk7"),
        port_rows("3", "vhost0", mark=ovs_map({})),
        own_port("4", "br1"),
        port_rows("5", "veth9", mark=ovs_map({})),
        own_port("6", "br2"),
    )
    run = Switch(kernel, before)
    ovs.make_bridges(kernel, config(BR0), status)
    assert status.errors == []
    assert run.commands == ["100 --if-exists del-port br0 dpdk7", "100 --if-exists del-br br2"]
    assert did(status)[:3] == [
        "dpdk7: removed from br0 (no longer planned)",
        "br1: left alone (no longer planned, but not ours alone: veth9)",
        "br2: removed (no longer planned)",
    ]


def test_a_port_of_ours_moves_between_bridges(kernel: FakeKernel, status: Status) -> None:
    before = database(
        [bridge_row("br0", "0"), bridge_row("br1", "2", "1", mark=ovs_map({}))],
        own_port("0", "br0"),
        port_rows("1", "dpdk0"),
        own_port("2", "br1"),
    )
    run = Switch(kernel, before, RIGHT)
    ovs.make_bridges(kernel, config(BR0), status)
    assert status.errors == []
    assert run.commands[0].startswith(
        "100 del-port br1 dpdk0 -- --may-exist add-port br0 dpdk0 -- set Port dpdk0 "
    )


def test_a_port_of_others_does_not_move(kernel: FakeKernel, status: Status) -> None:
    before = database(
        [bridge_row("br0", "0"), bridge_row("br1", "2", "1", mark=ovs_map({}))],
        own_port("0", "br0"),
        port_rows("1", "dpdk0", mark=ovs_map({})),
        own_port("2", "br1"),
    )
    Switch(kernel, before)
    ovs.make_bridges(kernel, config(BR0), status)
    assert status.errors == [
        "dpdk0: is a port of br1 and not ours, the plan has it on br0; left alone"
    ]


def outcome(**interface: Any) -> Finished:
    return database(
        [bridge_row("br0", "0", "1")], own_port("0", "br0"), port_rows("1", "dpdk0", **interface)
    )


@pytest.mark.parametrize(
    ("after", "error"),
    [
        (
            outcome(ofport=-1, mtu=NONE, error="Error attaching device '0000:09:00.0' to DPDK"),
            "dpdk0: Error attaching device '0000:09:00.0' to DPDK (ofport -1)",
        ),
        (
            outcome(ofport=-1, mtu=NONE),
            "dpdk0: ovs-vswitchd has not opened it; its log may say why (ofport -1)",
        ),
        (
            outcome(ofport=NONE, mtu=NONE),
            "dpdk0: ovs-vswitchd has not opened it; its log may say why (ofport None)",
        ),
        (outcome(mtu=1496), "dpdk0: the MTU is 1496, the plan has 1500"),
        (
            database(
                [bridge_row("br0", "0", "1")],
                own_port("0", "br0", ofport=NONE),
                port_rows("1", "dpdk0"),
            ),
            "br0: no datapath; is tun loaded?",
        ),
        (
            database([bridge_row("br0", "0")], own_port("0", "br0")),
            "dpdk0: not in the database",
        ),
    ],
)
def test_the_outcome_is_looked_at(
    kernel: FakeKernel, status: Status, after: Finished, error: str
) -> None:
    """ovs-vsctl exits 0 in all of these."""
    Switch(kernel, RIGHT, after)
    ovs.make_bridges(kernel, config(BR0), status)
    assert status.errors == [error]


def test_waits_for_a_port_that_has_no_number_yet(kernel: FakeKernel, status: Status) -> None:
    run = Switch(kernel, RIGHT, RIGHT, outcome(ofport=NONE, mtu=NONE), outcome(mtu=NONE), RIGHT)
    ovs.make_bridges(kernel, config(BR0), status)
    assert status.errors == []
    assert run.commands == [
        '100 wait-until Interface "dpdk0" ofport!=[]',
        '100 wait-until Interface "dpdk0" mtu=1500',
    ]


def test_from_ovs_3_6_on_a_half_applied_transaction_is_no_failure_by_itself(
    kernel: FakeKernel, status: Status
) -> None:
    run = Switch(kernel, EMPTY, RIGHT)
    add = (
        "100 --may-exist add-br br0 -- set Bridge br0 datapath_type=netdev "
        "fail_mode=standalone external_ids:rackwright=true"
    )
    run.failing[add] = Finished(65, "", "")
    ovs.make_bridges(kernel, config(BR0), status)
    assert status.errors == []


def test_a_switch_without_dpdk(kernel: FakeKernel, status: Status) -> None:
    run = Switch(kernel, EMPTY)
    run.failing["20 wait-until Open_vSwitch . dpdk_initialized=true"] = Finished(-14, "", "")
    with pytest.raises(NodeError) as caught:
        ovs.make_bridges(kernel, config(BR0, dpdk_init="try"), status)
    assert str(caught.value) == "ovs-vswitchd runs without DPDK; its log has what EAL wants"


def test_the_status_is_of_both_parts(kernel: FakeKernel) -> None:
    for part, ok in (("options", True), ("bridges", False)):
        status = Status()
        status.step(part, "left alone", "as planned")
        if not ok:
            status.error("dpdk0: bad")
        status.save(kernel, f"ovs-{part}")
    ovs.join_status(kernel)
    assert json.loads(str(kernel.read("run/rackwright/ovs.json"))) == {
        "version": 1,
        "ok": False,
        "steps": [
            {"what": part, "did": "left alone", "why": "as planned"}
            for part in ("options", "bridges")
        ],
        "errors": ["dpdk0: bad"],
    }
