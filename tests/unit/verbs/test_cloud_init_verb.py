"""`cloud-init`: bundles of one host and of all, and what is refused before anything is written."""

from __future__ import annotations

import gzip
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from builder import accept
from builder.command import Result
from builder.verbs import cloud_init

Call = Any
MAC = ("dhcp4: true}", 'dhcp4: true, mac: "cc:37:ab:e1:21:64"}')
TWO = (
    "hosts:\n",
    (
        "hosts:\n  nfv2:\n    hardware: e5-2620v4\n    profile: nfv\n    interfaces:\n"
        "      enp8s0: {role: management, addresses: [10.0.0.5/24]}\n"
    ),
)


class Netplan:
    """Stands for netplan's generator: what it was given, and what it is to say."""

    def __init__(self) -> None:
        self.seen: list[object] = []
        self.said = b""

    def run(self, command: Any) -> Result:
        root = Path(command.argv[-1])
        assert command.argv[:2] == ("/usr/libexec/netplan/configure", "--root-dir")
        file = root / "etc/netplan/50-cloud-init.yaml"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        self.seen.append(yaml.safe_load(file.read_text(encoding="utf-8")))
        return Result(0, b"", self.said)


@pytest.fixture
def write(write_with_users: Callable[..., Path]) -> Callable[..., Path]:
    return write_with_users


@pytest.fixture(autouse=True)
def netplan(monkeypatch: pytest.MonkeyPatch) -> Netplan:
    fake = Netplan()
    monkeypatch.setattr(cloud_init, "SubprocessRunner", lambda: fake)
    monkeypatch.setattr(accept, "find_tool", lambda name: Path("/usr/sbin") / name)
    return fake


def names(base: Path) -> list[str]:
    return sorted(str(path.relative_to(base)) for path in base.rglob("*") if path.is_file())


def test_writes_one_host(rackwright: Call, inventory: Path, here: Path) -> None:
    said = rackwright("cloud-init", inventory, "--host", "nfv1", "-o", "seed")
    assert said == (0, "", "1 host in seed\n")
    assert names(here / "seed") == [
        ".rackwright.json",
        "nfv1/meta-data",
        "nfv1/network-config",
        "nfv1/user-data",
        "nfv1/vendor-data",
    ]
    assert stat.S_IMODE((here / "seed/nfv1/user-data").stat().st_mode) == 0o600


def test_writes_all_hosts_in_every_form(
    rackwright: Call, write: Callable[..., Path], here: Path
) -> None:
    path = write(TWO, MAC)
    said = rackwright("cloud-init", path, "--all", "-o", "rack", "--iso", "--mime")
    assert said == (0, "", "2 hosts in rack\n")
    assert [name for name in names(here / "rack") if "/" not in name] == [
        ".rackwright.json",
        "nfv1.iso",
        "nfv1.mime",
        "nfv2.iso",
        "nfv2.mime",
    ]
    first = {name: (here / "rack" / name).read_bytes() for name in names(here / "rack")}
    rackwright("cloud-init", path, "--all", "-o", "rack", "--iso", "--mime")
    assert first == {name: (here / "rack" / name).read_bytes() for name in names(here / "rack")}


def test_netplan_sees_each_shape_once(
    rackwright: Call, write: Callable[..., Path], netplan: Netplan
) -> None:
    third = TWO[1].removeprefix("hosts:\n").replace("nfv2", "nfv3").replace("0.5", "0.6")
    rackwright("cloud-init", write((TWO[0], TWO[1] + third), MAC), "--all", "-o", "rack")
    shapes = [list(item["network"]["ethernets"]["enp8s0"]) for item in netplan.seen]  # type: ignore[index]
    assert shapes == [
        ["dhcp4", "dhcp6", "addresses"],
        ["match", "set-name", "dhcp4", "dhcp-identifier", "dhcp6"],
    ]


def test_tells_what_netplan_says(
    rackwright: Call, inventory: Path, here: Path, netplan: Netplan
) -> None:
    netplan.said = b"Error in network definition: unknown key\n"
    assert rackwright("cloud-init", inventory, "--host", "nfv1", "-o", "seed") == (
        1,
        "",
        (
            "rackwright: error: the bundle does not match the schema of cloud-init\n    "
            "nfv1/network-config: netplan: Error in network definition: unknown key\n  "
            "hint: this is a bug in rackwright: please report it with the inventory\n"
        ),
    )
    assert not (here / "seed").exists()


def test_stock_wants_macs(rackwright: Call, write: Callable[..., Path], here: Path) -> None:
    argv = ("--host", "nfv1", "-o", "seed", "--boots", "stock")
    assert rackwright("cloud-init", write(), *argv) == (
        0,
        "",
        (
            "warning: the MAC of the management interface of nfv1 is not given: at first boot, a "
            "stock image finds the port only if the kernel gives it the same name as the "
            "inventory\n"
            '  hint: hosts: {nfv1: {interfaces: {<nic>: {mac: "…"}}}}\n'
            "1 host in seed\n"
        ),
    )
    assert rackwright("cloud-init", write(MAC), *argv) == (0, "", "1 host in seed\n")


def test_compresses_what_a_provider_would_refuse(
    rackwright: Call, write: Callable[..., Path], here: Path
) -> None:
    argv = ("--host", "nfv1", "-o", "seed", "--boots", "stock", "--provider")
    assert rackwright("cloud-init", write(MAC), *argv, "openstack").code == 0
    packed = (here / "seed/nfv1/user-data.gz").read_bytes()
    assert gzip.decompress(packed) == (here / "seed/nfv1/user-data").read_bytes()
    said = rackwright("cloud-init", write(MAC), *argv, "ec2")
    assert said.code == 1
    assert "rackwright: error: user-data of nfv1 is " in said.err
    assert "bytes, " in said.err
    assert "compressed, and ec2 takes 16384\n" in said.err
    # The bundle that was there before stays.
    assert (here / "seed/nfv1/user-data.gz").read_bytes() == packed


