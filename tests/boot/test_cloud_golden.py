"""A bundle for a golden image, with the distribution's own cloud-init."""

from __future__ import annotations

from pathlib import Path

from cloud_node import bundle, call, check_node, machine_of, plan_of
from cloud_twin import cloud_twin


def test_a_golden_image_is_ready_at_its_first_boot(
    cloud: Path, tmp_path: Path, cache: Path
) -> None:
    out, where = tmp_path / "image", ("--cache", cache, "--format", "raw")
    call("image", cloud, "--profile", "nfv", "-o", out, *where)
    seed = bundle(cloud, tmp_path, "golden")
    with cloud_twin(machine_of(cloud), out / "nfv-node.raw", seed, tmp_path / "twin") as twin:
        facts = twin.run_to_facts(900.0)
        check_node(twin, plan_of(cloud), facts)
        assert twin.stamps() == ["applied", "done", "secret-machine"]
        assert twin.console.count("Linux version ") == 1
