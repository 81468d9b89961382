"""A class's cores: from a distance, from a list, from neither."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.model.hardware import HardwareClass
from builder.model.values import CpuSet

NIC = {"pci": "0000:01:00.0", "id": "8086:1533", "driver": "igb", "name": "a0"}


def hardware(*cpus: str, **more: object) -> HardwareClass:
    nodes = [{"cpus": listed, "memory": "8GiB"} for listed in cpus]
    data = {"cpu": {"vendor": "intel"}, "numa": nodes, "nics": [NIC], **more}
    return HardwareClass.model_validate(data)


@pytest.mark.parametrize(
    ("cpus", "more", "cores"),
    [
        (["0-3"], {}, ["0", "1", "2", "3"]),
        (["0-1,4-5", "2-3,6-7"], {"siblings": 4}, ["0,4", "1,5", "2,6", "3,7"]),
        (["0-3"], {"siblings": 1}, ["0-1", "2-3"]),
        (["0-7"], {"siblings": 2}, ["0,2", "1,3", "4,6", "5,7"]),
        (["0-4"], {"siblings": 2}, ["0,2", "1,3", "4"]),
        (["0-3"], {"siblings": 9}, ["0", "1", "2", "3"]),
        (["0-3"], {"threads": [[1, 3]]}, ["0", "1,3", "2"]),
        (["0-3"], {"threads": [[0, 1, 2, 3]]}, ["0-3"]),
        (["0-3"], {"threads": []}, ["0", "1", "2", "3"]),
        (["0-1"], {"threads": [[0, 9], [7, 8]]}, ["0", "1"]),
    ],
)
def test_cores(cpus: list[str], more: dict[str, object], cores: list[str]) -> None:
    assert [str(core) for core in hardware(*cpus, **more).cores] == cores


@given(st.integers(1, 64), st.integers(1, 70))
def test_each_cpu_is_in_one_core(count: int, distance: int) -> None:
    cores = hardware(f"0-{count - 1}", siblings=distance).cores
    assert sorted(cpu for core in cores for cpu in core) == list(range(count))
    assert all(len(core) <= 2 for core in cores)
    assert list(cores) == sorted(cores)


def test_cpus_of_all_nodes() -> None:
    assert hardware("0-1", "4-5").cpus == CpuSet.of([0, 1, 4, 5])


def test_nics_by_name() -> None:
    found = hardware("0").nic("a0")
    assert found is not None
    assert str(found.pci) == "0000:01:00.0"
    assert hardware("0").nic("a1") is None
