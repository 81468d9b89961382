"""`check`: everything wrong at once, and nothing written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.inventory import loader
from tests.plans import OTHER_PAIR

Call = Any
Write = Callable[..., Path]

POOL_WARNING = """\
inventory.yaml:36:9: warning: profiles.nfv.sriov[1]: VFs 0-1 of ens11f1 are neither in a pool nor for OVS
          - pf: ens11f1
            ^
  hint: add pool to the policy or to the VF, or use: ovs-dpdk
"""
BAD = ("num-vfs: 2\n        pool: net_vfs", "num-vfs: 64")
ERRORS = """\
inventory.yaml:36:9: warning: profiles.nfv.sriov[1]: VFs 0-63 of ens11f1 are neither in a pool nor for OVS
          - pf: ens11f1
            ^
  hint: add pool to the policy or to the VF, or use: ovs-dpdk
inventory.yaml:37:18: error: profiles.nfv.sriov[1].num-vfs: num-vfs is 64, but ens11f1 (Intel 82599ES (SFP+)) has at most 63 VFs
            num-vfs: 64
                     ^
1 error, 1 warning
"""


def test_all_is_well(rackwright: Call, inventory: Path) -> None:
    assert rackwright("check", inventory) == (0, "inventory.yaml: 1 host, no errors\n", "")


def test_hosts_are_counted(rackwright: Call, write: Write) -> None:
    inventory = write()
    text = inventory.read_text(encoding="utf-8")
    host = text.partition("\n  nfv1:\n")[2].replace("e1:21:64", "e1:21:65")
    inventory.write_text(f"{text}\n  nfv2:\n{host}", encoding="utf-8")
    said = rackwright("check", inventory)
    assert said == (0, "inventory.yaml: 2 hosts, no errors\n", "")


def test_warnings_do_not_fail(rackwright: Call, write: Write) -> None:
    inventory = write(("        pool: net_vfs\n", ""))
    said = rackwright("check", inventory)
    line = inventory.read_text(encoding="utf-8").split("- pf: ens11f1")[0].count("\n") + 1
    expected = POOL_WARNING.replace(":36:", f":{line}:")
    assert said == (0, "inventory.yaml: 1 host, no errors\n", expected + "1 warning\n")


def test_all_errors_and_no_summary(rackwright: Call, write: Write, here: Path) -> None:
    inventory = write(BAD)
    said = rackwright("check", inventory)
    assert said == (1, "", ERRORS)
    assert [path.name for path in here.iterdir()] == ["inventory.yaml"]


@pytest.mark.parametrize("verb", ["plan", "render", "image", "cloud-init"])
def test_other_verbs_tell_the_same(rackwright: Call, write: Write, here: Path, verb: str) -> None:
    more = () if verb == "plan" else ("-o", "out")
    assert rackwright(verb, write(BAD), "--host", "nfv1", *more) == (1, "", ERRORS)
    assert [path.name for path in here.iterdir()] == ["inventory.yaml"]


def test_json(rackwright: Call, write: Write) -> None:
    said = rackwright("check", write(BAD), "--json")
    assert (said.code, said.err) == (1, "")
    assert json.loads(said.out) == [
        {
            "severity": "warning",
            "rule": "vf-has-use",
            "file": "inventory.yaml",
            "line": 36,
            "column": 9,
            "path": "profiles.nfv.sriov[1]",
            "message": "VFs 0-63 of ens11f1 are neither in a pool nor for OVS",
            "hint": "add pool to the policy or to the VF, or use: ovs-dpdk",
        },
        {
            "severity": "error",
            "rule": "sriov-num-vfs",
            "file": "inventory.yaml",
            "line": 37,
            "column": 18,
            "path": "profiles.nfv.sriov[1].num-vfs",
            "message": "num-vfs is 64, but ens11f1 (Intel 82599ES (SFP+)) has at most 63 VFs",
            "hint": None,
        },
    ]


def test_json_of_nothing(rackwright: Call, inventory: Path) -> None:
    assert rackwright("check", inventory, "--json") == (0, "[]\n", "")


@pytest.mark.parametrize("verb", ["check", "plan", "render", "image"])
def test_no_such_file(rackwright: Call, verb: str, here: Path) -> None:
    more = {"check": (), "plan": ("--host", "h")}.get(verb, ("--host", "h", "-o", "out"))
    assert rackwright(verb, "none.yaml", *more) == (
        1,
        "",
        "none.yaml:1:1: error: there is no such file\n1 error\n",
    )
    assert list(here.iterdir()) == []


def test_a_directory(rackwright: Call, here: Path) -> None:
    (here / "site").mkdir()
    assert rackwright("check", "site") == (
        1,
        "",
        (
            "site:1:1: error: this is a directory\n"
            "  hint: name the file in it: site/inventory.yaml\n"
            "1 error\n"
        ),
    )


def test_an_unreadable_file(
    rackwright: Call, inventory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    # root may read all files: only a fake can refuse
    monkeypatch.setattr(loader.Path, "open", refuse)
    assert rackwright("check", inventory) == (
        1,
        "",
        (
            "inventory.yaml:1:1: error: no permission to read this file\n  hint: see ls -l "
            "inventory.yaml\n1 error\n"
        ),
    )


def test_unknown_release(rackwright: Call, inventory: Path) -> None:
    said = rackwright("check", inventory, "--os", "debian-7")
    assert (said.code, said.out) == (2, "")
    assert said.err.endswith(
        "rackwright check: error: argument --os: invalid choice: 'debian-7' (choose from 'host', "
        "'debian-12', 'debian-13', 'ubuntu-22.04', 'ubuntu-24.04', 'ubuntu-26.04')\n"
    )


def test_numbers_of_every_pair_are_checked_once(rackwright: Call, inventory: Path) -> None:
    """Three hosts, two of one class and profile: one message for each pair, none twice."""
    text = inventory.read_text(encoding="utf-8").replace("rxq: 1}", "rxq: 4}")
    head, _, hosts = text.partition("\nhosts:\n")
    second = head[head.index("  nfv:\n") :].replace("  nfv:\n", "  other:\n", 1)
    own = re.sub(r"    boot-mac: .*\n", "", hosts)
    more = own.replace("nfv1:", "nfv2:") + own.replace("nfv1:", "nfv3:").replace(
        "profile: nfv", "profile: other"
    )
    inventory.write_text(f"{head}\n{second}\nhosts:\n{own}{more}", encoding="utf-8")
    code, out, err = rackwright("check", inventory)
    assert (code, out) == (0, "inventory.yaml: 3 hosts, no errors\n")
    assert re.findall(r"warning: profiles\.(\w+)\..*: dpdk1 has 4 receive queues", err) == [
        "nfv",
        "other",
    ]


def rules_of(rackwright: Call, inventory: Path) -> set[str]:
    return {item["rule"] for item in json.loads(rackwright("check", inventory, "--json").out)}


def test_numbers_are_checked_beside_a_faulty_profile(rackwright: Call, write: Write) -> None:
    """A rule's error in one profile, and one of the plan in another: both at once."""
    inventory = write(("ens11f0/0", "ens11f0/5"), ("\nhosts:\n", f"\n{OTHER_PAIR}"))
    assert rules_of(rackwright, inventory) == {"plan-pages-fit", "ovs-vf-known", "vf-for-ovs-used"}


