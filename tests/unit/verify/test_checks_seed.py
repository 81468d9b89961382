"""The how-to's machine, planned and rendered by the real code, against facts written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from builder.plan.nouns.host import HostPlan
from builder.render import render_host
from builder.render.tree import FileTree
from builder.resources import read_texts
from tests.plans import SEED, plan_of

Seed = Any
CMDLINE = (
    "BOOT_IMAGE=/vmlinuz-6.12.57+deb13-amd64 root=UUID=6f1d ro console=tty0 "
    "console=ttyS0,115200n8 default_hugepagesz=1G hugepagesz=1G hugepages=0:2,1:1 "
    "hugepagesz=2M hugepages=0:1024,1:1024 intel_iommu=on iommu=pt isolcpus=domain,1,17 isolcpus=managed_irq,1-7,9-15,17-23,25-31 "
    "nohz_full=1-7,9-15,17-23,25-31 rcu_nocbs=1-7,9-15,17-23,25-31 irqaffinity=0,8,16,24 "
    "systemd.cpu_affinity=0,8,16,24 transparent_hugepage=never"
)


@pytest.fixture(scope="module")
def plan() -> HostPlan:
    return plan_of(SEED.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tree(plan: HostPlan) -> FileTree:
    return render_host(plan, read_texts("templates"), read_texts("systemd"))


@pytest.fixture
def document(seed: Seed, plan: HostPlan, tree: FileTree) -> dict[str, Any]:
    """The good document of `seed`, less what its plan has besides the example's."""
    document: dict[str, Any] = seed.document_of(tree)
    document["cmdline"] = CMDLINE
    document["os"]["IMAGE_VERSION"] = plan.image.plan_id
    document["cpus"]["isolated"] = "1,17"
    for pool in document["hugepages"]:
        pool["total"] = 1024 if pool["size-kib"] == 2048 else 2 - pool["node"]
    document["users"], document["secrets"] = {}, {}
    document["modprobe"] = ["options vfio-pci disable_idle_d3=1"]
    document["sysctl"] = {"vm.swappiness": "10", "kernel.numa_balancing": "0", "a.b": "1"}
    document["ovs"]["other-config"]["dpdk-socket-mem"] = "2048,1024"
    ports = document["ovs"]["bridges"][0]["ports"]
    ports[2]["mtu"] = 1500
    ports[1]["other-config"] = {}
    document["pci"]["0000:01:00.0"]["vf-settings"][0] |= {"trust": True, "spoofchk": False}
    return document


def test_the_machine_the_plan_means(
    seed: Seed, plan: HostPlan, tree: FileTree, document: dict[str, Any]
) -> None:
    results = seed.verify(plan, tree=tree, document=document).values()
    assert [result for result in results if result.status != "pass"] == []


def test_every_result_of_a_derived_value_has_an_origin(
    seed: Seed, plan: HostPlan, tree: FileTree, document: dict[str, Any]
) -> None:
    """Reason and inventory line are what make a failure one that can be mended."""
    results = seed.verify(plan, tree=tree, document=document).values()
    groups = ("hugepages.node", "module.", "sysctl.", "pci.", "sriov.", "link.", "ovs.br0.")
    bare = [
        result.name
        for result in results
        if result.name.startswith(groups) and not (result.reason and result.origin)
    ]
    assert bare == []
    lines = SEED.read_text(encoding="utf-8").splitlines()
    number = next(at for at, line in enumerate(lines, 1) if "hugepages:" in line)
    assert seed.verify(plan, tree=tree, document=document)["hugepages.node0.2M"].origin == (
        f"inventory.yaml:{number} profiles.nfv.hugepages.pods.memory"
    )


def test_the_image_alone(
    seed: Seed, plan: HostPlan, tree: FileTree, document: dict[str, Any]
) -> None:
    """An image plan with the image's files: what the host adds is then not in the plan."""
    image = FileTree(tuple(file for file in tree if file.scope == "image"))
    failures = seed.failures(plan=plan.image, tree=image, document=document)
    assert {name: result.found for name, result in failures.items()} == {
        "files.extra": "/etc/cloud/cloud.cfg.d/90-rackwright.cfg, /etc/hostname, /etc/hosts, "
        "/etc/netplan/90-rackwright.yaml"
    }
