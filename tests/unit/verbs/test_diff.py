"""`diff`: what a change of an inventory needs on its nodes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Any
Write = Callable[..., Path]

HOST = "  nfv1:\n    hardware: e5-2620v4"
RATE = ("dpdk1: {vf: ens11f0/0, mtu: 1500, rxq: 1}", "dpdk1: {vf: ens11f0/0, mtu: 1500, rxq: 2}")
PAGES = ("memory: 2GiB", "memory: 4GiB")
ALL_SAME = "0 changed, 0 added, 0 removed, 1 the same\n"

TWO_KINDS = """\
1 changed, 0 added, 0 removed, 0 the same

reboot: nfv1
  ~ /etc/default/grub.d/zz-rackwright.cfg (image)
      reboot: the kernel reads its command line when it starts; run update-grub
  ~ /etc/rackwright/image-release (image)
      nothing to do: names the plan; has no effect
  ~ /etc/rackwright/node.json (image)
      reboot: hugepages: the kernel reserves them at boot, before memory is fragmented
  ~ /etc/systemd/system/dev-hugepages2M.mount (image)
      nothing to do: only comments differ
  ~ /etc/netplan/90-rackwright.yaml (host)
      restart of services: the network is reconfigured, including the address of this connection; \
run netplan apply
  golden image: rebuild it, so that new nodes get the changes
  running nodes: write the files, then: update-grub; reboot
