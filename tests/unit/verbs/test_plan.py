"""`plan`: values, values with reasons, values as data."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder import build_host

Call = Any

SUMMARY = """\
Kernel settings (sysctl)
  kernel.numa_balancing=0
  vm.swappiness=10

Network ports the kernel keeps
  enp8s0 0000:08:00.0 igb
  ens11f0 0000:01:00.0 ixgbe
  ens11f1 0000:01:00.1 ixgbe
"""


def test_plain_is_values_only(rackwright: Call, inventory: Path) -> None:
    said = rackwright("plan", inventory, "--host", "nfv1")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("nfv1: hardware e5-2620v4, profile nfv, debian-13\nhost plan ")
    assert SUMMARY in said.out
    assert "←" not in said.out
    assert said.out.endswith("  zstd\n")
    assert not said.out.endswith("\n\n")


def test_explain_adds_only_reasons(rackwright: Call, inventory: Path) -> None:
    plain = rackwright("plan", inventory, "--host", "nfv1").out.splitlines()
    said = rackwright("plan", inventory, "--host", "nfv1", "--explain")
    values = [line.partition("←")[0].rstrip() for line in said.out.splitlines()]
    assert (said.code, said.err) == (0, "")
    assert [line for line in plain if line not in values] == []
    assert "← inventory.yaml:27 profiles.nfv.hugepages.pods.memory" in said.out


def test_json_has_the_same_plan(rackwright: Call, inventory: Path) -> None:
    plain = rackwright("plan", inventory, "--host", "nfv1").out.splitlines()
    said = rackwright("plan", inventory, "--host", "nfv1", "--json")
    data = json.loads(said.out)
    assert (said.code, said.err) == (0, "")
    assert plain[1:3] == [f"host plan {data['plan-id']}", f"image plan {data['image']['plan-id']}"]


def test_one_form_at_a_time(rackwright: Call, inventory: Path) -> None:
    said = rackwright("plan", inventory, "--host", "nfv1", "--json", "--explain")
    assert (said.code, said.out) == (2, "")
    assert said.err.endswith(
        "rackwright plan: error: argument --explain: not allowed with argument --json\n"
    )


def test_unknown_host_lists_those_there_are(rackwright: Call, write: Callable[..., Path]) -> None:
    # a warning of the inventory would only bury the answer
    inventory = write(("        pool: net_vfs\n", ""))
    assert rackwright("plan", inventory, "--host", "nfv9") == (
        1,
        "",
        "rackwright: error: inventory.yaml has no host 'nfv9'\n  hint: hosts: nfv1\n",
    )


def test_warnings_are_counted_once(rackwright: Call, write: Callable[..., Path]) -> None:
    inventory = write(("        pool: net_vfs\n", ""))
    said = rackwright("plan", inventory, "--host", "nfv1")
    assert said.code == 0
    assert [line for line in said.err.splitlines() if line.endswith("warning")] == ["1 warning"]


def test_release_of_this_machine(
    rackwright: Call, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    inventory = write(("os: debian-13", "os: host"))

    def runs(family: str) -> None:
        monkeypatch.setattr(build_host, "read_os_release", lambda: {"ID": family})

    runs("ubuntu")
    assert rackwright("plan", inventory, "--host", "nfv1").out.splitlines()[0] == (
        "nfv1: hardware e5-2620v4, profile nfv, ubuntu-26.04"
    )
    runs("fedora")
    assert rackwright("plan", inventory, "--host", "nfv1") == (
        1,
        "",
        (
            "rackwright: error: image.os is 'host', but this machine runs fedora, for which "
            "rackwright builds no images\n  hint: choose a release with --os: debian-12, "
            "debian-13, ubuntu-22.04, ubuntu-24.04, ubuntu-26.04\n"
        ),
    )


def test_a_page_replaces_a_page_and_nothing_else(
    rackwright: Call, inventory: Path, here: Path
) -> None:
    page = ("plan", inventory, "--host", "nfv1", "--html")
    before = inventory.read_bytes()
    said = rackwright(*page, inventory)
    assert (said.code, f"{inventory} already exists" in said.err) == (1, True)
    assert inventory.read_bytes() == before
    for _ in range(2):
        assert rackwright(*page, here / "nfv1.html").code == 0


def test_page(rackwright: Call, inventory: Path, here: Path) -> None:
    said = rackwright("plan", inventory, "--host", "nfv1", "--html", "out/nfv1.html")
    told = "the plan of nfv1 is in out/nfv1.html\nmade the directory out\n"
    assert said == (0, "", told)
    page = (here / "out/nfv1.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>\n")
    assert page.endswith("</html>\n")


def test_page_is_one_form_too(rackwright: Call, inventory: Path) -> None:
    said = rackwright("plan", inventory, "--host", "nfv1", "--json", "--html", "x.html")
    assert (said.code, said.out) == (2, "")
