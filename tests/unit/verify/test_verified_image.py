"""Which file a path means: the directory, its manifest, an artefact, or the link people use."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from builder.errors import BuilderError
from builder.targets.image.manifest import (
    MANIFEST,
    Manifest,
    ManifestFile,
    ManifestRelease,
    format_manifest,
)
from builder.verify.verified_image import VerifiedImage, find_image

DIGEST = hashlib.sha256(b"disk").hexdigest()
FILE = f"node-{DIGEST[:12]}.raw"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / FILE).write_bytes(b"disk")
    (tmp_path / "node.raw").symlink_to(FILE)
    release = ManifestRelease("debian-13", "trixie", "debian")
    items = {"raw": ManifestFile(FILE, 4, DIGEST)}
    manifest = Manifest(1, "node", "nfv1", "p", release, "6.12", "u", (), "b", 7, items, {})
    (tmp_path / MANIFEST).write_text(format_manifest(manifest))
    return tmp_path


@pytest.mark.parametrize("name", ["", MANIFEST, FILE, "node.raw"])
def test_each_name_means_the_file_of_the_manifest(built: Path, name: str) -> None:
    """Also the link, which the next build leads to another."""
    assert find_image(built / name) == VerifiedImage(built / FILE, DIGEST, "nfv1", "debian-13")


def test_a_copy_under_the_plain_name(built: Path) -> None:
    (built / "node.raw").unlink()
    (built / FILE).rename(built / "node.raw")
    verified = find_image(built / "node.raw")
    assert (verified.path, verified.sha256) == (built / "node.raw", DIGEST)


def test_a_link_that_a_killed_build_left_behind(built: Path) -> None:
    (built / "node.raw").unlink()
    (built / "node-0123456789ab.raw").write_bytes(b"older")
    (built / "node.raw").symlink_to("node-0123456789ab.raw")
    with pytest.raises(BuilderError, match=r"/node-0123456789ab\.raw .*: the sha256 differs"):
        find_image(built / "node.raw")


def test_a_file_the_manifest_does_not_list(built: Path) -> None:
    (built / "other.raw").write_bytes(b"x")
    assert find_image(built / "other.raw") == VerifiedImage(built / "other.raw", None, None, None)


def test_a_link_elsewhere(built: Path, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere/mine.raw"
    link.parent.mkdir()
    link.symlink_to(built / FILE)
    assert find_image(link) == VerifiedImage(link, None, None, None)