"""


@pytest.fixture
def old(write: Write) -> Path:
    return write(name="old.yaml")


def test_the_same(rackwright: Call, old: Path) -> None:
    assert rackwright("diff", old, old) == (0, ALL_SAME, "")
    assert rackwright("diff", old, old, "--exit-code").code == 0


def test_comments_and_order_of_lines_are_no_change(
    rackwright: Call, old: Path, write: Write
) -> None:
    new = write(("version: 1\n", "\n\n# moved\nversion: 1\n"), name="new.yaml")
    assert rackwright("diff", old, new) == (0, ALL_SAME, "")


def test_the_strongest_counts(rackwright: Call, old: Path, write: Write) -> None:
    new = write(PAGES, ("dhcp4: true", "dhcp4: true, mtu: 1400"), name="new.yaml")
    assert rackwright("diff", old, new) == (0, TWO_KINDS, "")


def test_exit_code_as_git(rackwright: Call, old: Path, write: Write) -> None:
    assert rackwright("diff", old, write(PAGES, name="new.yaml"), "--exit-code").code == 1


def test_the_host_alone_leaves_the_image(rackwright: Call, old: Path, write: Write) -> None:
    new = write(("dhcp4: true", "dhcp4: true, mtu: 1400"), name="new.yaml")
    said = rackwright("diff", old, new)
    assert "restart of services: nfv1\n" in said.out
    assert said.out.endswith(
        "  golden image: unchanged\n  running nodes: write the files, then: netplan apply\n"
    )


def test_a_port_needs_no_reboot(rackwright: Call, old: Path, write: Write) -> None:
    said = rackwright("diff", old, write(RATE, name="new.yaml"), "--json")
    (group,) = json.loads(said.out)["groups"]
    assert (group["verdict"], group["new-image"]) == ("restart", True)
    assert group["commands"] == ["systemctl restart rackwright-ovs-bridges"]


def test_packages_and_release_need_an_image(rackwright: Call, old: Path, write: Write) -> None:
    new = write(("os: debian-13", "os: debian-12"), name="new.yaml")
    said = rackwright("diff", old, new, "--json")
    (group,) = json.loads(said.out)["groups"]
    assert (group["verdict"], group["new-image"], group["commands"]) == ("image", True, [])
    release = {
        "kind": "changed",
        "what": "release",
        "name": "debian-13 -> debian-12",
        "scope": "image",
        "effects": [{"level": "image", "reason": "another distribution release", "command": None}],
    }
    assert release in group["changes"]
    kinds = {(change["kind"], change["what"]) for change in group["changes"]}
    assert {("added", "package"), ("removed", "package")} <= kinds


def test_release_by_option(rackwright: Call, old: Path, write: Write) -> None:
    new = write(("os: debian-13", "os: debian-12"), name="new.yaml")
    assert rackwright("diff", old, new, "--os", "debian-12").out == ALL_SAME


def fleet(path: Path, hosts: int) -> Path:
    """The inventory of one host with its host `hosts` times."""
    head, _, host = path.read_text(encoding="utf-8").partition("\n  nfv1:\n")
    each = (
        f"\n  nfv{n}:\n" + host.replace("cc:37:ab:e1:21:64", f"02:00:00:00:00:{n:02x}")
        for n in range(1, hosts + 1)
    )
    path.write_text(head + "".join(each), encoding="utf-8")
    return path


def test_alike_changes_are_one_group(rackwright: Call, old: Path, write: Write) -> None:
    before, after = fleet(old, 20), fleet(write(PAGES, name="new.yaml"), 20)
    said = rackwright("diff", before, after)
    assert "reboot: nfv1, nfv2, nfv3, nfv4, nfv5 and 15 more (20 hosts)\n" in said.out
    assert said.out.count("golden image:") == 1


def test_hosts_come_and_go(rackwright: Call, old: Path, write: Write) -> None:
    before, after = fleet(old, 2), fleet(write(name="new.yaml"), 3)
    assert rackwright("diff", before, after).out == (
        "0 changed, 1 added, 0 removed, 2 the same\n\n"
        "added: nfv3\n  install them: they have no image yet\n"
    )
    assert rackwright("diff", after, before).out == (
        "0 changed, 0 added, 1 removed, 2 the same\n\nremoved: nfv3\n  they keep running "
        "unchanged\n"
    )
    assert rackwright("diff", before, after, "--host", "nfv1").out == ALL_SAME


def test_a_host_of_neither(rackwright: Call, old: Path) -> None:
    assert rackwright("diff", old, old, "--host", "nfv9") == (
        1,
        "",
        (
            "rackwright: error: neither old.yaml nor old.yaml has a host 'nfv9'\n"
            "  hint: hosts of old.yaml: nfv1\n"
        ),
    )


def test_faults_end_it(rackwright: Call, old: Path, write: Write) -> None:
    new = write(("rxq: 1}", "rxq: 1, mtu: 99999}"), name="new.yaml")
    said = rackwright("diff", old, new)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("new.yaml:")


def test_faults_of_both_are_told(rackwright: Call, write: Write) -> None:
    before = write(("rxq: 1}", "rxq: 1, mtu: 99999}"), name="before.yaml")
    after = write(("memory: 2GiB", "memory: many"), name="after.yaml")
    each = [rackwright("diff", path, path).err for path in (before, after)]
    alone = [text[: len(text) // 2] for text in each]
    assert [text * 2 for text in alone] == each
    assert rackwright("diff", before, after) == (1, "", "".join(alone))
    assert [text.split(":")[0] for text in alone] == ["before.yaml", "after.yaml"]
    assert ["mtu: 99999" in alone[0], "memory: many" in alone[1]] == [True, True]


def test_warnings_of_both_are_told(rackwright: Call, write: Write) -> None:
    before = write(("        pool: net_vfs\n", ""), name="before.yaml")
    after = write(("        pool: net_vfs\n", ""), PAGES, name="after.yaml")
    said = rackwright("diff", before, after)
    assert (said.code, said.out.splitlines()[2]) == (0, "reboot: nfv1")
    told = [line for line in said.err.splitlines() if ": warning: " in line or " warning" in line]
    assert told == [
        (
            f"{name}:36:9: warning: profiles.nfv.sriov[1]: VFs 0-1 of ens11f1 are neither in a pool "
            "nor for OVS"
        )
        if name
        else "1 warning"
        for name in ("before.yaml", "", "after.yaml", "")
    ]


def test_numbers_of_the_kubelet(rackwright: Call, old: Path, write: Write) -> None:
    hosts = "\nhosts:\n"
    before = write((hosts, f"    kubernetes: {{eviction: 100MiB}}\n{hosts}"), name="before.yaml")
    after = write((hosts, f"    kubernetes: {{eviction: 200MiB}}\n{hosts}"), name="after.yaml")
    said = rackwright("diff", before, after, "--json")
    (group,) = json.loads(said.out)["groups"]
    assert group["commands"] == [
        (
            "drain the node, then rm -f /var/lib/kubelet/{cpu,memory}_manager_state, systemctl restart "
            "kubelet"
        )
    ]
    assert group["changes"][0]["name"] == "KubeletConfiguration values"


def test_a_pool_with_another_name(rackwright: Call, old: Path, write: Write) -> None:
    said = rackwright("diff", old, write(("pool: net_vfs", "pool: lan_vfs"), name="new.yaml"))
    assert "  + pool lan_vfs" in said.out
    assert "  - pool net_vfs" in said.out
    assert "update the SR-IOV device plugin" in said.out
