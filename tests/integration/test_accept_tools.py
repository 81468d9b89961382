"""The distribution's own parsers on the trees of the golden cases, and on broken ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from plans import SEED, plan_of

from builder.accept import ACCEPTORS, accept_tree
from builder.command import SubprocessRunner, find_tool
from builder.render.tree import FileTree, RenderedFile
from builder.trees import tree_of

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "golden"))

import golden  # beside the golden cases, which are in no package

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("case", golden.CASES)
def test_a_golden_tree_is_accepted(case: str, tmp_path: Path) -> None:
    tree = golden.tree_of(golden.plan_case(golden.read_case(case)))
    for tool in ACCEPTORS:
        find_tool(tool)  # one that is not there would find no fault
    assert accept_tree(tree, SubprocessRunner(), tmp_path) == ()


PORTS = """    interfaces:
      enp8s0: {role: management, dhcp4: true}
      ens11f0: {role: storage, dhcp4: true, dhcp6: true}
      ens11f1: {role: storage, dhcp4: true}
"""


def test_networkd_has_the_default_route_of_one_interface(tmp_path: Path) -> None:
    """What netplan writes for it: one section for both kinds of DHCP."""
    head, _, _ = SEED.read_text(encoding="utf-8").partition("    interfaces:\n")
    tree = tree_of(plan_of(head + PORTS))
    assert accept_tree(tree, SubprocessRunner(), tmp_path) == ()
    folder = tmp_path / "netplan/run/systemd/network"
    mgmt, both, dhcp4 = (
        (folder / f"10-netplan-{name}.network").read_text()
        for name in ("enp8s0", "ens11f0", "ens11f1")
    )
    assert "UseRoutes" not in mgmt
    assert "IPv6AcceptRA" not in mgmt
    assert "RouteMetric=100\n" in mgmt
    for text in (both, dhcp4):
        assert "UseRoutes=false\nUseDNS=false\n" in text
    assert "RouteMetric=2000\n" in both
    assert "IPv6AcceptRA=no\n" in dhcp4


def one(path: str, text: str) -> FileTree:
    return FileTree((RenderedFile(path, text.encode()),))


@pytest.mark.parametrize(
    ("tree", "fault"),
    [
        (one("/usr/lib/systemd/system/x.service", "[Unit]\nAfterr=a.service\n[Service]\nType=oneshot\n"
             "ExecStart=/bin/true\n"), "Unknown key"),
        (one("/etc/netplan/90-rackwright.yaml",
             "network:\n  version: 2\n  ethernets:\n    a: {bogus: 8}\n"), "unknown key"),
    ],
)  # fmt: skip
def test_a_fault_only_they_know_is_found(tree: FileTree, fault: str, tmp_path: Path) -> None:
    faults = accept_tree(tree, SubprocessRunner(), tmp_path)
    assert any(fault in text for text in faults), faults
