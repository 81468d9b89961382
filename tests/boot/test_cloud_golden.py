"""Bundles for a golden image, with the distribution's own cloud-init."""

from __future__ import annotations

import json
import re
from pathlib import Path

from boot_seed import HOST
from cloud_node import bundle, call, check_node, machine_of, plan_of
from cloud_twin import CloudTwin, cloud_twin, disk_ids

LOG = "/var/log/cloud-init-output.log"
KEYS = tuple(f"/etc/ssh/ssh_host_{kind}_key" for kind in ("ecdsa", "ed25519", "rsa"))
DONE = "rackwright: this node is what its inventory says"


def test_a_golden_image_is_ready_at_its_first_boot(
    cloud: Path, tmp_path: Path, cache: Path
) -> None:
    """And stays as it is when a bundle comes that is for an image of another plan.

    Beside it is a disk of the same inventory, that was written for another machine.
    """
    out, where = tmp_path / "image", ("--cache", cache, "--format", "raw")
    call("image", cloud, "--profile", "nfv", "-o", out, *where)
    call("image", cloud, "--host", HOST, "-o", tmp_path / "host", *where)
    image, other = out / "nfv-node.raw", tmp_path / f"host/nfv-node-{HOST}.raw"
    seed = bundle(cloud, tmp_path, "golden")
    with cloud_twin(machine_of(cloud), image, seed, tmp_path / "twin", other) as twin:
        facts = twin.run_to_facts(900.0)
        check_node(twin, plan_of(cloud), facts)
        assert twin.stamps() == ["applied", "done", "secret-machine"]
        assert twin.console.count("Linux version ") == 1
        assert json.loads(facts)["status"]["seed"]["ok"] is True
        assert "guest ALL=(ALL) NOPASSWD:ALL" in twin.read("/etc/sudoers.d/90-cloud-init-users")
        check_ids(image, other, twin, json.loads(facts)["cmdline"])
        check_another_plan(twin, cloud, tmp_path / "other")


def check_ids(image: Path, other: Path, twin: CloudTwin, cmdline: str) -> None:
    """Each has ids of its own: the image, the host's image, and the node since its first boot."""
    manifest = json.loads((image.parent / "manifest.json").read_text(encoding="utf-8"))
    ids = [disk_ids(disk) for disk in (image, other, twin.disk)]
    assert ids[0]["root file system"] == manifest["root-uuid"]
    for name in ids[0]:
        assert len({found[name] for found in ids}) == 3, name
    assert f"root=UUID={manifest['root-uuid']}" in cmdline


def check_another_plan(twin: CloudTwin, cloud: Path, work: Path) -> None:
    """Access follows the inventory; the rest is left alone, host keys above all."""
    work.mkdir()
    other = another_inventory(cloud, work / "inventory.yaml")
    twin.seed = bundle(other, work, "golden")
    keys, stamps = [twin.read(path) for path in KEYS], twin.stamps()
    assert all(keys)
    facts = json.loads(twin.run_to_facts(900.0))
    built, wanted = plan_of(cloud).image.plan_id, plan_of(other).image.plan_id
    (error,) = facts["status"]["seed"]["errors"]
    assert error.startswith(
        f"this image was built of plan {built}, and the bundle is for plan {wanted}: nothing was"
    )
    log = twin.read(LOG)
    assert f"rackwright: failed: {error}" in log
    assert log.count(DONE) == 1
    assert twin.console.count("Linux version ") == 1
    assert twin.stamps() == stamps
    assert [twin.read(path) for path in KEYS] == keys
    # cloud-init gave the node its new key, and the program took back what is gone.
    assert re.search(
        r"^guest:![^:]*:\d+:[^:]*:[^:]*:[^:]*:[^:]*:1:$", twin.read("/etc/shadow"), re.MULTILINE
    )
    assert "ssh-ed25519" not in twin.read("/home/guest/.ssh/authorized_keys")
    assert "guest" not in twin.read("/etc/sudoers.d/90-cloud-init-users").replace("# User", "")
    assert twin.read("/home/admin/.ssh/authorized_keys").count("ssh-ed25519") == 1
    assert facts["hostname"] == HOST


def another_inventory(cloud: Path, path: Path) -> Path:
    """Of another plan, with another remark of the administrator's key, and without the guest."""
    text = cloud.read_text(encoding="utf-8")
    for old, new in (
        (r"name: nfv-node\b", "name: nfv-other"),
        (r" *guest: .*\n", ""),
        ("it's ", "it is "),
    ):
        text, count = re.subn(old, new, text)
        assert count == 1, old
    path.write_text(text, encoding="utf-8")
    return path
