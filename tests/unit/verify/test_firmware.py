"""UEFI firmware is found by its descriptors, and its package is named when it is not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from builder.errors import ToolMissing
from builder.verify.firmware import UefiFirmware, find_firmware


def describe(path: Path, name: str, *features: str, machine: str = "pc-q35-*") -> UefiFirmware:
    """A descriptor, and the files it names."""
    path.parent.mkdir(exist_ok=True)
    files = UefiFirmware(path.parent / f"{name}.code", path.parent / f"{name}.vars")
    files.code.touch()
    files.variables.touch()
    mapping = {
        "device": "flash",
        "executable": {"filename": str(files.code), "format": "raw"},
        "nvram-template": {"filename": str(files.variables), "format": "raw"},
    }
    about = {
        "interface-types": ["uefi"],
        "mapping": mapping,
        "targets": [{"architecture": "x86_64", "machines": [machine]}],
        "features": list(features),
    }
    path.write_text(json.dumps(about))
    return files


SECURE = ("secure-boot", "enrolled-keys", "requires-smm")


def test_descriptors_by_their_features(tmp_path: Path) -> None:
    here = tmp_path / "firmware"
    secure = describe(here / "40-secure.json", "secure", "acpi-s3", *SECURE)
    describe(here / "50-empty.json", "empty", "secure-boot", "requires-smm")
    plain = describe(here / "60-plain.json", "plain", "acpi-s3")
    (here / "10-broken.json").write_text("{")
    (here / "20-other.json").write_text("[]")
    describe(here / "30-arm.json", "arm", machine="virt-*")
    assert find_firmware(secure_boot=True, descriptors=(here,)) == UefiFirmware(
        plain.code, secure.variables
    )
    assert find_firmware(secure_boot=False, descriptors=(here,)) == plain


def test_the_first_directory_wins_by_file_name(tmp_path: Path) -> None:
    etc, usr = tmp_path / "etc", tmp_path / "usr"
    own = describe(etc / "60-plain.json", "own")
    describe(usr / "60-plain.json", "distribution")
    assert find_firmware(secure_boot=False, descriptors=(etc, usr)) == own


def test_a_descriptor_of_absent_files_is_passed_over(tmp_path: Path) -> None:
    here = tmp_path / "firmware"
    describe(here / "10-gone.json", "gone").code.unlink()
    there = describe(here / "20-there.json", "there")
    assert find_firmware(secure_boot=False, descriptors=(here,)) == there


def test_without_descriptors_debian_s_paths(tmp_path: Path) -> None:
    for name in ("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd", "OVMF_VARS_4M.ms.fd"):
        (tmp_path / name).touch()
    assert find_firmware(secure_boot=False, descriptors=(), fallback=tmp_path) == UefiFirmware(
        tmp_path / "OVMF_CODE_4M.fd", tmp_path / "OVMF_VARS_4M.fd"
    )
    assert find_firmware(secure_boot=True, descriptors=(), fallback=tmp_path) == UefiFirmware(
        tmp_path / "OVMF_CODE_4M.fd", tmp_path / "OVMF_VARS_4M.ms.fd"
    )


@pytest.mark.parametrize(
    ("secure_boot", "message"),
    [
        (False, "UEFI firmware for QEMU is not installed"),
        (True, "UEFI firmware with Secure Boot for QEMU is not installed"),
    ],
)
def test_no_firmware_names_the_package(tmp_path: Path, secure_boot: bool, message: str) -> None:
    with pytest.raises(ToolMissing) as caught:
        find_firmware(secure_boot=secure_boot, descriptors=(tmp_path,), fallback=tmp_path)
    assert (caught.value.message, caught.value.hint) == (message, "apt-get install ovmf")
