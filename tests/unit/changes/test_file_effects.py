"""What a changed file needs of a node: each file we render has a kind, and each need its reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from builder.catalog.ovs_options import OVS_OPTIONS
from builder.changes.commands import COMMANDS, commands_for, strongest_level
from builder.changes.file_effects import FileChange, file_effects
from builder.changes.node_effects import needs_restart, node_effects
from builder.render import render_hosts
from builder.render.effect import Effect, nothing, reboot, restart
from builder.render.files import FILES, kind_of
from builder.resources import read_texts
from tests.plans import plans_of

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/inventory.yaml"))
NODE = "/etc/rackwright/node.json"
NICS = "systemctl restart rackwright-nics"
BRIDGES = "systemctl restart rackwright-ovs-bridges"


@pytest.mark.parametrize("case", CASES)
def test_every_file_of_a_golden_case_has_a_kind(case: str) -> None:
    plans = plans_of((GOLDEN / case / "inventory.yaml").read_text(encoding="utf-8"))
    texts = read_texts("templates"), read_texts("systemd")
    paths = {file.path for tree in render_hosts(plans, *texts) for file in tree}
    assert [path for path in sorted(paths) if kind_of(path) is None] == []


@pytest.mark.parametrize("case", CASES)
def test_every_stored_file_has_a_kind(case: str) -> None:
    lines = (GOLDEN / case / "MANIFEST").read_text(encoding="utf-8").splitlines()
    paths = [line.split()[3] for line in lines]
    assert [path for path in paths if kind_of(path) is None] == []


def test_every_command_has_its_place() -> None:
    told = [kind.needs.command for kind in FILES if isinstance(kind.needs, Effect)]
    assert {command for command in told if command is not None} - set(COMMANDS) == set()


def effects(path: str, before: str | None, after: str | None) -> tuple[Effect, ...]:
    old, new = (None if text is None else text.encode() for text in (before, after))
    return file_effects(FileChange(path, old, new))


GRUB = "/etc/default/grub.d/zz-rackwright.cfg"
SYSCTL = "/etc/sysctl.d/99-zz-rackwright.conf"
MODULES = "/etc/modules-load.d/rackwright.conf"
LINK = "/etc/systemd/system/multi-user.target.wants/rackwright-nics.service"


@pytest.mark.parametrize(
    ("path", "before", "after", "level", "command"),
    [
        (GRUB, '# a\nX="a"\n', '# b\n\nX="a"\n', "nothing", None),
        (GRUB, 'X="a"\n', 'X="b"\n', "reboot", "update-grub"),
        (GRUB, "# only\n", None, "reboot", "update-grub"),
        ("/etc/modprobe.d/ixgbe.conf", None, "options ixgbe a=1\n", "reboot", "update-initramfs -u"),
        ("/etc/modprobe.d/ixgbe.conf", "# a\n", "# b\n", "nothing", None),
        (SYSCTL, "a.b = 1\n", "a.b = 2\n", "restart", "systemctl restart systemd-sysctl"),
        (SYSCTL, "a.b = 1\nc.d=2\n", "c.d = 2\n", "reboot", None),
        (MODULES, "tun\n", "tun\nvfio-pci\n", "restart", "systemctl restart systemd-modules-load"),
        (MODULES, "tun\nvfio-pci\n", "tun\n", "nothing", None),
        ("/etc/netplan/90-rackwright.yaml", "a", "b", "restart", "netplan apply"),
        ("/etc/systemd/network/10-rackwright-a.link", "a", "b", "reboot", None),
        ("/etc/systemd/network/20-rackwright-a.network", "a", "b", "restart", "networkctl reload"),
        ("/etc/rackwright/image-release", "A=1\n", "A=2\n", "nothing", None),
        ("/etc/rackwright/files", "#a\n", "#b\n", "nothing", None),
        (LINK, None, "/usr/lib/x", "restart", "systemctl daemon-reload"),
        ("/etc/systemd/system/dev-hugepages2M.mount", None, "a", "reboot", None),
        ("/etc/hosts", "a", "b", "nothing", None),
        ("/srv/other", "a", "b", "image", None),
    ],
)  # fmt: skip
def test_effect(
    path: str, before: str | None, after: str | None, level: str, command: str | None
) -> None:
    assert [(e.level, e.command) for e in effects(path, before, after)] == [(level, command)]


def test_a_new_mode_is_no_comment() -> None:
    assert effects(GRUB, "# a\nX=1\n", "# a\nX=1\n")[0].level == "reboot"


def test_sysctl_names_what_stays() -> None:
    (effect,) = effects(SYSCTL, "a.b = 1\nc.d = 2\n", "")
    assert effect.reason == "a.b, c.d: no longer set, but keeps its value until the next boot"


def vf(index: int, **settings: object) -> dict[str, object]:
    return {"index": index, "pci": f"0000:01:10.{index}", "driver": None, "mac": None, **settings}


def pf(**changes: Any) -> dict[str, object]:
    row = {"name": "xe0", "pci": "0000:01:00.0", "driver": "ixgbe", "eswitch": "legacy"}
    return {**row, "num-vfs": 1, "vfs": [vf(0)], **changes}


def port(name: str, **changes: Any) -> dict[str, object]:
    return {"name": name, "mtu": 1500, "options": {}, **changes}


def node(**sections: object) -> dict[str, object]:
    ovs = {
        "other-config": {"pmd-cpu-mask": "0x2", "dpdk-socket-mem": "1024"},
        "bridges": [{"name": "br0", "fail-mode": "standalone", "ports": [port("dpdk0")]}],
    }
    whole = {"version": 2, "plan-id": "a", "hugepages": [], "pfs": [pf()], "bindings": []}
    return {**whole, "offline-cpus": "", "ovs": ovs, **sections}


def of_node(
    before: dict[str, object], after: dict[str, object]
) -> list[tuple[str, str, str | None]]:
    found = node_effects(json.dumps(before).encode(), json.dumps(after).encode())
    return [(effect.level, effect.reason, effect.command) for effect in found]


BINDING = {"name": "data0", "pci": "0000:09:00.0", "driver": "vfio-pci"}
KEPT = "its VFs would have to be recreated, and VFs that are in use never are"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"plan-id": "b"},
         [("nothing", "only the plan id differs, which has no effect", None)]),
        ({}, {"hugepages": [{"node": 0}]},
         [("reboot", "hugepages: the kernel reserves them at boot, before memory is fragmented", None)]),
        ({}, {"offline-cpus": "3"},
         [("reboot", "offline-cpus: drivers and Open vSwitch count the CPUs when they start", None)]),
        ({}, {"pfs": []},
         [("reboot", "xe0: its VFs stay until the next boot, because pods may use them", None)]),
        ({"pfs": []}, {},
         [("restart", "xe0: its VFs are created; it has none yet", NICS)]),
        ({}, {"pfs": [pf(**{"num-vfs": 2, "vfs": [vf(0), vf(1)]})]},
         [("reboot", f"num-vfs of xe0: {KEPT}", None)]),
        ({}, {"pfs": [pf(eswitch="switchdev")]},
         [("reboot", f"eswitch of xe0: {KEPT}", None)]),
        ({}, {"pfs": [pf(vfs=[vf(0, mac="02:00:00:00:00:01", vlan=3)])]},
         [("restart", "mac, vlan of VF 0 of xe0: set through the PF", NICS)]),
        ({"pfs": [pf(vfs=[vf(0, mac="02:00:00:00:00:01")])]}, {},
         [("reboot", "mac of VF 0 of xe0: no longer set, but kept until the VF is recreated", None)]),
        ({}, {"pfs": [pf(vfs=[vf(0, driver="vfio-pci")])]},
         [("reboot", "driver of VF 0 of xe0: a VF that may be open is not bound to another driver", None)]),
        ({}, {"bindings": [BINDING]},
         [("restart", "data0: bound to vfio-pci", NICS)]),
        ({"bindings": [BINDING]}, {},
         [("reboot", "data0: goes back to the kernel driver at boot", None)]),
        ({"bindings": [BINDING]}, {"bindings": [{**BINDING, "driver": "igb_uio"}]},
         [("reboot", "data0: Open vSwitch has it open with the old driver", None)]),
        ({}, {"kernel-ports": [BINDING]},
         [("restart", "kernel-ports: only waited for, before Open vSwitch opens them", NICS)]),
        ({}, {"ovs": None},
         [("reboot", "Open vSwitch: no longer planned, but holds ports and hugepages until it stops", None)]),
        ({}, {"later": 1}, [("reboot", "later: what a running node does with it is not known", None)]),
    ],
)  # fmt: skip
def test_sections_of_node_json(
    before: dict[str, object],
    after: dict[str, object],
    expected: list[tuple[str, str, str | None]],
) -> None:
    assert of_node(node(**before), node(**after)) == expected


def with_switch(options: dict[str, str], *ports: dict[str, object]) -> dict[str, object]:
    bridge = {"name": "br0", "fail-mode": "standalone", "ports": list(ports)}
    return node(ovs={"other-config": options, "bridges": [bridge]})


def test_an_option_that_counts_at_once_needs_no_restart() -> None:
    found = of_node(with_switch({"pmd-cpu-mask": "0x2"}), with_switch({"pmd-cpu-mask": "0x6"}))
    assert found == [
        (
            "restart",
            "pmd-cpu-mask: written to the database",
            "systemctl restart rackwright-ovs-options",
        )
    ]


def test_an_option_read_at_start_restarts_the_switch() -> None:
    found = of_node(with_switch({"dpdk-extra": "-a x"}), with_switch({}))
    assert [command for _, _, command in found] == [
        "systemctl restart rackwright-ovs-options",
        "systemctl restart ovs-vswitchd",
    ]


def test_ports_are_told_by_name() -> None:
    old = with_switch({}, port("dpdk0"), port("dpdk1"), port("dpdk2"))
    new = with_switch({}, port("dpdk0"), port("dpdk1", mtu=9000), port("dpdk3"))
    what = "dpdk1, dpdk2, dpdk3 of br0: added, changed or removed; its traffic is interrupted"
    assert of_node(old, new) == [("restart", what, BRIDGES)]


def test_bridges_come_and_go() -> None:
    old, new = with_switch({}), node(ovs={"other-config": {}, "bridges": []})
    assert of_node(old, new) == [("restart", "br0: removed", BRIDGES)]
    assert of_node(new, old) == [("restart", "br0: made", BRIDGES)]


def test_which_options_need_a_restart() -> None:
    assert needs_restart("no-such-option")
    late = {key for key in OVS_OPTIONS if needs_restart(key)}
    assert {"dpdk-init", "dpdk-socket-mem", "dpdk-extra", "per-port-memory"} <= late
    assert late.isdisjoint({"pmd-cpu-mask", "pmd-rxq-assign", "max-idle"})


def test_commands_are_in_order_and_once() -> None:
    found = [restart(BRIDGES, "a"), restart(NICS, "b"), restart(BRIDGES, "c"), nothing("d")]
    assert commands_for(found) == (NICS, BRIDGES)


def test_a_reboot_does_what_restarts_would() -> None:
    found = [restart(NICS, "a"), reboot("b", "update-grub"), reboot("c")]
    assert commands_for(found) == ("update-grub", "reboot")


def test_a_new_image_needs_no_command() -> None:
    assert commands_for([Effect("image", "a"), reboot("b", "update-grub")]) == ()
    assert commands_for([]) == ()
    assert strongest_level([]) == "nothing"
