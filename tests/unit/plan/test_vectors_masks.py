"""CPU masks and lists against other tools' own test vectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.model.values import CpuSet


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        # tripleo-ansible, tests/plugins/filter/test_cpu_mask.py.
        ("1,13", "0x2002"),
        # charm-helpers, charmhelpers/contrib/openstack/context.py, OVSDPDKDeviceContext: a core
        # of one node, of two nodes of four, two of each; 0-7,^5,16-23,^20,^22.
        ("0", "0x1"),
        ("0,4", "0x11"),
        ("0-1,4-5", "0x33"),
        ("0-4,6-7,16-19,21,23", "0xaf00df"),
        # tuned, functions/function_cpulist2hex.py says 00000007 of 0-3; it makes 0000000f.
        ("0-3", "0xf"),
        ("0,32", "0x100000001"),
    ],
)
def test_masks(text: str, mask: str) -> None:
    assert CpuSet.parse(text).mask == mask


def test_lists() -> None:
    # tripleo-ansible, tests/plugins/filter/test_range_list.py.
    assert str(CpuSet.parse("0,22,23,24,25,60,65,66,67")) == "0,22-25,60,65-67"


def test_exclusions_are_no_cpu_list() -> None:
    """TripleO and charm-helpers take 24-27,^25; the kernel does not, so neither do we."""
    with pytest.raises(ValueError, match=r'"\^25" is not a CPU or a range of CPUs'):
        CpuSet.parse("24-27,^25")


@given(cpus=st.frozensets(st.integers(0, 8191), min_size=1))
def test_masks_and_lists_come_back(cpus: frozenset[int]) -> None:
    found = CpuSet(cpus)
    assert CpuSet.parse(str(found)) == found
    bits = int(found.mask, 16)
    assert {bit for bit in range(bits.bit_length()) if bits >> bit & 1} == cpus
