"""`verify`: what is refused before a twin is booted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.jsonfile import encode
from builder.targets.image.manifest import (
    FORMAT_VERSION,
    Manifest,
    ManifestFile,
    ManifestRelease,
)
from builder.verify import qemu

Call = Any
AGAIN = "  hint: build the image again\n"


@pytest.fixture
def verify(rackwright: Call, inventory: Path) -> Call:
    return lambda image, *more: rackwright("verify", image, inventory, "--host", "nfv1", *more)


def manifest(here: Path, **changed: object) -> None:
    """A manifest of an image of nfv1; a value of None leaves its key out."""
    whole = Manifest(
        format_version=FORMAT_VERSION,
        name="node",
        host="nfv1",
        plan_id="x",
        release=ManifestRelease("debian-13", "trixie", "debian"),
        kernel="6.12",
        root_uuid="x",
        cmdline=(),
        base="x",
        source_date_epoch=7,
        artefacts={"raw": ManifestFile("node.raw", 1, "0" * 64)},
        packages={},
    )
    fields = {**encode(whole), **{key.replace("_", "-"): value for key, value in changed.items()}}
    text = json.dumps({key: value for key, value in fields.items() if value is not None})
    (here / "manifest.json").write_text(text, encoding="utf-8")


def test_missing_image(verify: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qemu, "check_qemu", lambda _: None)
    assert verify("none.raw") == (
        1,
        "",
        "rackwright: error: none.raw does not exist\n  hint: build it with `rackwright image`\n",
    )


def test_an_image_shorter_than_its_manifest_says(verify: Call, here: Path) -> None:
    manifest(here, artefacts={"raw": {"file": "node.raw", "size": 9, "sha256": "0" * 64}})
    (here / "node.raw").write_bytes(b"12345")
    assert verify("node.raw") == (
        1,
        "",
        (
            "rackwright: error: node.raw is truncated: its manifest says 9 bytes, it has 5\n"
            "  hint: build it again with `rackwright image`\n"
        ),
    )


def test_an_image_that_was_changed_since(verify: Call, here: Path) -> None:
    manifest(here, artefacts={"raw": {"file": "node.raw", "size": 5, "sha256": "0" * 64}})
    (here / "node.raw").write_bytes(b"12345")
    assert verify("node.raw") == (
        1,
        "",
        (
            "rackwright: error: node.raw is not the file its manifest describes: the sha256 differs\n"
            "  hint: build it again with `rackwright image`, or verify a copy in another directory\n"
        ),
    )


def test_truncated_raw(verify: Call, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qemu, "check_qemu", lambda _: None)
    header = bytes(512) + b"EFI PART".ljust(32, b"\0") + (2047).to_bytes(8, "little") + bytes(472)
    (here / "node.raw").write_bytes(header.ljust(4096, b"\0"))
    assert verify("node.raw") == (
        1,
        "",
        (
            "rackwright: error: node.raw is truncated: its partition table says 1048576 bytes, it has"
            " 4096\n  hint: build it again with `rackwright image`\n"
        ),
    )


@pytest.mark.parametrize(
    ("tool", "package"),
    [("qemu-system-x86_64", "qemu-system-x86")],
)
def test_no_qemu(
    verify: Call, without: Callable[..., None], here: Path, tool: str, package: str
) -> None:
    (here / "node.raw").write_bytes(b"")
    without(tool)
    assert verify("node.raw") == (
        1,
        "",
        f"rackwright: error: {tool} is not installed\n  hint: apt-get install {package}\n",
    )


def test_no_manifest(verify: Call, here: Path) -> None:
    (here / "empty").mkdir()
    assert verify("empty") == (
        1,
        "",
        (
            f"rackwright: error: there is no manifest.json in {here}/empty\n"
            "  hint: build the image first: rackwright image INV --host H -o empty\n"
        ),
    )


@pytest.mark.parametrize("text", ["", "not json", "[]", '{"format-version": 99}'])
def test_no_manifest_of_ours(verify: Call, here: Path, text: str) -> None:
    (here / "manifest.json").write_text(text, encoding="utf-8")
    assert verify("manifest.json") == (
        1,
        "",
        f"rackwright: error: manifest.json is not a manifest of rackwright\n{AGAIN}",
    )


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"artefacts": 7}, "artefacts is 7, not an object"),
        ({"artefacts": {"raw": 7}}, "artefacts.raw is 7, not an object"),
        ({"artefacts": {"raw": {"size": 1}}}, "artefacts.raw.file is missing"),
        (
            {"artefacts": {"raw": {"file": "x", "size": "1"}}},
            'artefacts.raw.size is "1", not a number',
        ),
        ({"cmdline": "quiet"}, 'cmdline is "quiet", not a list'),
        ({"plan_id": None}, "plan-id is missing"),
    ],
)
def test_a_damaged_manifest(
    verify: Call, here: Path, changed: dict[str, object], fault: str
) -> None:
    manifest(here, **changed)
    assert verify("manifest.json") == (
        1,
        "",
        f"rackwright: error: manifest.json is damaged: {fault}\n{AGAIN}",
    )


def test_no_image_to_boot(verify: Call, here: Path) -> None:
    manifest(here, artefacts={})
    assert verify("manifest.json") == (
        1,
        "",
        (
            "rackwright: error: manifest.json lists no raw or qcow2 image\n"
            "  hint: build one with --format raw\n"
        ),
    )


def test_image_of_another_host(verify: Call, here: Path) -> None:
    manifest(here, host="nfv7")
    assert verify("manifest.json") == (
        1,
        "",
        (
            "rackwright: error: node.raw is the image of host 'nfv7', not of 'nfv1'\n"
            "  hint: verify it with --host nfv7, or build the image of nfv1\n"
        ),
    )


def test_no_facts_file(verify: Call, here: Path) -> None:
    manifest(here)
    assert verify("manifest.json", "--facts", "none.json") == (
        1,
        "",
        (
            "rackwright: error: none.json: No such file or directory\n"
            "  hint: verify -o DIR keeps them, as DIR/facts.json\n"
        ),
    )


def test_truncated_facts(verify: Call, here: Path) -> None:
    manifest(here)
    (here / "facts.json").write_text('{"version": 1, "cmdl', encoding="utf-8")
    assert verify("manifest.json", "--facts", "facts.json", "-o", "out") == (
        1,
        "",
        (
            "rackwright: error: the facts end early, after 20 bytes:"
            " Unterminated string starting at: line 1 column 16 (char 15)\n"
        ),
    )
    assert not (here / "out").exists()


def test_failed_checks_are_exit_code_1(verify: Call, here: Path) -> None:
    manifest(here)
    (here / "facts.json").write_text('{"version": 1}\n', encoding="utf-8")
    said = verify("manifest.json", "--facts", "facts.json", "-o", "out")
    assert (said.code, said.err) == (1, "")
    report = json.loads((here / "out/report.json").read_text(encoding="utf-8"))
    assert (report["verdict"], report["image"]) == ("fail", "node.raw")
    assert (here / "out/facts.json").read_bytes() == b'{"version": 1}\n'


def test_vfs_of_a_nic_the_inventory_describes(
    rackwright: Call, write: Callable[..., Path], here: Path
) -> None:
    """The verdict counts those of its `sriov`, of whatever id it is."""
    own = (
        'id: "1234:5678", driver: foo, name: ens11f1, numa: 0, sriov: {total-vfs: 16, '
        'vf-offset: 64, vf-stride: 2, vf-id: "1234:5679", vf-driver: foovf}}'
    )
    inventory = write(('id: "8086:10fb", driver: ixgbe, name: ens11f1, numa: 0}', own))
    manifest(here)
    (here / "facts.json").write_text('{"version": 1}\n', encoding="utf-8")
    call = ("verify", "manifest.json", inventory, "--host", "nfv1", "--facts", "facts.json")
    rackwright(*call, "-o", "out")
    report = json.loads((here / "out/report.json").read_text(encoding="utf-8"))
    assert [text for text in report["not-emulated"] if "1234:5678" in text] == [
        "1234:5678 (0000:01:00.1) is an igb, 8086:10c9, with 7 VFs instead of 16",
        (
            "VFs of 0000:01:00.1 are where an 82576 has them: from 0000:01:10.1 in steps of 2, "
            "not where 1234:5678 has them"
        ),
    ]


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon"])
def test_timeout_is_a_time(verify: Call, text: str) -> None:
    said = verify("x.raw", f"--timeout={text}")
    assert (said.code, said.out) == (2, "")
    assert said.err.endswith(
        f"rackwright verify: error: argument --timeout: {text!r} is not a number of seconds\n"
    )
