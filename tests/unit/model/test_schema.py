"""The generated schema and reference page: committed as they are made, and true."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from builder.model import schema
from builder.model.schema import inventory_schema, keys_at, part_at, reference_text, schema_text
from tests.errors.cases import inventory_of

ROOT = Path(__file__).resolve().parents[3]
INVENTORIES = [
    *sorted((ROOT / "examples").glob("*/inventory.yaml")),
    *sorted((ROOT / "tests/golden").glob("*/inventory.yaml")),
    ROOT / "tests/unit/model/data/full.yaml",
    ROOT / "tests/unit/model/data/base.yaml",
]


def load(text: bytes) -> Any:
    """As JSON has it: a map's keys are texts."""
    return json.loads(json.dumps(yaml.safe_load(text)))


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(inventory_schema())


def test_the_schema_in_the_repository_is_current() -> None:
    committed = (ROOT / "schema/inventory.json").read_text(encoding="utf-8")
    assert committed == schema_text(), "run: python -m builder.model.schema --write"


def test_the_reference_in_the_repository_is_current() -> None:
    committed = (ROOT / "docs/reference/inventory.md").read_text(encoding="utf-8")
    assert committed == reference_text(), "run: python -m builder.model.schema --write"


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(inventory_schema())


@pytest.mark.parametrize("path", INVENTORIES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_good_inventories(path: Path) -> None:
    assert [error.message for error in validator().iter_errors(load(path.read_bytes()))] == []


@pytest.mark.parametrize(
    "case",
    [
        "schema-missing", "schema-missing-below", "schema-unknown-key", "schema-unknown-key-top",
        "schema-key-by-comma", "schema-list-for-map", "schema-map-for-list", "schema-range",
        "schema-wants-number", "schema-wants-truth", "schema-choice", "schema-version",
        "schema-empty-map", "schema-empty-list", "schema-count", "schema-count-map",
        "schema-mac-number", "schema-mac-short", "schema-mac-multicast", "schema-pci-number",
        "schema-pci-form", "schema-text-truth", "schema-text-number", "schema-text-long",
        "schema-name", "schema-device-id", "schema-cpus", "schema-size", "schema-size-zero",
        "schema-page-size", "schema-vf-name", "schema-resource", "schema-kernel-arg",
        "schema-sysctl", "schema-module", "schema-other-config", "schema-mirror",
        "schema-address", "schema-not-a-map",
    ],
)  # fmt: skip
def test_bad_inventories(case: str) -> None:
    assert not validator().is_valid(load(inventory_of(case)))


def _properties(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for name, child in node.get("properties", {}).items():
            yield f"{path}.{name}", child
        for key, value in node.items():
            yield from _properties(value, f"{path}.{key}")


def test_each_key_says_what_it_means() -> None:
    about = dict(_properties(inventory_schema()))
    assert len(about) > 60
    assert {name for name, node in about.items() if not node.get("description")} == set()


def test_each_part_says_what_it_is() -> None:
    parts = inventory_schema()["$defs"]
    assert {name for name, node in parts.items() if not node.get("description")} == set()


def test_each_map_of_names_is_closed() -> None:
    text = schema_text()
    assert text.count('"patternProperties"') + len(inventory_schema()["$defs"]) + 1 == text.count(
        '"additionalProperties": false'
    )


def test_the_full_inventory_has_each_key(full: str) -> None:
    used: set[str] = set()

    def walk(node: Any, part: Any) -> None:
        part = schema.resolve(part)
        if isinstance(node, dict):
            for key, value in node.items():
                if key in part.get("properties", {}):
                    used.add(key)
                    walk(value, part["properties"][key])
                for child in part.get("patternProperties", {}).values():
                    walk(value, child)
        elif isinstance(node, list):
            for item in node:
                walk(item, part.get("items", {}))

    walk(yaml.safe_load(full), inventory_schema())
    known = {name.rsplit(".", 1)[1] for name, _ in _properties(inventory_schema())}
    assert known - used == set()


def test_each_key_is_in_the_reference() -> None:
    page = reference_text()
    keys = {name.rsplit(".", 1)[1] for name, _ in _properties(inventory_schema())}
    assert {key for key in keys if f"| `{key}` |" not in page} == set()
    sections = [line for line in page.splitlines() if line.startswith("## ")]
    assert sections == [
        "## The file",
        "## `image`",
        "## `hardware.<name>`",
        "## `profiles.<name>`",
        "## `racks.<name>`",
        "## `access`",
        "## `hosts.<name>`",
        "## `hardware.<name>.cpu`",
        "## `hardware.<name>.numa[]`",
        "## `hardware.<name>.nics[]`",
        "## `hardware.<name>.disk`",
        "## `profiles.<name>.cpu`",
        "## `profiles.<name>.hugepages`",
        "## `profiles.<name>.sriov[]`",
        "## `profiles.<name>.ovs`",
        "## `profiles.<name>.kubernetes`",
        "## `profiles.<name>.drivers.<name>`",
        "## `access.users.<name>`",
        "## `access.secrets.<name>`",
        "## `hosts.<name>.interfaces.<name>`",
        "## `hardware.<name>.nics[].sriov`",
        "## `profiles.<name>.hugepages.more[]`",
        "## `profiles.<name>.hugepages.pods`",
        "## `profiles.<name>.sriov[].vfs[]`",
        "## `profiles.<name>.ovs.bridges.<name>`",
        "## `profiles.<name>.ovs.bridges.<name>.ports.<name>`",
    ]


def test_keys_at_a_path() -> None:
    assert keys_at(()) == (
        "version",
        "image",
        "hardware",
        "profiles",
        "racks",
        "access",
        "hosts",
    )
    assert keys_at(("profiles", "nfv", "hugepages")) == (
        "size",
        "count",
        "more",
        "pods",
        "vms",
    )
    assert keys_at(("hardware", "a", "nics", 3)) == (
        "pci",
        "id",
        "driver",
        "name",
        "numa",
        "card-ports",
        "sriov",
    )
    assert keys_at(("profiles", "nfv", "ovs", "bridges", "b", "ports", "p")) == (
        "nic",
        "vf",
        "mtu",
        "rxq",
        "rxd",
        "txd",
        "rxq-affinity",
    )
    assert keys_at(("hosts",)) == ()
    assert keys_at(("nothing", "here")) == ()
    assert part_at(("hosts", "a", "rack"))["description"] == "Name of its rack"


def test_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert schema.main(["--write"]) == 0
    assert (tmp_path / "schema/inventory.json").read_text(encoding="utf-8") == schema_text()
    page = tmp_path / "docs/reference/inventory.md"
    assert page.read_text(encoding="utf-8") == reference_text()


def test_usage(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert schema.main([]) == 2
    assert capsys.readouterr().err == "usage: python -m builder.model.schema --write\n"
