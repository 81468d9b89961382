from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from builder.plan.types import HostPlan, ImagePlan, KernelArg


def arg(image: ImagePlan, text: str) -> KernelArg:
    """The only word that begins with `text`."""
    (found,) = (a for a in image.kernel_args if str(a).startswith(text))
    return found


def words(image: ImagePlan, *names: str) -> list[str]:
    return [str(a) for a in image.kernel_args if a.name in names]


def test_pages_of_each_node_need_5_16(plan_seed: Callable[..., HostPlan]) -> None:
    jammy = plan_seed(release="ubuntu-22.04").image
    assert words(jammy, "hugepages") == ["hugepages=8"]
    assert arg(jammy, "hugepages=").why.reason == (
        "pages in all: kernel 5.15 has no hugepages=<node>:<pages> (5.16 has), so the hugepages "
        "unit sets the pages of each NUMA node"
    )
    assert words(plan_seed(release="debian-12").image, "hugepages") == ["hugepages=0:4,1:4"]


def test_pages_listed_by_node(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["profiles"]["nfv"]["hugepages"] = {"size": "2M", "count": {0: 1024, 1: 0}}

    image = plan_seed(edit).image
    assert words(image, "default_hugepagesz", "hugepagesz", "hugepages") == [
        "default_hugepagesz=2M",
        "hugepagesz=2M",
        "hugepages=0:1024,1:0",
    ]


def test_single_node_has_the_plain_form(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["hardware"]["e5-2620v4"]["numa"] = [{"cpus": "0-31", "memory": "94GiB"}]

    image = plan_seed(edit).image
    assert words(image, "hugepages") == ["hugepages=8"]
    assert arg(image, "hugepages=").why.reason == "pages of the only NUMA node that has any"
    assert image.hugepages[0].why.reason == "8 pages on the only NUMA node"


def test_amd_has_no_amd_iommu(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["hardware"]["e5-2620v4"]["cpu"]["vendor"] = "amd"

    assert words(plan_seed(edit).image, "intel_iommu", "amd_iommu", "iommu") == ["iommu=pt"]


def test_no_iommu_without_dpdk_and_sriov(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        del data["profiles"]["nfv"]["ovs"], data["profiles"]["nfv"]["sriov"]

    image = plan_seed(edit).image
    assert words(image, "intel_iommu", "iommu") == []
    assert words(image, "isolcpus") == ["isolcpus=managed_irq,1-7,9-15,17-23,25-31"]


def test_one_isolation_mask_before_5_18(plan_seed: Callable[..., HostPlan]) -> None:
    # A second word with other CPUs would be dropped, and nohz_full with it.
    image = plan_seed(release="ubuntu-22.04").image
    assert words(image, "isolcpus", "nohz_full") == [
        "isolcpus=managed_irq,1-7,9-15,17-23,25-31",
        "nohz_full=1-7,9-15,17-23,25-31",
    ]
    assert arg(image, "isolcpus=").why.reason == (
        "interrupts whose affinity the kernel manages keep off PMD and pod CPUs; kernel 5.15 has "
        "one mask for isolcpus and nohz_full (5.18 has more), so PMD CPUs are kept free by "
        "systemd.cpu_affinity alone"
    )


def test_all_cpus_for_housekeeping_isolate_none(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["profiles"]["nfv"]["cpu"]["housekeeping-cores-per-node"] = 8

    image = plan_seed(edit).image
    assert words(image, "isolcpus", "nohz_full", "rcu_nocbs", "irqaffinity") == []
    assert "pmd-cpu-mask" not in {s.key for s in image.ovs.other_config}


@pytest.mark.parametrize("release", ["ubuntu-22.04", "ubuntu-24.04", "ubuntu-26.04"])
def test_vfio_options_of_ubuntu_are_words(plan_seed: Callable[..., HostPlan], release: str) -> None:
    image = plan_seed(release=release).image
    assert words(image, "vfio-pci.disable_idle_d3") == ["vfio-pci.disable_idle_d3=1"]
    assert image.module_options == ()


def test_words_of_the_inventory_come_last(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["profiles"]["nfv"]["kernel-args"] = ["quiet", "isolcpus=domain,1", "a=b=c"]

    image = plan_seed(edit, release="ubuntu-24.04").image
    assert [str(a) for a in image.kernel_args[-3:]] == ["quiet", "isolcpus=domain,1", "a=b=c"]
    last = image.kernel_args[-1]
    assert (last.name, last.value) == ("a", "b=c")
    assert image.kernel_args[-3].value is None
    assert last.why.origins[0].path == ("profiles", "nfv", "kernel-args", 2)


def test_origin_of_isolation_is_the_key_in_use(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["profiles"]["nfv"]["cpu"] = {"housekeeping": "0,16,8,24", "pmd": "1,17"}

    image = plan_seed(edit).image
    assert [o.path[-1] for o in arg(image, "nohz_full").why.origins] == ["pmd", "housekeeping"]
