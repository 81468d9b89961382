"""The wait for the seed of a golden image's first boot, on a clock of its own."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from builder.resources import data_dir

NODE_FILES = data_dir("elements") / "rackwright-node/rackwright-node-files"
NOTHING_FOUND = "di_report:\n  datasource_list: [  ]\n"


@pytest.fixture(scope="module")
def program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("wait_for_seed", NODE_FILES / "wait_for_seed.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path, "run/cloud-init/cloud.cfg", NOTHING_FOUND)
    put(tmp_path, "run/cloud-init/enabled", "")
    return tmp_path


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


class Clock:
    """Time that passes by sleeping; what is to happen `at_s` does, once."""

    def __init__(self, at_s: float = -1.0, happen: Callable[[], None] = lambda: None) -> None:
        self.now_s, self.at_s, self.happen = 0.0, at_s, happen

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        if self.at_s >= 0 and self.now_s >= self.at_s:
            self.happen()
            self.at_s = -1.0


def result(root: Path) -> str:
    return (root / "run/cloud-init/cloud.cfg").read_text(encoding="utf-8")


def is_off(root: Path) -> bool:
    flag = (root / "run/rackwright/no-seed").exists()
    assert (root / "run/cloud-init/disabled").exists() == flag
    assert (root / "run/cloud-init/enabled").exists() != flag
    return flag


@pytest.mark.parametrize(
    ("label", "source"),
    [
        ("cidata", "NoCloud"),
        ("CIDATA", "NoCloud"),
        ("config-2", "ConfigDrive"),
        ("CONFIG-2", "ConfigDrive"),
    ],
)
def test_a_virtual_cd_that_comes_late(
    program: ModuleType,
    root: Path,
    label: str,
    source: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = Clock(12.0, lambda: put(root, f"dev/disk/by-label/{label}", ""))
    assert program.main(root, clock.sleep) == 0
    assert clock.now_s == 12.0
    assert not is_off(root)
    assert result(root) == f"datasource_list: [ {source}, None ]\n"
    assert capsys.readouterr().out == (
        f"rackwright: a seed came after cloud-init had looked: {source}\n"
    )


def test_an_unseeded_image_says_so_and_goes_on(
    program: ModuleType, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(root, "dev/disk/by-label/ESP", "")
    clock = Clock()
    assert program.main(root, clock.sleep) == 0
    assert clock.now_s == 30.0
    assert is_off(root)
    assert capsys.readouterr().out == (
        "rackwright: no seed was found in 30 s (a volume labelled cidata or config-2, or a "
        "cloud's data source): this node has no name, users or addresses. Attach its seed and "
        "start it again.\n"
    )


def test_what_cloud_init_found_itself_stays(program: ModuleType, root: Path) -> None:
    """A cloud by its firmware, a volume that was there, ds= on the command line."""
    found = "datasource_list: [ Ec2, None ]\n"
    put(root, "run/cloud-init/cloud.cfg", found)
    clock = Clock()
    assert program.main(root, clock.sleep) == 0
    assert (clock.now_s, result(root), is_off(root)) == (0.0, found, False)


def test_a_node_whose_cd_is_gone_keeps_its_identity(
    program: ModuleType, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A node of before, and a host's own image: neither waits, and cloud-init changes nothing."""
    put(root, "etc/hostname", "nfv1\n")
    clock = Clock()
    assert program.main(root, clock.sleep) == 0
    assert clock.now_s == 0.0
    assert is_off(root)
    said = capsys.readouterr().out
    assert said == "rackwright: no seed is attached: this node keeps its identity\n"


def test_a_node_with_another_seed_takes_it(program: ModuleType, root: Path) -> None:
    put(root, "etc/hostname", "nfv1\n")
    put(root, "dev/disk/by-label/cidata", "")
    assert program.main(root, Clock().sleep) == 0
    assert not is_off(root)


def test_a_twin_has_from_the_start_what_it_has(program: ModuleType, root: Path) -> None:
    put(root, "sys/class/dmi/id/sys_vendor", "rackwright\n")
    put(root, "sys/class/dmi/id/product_name", "twin\n")
    clock = Clock()
    assert program.main(root, clock.sleep) == 0
    assert (clock.now_s, is_off(root)) == (0.0, True)


def test_ds_identify_reads_the_list(program: ModuleType) -> None:
    """One line in brackets; every label the program knows is of a source in it."""
    text = (NODE_FILES / "95-rackwright-datasources.cfg").read_text(encoding="utf-8")
    (line,) = (row for row in text.splitlines() if not row.startswith("#"))
    names = line.removeprefix("datasource_list: [ ").removesuffix(" ]").split(", ")
    assert set(program.LABELS.values()) < {*names}
    assert names[-1] == "None"
