"""Which artefact a path means, and what its manifest says of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from builder.errors import BuilderError
from builder.targets.image.manifest import MANIFEST, Manifest, ManifestFile, read_manifest
from builder.targets.image.outputs import describe_artefact
from builder.targets.registry import QCOW2, RAW


@dataclass(frozen=True, slots=True)
class VerifiedImage:
    """The artefact to boot, and what its manifest says of it, if it has one."""

    path: Path
    sha256: str | None
    host: str | None
    release: str | None


def find_image(given: Path) -> VerifiedImage:
    """The image behind a path: itself, or what the manifest there lists."""
    directory = given if given.is_dir() else given.parent
    named = given.suffix != ".json" and not given.is_dir()
    path = directory / MANIFEST if named or given.is_dir() else given
    if named and not path.is_file():
        return VerifiedImage(given, None, None, None)
    manifest = read_manifest(path)
    if named:
        return image_of(given, manifest)
    for kind in (RAW, QCOW2):
        if kind in manifest.artefacts:
            return image_of(directory / manifest.artefacts[kind].file, manifest)
    raise BuilderError(f"{path} lists no raw or qcow2 image", hint="build one with --format raw")


def image_of(path: Path, manifest: Manifest) -> VerifiedImage:
    """`path` with what its manifest, if it is listed there, says of it.

    Of a link it is the file it leads to now: the next build would lead it to another.
    """
    file = path.parent / path.readlink() if path.is_symlink() else path
    for item in manifest.artefacts.values():
        if path.name in {item.file, item.link}:
            refuse_changed(file, item)
            return VerifiedImage(file, item.sha256, manifest.host, manifest.release.id)
    return VerifiedImage(path, None, None, None)


def refuse_changed(path: Path, item: ManifestFile) -> None:
    """A verdict names the digest of the image: the file must have it."""
    if not path.is_file():
        return  # booting it says so
    size = path.stat().st_size
    if size < item.size:
        raise BuilderError(
            f"{path} is truncated: its manifest says {item.size} bytes, it has {size}",
            hint="build it again with `rackwright image`",
        )
    if not os.access(path, os.R_OK):
        raise BuilderError(
            f"{path} is not readable: it has password hashes or addresses of secrets",
            hint="run the same command with sudo",
        )
    if describe_artefact(path).sha256 != item.sha256:
        raise BuilderError(
            f"{path} is not the file its manifest describes: the sha256 differs",
            hint="build it again with `rackwright image`, or verify a copy in another directory",
        )


def refuse_other_host(verified: VerifiedImage, host: str) -> None:
    if verified.host is not None and verified.host != host:
        raise BuilderError(
            f"{verified.path} is the image of host {verified.host!r}, not of {host!r}",
            hint=f"verify it with --host {verified.host}, or build the image of {host}",
        )
