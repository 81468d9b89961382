"""The kernel command line: which words, in which order, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from builder.catalog.releases import RELEASES
from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan
from builder.plan.nouns.kernel import KernelArg


def ask_for_old_kernel(data: dict[str, Any]) -> None:
    """5.15 of Ubuntu 22.04, whose usual kernel is a newer one."""
    data["image"]["kernel"] = "generic"


def arg(image: ImagePlan, text: str) -> KernelArg:
    """The only word that begins with `text`."""
    (found,) = (a for a in image.kernel_args if str(a).startswith(text))
    return found


def words(image: ImagePlan, *names: str) -> list[str]:
    return [str(a) for a in image.kernel_args if a.name in names]


def test_pages_of_each_node_need_5_16(plan_seed: Callable[..., HostPlan]) -> None:
    jammy = plan_seed(ask_for_old_kernel, release="ubuntu-22.04").image
    assert words(jammy, "hugepages") == ["hugepages=3", "hugepages=2048"]
    assert arg(jammy, "hugepages=3").why.reason == (
        "pages in all: kernel 5.15 has no hugepages=<node>:<pages> (5.16 has), so the hugepages "
        "unit sets the pages of each NUMA node"
    )
    assert words(plan_seed(release="debian-12").image, "hugepages") == [
        "hugepages=0:2,1:1",
        "hugepages=0:1024,1:1024",
    ]


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
        data["profiles"]["nfv"]["hugepages"] = {"count": 8}

    image = plan_seed(edit).image
    assert words(image, "hugepages") == ["hugepages=8"]
    assert arg(image, "hugepages=").why.reason == "pages of the only NUMA node that has any"
    assert image.hugepages[0].why.reason == "8 pages on the only NUMA node"


def test_a_node_of_memory_only_gets_no_share_of_the_pages(
    plan_seed: Callable[..., HostPlan],
) -> None:
    """The kernel would spread a plain number over all nodes with memory."""

    def edit(data: dict[str, Any]) -> None:
        nodes = [{"cpus": "0-31", "memory": "94GiB"}, {"memory": "128GiB"}]
        data["hardware"]["e5-2620v4"]["numa"] = nodes
        data["profiles"]["nfv"]["hugepages"] = {"count": 8}

    assert words(plan_seed(edit).image, "hugepages") == ["hugepages=0:8"]


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
    """A second word with other CPUs would be dropped; the kernel has no nohz_full at all."""
    image = plan_seed(ask_for_old_kernel, release="ubuntu-22.04").image
    assert words(image, "isolcpus", "nohz_full", "rcu_nocbs") == [
        "isolcpus=managed_irq,1-7,9-15,17-23,25-31",
    ]
    assert arg(image, "isolcpus=").why.reason == (
        "interrupts whose affinity the kernel manages keep off PMD and pod CPUs; kernel 5.15 has "
        "one mask for all kinds of isolation (5.18 has more), so PMD CPUs are kept free by "
        "systemd.cpu_affinity alone"
    )


@pytest.mark.parametrize("release", RELEASES)
def test_the_usual_kernel_of_a_release_stops_the_tick(
    plan_seed: Callable[..., HostPlan], release: str
) -> None:
    image = plan_seed(release=release).image
    assert words(image, "nohz_full", "rcu_nocbs") == [
        "nohz_full=1-7,9-15,17-23,25-31",
        "rcu_nocbs=1-7,9-15,17-23,25-31",
    ]


def test_all_cpus_for_housekeeping_isolate_none(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["profiles"]["nfv"]["cpu"]["housekeeping-cores-per-node"] = 8

    image = plan_seed(edit).image
    assert words(image, "isolcpus", "nohz_full", "rcu_nocbs", "irqaffinity") == []
    assert image.ovs is not None
    assert "pmd-cpu-mask" not in {s.key for s in image.ovs.other_config}


def ask_for_options(data: dict[str, Any]) -> None:
    data["profiles"]["nfv"]["drivers"] = {
        "ixgbe": {"options": {"allow_unsupported_sfp": 1}},
        "vfio": {"options": {"enable_unsafe_noiommu_mode": "Y"}},
        "vfio-iommu-type1": {"options": {"allow_unsafe_interrupts": 1}},
        "vfio_iommu_type1": {"options": {"dma_entry_limit": 131072}},
        "vfio_pci": {"options": {"nointxmask": 1}},
    }


def test_options_of_a_built_in_vfio_are_words(plan_seed: Callable[..., HostPlan]) -> None:
    """Of all its modules, however they are spelled; a NIC's driver is loaded by modprobe."""

    def edit(data: dict[str, Any]) -> None:
        ask_for_options(data)
        ask_for_old_kernel(data)

    image = plan_seed(edit, release="ubuntu-22.04").image
    assert [str(arg) for arg in image.kernel_args if arg.name.startswith("vfio")] == [
        "vfio-pci.disable_idle_d3=1",
        "vfio.enable_unsafe_noiommu_mode=Y",
        "vfio-iommu-type1.allow_unsafe_interrupts=1",
        "vfio_iommu_type1.dma_entry_limit=131072",
        "vfio_pci.nointxmask=1",
    ]
    assert [option.module for option in image.module_options] == ["ixgbe"]
    assert image.module_files["vfio"].reason == (
        "listed in the inventory; it is part of the kernel, so its options are on the kernel "
        "command line"
    )


