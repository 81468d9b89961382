"""The seed's node as the README builds and verifies it, at its own size, by BIOS and UEFI."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from boot_seed import HOST, SEED

from builder.cli import call, parse


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    out = tmp_path_factory.mktemp("seed") / HOST
    argv = ["image", str(SEED), "--host", HOST, "-o", str(out), "--cache", str(cache)]
    assert call(parse([*argv, "--format", "raw,qcow2"])) == 0
    return out


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_the_node_is_as_planned(image: Path, tmp_path: Path, firmware: str) -> None:
    before = sorted((path.name, path.stat().st_mtime_ns) for path in image.iterdir())
    argv = ["verify", str(image), str(SEED), "--host", HOST, "--firmware", firmware]
    code = call(parse([*argv, "-o", str(tmp_path)]))
    report = json.loads((tmp_path / "report.json").read_text())
    wrong = [check for check in report["checks"] if check["status"] not in ("pass", "skip")]
    assert (code, report["verdict"], wrong) == (0, "pass", [])
    assert report["firmware"] == firmware
    names = {check["name"] for check in report["checks"]}
    assert {"units.dropped", "units.rackwright-ssh-keys.service"} <= names
    assert {"planned": "8086:10fb", "twin": "8086:10c9"} in report["substitutions"]
    # The artefacts are what they were, and only the results are left.
    assert sorted((path.name, path.stat().st_mtime_ns) for path in image.iterdir()) == before
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"console.log", "facts.json", "qemu.log", "report.json"}
    check_that_facts_judge_only_their_own_plan(image, tmp_path)


def check_that_facts_judge_only_their_own_plan(image: Path, results: Path) -> None:
    """A changed inventory no longer matches what a node of the old one reported."""
    changed = results / "inventory.yaml"
    changed.write_text(SEED.read_text().replace("memory: 2GiB", "memory: 1GiB"))
    argv = ["verify", str(image), str(changed), "--host", HOST]
    facts = ["--facts", str(results / "facts.json"), "-o", str(results / "again")]
    assert call(parse([*argv, *facts])) == 1
    report = json.loads((results / "again/report.json").read_text())
    failed = {check["name"] for check in report["checks"] if check["status"] == "fail"}
    assert {"cmdline.hugepages.2", "hugepages.node0.2M", "hugepages.node1.2M"} <= failed
