"""What of a node's memory the kernel has, and what a second kernel for dumps keeps."""

from __future__ import annotations

import pytest

from builder.model.memory import crash_kernel_mib, mem_total, mem_total_range, usable_memory

GIB = 1024
RANGES = "crashkernel=2G-64G:256M,64G-256G:512M,256G-:1G"


@pytest.mark.parametrize(
    ("memory", "total"),
    [(128 * GIB, 128512), (16 * GIB, 15616), (512, 0), (256, 0)],
)
def test_page_structures_and_firmware(memory: int, total: int) -> None:
    assert mem_total(memory) == total
    low, high = mem_total_range(memory)
    assert low <= total <= high


@pytest.mark.parametrize(
    ("words", "memory", "kept"),
    [
        ([], 64 * GIB, (0, 0)),
        (["quiet", "crashkernel=512M"], 64 * GIB, (512, 0)),
        (["crashkernel=1G@16M"], 64 * GIB, (1024, 0)),
        (["crashkernel=262144k", "crashkernel=128M"], 64 * GIB, (128, 0)),
        (["crashkernel=1G,high"], 64 * GIB, (256, 1024)),
        (["crashkernel=1G,high", "crashkernel=72M,low"], 64 * GIB, (72, 1024)),
        (["crashkernel=64M,low"], 64 * GIB, (0, 0)),  # nothing without a high one
        ([RANGES], 1 * GIB, (0, 0)),
        ([RANGES], 63 * GIB, (256, 0)),
        ([RANGES], 64 * GIB, (512, 0)),
        ([RANGES], 512 * GIB, (1024, 0)),
        (["crashkernel=auto"], 64 * GIB, (0, 0)),
        (["crashkernel=x-:1G"], 64 * GIB, (0, 0)),
    ],
)
def test_a_kernel_for_dumps(words: list[str], memory: int, kept: tuple[int, int]) -> None:
    assert crash_kernel_mib(words, memory) == kept


def test_what_it_keeps_is_of_the_first_and_the_last_node() -> None:
    nodes = [16 * GIB] * 3
    assert usable_memory(nodes, []) == (15616, 15616, 15616)
    assert usable_memory(nodes, ["crashkernel=1G,high"]) == (15360, 15616, 14592)
    assert usable_memory([600], ["crashkernel=1G"]) == (0,)
