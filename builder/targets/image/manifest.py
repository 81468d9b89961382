"""manifest.json of an image build: its shape, and reading it back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.errors import BuilderError
from builder.jsonfile import JsonFault, JsonRecord, decode, encode

MANIFEST = "manifest.json"
FORMAT_VERSION = 1
# Of a file's sha256 in its name: enough to tell the files of one name apart.
DIGITS = 12


@dataclass(frozen=True, slots=True)
class ManifestFile(JsonRecord):
    """One artefact. file: its name beside the manifest, for its content; size: bytes."""

    file: str
    size: int
    sha256: str

    @property
    def link(self) -> str:
        """The name people use: that of the file, without its digest."""
        return self.file.replace(f"-{self.sha256[:DIGITS]}.", ".")


@dataclass(frozen=True, slots=True)
class ManifestRelease(JsonRecord):
    id: str
    suite: str
    family: str


@dataclass(frozen=True, slots=True)
class Format(JsonRecord):
    """What every version of a manifest has."""

    format_version: int


@dataclass(frozen=True, slots=True)
class Manifest(Format):
    """What a build made, from what, with which versions.

    host: whose identity is in the image, None for a golden image. artefacts: by kind
    (`raw`, `qcow2`, `kernel` …). packages: name -> version.
    """

    name: str
    host: str | None
    plan_id: str
    release: ManifestRelease
    kernel: str
    root_uuid: str
    cmdline: tuple[str, ...]
    base: str
    source_date_epoch: int
    artefacts: Mapping[str, ManifestFile]
    packages: Mapping[str, str]


def format_manifest(manifest: Manifest) -> str:
    return json.dumps(encode(manifest), indent=2) + "\n"


def read_manifest(path: Path) -> Manifest:
    """Raises BuilderError when `path` is missing or not a manifest of this format."""
    try:
        text = path.read_bytes()
        is_ours = decode(Format, text).format_version == FORMAT_VERSION
    except FileNotFoundError:
        raise BuilderError(
            f"there is no {path.name} in {path.parent.resolve()}",
            hint=f"build the image first: rackwright image INV --host H -o {path.parent}",
        ) from None
    except (OSError, JsonFault):
        is_ours = False
    again = "build the image again"
    if not is_ours:
        raise BuilderError(f"{path} is not a manifest of rackwright", hint=again)
    try:
        return decode(Manifest, text)
    except JsonFault as fault:
        raise BuilderError(f"{path} is damaged: {fault}", hint=again) from None