def test_numbers_are_checked_beside_a_profile_of_another_form(
    rackwright: Call, write: Write
) -> None:
    inventory = write(("rxq: 1}", "rxq: many}"), ("\nhosts:\n", f"\n{OTHER_PAIR}"))
    assert rules_of(rackwright, inventory) == {"plan-pages-fit", "schema"}


def test_a_faulty_image_says_nothing_of_numbers(rackwright: Call, write: Write) -> None:
    """Nothing says of which release they would be."""
    inventory = write(("os: debian-13", "os: debian"), ("\nhosts:\n", f"\n{OTHER_PAIR}"))
    assert rules_of(rackwright, inventory) == {"schema"}


@pytest.mark.parametrize(
    ("old", "new", "rules"),
    [
        ("name: nfv-node", "name: A B", {"schema"}),
        ("dhcp4: true", "dhcp4: maybe", {"schema"}),
        ("dhcp4: true", "addresses: [192.0.2.1/24], gateway: 192.0.3.1", {"host-gateway"}),
        ("    sriov:", "    kernel-args: [quiet splash]\n    sriov:", {"schema"}),
        ("    sriov:", "    kernel-args: [mem=1G]\n    sriov:", {"kernel-args-keep-memory"}),
        ("    sriov:", "    sysctl: {vm.swappiness: 1.5}\n    sriov:", {"schema"}),
        ("version: 1", "x-common: 1\nversion: 1", {"schema"}),
    ],
)
def test_numbers_are_checked_beside_what_they_do_not_rest_on(
    rackwright: Call, write: Write, old: str, new: str, rules: set[str]
) -> None:
    """Of the one host's own profile, which has more pages than the machine."""
    inventory = write((old, new), ("memory: 2GiB", "memory: 92GiB"))
    assert rules_of(rackwright, inventory) == {*rules, "plan-pages-fit"}


def test_what_follows_from_an_error_is_not_told_too(rackwright: Call, write: Write) -> None:
    inventory = write(
        ("    sriov:", "    kernel-args: [intel_iommu=off]\n    sriov:"),
        ("memory: 2GiB", "memory: 92GiB"),
    )
    assert rules_of(rackwright, inventory) == {"binding-iommu", "plan-pages-fit"}