def test_a_file_and_a_directory_of_one_name(
    rackwright: Call, write: Callable[..., Path], here: Path
) -> None:
    """A host may be called after what is written beside the directory of another."""
    inventory = write((TWO[0], TWO[1].replace("nfv2", "nfv1.iso")))
    clash = (
        "rackwright: error: the file nfv1.iso of host nfv1 would have the name of the directory "
        "of host nfv1.iso\n"
        "  hint: write the bundle of nfv1.iso to a directory of its own: --host nfv1.iso -o DIR\n"
    )
    assert rackwright("cloud-init", inventory, "--all", "--iso", "-o", "seed") == (1, "", clash)
    assert rackwright("cloud-init", inventory, "--all", "-o", "seed").code == 0
    kept = names(here / "seed")
    assert rackwright("cloud-init", inventory, "--host", "nfv1", "-o", "seed").code == 0
    assert names(here / "seed") == kept
    one = ("cloud-init", inventory, "--host", "nfv1", "--iso", "-o", "seed")
    assert rackwright(*one) == (1, "", clash)
    assert names(here / "seed") == kept
    # The file was there first.
    assert rackwright("cloud-init", inventory, "--host", "nfv1", "--iso", "-o", "other").code == 0
    one = ("cloud-init", inventory, "--host", "nfv1.iso", "-o", "other")
    assert rackwright(*one) == (1, "", clash)


def test_unknown_host(rackwright: Call, inventory: Path) -> None:
    said = rackwright("cloud-init", inventory, "--host", "nfv9", "-o", "seed")
    assert said == (
        1,
        "",
        "rackwright: error: inventory.yaml has no host 'nfv9'\n  hint: hosts: nfv1\n",
    )


def test_refuses_a_directory_of_somebody_else(
    rackwright: Call, inventory: Path, here: Path
) -> None:
    (here / "mine").mkdir()
    (here / "mine/file").write_text("x", encoding="utf-8")
    said = rackwright("cloud-init", inventory, "--host", "nfv1", "-o", "mine")
    assert said.code == 1
    assert "is not empty and was not written by rackwright" in said.err
    assert (here / "mine/file").read_text(encoding="utf-8") == "x"


def test_a_tree_and_bundles_keep_apart(rackwright: Call, inventory: Path, here: Path) -> None:
    rackwright("render", inventory, "--host", "nfv1", "-o", "tree")
    rackwright("cloud-init", inventory, "--host", "nfv1", "-o", "bundles")
    said = rackwright("cloud-init", inventory, "--host", "nfv1", "-o", "tree")
    assert (said.code, "tree holds something else that rackwright" in said.err) == (1, True)
    said = rackwright("render", inventory, "--host", "nfv1", "-o", "bundles")
    assert (said.code, "bundles holds something else that rackwright" in said.err) == (1, True)
    assert (here / "tree/etc/hostname").is_file()
    assert (here / "bundles/nfv1/meta-data").is_file()


@pytest.mark.parametrize("subject", [("--host", "nfv1"), ("--all",)])
def test_keeps_files_of_others_beside_bundles(
    rackwright: Call, inventory: Path, here: Path, subject: tuple[str, ...]
) -> None:
    rackwright("cloud-init", inventory, "--host", "nfv1", "-o", "bundles")
    for name in ("a", "b", "nfv1/c", "d"):
        (here / "bundles" / name).write_text("mine", encoding="utf-8")
    assert rackwright("cloud-init", inventory, *subject, "-o", "bundles") == (
        1,
        "",
        (
            "rackwright: error: bundles has files that rackwright did not write: a, b, d, and 1 "
            "more\n  hint: move them elsewhere, or choose another directory with -o\n"
        ),
    )
    assert (here / "bundles/nfv1/c").read_text(encoding="utf-8") == "mine"


def test_one_host_after_the_other(rackwright: Call, inventory: Path, tmp_path: Path) -> None:
    """A second host is added; a host made again loses what it is no longer asked for."""
    text = inventory.read_text(encoding="utf-8")
    head, _, host = text.partition("\nhosts:\n")
    second = re.sub(r"    (boot-mac|serial): .*\n", "", host.replace("nfv1:", "nfv2:"))
    inventory.write_text(f"{head}\nhosts:\n{host}{second}", encoding="utf-8")
    out = tmp_path / "bundle"
    for argv in (("nfv1", "--iso"), ("nfv2",), ("nfv1",)):
        assert rackwright("cloud-init", inventory, "--host", *argv, "-o", out).code == 0
    assert sorted(entry.name for entry in out.iterdir()) == [".rackwright.json", "nfv1", "nfv2"]
    assert (out / "nfv2/user-data").stat().st_mode & 0o777 == 0o600


def test_stock_wants_a_mirror_that_nodes_reach(
    rackwright: Call, write: Callable[..., Path], here: Path
) -> None:
    inventory = write(
        MAC, ("  name: nfv-node\n", "  name: nfv-node\n  mirror: file:///srv/debian\n")
    )
    argv = ("cloud-init", inventory, "--host", "nfv1", "-o", "seed", "--boots")
    assert rackwright(*argv, "golden") == (0, "", "1 host in seed\n")
    assert rackwright(*argv, "stock") == (
        0,
        "",
        (
            "warning: image.mirror is file:///srv/debian: a stock image looks for it on the node"
            " itself\n  hint: serve the directory over http, and name its address\n"
            "1 host in seed\n"
        ),
    )
