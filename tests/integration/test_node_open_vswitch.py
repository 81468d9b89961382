"""The node's Open vSwitch program against the real one, with DPDK but without NICs or hugepages.

EAL takes ordinary memory with --no-huge --legacy-mem (OVS adds --in-memory unless it finds
that), and eth_null is a driver for a device that needs no hardware: ports are opened, get
queues, memory and a PMD thread as on a node. Everything runs in namespaces of its own.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

SYSTEMD = Path(__file__).resolve().parents[2] / "systemd"
VSWITCHD = Path("/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk")
SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
# 22.11: the PMDs are plugins in a directory that has the ABI in its name.
NULL_PMD = sorted(Path("/usr/lib").glob("*/dpdk/pmds-*/librte_net_null.so.*"))
EAL = "--no-huge --legacy-mem -m 256 --no-pci"

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.getuid() != 0, reason="needs namespaces, so root"),
    pytest.mark.skipif(
        not (VSWITCHD.exists() and SCHEMA.exists() and NULL_PMD),
        reason="wants openvswitch-switch-dpdk, librte-net-null and librte-mempool-ring",
    ),
]


class Node:
    """A directory that is /etc and /run of a node, with a database and a switch."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.rundir = root / "run/openvswitch"
        self.rundir.mkdir(parents=True)
        (root / "etc/rackwright").mkdir(parents=True)
        self.env = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "OVS_RUNDIR": str(self.rundir),
            "OVS_LOGDIR": str(self.rundir),
            "OVS_DBDIR": str(self.rundir),
            "RUNTIME_DIRECTORY": str(root / "run"),
        }

    def command(self, *argv: str | Path) -> str:
        done = subprocess.run(
            argv, env=self.env, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start_database(self) -> None:
        database = self.rundir / "conf.db"
        self.command("ovsdb-tool", "create", database, SCHEMA)
        remote = f"--remote=punix:{self.rundir}/db.sock"
        log = f"--log-file={self.rundir}/ovsdb-server.log"
        self.command("ovsdb-server", database, remote, log, "--pidfile", "--detach")
        self.command("ovs-vsctl", "--no-wait", "init")

    def start_switch(self) -> None:
        log = f"--log-file={self.rundir}/ovs-vswitchd.log"
        # By its own name the DPDK build would write ovs-vswitchd-dpdk.pid; on a node it is
        # started by the name of the alternative.
        pidfile = f"--pidfile={self.rundir}/ovs-vswitchd.pid"
        self.command("unshare", "--net", VSWITCHD, log, pidfile, "--detach")

    def stop(self, daemon: str) -> None:
        """Ends our own daemon, by the process id it wrote."""
        pidfile = self.rundir / f"{daemon}.pid"
        if not pidfile.exists():
            return
        pid = int(pidfile.read_text())
        descriptor = os.pidfd_open(pid)
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
        select.select([descriptor], [], [], 30)
        os.close(descriptor)

    def plan(self, ports: Sequence[Mapping[str, object]], **other_config: str) -> None:
        keys = {key.replace("_", "-"): value for key, value in other_config.items()}
        bridge = {
            "name": "br0",
            "datapath-type": "netdev",
            "fail-mode": "secure",
            "ports": list(ports),
        }
        document = {
            "version": 2,
            "offline-cpus": "",
            "hugepages": [],
            "pfs": [],
            "bindings": [],
            "kernel-ports": [],
            "ovs": {"other-config": keys, "bridges": [bridge]},
        }
        (self.root / "etc/rackwright/node.json").write_text(json.dumps(document))

    def run(self, part: str) -> tuple[int, list[str], list[str]]:
        """Run the program as a node does: exit status, steps, errors."""
        script = 'mount --bind "$0/etc" /etc && mount --bind "$0/run" /run && exec "$@"'
        done = subprocess.run(
            [
                "unshare",
                "--mount",
                "sh",
                "-c",
                script,
                self.root,
                SYSTEMD / "rackwright-ovs.py",
                part,
            ],
            env={"PATH": self.env["PATH"], "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        errors = [line.removeprefix("<3>") for line in done.stderr.splitlines()]
        return done.returncode, done.stdout.splitlines(), errors

    def status(self) -> Any:
        return json.loads((self.root / "run/rackwright/ovs.json").read_text())


def null_port(name: str, device: str) -> dict[str, object]:
    options = {"dpdk-devargs": device, "n_rxq": "1"}
    return {"name": name, "type": "dpdk", "mtu": 1500, "options": options, "other-config": {}}


PORTS = (null_port("dpdk0", "eth_null0"), null_port("dpdk1", "eth_null1"))


@pytest.fixture
def node() -> Iterator[Node]:
    # Not tmp_path: a socket's path has 107 characters at most.
    root = Path(tempfile.mkdtemp(prefix="node-"))
    node = Node(root)
    try:
        node.start_database()
        yield node
    finally:
        node.stop("ovs-vswitchd")
        node.stop("ovsdb-server")
        shutil.rmtree(root)


@pytest.fixture
def switch(node: Node) -> Node:
    """The node with the switch up and two ports made."""
    node.plan(PORTS, dpdk_init="true", dpdk_extra=EAL, pmd_cpu_mask="0x1")
    assert node.run("options")[0] == 0
    node.start_switch()
    code, _, errors = node.run("bridges")
    assert (code, errors) == (0, [])
    return node


def interfaces(node: Node) -> list[list[Any]]:
    out = node.command(
        *("ovs-vsctl", "--format=json", "--columns=name,type,ofport,mtu,error", "list"),
        "Interface",
    )
    rows: list[list[Any]] = json.loads(out)["data"]
    return sorted(rows)


NONE = ["set", []]
UP = [
    ["br0", "internal", 65534, 1500, NONE],
    ["dpdk0", "dpdk", 1, 1500, NONE],
    ["dpdk1", "dpdk", 2, 1500, NONE],
]


def test_from_an_empty_database_to_running_ports(node: Node) -> None:
    node.plan(PORTS, dpdk_init="true", dpdk_extra=EAL)
    assert node.run("options") == (
        0,
        [
            f"other_config:dpdk-extra: set to {EAL} (was not set)",
            "other_config:dpdk-init: set to true (was not set)",
        ],
        [],
    )
    node.start_switch()
    assert node.run("bridges") == (
        0,
        [
            "br0: made (datapath_type=netdev fail_mode=secure)",
            "dpdk0: added to br0 (type=dpdk mtu=1500 dpdk-devargs=eth_null0 n_rxq=1)",
            "dpdk1: added to br0 (type=dpdk mtu=1500 dpdk-devargs=eth_null1 n_rxq=1)",
        ],
        [],
    )
    assert interfaces(node) == UP
    status = node.status()
    assert (status["ok"], status["errors"], len(status["steps"])) == (True, [], 5)


NOTHING_TO_DO = [
    "br0: left alone (the bridge is as planned)",
    "dpdk0: left alone (the port is as planned)",
    "dpdk1: left alone (the port is as planned)",
]


def test_a_second_run_does_nothing(switch: Node) -> None:
    before = switch.command("ovs-vsctl", "get", "Open_vSwitch", ".", "next_cfg")
    assert switch.run("options") == (
        0,
        ["other_config: left alone (all keys are as planned)"],
        [],
    )
    assert switch.run("bridges") == (0, NOTHING_TO_DO, [])
    assert switch.command("ovs-vsctl", "get", "Open_vSwitch", ".", "next_cfg") == before


def test_the_interface_has_the_planned_other_config_and_no_other(switch: Node) -> None:
    def present() -> str:
        return switch.command("ovs-vsctl", "get", "Interface", "dpdk0", "other_config")

    pinned = {**PORTS[0], "other-config": {"pmd-rxq-affinity": "0:0"}}
    switch.plan((pinned, PORTS[1]), dpdk_init="true", dpdk_extra=EAL, pmd_cpu_mask="0x1")
    did = "dpdk0: set on br0 (type=dpdk mtu=1500 dpdk-devargs=eth_null0 n_rxq=1"
    assert switch.run("bridges") == (
        0,
        [NOTHING_TO_DO[0], f"{did} pmd-rxq-affinity=0:0)", NOTHING_TO_DO[2]],
        [],
    )
    assert present() == '{pmd-rxq-affinity="0:0"}'
    control = next(switch.rundir.glob("ovs-vswitchd*.ctl"))
    queues = switch.command("ovs-appctl", "-t", control, "dpif-netdev/pmd-rxq-show")
    assert "isolated : true" in queues
    assert switch.run("bridges") == (0, NOTHING_TO_DO, [])
    switch.plan(PORTS, dpdk_init="true", dpdk_extra=EAL, pmd_cpu_mask="0x1")
    assert switch.run("bridges")[1][1] == f"{did})"
    assert present() == "{}"


def test_after_a_restart_of_the_switch_the_ports_are_there_once(switch: Node) -> None:
    switch.stop("ovs-vswitchd")
    switch.start_switch()
    assert switch.run("bridges") == (0, NOTHING_TO_DO, [])
    assert interfaces(switch) == UP


def test_a_port_that_does_not_open_fails_and_the_others_come_up(switch: Node) -> None:
    wrong = null_port("dpdk2", "0000:00:1f.7")
    switch.plan((wrong, *PORTS), dpdk_init="true")
    code, _, errors = switch.run("bridges")
    assert (code, errors) == (
        1,
        ["dpdk2: Error attaching device '0000:00:1f.7' to DPDK (ofport -1)"],
    )
    assert [row[:3] for row in interfaces(switch)][1:] == [
        ["dpdk0", "dpdk", 1],
        ["dpdk1", "dpdk", 2],
        ["dpdk2", "dpdk", -1],
    ]
    assert switch.status()["errors"] == errors


def test_a_port_that_opened_before_the_restart_only(switch: Node) -> None:
    """The number of the run before is not taken for the one of this run."""
    switch.command("ovs-vsctl", "--no-wait", "set", "Interface", "dpdk1", "mtu_request=1500")
    switch.stop("ovs-vswitchd")
    gone = null_port("dpdk1", "eth_none1")
    options = 'options={"dpdk-devargs"="eth_none1","n_rxq"="1"}'
    switch.command("ovs-vsctl", "--no-wait", "set", "Interface", "dpdk1", options)
    switch.plan((PORTS[0], gone), dpdk_init="true")
    switch.start_switch()
    code, _, errors = switch.run("bridges")
    assert (code, errors) == (
        1,
        ["dpdk1: Error attaching device 'eth_none1' to DPDK (ofport -1)"],
    )


def test_what_is_no_longer_planned_goes_and_what_others_made_stays(switch: Node) -> None:
    veth = ("--", "set", "Interface", "other0", "type=internal")
    switch.command("ovs-vsctl", "add-port", "br0", "other0", *veth)
    switch.command("ovs-vsctl", "set", "Open_vSwitch", ".", "other_config:max-idle=5000")
    switch.plan(PORTS[:1], dpdk_init="true", dpdk_extra=EAL)
    assert switch.run("options") == (
        0,
        ["other_config:pmd-cpu-mask: removed (the plan no longer has it)"],
        [],
    )
    assert switch.run("bridges")[1][0] == "dpdk1: removed from br0 (no longer planned)"
    assert switch.command("ovs-vsctl", "list-ports", "br0").split() == ["dpdk0", "other0"]
    kept = switch.command("ovs-vsctl", "get", "Open_vSwitch", ".", "other_config:max-idle")
    assert kept == '"5000"'


def test_a_changed_option_wants_a_restart_and_says_so(switch: Node) -> None:
    switch.plan(PORTS, dpdk_init="true", dpdk_extra=f"{EAL} --no-telemetry", pmd_cpu_mask="0x2")
    assert switch.run("options") == (
        0,
        [
            f"other_config:dpdk-extra: set to {EAL} --no-telemetry (was {EAL})",
            "other_config:pmd-cpu-mask: set to 0x2 (was 0x1)",
            "ovs-vswitchd: needs a restart (it reads dpdk-extra only when it starts)",
        ],
        [],
    )


def test_a_switch_that_runs_without_dpdk(node: Node) -> None:
    node.plan(PORTS, dpdk_init="try", dpdk_extra="--no-such-option")
    node.run("options")
    node.start_switch()
    code, _, errors = node.run("bridges")
    assert (code, errors) == (
        1,
        ["ovs-vswitchd runs without DPDK; its log has what EAL wants"],
    )


def test_no_database(node: Node) -> None:
    node.plan(PORTS, dpdk_init="true")
    node.stop("ovsdb-server")
    code, _, errors = node.run("options")
    assert code == 1
    assert errors[0].startswith(
        "ovs-vsctl --no-wait --format=json list Open_vSwitch: ovs-vsctl: "
        "unix:/var/run/openvswitch/db.sock: database connection failed"
    )


def test_usage() -> None:
    done = subprocess.run(
        [SYSTEMD / "rackwright-ovs.py", "all"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "usage: ovs options|bridges\n")
