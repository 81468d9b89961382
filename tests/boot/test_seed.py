"""The seed's node as the README builds and verifies it, on each firmware."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from boot_seed import HOST, SEED

from builder.cli import main


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    out = tmp_path_factory.mktemp("seed") / HOST
    argv = ["image", str(SEED), "--host", HOST, "-o", str(out), "--cache", str(cache)]
    assert main([*argv, "--format", "raw,qcow2"]) == 0
    return out


@pytest.mark.parametrize("firmware", ["bios", "uefi", "uefi-secure-boot"])
def test_the_node_is_as_planned(image: Path, tmp_path: Path, firmware: str) -> None:
    before = sorted((path.name, path.stat().st_mtime_ns) for path in image.iterdir())
    argv = ["verify", str(image), str(SEED), "--host", HOST, "--firmware", firmware]
    code = main([*argv, "-o", str(tmp_path)])
    report = json.loads((tmp_path / "report.json").read_text())
    wrong = [check for check in report["checks"] if check["status"] not in ("pass", "skip")]
    assert (code, report["verdict"], wrong) == (0, "pass", [])
    assert report["firmware"] == firmware
    assert {"planned": "8086:10fb", "twin": "8086:10c9"} in report["substitutions"]
    # The artefacts are what they were, and only the results are left.
    assert sorted((path.name, path.stat().st_mtime_ns) for path in image.iterdir()) == before
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"console.log", "facts.json", "qemu.log", "report.json"}


def test_the_facts_judge_only_their_own_plan(image: Path, tmp_path: Path) -> None:
    """A changed inventory no longer matches what a node of the old one reported."""
    argv = ["verify", str(image), "--host", HOST]
    assert main([*argv[:2], str(SEED), *argv[2:], "-o", str(tmp_path)]) == 0
    changed = tmp_path / "inventory.yaml"
    changed.write_text(SEED.read_text().replace("count: 8", "count: 6"))
    facts = ["--facts", str(tmp_path / "facts.json"), "-o", str(tmp_path / "again")]
    assert main([*argv[:2], str(changed), *argv[2:], *facts]) == 1
    report = json.loads((tmp_path / "again/report.json").read_text())
    failed = {check["name"] for check in report["checks"] if check["status"] == "fail"}
    assert {"cmdline.hugepages", "hugepages.node0.1G", "hugepages.node1.1G"} <= failed
