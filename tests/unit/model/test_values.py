"""CPU sets, PCI addresses, MACs, sizes: what is read, what is refused and with which words."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_interface
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from builder.model.addresses import IpAddress, IpInterface
from builder.model.fields import PerNode, VfName, VfRef
from builder.model.hardware import DeviceId, IfName
from builder.model.sizes import HUGEPAGE_KIB, MemoryMiB, PageSize, format_mib
from builder.model.values import MAX_CPU, Cpus, CpuSet, Mac, Pci, PciAddress, WrongKindError
from builder.phrases import quote

CPUS = st.frozensets(st.integers(0, MAX_CPU), max_size=60).map(CpuSet)


def parse(kind: Any, value: object) -> object:
    return TypeAdapter(kind).validate_python(value)


def refusal(kind: Any, value: object) -> str:
    with pytest.raises(ValidationError) as caught:
        parse(kind, value)
    (error,) = caught.value.errors()
    assert error["type"] == "value_error"
    return str(error["ctx"]["error"])


# CPU sets


@pytest.mark.parametrize(
    ("text", "cpus", "shown"),
    [
        ("3", {3}, "3"),
        ("0-3,8", {0, 1, 2, 3, 8}, "0-3,8"),
        ("8, 1-2 ,0", {0, 1, 2, 8}, "0-2,8"),
        ("0,1,2,2", {0, 1, 2}, "0-2"),
        ("5-5", {5}, "5"),
        ("8190-8191", {8190, 8191}, "8190-8191"),
    ],
)
def test_cpu_list(text: str, cpus: set[int], shown: str) -> None:
    found = CpuSet.parse(text)
    assert found.cpus == cpus
    assert str(found) == shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", '"" is not a CPU or a range of CPUs'),
        ("1,,2", '"" is not a CPU or a range of CPUs'),
        ("1-", '"1-" is not a CPU or a range of CPUs'),
        ("-1", '"-1" is not a CPU or a range of CPUs'),
        ("1-3:2", '"1-3:2" is not a CPU or a range of CPUs'),
        ("0x1", '"0x1" is a mask'),
        ("0x0", '"0x0" is not a CPU or a range of CPUs'),
        ("\u0663", '"\u0663" is not a CPU or a range of CPUs'),
        ("1\n,2", '"1" is not a CPU or a range of CPUs'),
        ("3-1", "the range 3-1 ends before it begins"),
        ("8192", "CPU 8192 exceeds the kernel's limit 8191"),
        ("0-99999", "CPU 99999 exceeds the kernel's limit 8191"),
    ],
)
def test_no_cpu_list(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        CpuSet.parse(text)


@given(CPUS.filter(len))
def test_a_cpu_list_is_read_back(cpus: CpuSet) -> None:
    assert CpuSet.parse(str(cpus)) == cpus
    assert list(cpus) == sorted(cpus.cpus)


@given(CPUS)
def test_a_mask_has_one_bit_a_cpu(cpus: CpuSet) -> None:
    number = int(cpus.mask, 16)
    assert {bit for bit in range(number.bit_length()) if number >> bit & 1} == cpus.cpus
    assert cpus.mask == f"{number:#x}"


@given(CPUS, CPUS)
def test_cpu_sets_are_sets(one: CpuSet, two: CpuSet) -> None:
    assert (one | two).cpus == one.cpus | two.cpus
    assert (one & two).cpus == one.cpus & two.cpus
    assert (one - two).cpus == one.cpus - two.cpus
    assert len(one) == len(one.cpus)
    assert all(cpu in one for cpu in one)


def test_masks_of_the_field() -> None:
    # TripleO's own test vectors.
    assert CpuSet.parse("1,13").mask == "0x2002"
    assert CpuSet.parse("1,23,45,67").mask == "0x80000200000800002"
    assert CpuSet().mask == "0x0"


def test_cpu_sets_are_ordered_by_their_lowest_cpus() -> None:
    sets = [CpuSet.of([2, 18]), CpuSet.of([0, 16]), CpuSet.of([1])]
    assert [str(cpus) for cpus in sorted(sets)] == ["0,16", "1", "2,18"]


@pytest.mark.parametrize(("value", "shown"), [("0-1", "0-1"), (3, "3"), (CpuSet.of([4]), "4")])
def test_cpus_of_yaml(value: object, shown: str) -> None:
    assert str(parse(Cpus, value)) == shown


@pytest.mark.parametrize("value", [True, 1.5, None, [1], {}])
def test_cpus_want_text(value: object) -> None:
    assert refusal(Cpus, value) == 'not a CPU list like "0-7,16-23"'


# PCI addresses


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0000:01:00.0", "0000:01:00.0"),
        ("01:00.1", "0000:01:00.1"),
        ("ABCD:eF:1f.7", "abcd:ef:1f.7"),
    ],
)
def test_pci_address(text: str, shown: str) -> None:
    assert str(PciAddress.parse(text)) == shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("01:00", '"01:00" is not a PCI address like "0000:01:00.0"'),
        ("1:00.0", '"1:00.0" is not a PCI address like "0000:01:00.0"'),
        ("01:00.8", '"01:00.8" is not a PCI address like "0000:01:00.0"'),
        ("01:00.0\n", '"01:00.0\\n" is not a PCI address like "0000:01:00.0"'),
        ("10000:01:00.0", '"10000:01:00.0" is not a PCI address like "0000:01:00.0"'),
        ("01:20.0", '"01:20.0": a PCI bus has devices 00 to 1f, not 20'),
    ],
)
def test_no_pci_address(text: str, message: str) -> None:
    assert refusal(Pci, text) == message


PCI = st.builds(
    PciAddress, st.integers(0, 0xFFFF), st.integers(0, 0xFF), st.integers(0, 31), st.integers(0, 7)
)


@given(PCI)
def test_a_pci_address_is_read_back(address: PciAddress) -> None:
    assert PciAddress.parse(str(address)) == address


@given(PCI, PCI)
def test_pci_addresses_sort_as_their_text(one: PciAddress, two: PciAddress) -> None:
    assert (one < two) == (str(one) < str(two))


def test_addresses_of_vfs() -> None:
    first, second = PciAddress.parse("0000:01:00.0"), PciAddress.parse("0000:01:00.1")
    # An 82599: offset 128, stride 2; the ports' VFs interleave.
    assert [str(first.vf(128, 2, i)) for i in range(3)] == [
        "0000:01:10.0",
        "0000:01:10.2",
        "0000:01:10.4",
    ]
    assert str(second.vf(128, 2, 0)) == "0000:01:10.1"
    assert str(first.vf(128, 2, 62)) == "0000:01:1f.4"
    assert str(first.vf(128, 2, 64)) == "0000:02:00.0"


# MACs


@pytest.mark.parametrize("text", ["cc:37:ab:e1:21:64", "CC-37-AB-E1-21-64", "cc:37-ab:e1:21:64"])
def test_mac(text: str) -> None:
    assert parse(Mac, text) == "cc:37:ab:e1:21:64"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("cc:37:ab", '"cc:37:ab" is not a MAC address like "cc:37:ab:e1:21:64"'),
        ("cc:37:ab:e1:21:6g", '"cc:37:ab:e1:21:6g" is not a MAC address like "cc:37:ab:e1:21:64"'),
        (
            "cc:37:ab:e1:21:64\n",
            '"cc:37:ab:e1:21:64\\n" is not a MAC address like "cc:37:ab:e1:21:64"',
        ),
        ("ff:ff:ff:ff:ff:ff", '"ff:ff:ff:ff:ff:ff" is a multicast address, no port can have it'),
        ("00:00:00:00:00:00", "no port can have the MAC address of zeros"),
        (8041827051, 'not a MAC address like "cc:37:ab:e1:21:64"'),
        (None, 'not a MAC address like "cc:37:ab:e1:21:64"'),
    ],
)
def test_no_mac(value: object, message: str) -> None:
    assert refusal(Mac, value) == message


# Sizes


@pytest.mark.parametrize(
    ("text", "mib"), [("47GiB", 48128), ("512 MiB", 512), ("1TiB", 1048576), ("1536MiB", 1536)]
)
def test_size(text: str, mib: int) -> None:
    assert parse(MemoryMiB, text) == mib


@pytest.mark.parametrize(
    "text", ["47", "47GB", "47G", "-1GiB", "1.5GiB", "47GiB\n", "GiB", "47  GiB", "9999999999MiB"]
)
def test_no_size(text: str) -> None:
    shown = text.replace("\n", "\\n")
    wanted = 'is not a size like "47GiB" (units MiB, GiB, TiB)'
    assert refusal(MemoryMiB, text) == f'"{shown}" {wanted}'


@given(st.integers(1, 2**40))
def test_a_size_is_read_back(mib: int) -> None:
    text = format_mib(mib)
    if len(re.sub(r"\D", "", text)) <= 9:
        assert parse(MemoryMiB, text) == mib


def test_sizes_are_shown_in_the_unit_that_fits() -> None:
    shown = [format_mib(mib) for mib in (0, 1, 1023, 1024, 1500, 48128)]
    assert shown == ["0MiB", "1MiB", "1023MiB", "1GiB", "1500MiB", "47GiB"]


@pytest.mark.parametrize("size", sorted(HUGEPAGE_KIB))
def test_page_size(size: str) -> None:
    assert parse(PageSize, size) == size


def test_no_page_size() -> None:
    assert refusal(PageSize, "1GiB") == '"1GiB" is not a hugepage size of x86-64: 2M or 1G'
    assert refusal(PageSize, 2) == 'not a hugepage size, "2M" or "1G"'


# Texts


@given(st.text())
def test_a_quoted_text_is_one_safe_line(text: str) -> None:
    shown = quote(text)
    assert shown[0] == shown[-1] == '"'
    assert shown.isprintable()
    assert len(shown) <= 60 * 12 + 2


def test_a_long_text_is_cut() -> None:
    assert quote("x" * 60) == '"' + "x" * 60 + '"'
    assert quote("x" * 61) == '"' + "x" * 57 + '..."'


@given(st.text(max_size=20))
def test_interface_names_are_those_of_the_kernel(text: str) -> None:
    try:
        name = parse(IfName, text)
    except ValidationError:
        return
    assert name == text
    # dev_valid_name() of net/core/dev.c.
    assert 0 < len(text.encode()) < 16
    assert text not in (".", "..")
    assert not set(text) & set("/: \t\n\r")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "eth%d", "a/b", "eth0:1", "a b", "a\n", "-a", "\u00e9th", "x" * 16]
)
def test_what_no_interface_can_be_called(name: str) -> None:
    refusal(IfName, name)


def test_a_text_that_may_be_too_long() -> None:
    assert refusal(IfName, "x" * 16) == "too long: 16 characters, at most 15 are allowed"
    assert parse(IfName, "x" * 15) == "x" * 15


def test_a_device_id_is_lower_case() -> None:
    assert parse(DeviceId, "8086:10fb") == "8086:10fb"
    assert refusal(DeviceId, "8086:10FB") == (
        '"8086:10FB" is not a PCI vendor:device id (lower case, as lspci -nn shows it) '
        'like "8086:10fb"'
    )


def test_a_wrong_kind_knows_what_would_do() -> None:
    with pytest.raises(ValidationError) as caught:
        parse(Mac, 8041827051)
    error = caught.value.errors()[0]["ctx"]["error"]
    assert isinstance(error, WrongKindError)
    assert error.hint_on("10:20:30:40:50:51") == 'put it in quotes: "10:20:30:40:50:51"'
    assert not error.hint_on("12345")
    assert WrongKindError("x").hint_on("y") is None


# Addresses


@pytest.mark.parametrize(
    "text", ["192.0.2.10/24", "2001:db8::10/64", "192.0.2.0/31", "192.0.2.1/32", "2001:db8::/127"]
)
def test_address_with_prefix(text: str) -> None:
    assert str(parse(IpInterface, text)) == text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("192.0.2.10", '"192.0.2.10" has no prefix length, as in "192.0.2.10/24"'),
        (
            "192.0.2.10/33",
            '"192.0.2.10/33" is not an address with its prefix length like "192.0.2.10/24"',
        ),
        ("192.0.2.0/24", '"192.0.2.0/24" is the address of the network 192.0.2.0/24 itself'),
        ("192.0.2.255/24", '"192.0.2.255/24" is the broadcast address of 192.0.2.0/24'),
        ("127.0.0.1/8", '"127.0.0.1/8" is not an address of one host'),
        ("224.0.0.1/4", '"224.0.0.1/4" is not an address of one host'),
        ("0.0.0.0/0", '"0.0.0.0/0" is not an address of one host'),
        ("fe80::1%eth0/64", '"fe80::1%eth0/64": %zone is not allowed here'),
        (10, 'not an address with its prefix length like "192.0.2.10/24"'),
    ],
)
def test_no_address_with_prefix(value: object, message: str) -> None:
    assert refusal(IpInterface, value) == message


def test_what_is_parsed_already_stays() -> None:
    pci = PciAddress.parse("01:00.0")
    address, interface = ip_address("192.0.2.1"), ip_interface("192.0.2.1/24")
    assert parse(Pci, pci) is pci
    assert parse(IpAddress, address) is address
    assert parse(IpInterface, interface) is interface


def test_numbers_of_nodes() -> None:
    assert parse(PerNode, {"0": 1, 1: 2}) == {0: 1, 1: 2}
    assert parse(PerNode, 3) == 3
    for value in (True, "x", None, [1]):
        with pytest.raises(ValidationError, match="per_node"):
            parse(PerNode, value)


def test_address() -> None:
    assert str(parse(IpAddress, "192.0.2.1")) == "192.0.2.1"
    assert str(parse(IpAddress, "FE80::1")) == "fe80::1"
    assert refusal(IpAddress, "192.0.2.1/24") == '"192.0.2.1/24" is not an address like "192.0.2.1"'
    assert refusal(IpAddress, "fe80::1%eth0") == '"fe80::1%eth0": %zone is not allowed here'
    assert refusal(IpAddress, 1) == 'not an address like "192.0.2.1"'


def test_a_vf_is_its_port_and_its_number() -> None:
    vfs = TypeAdapter(VfName)
    assert vfs.validate_python("ens11f0/07") == VfRef("ens11f0", 7)
    assert vfs.dump_json(VfRef("ens11f0", 7)) == b'"ens11f0/7"'
