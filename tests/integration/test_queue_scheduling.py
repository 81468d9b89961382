"""Who polls which receive queue: the checks of the plan against the real scheduler.

Open vSwitch's dummy datapath is the userspace datapath with ports that need no hardware, and
--dummy-numa gives it the seed's CPUs and nodes (lib/ovs-numa.c).
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from builder.catalog.releases import RELEASES
from builder.model.inventory import Inventory
from builder.plan.checks.queues import check_polled
from builder.plan.nouns.image import ImagePlan
from builder.rule import Finding
from tests.plans import SEED, plan_inventory

SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        shutil.which("ovs-vswitchd", path="/usr/sbin") is None or not SCHEMA.exists(),
        reason="wants openvswitch-switch",
    ),
]


class Switch:
    """A switch of its own, in a directory of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env = {"PATH": "/usr/sbin:/usr/bin", "LANG": "C.UTF-8"}
        self.env |= dict.fromkeys(("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR"), str(root))

    def run(self, *argv: str) -> str:
        done = subprocess.run(
            argv, env=self.env, capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout

    def start(self, image: ImagePlan) -> None:
        self.run("ovsdb-tool", "create", f"{self.root}/conf.db", str(SCHEMA))
        remote = f"--remote=punix:{self.root}/db.sock"
        self.run("ovsdb-server", f"{self.root}/conf.db", remote, "--pidfile", "--detach")
        self.run("ovs-vsctl", "--no-wait", "init")
        nodes = ",".join(
            str(next(node for node, cpus in enumerate(image.cpus.nodes) if cpu in cpus))
            for cpu in sorted(image.cpus.roles)
        )
        argv = ("--enable-dummy=override", "--disable-system", f"--dummy-numa={nodes}")
        self.run("ovs-vswitchd", *argv, "--pidfile", "--detach", "--no-chdir", "--log-file")
        self.run("ovs-vsctl", "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy")
        # The threads are many and have nothing to do.
        self.run("ovs-vsctl", "set", "Open_vSwitch", ".", "other_config:pmd-maxsleep=10000")

    def set_ports(self, image: ImagePlan, assign: dict[str, str]) -> None:
        words: list[str] = ["--", "set", "Open_vSwitch", "."]
        for key, value in {"pmd-cpu-mask": image.cpus.pmd.mask, **assign}.items():
            words.append(f"other_config:{key}={value}")
        for port in image.dpdk_ports:
            words += ["--", "--if-exists", "del-port", port.name]
            words += ["--", "add-port", "br0", port.name]
            words += ["--", "set", "Interface", port.name, "type=dummy-pmd"]
            words += [f"options:n_rxq={port.rxq}", f"options:numa_id={port.numa}"]
            for key, value in port.other_config.items():
                words.append(f'other_config:{key}="{value}"')
        self.run("ovs-vsctl", *words[1:])

    def polled(self) -> dict[tuple[str, int], int]:
        """CPU that polls a queue, by port and queue."""
        found: dict[tuple[str, int], int] = {}
        cpu = -1
        for line in self.run("ovs-appctl", "dpif-netdev/pmd-rxq-show").splitlines():
            if thread := re.search(r"core_id (\d+)", line):
                cpu = int(thread[1])
            elif queue := re.search(r"port: (\S+)\s+queue-id:\s+(\d+)", line):
                found[queue[1], int(queue[2])] = cpu
        return found

    def stop(self) -> None:
        for daemon in ("ovs-vswitchd", "ovsdb-server"):
            if (self.root / f"{daemon}.pid").exists():
                self.run("ovs-appctl", "-t", daemon, "exit")


@pytest.fixture
def switch() -> Iterator[Switch]:
    # A UNIX socket's path has 107 characters at most, pytest's own directories are longer.
    with tempfile.TemporaryDirectory(prefix="rw-") as directory:
        made = Switch(Path(directory))
        try:
            yield made
        finally:
            made.stop()


def plan(
    ports: dict[str, dict[str, Any]], config: dict[str, Any], pmd_cores: dict[int, int]
) -> ImagePlan:
    """The seed with cores of two PMD CPUs on its nodes; its ports are on node 0."""
    data = yaml.safe_load(SEED.read_text(encoding="utf-8"))
    profile = data["profiles"]["nfv"]
    profile["cpu"] = {"pmd-cores-per-node": pmd_cores}
    profile["ovs"]["other-config"] = config
    for name, keys in ports.items():
        profile["ovs"]["bridges"]["br0"]["ports"][name].update(keys)
    inventory = Inventory.model_validate(data)
    return plan_inventory(inventory, release=RELEASES["debian-12"]).image


def some_ports(rng: random.Random) -> dict[str, dict[str, Any]]:
    """Queues pinned to CPUs with and without a thread, and queues that are not there."""
    cpus = [1, 1, 17, 17, 9, 25, 2]
    return {
        name: {
            "rxq": rng.choice([1, 2, 3]),
            "rxq-affinity": {queue: rng.choice(cpus) for queue in range(4) if rng.random() < 0.6},
        }
        for name in ("dpdk0", "dpdk1")
    }


def expected(image: ImagePlan, polled: dict[tuple[str, int], int]) -> dict[str, str]:
    """What must be said of each port, by who polls its queues in truth."""
    said: dict[str, str] = {}
    for port in image.dpdk_ports:
        here = image.cpus.nodes[port.numa or 0]
        for queue in range(port.rxq):
            cpu = polled.get((port.name, queue))
            if cpu is None:
                said[port.name] = "error"
            elif cpu not in here and port.affinity.get(queue) != cpu:
                said.setdefault(port.name, "warning")
    return said


def told(findings: Iterator[Finding]) -> dict[str, str]:
    return {str(finding.key[-1]): finding.severity for finding in findings}


def test_checks_say_what_the_scheduler_does(switch: Switch) -> None:
    rng = random.Random(20)
    switch.start(plan({}, {}, {}))
    seen: set[str] = set()
    for number in range(40):
        config = rng.choice([{}, {}, {"pmd-rxq-assign": "group", "pmd-rxq-isolate": False}])
        cores = rng.choice([{0: 1}, {0: 1}, {0: 1, 1: 1}])
        image = plan(some_ports(rng), config, cores)
        assign = {"pmd-rxq-assign": "cycles", "pmd-rxq-isolate": "true"}
        assign |= {key: str(value).lower() for key, value in config.items()}
        switch.set_ports(image, assign)
        said = told(check_polled(image))
        deadline = time.monotonic() + 5
        while expected(image, switch.polled()) != said and time.monotonic() < deadline:
            time.sleep(0.1)
        ports = [(p.name, p.rxq, p.affinity) for p in image.dpdk_ports]
        assert expected(image, switch.polled()) == said, (number, config, ports)
        seen |= {*said.values()} or {"nothing"}
    assert seen == {"error", "warning", "nothing"}
