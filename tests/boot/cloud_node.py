"""What the bundles' nodes are made from, and what each of them is in the end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from boot_seed import HOST, smaller_seed
from cloud_twin import CloudTwin
from stock_image import reporting_files

from builder import cli
from builder.plan.nouns.host import HostPlan
from builder.prepare import host_named, prepare
from builder.render.tree import RenderedFile
from builder.verify.judge import judge
from builder.verify.spec import spec_of
from builder.verify.twin import TwinMachine, plan_twin
from builder.verify.verified_image import VerifiedImage

# A stock image installs packages and makes its initramfs under emulation, and boots twice.
STOCK_S = 2400.0
STEPS = ("alternatives", "applied", "done", "files", "grub", "initramfs", "packages", "sources")
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
    guest: {ssh-keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f guest"], sudo: true}
  secrets:
    machine: {url: "file:///etc/hostname", path: /etc/rackwright/join}
hosts:"""


def write_inventory(path: Path) -> Path:
    """The small seed with a user, a secret and the MAC of the management port."""
    text = smaller_seed().replace("\nhosts:", ACCESS)
    old, new = "dhcp4: true}", 'dhcp4: true, mac: "cc:37:ab:e1:21:64"}'
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def plan_of(inventory: Path) -> HostPlan:
    return prepare(inventory, host_named(HOST)).plan


def machine_of(inventory: Path) -> TwinMachine:
    prepared = prepare(inventory, host_named(HOST))
    return plan_twin(spec_of(prepared.hardware, prepared.plan, "bios"))


def bundle(inventory: Path, out: Path, boots: str) -> Path:
    call("cloud-init", inventory, "--host", HOST, "--iso", "--boots", boots, "-o", out / "bundle")
    return out / "bundle" / f"{HOST}.iso"


def call(*argv: object) -> None:
    assert cli.call(cli.parse([str(word) for word in argv])) == 0


def check_node(
    twin: CloudTwin, plan: HostPlan, facts: bytes, unlisted: Iterable[RenderedFile] = ()
) -> None:
    """The node is what its image's plan says, and cloud-init has nothing to complain of.

    unlisted: files of the plan that are not in the node's list of them.
    """
    verified = VerifiedImage(twin.disk, None, None, None)
    verdict = judge(plan, verified, twin.twin, facts, None)
    failed = {r.name: r for r in verdict.results if r.status == "fail"}
    assert failed.keys() == {f"files.{file.path}" for file in unlisted}, failed
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


def check_stock_node(twin: CloudTwin, plan: HostPlan, facts: bytes) -> None:
    """All steps are done, and the last time the power was on there was one reboot."""
    check_node(twin, plan, facts, reporting_files(plan))
    assert twin.stamps() == sorted([*STEPS, "reboot", "secret-machine"])
    # What the image's own sources lack, and microcode was found in.
    assert (
        twin.read("/etc/apt/sources.list.d/rackwright.sources").count(
            "Components: non-free-firmware\nTrusted: yes\n"
        )
        == 2
    )
    assert "Package: intel-microcode\nStatus: install ok installed" in twin.read(
        "/var/lib/dpkg/status"
    )
    assert twin.console.count("Linux version ") == 2