@pytest.mark.parametrize("release", RELEASES)
def test_options_of_a_vfio_that_is_loaded_are_not(
    plan_seed: Callable[..., HostPlan], release: str
) -> None:
    image = plan_seed(ask_for_options, release=release).image
    assert [arg for arg in image.kernel_args if arg.name.startswith("vfio")] == []
    assert [f"{option.module} {option.name}" for option in image.module_options] == [
        "vfio-pci disable_idle_d3",
        "vfio enable_unsafe_noiommu_mode",
        "vfio-iommu-type1 allow_unsafe_interrupts",
        "vfio_iommu_type1 dma_entry_limit",
        "vfio_pci nointxmask",
        "ixgbe allow_unsupported_sfp",
    ]
    assert image.module_files["vfio"].reason == "listed in the inventory"


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


def test_each_size_before_its_count(plan_seed: Callable[..., HostPlan]) -> None:
    """The default size first; `hugepages=` counts pages of the size before it."""

    def edit(data: dict[str, Any]) -> None:
        data["profiles"]["nfv"]["hugepages"] = {
            "size": "1G",
            "count": 8,
            "more": [{"size": "2M", "count": {0: 512, 1: 1024}}],
        }

    names = ("default_hugepagesz", "hugepagesz", "hugepages")
    assert words(plan_seed(edit).image, *names) == [
        "default_hugepagesz=1G",
        "hugepagesz=1G",
        "hugepages=0:4,1:4",
        "hugepagesz=2M",
        "hugepages=0:512,1:1024",
    ]
    # Totals before Linux 5.16: the node's unit sets those of each node.

    def edit_of_old(data: dict[str, Any]) -> None:
        edit(data)
        ask_for_old_kernel(data)

    assert words(plan_seed(edit_of_old, release="ubuntu-22.04").image, *names) == [
        "default_hugepagesz=1G",
        "hugepagesz=1G",
        "hugepages=8",
        "hugepagesz=2M",
        "hugepages=1536",
    ]


LOW = (
    "skew_tick=1",
    "tsc=reliable",
    "nosoftlockup",
    "nmi_watchdog=0",
    "rcupdate.rcu_normal_after_boot=1",
)


@pytest.mark.parametrize(
    ("level", "vendor", "expected"),
    [
        ("default", "intel", ()),
        ("low", "intel", LOW),
        ("low", "amd", LOW),
        (
            "ultra-low",
            "intel",
            (*LOW, "intel_idle.max_cstate=0", "processor.max_cstate=1", "idle=poll"),
        ),
        ("ultra-low", "amd", (*LOW, "processor.max_cstate=1", "idle=poll")),
    ],
)
def test_words_of_each_latency(
    plan_seed: Callable[..., HostPlan], level: str, vendor: str, expected: tuple[str, ...]
) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["profiles"]["nfv"]["latency"] = level
        data["hardware"]["e5-2620v4"]["cpu"]["vendor"] = vendor

    image = plan_seed(edit).image
    found = [a for a in image.kernel_args if "latency" in {o.path[-1] for o in a.why.origins}]
    assert tuple(map(str, found)) == expected
    # It hides uncorrected memory errors: no level is worth that.
    assert "mce=off" not in map(str, image.kernel_args)


def test_pods_without_balancing_share_one_word(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["profiles"]["nfv"]["cpu"]["balance-pods"] = False

    for release in ("debian-13", "ubuntu-22.04"):
        image = plan_seed(edit, release=release).image
        assert words(image, "isolcpus") == ["isolcpus=domain,managed_irq,1-7,9-15,17-23,25-31"]
    assert arg(image, "isolcpus=").why.origins[0].path == ("profiles", "nfv", "cpu", "balance-pods")


def test_offline_cpus_are_in_no_word(plan_seed: Callable[..., HostPlan]) -> None:
    """There is no word that takes a set of CPUs offline, and none is to speak of those that are."""

    def edit(data: dict[str, Any]) -> None:
        data["profiles"]["nfv"]["cpu"] = {"smt": False, "offline": "7"}

    image = plan_seed(edit).image
    assert str(image.cpus.offline) == "7,16-31"
    assert words(
        image, "isolcpus", "nohz_full", "rcu_nocbs", "irqaffinity", "systemd.cpu_affinity", "nosmt"
    ) == [
        "isolcpus=domain,1",
        "isolcpus=managed_irq,1-6,9-15",
        "nohz_full=1-6,9-15",
        "rcu_nocbs=1-6,9-15",
        "irqaffinity=0,8",
        "systemd.cpu_affinity=0,8",
    ]


def test_kdump_gets_memory_for_its_kernel(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["image"]["packages"] = ["ethtool", "kdump-tools"]

    image, usual = plan_seed(edit).image, plan_seed().image
    word = arg(image, "crashkernel")
    assert str(word) == "crashkernel=512M-:192M"
    assert word.why.origins[0].path == ("image", "packages", 1)
    assert usual.usable_mib[0] - image.usable_mib[0] == 192


def test_an_own_word_for_kdump_stays_alone(plan_seed: Callable[..., HostPlan]) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["image"]["packages"] = ["kdump-tools"]
        data["profiles"]["nfv"]["kernel-args"] = ["crashkernel=1G,high"]

    assert str(arg(plan_seed(edit).image, "crashkernel")) == "crashkernel=1G,high"
