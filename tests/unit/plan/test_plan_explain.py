"""A plan told to people and to programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from builder.plan.explain import WIDTH, explain, to_json
from builder.plan.nouns.host import HostPlan
from tests.plans import SHARED_PAGES, plan_of


@pytest.fixture(scope="module")
def plan(seed_text: str) -> HostPlan:
    """Its pages counted: whose they are is shorter to tell then."""
    return plan_of(seed_text.replace(*SHARED_PAGES))


def section(text: str, heading: str) -> str:
    return next(part for part in text.split("\n\n") if part.startswith(heading))


def line_of(seed_text: str, needle: str) -> int:
    return next(n for n, line in enumerate(seed_text.splitlines(), 1) if needle in line)


def test_head_and_subjects(plan: HostPlan) -> None:
    parts = explain(plan).split("\n\n")
    assert parts[0] == (
        "nfv1: hardware e5-2620v4, profile nfv, debian-13\n"
        f"host plan {plan.plan_id}\n"
        f"image plan {plan.image.plan_id}"
    )
    assert [part.partition("\n")[0] for part in parts[1:]] == [
        "Host",
        "NUMA nodes",
        "CPUs",
        "Hugepages",
        "Kernel command line",
        "Kernel modules",
        "Kernel settings (sysctl)",
        "Network ports the kernel keeps",
        "Network ports given to Open vSwitch",
        "Virtual functions",
        "Open vSwitch",
        "Packages",
    ]


def test_value_reason_and_line(plan: HostPlan, seed_text: str) -> None:
    count = line_of(seed_text, "hugepages: {size")
    assert section(explain(plan), "Hugepages") == (
        "Hugepages\n"
        "  node 0: 4 of 1G  ← 8 pages in all, spread evenly over 2 NUMA nodes\n"
        "  node 1: 4 of 1G  ← 8 pages in all, spread evenly over 2 NUMA nodes\n"
        f"                   ← inventory.yaml:{count} profiles.nfv.hugepages.count"
    )


def test_default_is_shown_where_it_would_stand(plan: HostPlan, seed_text: str) -> None:
    sriov = line_of(seed_text, "bridges:") - 1
    text = section(explain(plan), "Network ports given to Open vSwitch")
    assert text.splitlines()[-1].strip() == (f"← inventory.yaml:{sriov} profiles.nfv.ovs.driver")


def test_width(plan: HostPlan) -> None:
    assert max(len(line) for line in explain(plan).splitlines()) <= WIDTH


def test_long_value_has_its_own_line(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["profiles"]["nfv"]["kernel-args"] = ["x=" + "a" * 60]

    text = section(explain(plan_seed(edit)), "Kernel command line")
    assert text.splitlines()[-3:] == [
        "  x=" + "a" * 60,
        " " * 45 + "← set in the inventory; last, so that it wins over a word before it",
        " " * 45 + "← inventory.yaml:1 profiles.nfv.kernel-args[0]",
    ]


def test_every_value_is_explained(plan: HostPlan) -> None:
    text = explain(plan)
    image = plan.image
    assert image.ovs is not None
    values = [
        *(str(arg) for arg in image.kernel_args),
        *(package.name for package in image.packages),
        *(f"{s.key}={s.value}" for s in image.sysctls),
        *(f"{s.key}={s.value}" for s in image.ovs.other_config),
        *(f"options {o.module} {o.name}={o.value}" for o in image.module_options),
        *(str(vf.pci) for pf in image.pfs for vf in pf.vfs),
    ]
    assert [value for value in values if value not in text] == []


def test_json_is_plain_and_stable(plan: HostPlan, seed_text: str) -> None:
    data = json.loads(json.dumps(to_json(plan)))
    assert list(data) == ["hostname", "image", "interfaces", "why", "plan-id", "access"]
    image = data["image"]
    assert list(image) == [
        "image-name",
        "hardware",
        "profile",
        "release",
        "cpus",
        "memory-mib",
        "hugepages",
        "page-demands",
        "kernel-args",
        "modules",
        "module-options",
        "module-files",
        "sysctls",
        "nics",
        "pfs",
        "bindings",
        "ovs",
        "kubelet",
        "packages",
        "plan-id",
    ]
    assert image["cpus"]["nodes"] == ["0-7,16-23", "8-15,24-31"]
    assert image["cpus"]["roles"]["17"] == "pmd"
    assert image["pfs"][0]["vfs"][0]["pci"] == "0000:01:10.0"
    assert image["hugepages"][0] == {
        "node": 0,
        "size-kib": 1048576,
        "count": 4,
        "why": {
            "reason": "8 pages in all, spread evenly over 2 NUMA nodes",
            "origins": [
                {
                    "key": "profiles.nfv.hugepages.count",
                    "file": "inventory.yaml",
                    "line": line_of(seed_text, "hugepages: {size"),
                }
            ],
        },
    }
    assert data["plan-id"] == plan.plan_id
