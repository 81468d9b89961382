"""Finished files get their names: a build is there from the moment its manifest is.

Files are named for their content, so those of two builds lie side by side and one rename,
the manifest's, puts the new build in the place of the old. Links with plain names follow.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.errors import BuilderError
from builder.jsonfile import JsonFault, JsonRecord, decode, encode
from builder.targets.image.manifest import (
    MANIFEST,
    Manifest,
    ManifestFile,
    format_manifest,
    read_manifest,
)
from builder.workdir import locked_directory

# There while a build takes the place of another: the files of both.
JOURNAL = ".rackwright-publish.json"
_NEW_LINK = ".rackwright-publish.link"
# What symlink(2) fails with where there are no links: EPERM on FAT; a server or a FUSE program
# that has no such call says so in its own way.
_NO_LINKS = frozenset({errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.ENOSYS})


@dataclass(frozen=True, slots=True)
class _Journal(JsonRecord):
    files: tuple[ManifestFile, ...]


def publish(manifest: Manifest, made: Mapping[str, Path], work: Path, out: Path) -> tuple[str, ...]:
    """Give the files `made`, by kind, the names `manifest` has for them in `out`.

    Returns the names of files of the build before, which are gone.
    work: where they are, on the file system of `out`. Whatever ends this, `out` has the
    earlier build or this one, and nothing of the other that `settle` does not remove.
    """
    (work / MANIFEST).write_text(format_manifest(manifest), encoding="utf-8")
    with locked_directory(out):
        before = _listed(out) or ()
        files = (*_journalled(out), *before, *manifest.artefacts.values())
        (work / JOURNAL).write_text(json.dumps(encode(_Journal(files))), encoding="utf-8")
        (work / JOURNAL).replace(out / JOURNAL)
        try:
            for kind, item in manifest.artefacts.items():
                made[kind].replace(out / item.file)
            (work / MANIFEST).replace(out / MANIFEST)
        finally:
            _settle(out)
    kept = {item.file for item in manifest.artefacts.values()}
    return tuple(item.file for item in before if item.file not in kept)


def settle(out: Path) -> None:
    """Finish, or undo, what a killed `publish` began in `out`: the manifest there decides."""
    with locked_directory(out):
        _settle(out)


def _settle(out: Path) -> None:
    listed = _listed(out)
    if listed is None or not (out / JOURNAL).exists():
        return
    for item in listed:
        _link(out, item)
    kept = {name for item in listed for name in (item.file, item.link)}
    for item in set(_journalled(out)) - set(listed):
        if item.link not in kept and _leads_to(out / item.link, item.file):
            (out / item.link).unlink()
        if item.file not in kept:
            (out / item.file).unlink(missing_ok=True)
    (out / _NEW_LINK).unlink(missing_ok=True)
    (out / JOURNAL).unlink()


def _listed(out: Path) -> tuple[ManifestFile, ...] | None:
    """The artefacts of the build in `out`, None if its manifest does not say: nobody's to remove."""
    if not (out / MANIFEST).exists():
        return ()
    try:
        return _in_directory(read_manifest(out / MANIFEST).artefacts.values())
    except BuilderError:
        return None


def _journalled(out: Path) -> tuple[ManifestFile, ...]:
    try:
        return _in_directory(decode(_Journal, (out / JOURNAL).read_bytes()).files)
    except (FileNotFoundError, JsonFault):
        return ()


def _in_directory(items: Iterable[ManifestFile]) -> tuple[ManifestFile, ...]:
    """Without those that somebody wrote in to have a file elsewhere removed."""
    return tuple(
        item for item in items if item.file == Path(item.file).name and item.file not in {"", ".."}
    )


def _link(out: Path, item: ManifestFile) -> None:
    if item.link == item.file or _leads_to(out / item.link, item.file):
        return
    (out / _NEW_LINK).unlink(missing_ok=True)
    try:
        (out / _NEW_LINK).symlink_to(item.file)
        (out / _NEW_LINK).replace(out / item.link)
    except OSError as fault:
        # Without links the files have the names in the manifest only.
        if fault.errno not in _NO_LINKS:
            raise


def _leads_to(link: Path, file: str) -> bool:
    return link.is_symlink() and str(link.readlink()) == file
