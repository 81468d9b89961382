"""The boot loader's files in a tree: by Debian's names, and behind Ubuntu's alternatives."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.errors import BuilderError
from builder.targets.image.installed import boot_files

GRUB = "usr/lib/grub/x86_64-efi-signed"
SHIM = "usr/lib/shim"


def put(tree: Path, *names: str) -> None:
    for name in names:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(b"MZ")


def loaders(tree: Path) -> dict[str, str]:
    found = boot_files(tree, "ubuntu", tree / "grub.cfg")
    return {name: str(path.relative_to(tree)) for name, path in found.efi}


def test_plain_files(tmp_path: Path) -> None:
    put(tmp_path, f"{GRUB}/grubx64.efi.signed", f"{SHIM}/shimx64.efi.signed", f"{SHIM}/mmx64.efi")
    assert loaders(tmp_path) == {
        "EFI/BOOT/BOOTX64.EFI": f"{SHIM}/shimx64.efi.signed",
        "EFI/BOOT/grubx64.efi": f"{GRUB}/grubx64.efi.signed",
        "EFI/BOOT/mmx64.efi": f"{SHIM}/mmx64.efi",
        "EFI/ubuntu/shimx64.efi": f"{SHIM}/shimx64.efi.signed",
        "EFI/ubuntu/grubx64.efi": f"{GRUB}/grubx64.efi.signed",
        "EFI/ubuntu/mmx64.efi": f"{SHIM}/mmx64.efi",
        "EFI/ubuntu/grub.cfg": "grub.cfg",
    }


def test_alternatives_are_not_followed_on_the_build_host(tmp_path: Path) -> None:
    for name in (f"{GRUB}/grubx64.efi.signed", f"{SHIM}/shimx64.efi.signed"):
        put(tmp_path, f"{name}.latest", f"{name}.previous")
        (tmp_path / name).symlink_to("/bin/true")  # as /etc/alternatives/…, which a host may have
    put(tmp_path, f"{SHIM}/mmx64.efi")
    found = loaders(tmp_path)
    assert found["EFI/BOOT/BOOTX64.EFI"] == f"{SHIM}/shimx64.efi.signed.latest"
    assert found["EFI/ubuntu/grubx64.efi"] == f"{GRUB}/grubx64.efi.signed.latest"


def test_no_loader(tmp_path: Path) -> None:
    with pytest.raises(BuilderError) as caught:
        boot_files(tmp_path, "debian", tmp_path / "grub.cfg")
    assert caught.value.message == (
        "the image has no x86_64-efi-signed/grubx64.efi.signed: are shim-signed and "
        "grub-efi-amd64-signed installed?"
    )
