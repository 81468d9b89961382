"""Kernel words: read as the kernel reads them."""

from __future__ import annotations

import pytest

from builder.catalog.kernel_words import (
    MemoryWord,
    blocked_by,
    boot_target,
    device_ids,
    memory_of,
    option_of,
    read_word,
    sysctl_of,
    truth,
    usual,
)

GIB = 1 << 30


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, True), ("1", True), ("Y", True), ("on", True), ("ON", True), ("true", True),
        ("0", False), ("n", False), ("off", False), ("False", False), ("2", None), ("", None),
    ],
)  # fmt: skip
def test_truth(value: str | None, expected: bool | None) -> None:
    assert truth(value) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sysctl.vm.nr_hugepages=4", ("vm.nr_hugepages", "4")),
        ("sysctl/vm/nr_hugepages=4", ("vm.nr_hugepages", "4")),
        ("sysctl.net.ipv4.conf.br-lan.rp_filter=0", ("net.ipv4.conf.br-lan.rp_filter", "0")),
        ("hung_task_panic=1", ("kernel.hung_task_panic", "1")),
        ("numa_zonelist_order=Node", ("vm.numa_zonelist_order", "Node")),
        ("numa-balancing=disable", ("kernel.numa_balancing", "0")),
        ("sysctl.vm.swappiness", None),
        ("sysctl_vm=1", None),
        ("quiet", None),
    ],
)
def test_sysctl(text: str, expected: tuple[str, str] | None) -> None:
    assert sysctl_of(read_word(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vfio-pci.ids=8086:10fb", ("vfio_pci", "ids", "8086:10fb")),
        ("ixgbe.max_vfs=2", ("ixgbe", "max_vfs", "2")),
        ("ixgbe.debug", None),
        ("iommu=pt", None),
    ],
)
def test_option(text: str, expected: tuple[str, str, str] | None) -> None:
    assert option_of(read_word(text)) == expected


@pytest.mark.parametrize(
    ("text", "modules"),
    [
        ("module-blacklist=tun,ixgbe", ["tun", "ixgbe"]),
        ("modprobe.blacklist=vfio-pci", ["vfio-pci"]),
        ("rd.driver.blacklist=nouveau", ["nouveau"]),
        (
            "initcall_blacklist=vfio_pci_init,ice_module_init,dp_init,tg3_driver_init,odd",
            ["vfio_pci", "ice", "openvswitch", "tg3", "odd"],
        ),
        ("blacklist=tun", []),
    ],
)
def test_blocked_modules(text: str, modules: list[str]) -> None:
    assert [module for _, module in blocked_by(read_word(text))] == modules


def test_device_ids_without_what_narrows_them() -> None:
    assert device_ids("8086:10FB:ffffffff,0x8086:0x1521,10de") == ("8086:10fb", "8086:1521")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mem=64G", [MemoryWord(64 * GIB)]),
        ("mem=64g", [MemoryWord(64 * GIB)]),
        ("mem=64GB", [MemoryWord(64 * GIB)]),
        ("mem=0x40000000", [MemoryWord(GIB)]),
        ("mem=010000000000", [MemoryWord(GIB)]),
        ("mem=1048576k", [MemoryWord(GIB)]),
        ("mem=nopentium", []),
        ("memmap=4G!8G", [MemoryWord(taken=4 * GIB, mark="!")]),
        ("memmap=1G%4G-1+2,2G", [MemoryWord(taken=GIB, mark="%"), MemoryWord(2 * GIB)]),
        ("memmap=1G%4G-2+1", []),
        ("memmap=1G@4G", []),
        ("memmap=exactmap", []),
        ("memory=1G", []),
    ],
)
def test_memory(text: str, expected: list[MemoryWord]) -> None:
    assert list(memory_of(read_word(text))) == expected


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("systemd.unit=rescue.target", "rescue.target"),
        ("systemd.unit=multi-user.target", None),
        ("s", "rescue.target"),
        ("-b", "emergency.target"),
        ("single=1", None),
        ("3", None),
    ],
)
def test_boot_target(text: str, target: str | None) -> None:
    assert boot_target(read_word(text)) == target


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("iommu.passthrough=1", "iommu=pt"),
        ("iommu.passthrough=off", "iommu=nopt"),
        ("intel-iommu=on", "intel_iommu=on"),
    ],
)
def test_the_usual_form(text: str, plain: str) -> None:
    assert usual(read_word(text)).plain == plain
