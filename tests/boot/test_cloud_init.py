"""Bundles in twins, with the distribution's own cloud-init: golden, stock, and cut off in the middle."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from boot_seed import HOST, SEED
from cloud_twin import CloudTwin
from stock_image import build_stock

from builder import cli
from builder.plan.nouns.host import HostPlan
from builder.prepare import host_named, prepare
from builder.verify.judge import judge
from builder.verify.spec import spec_of
from builder.verify.twin import TwinMachine, plan_twin
from builder.verify.verified_image import VerifiedImage

# A stock image installs packages and makes its initramfs under emulation, and boots twice.
STOCK_S = 2400.0
STEPS = ["alternatives", "applied", "done", "files", "grub", "initramfs", "packages"]
CLEAN = {
    "result": {"datasource": "DataSourceNoCloud [seed=/dev/vdb]", "errors": []},
    "recoverable": {},
    "complaints": [],
}
ACCESS = """
access:
  users:
    admin:
      ssh-keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9mXkqH1rMwpoRBPGcEt0fo6xbLw7MDb9v8q3S8m2pK
        it's \\"hers\\" $HOME {{ x }} #cloud-config ö"]
      password-hash: "$6$abcdefgh$lyDyc6ZbrHUBx0CEGFWxBPzr7k9zcDH0kSsQ7ZaQHGSLuYfHvrhb7QuRmRsYr1bW"
      sudo: true
      groups: [adm]
  secrets:
    machine: {url: "file:///etc/hostname", path: /etc/rackwright/join}
hosts:"""


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The seed with a user, a secret and the MAC of the management port."""
    text = SEED.read_text(encoding="utf-8").replace("\nhosts:", ACCESS)
    old, new = "dhcp4: true}", 'dhcp4: true, mac: "cc:37:ab:e1:21:64"}'
    assert text.count(old) == 1
    path = tmp_path_factory.mktemp("cloud") / "inventory.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def own_plan(inventory: Path) -> HostPlan:
    return prepare(inventory, host_named(HOST)).plan


@pytest.fixture(scope="module")
def machine(inventory: Path, own_plan: HostPlan) -> TwinMachine:
    hardware = prepare(inventory, host_named(HOST)).hardware
    return plan_twin(spec_of(hardware, own_plan, "bios"))


@pytest.fixture(scope="module")
def stock(own_plan: HostPlan, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_stock(own_plan, tmp_path_factory.mktemp("stock"), cache)


@pytest.fixture
def twin(
    request: pytest.FixtureRequest, machine: TwinMachine, tmp_path: Path
) -> Iterator[CloudTwin]:
    image, seed = request.param(request)
    made = CloudTwin(machine, image, seed, tmp_path / "twin")
    yield made
    made.disk.unlink()


def golden_case(request: pytest.FixtureRequest) -> tuple[Path, Path]:
    out: Path = request.getfixturevalue("tmp_path")
    inventory, cache = request.getfixturevalue("inventory"), request.getfixturevalue("cache")
    call(
        "image",
        inventory,
        "--profile",
        "nfv",
        "-o",
        out / "image",
        "--cache",
        cache,
        "--format",
        "raw",
    )
    return out / "image/nfv-node.raw", bundle(inventory, out, "golden")


def stock_case(request: pytest.FixtureRequest) -> tuple[Path, Path]:
    out: Path = request.getfixturevalue("tmp_path")
    image: Path = request.getfixturevalue("stock")
    return image, bundle(request.getfixturevalue("inventory"), out, "stock")


def bundle(inventory: Path, out: Path, boots: str) -> Path:
    call("cloud-init", inventory, "--host", HOST, "--iso", "--boots", boots, "-o", out / "bundle")
    return out / "bundle" / f"{HOST}.iso"


def call(*argv: object) -> None:
    assert cli.main([str(word) for word in argv]) == 0


def check_node(twin: CloudTwin, plan: HostPlan, facts: bytes) -> None:
    """The node is what its image's plan says, and cloud-init has nothing to complain of."""
    verified = VerifiedImage(twin.disk, None, None, None)
    verdict = judge(plan, verified, twin.twin, facts, None)
    assert [r for r in verdict.results if r.status == "fail"] == []
    assert json.loads(facts)["hostname"] == HOST
    assert json.loads(facts)["units"]["failed"] == []
    assert twin.cloud_init() == CLEAN
    passwd = twin.read("/etc/passwd")
    assert re.search(r"^admin:x:\d+:\d+::/home/admin:/bin/bash$", passwd, re.MULTILINE)
    assert twin.read("/home/admin/.ssh/authorized_keys").count('it\'s "hers" $HOME {{ x }}') == 1
    assert "\nadmin:$6$abcdefgh$lyDyc6" in twin.read("/etc/shadow")
    assert twin.read("/etc/rackwright/join") == f"{HOST}\n"
    netplan = twin.listing("/etc/netplan")
    assert netplan == ["50-cloud-init.yaml"]


@pytest.mark.parametrize("twin", [golden_case], indirect=True, ids=["golden"])
def test_a_golden_image_is_ready_at_its_first_boot(twin: CloudTwin, own_plan: HostPlan) -> None:
    facts = twin.run_to_facts(900.0)
    check_node(twin, own_plan, facts)
    assert twin.stamps() == sorted([*STEPS, "secret-machine"])
    assert twin.console.count("Linux version ") == 1


@pytest.mark.timeout(STOCK_S)
@pytest.mark.parametrize("twin", [stock_case], indirect=True, ids=["stock"])
def test_a_stock_image_is_ready_after_one_reboot(twin: CloudTwin, own_plan: HostPlan) -> None:
    facts = twin.run_to_facts(STOCK_S)
    check_node(twin, own_plan, facts)
    assert twin.stamps() == sorted([*STEPS, "reboot", "secret-machine"])
    assert twin.console.count("Linux version ") == 2


@pytest.mark.timeout(2 * STOCK_S)
@pytest.mark.parametrize("twin", [stock_case], indirect=True, ids=["cut"])
def test_a_stock_image_cut_off_in_the_middle_ends_the_same(
    twin: CloudTwin, own_plan: HostPlan
) -> None:
    """Power goes while cloud-init writes files, while dpkg unpacks, and while the initramfs is made."""
    for place in (
        "running 'init' at",
        "Unpacking openvswitch-switch-dpdk",
        "rackwright: update-initramfs",
    ):
        twin.cut(lambda found=place: found in twin.console, STOCK_S)  # type: ignore[misc]
    facts = twin.run_to_facts(STOCK_S)
    check_node(twin, own_plan, facts)
    assert twin.stamps() == sorted([*STEPS, "reboot", "secret-machine"])
    assert twin.console.count("Linux version ") == 2
