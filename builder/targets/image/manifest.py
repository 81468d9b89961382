"""manifest.json of an image build: its shape, and reading it back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict, cast

from builder.errors import BuilderError

FORMAT_VERSION = 1


class ManifestFile(TypedDict):
    """One artefact. file: its name beside the manifest; size: bytes."""

    file: str
    size: int
    sha256: str


class ManifestRelease(TypedDict):
    id: str
    suite: str
    family: str


# Functional form: the keys are those of the JSON file.
Manifest = TypedDict(
    "Manifest",
    {
        "format-version": int,
        "name": str,
        # Host whose identity is in the image; null for a golden image.
        "host": str | None,
        "plan-id": str,
        "release": ManifestRelease,
        "kernel": str,
        "root-uuid": str,
        "cmdline": list[str],
        "base": str,
        "source-date-epoch": int,
        "artefacts": dict[str, ManifestFile],
        "packages": dict[str, str],
    },
)


def format_manifest(manifest: Manifest) -> str:
    return json.dumps(manifest, indent=2) + "\n"


def read_manifest(path: Path) -> Manifest:
    """Raises BuilderError when `path` is missing or not a manifest of this format."""
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise BuilderError(
            f"{path} does not exist",
            hint=f"build the image first: rackwright image INV --host H -o {path.parent}",
        ) from None
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict) or content.get("format-version") != FORMAT_VERSION:
        raise BuilderError(f"{path} is not a manifest of rackwright", hint="build the image again")
    missing = sorted(Manifest.__required_keys__ - content.keys())
    if missing:
        raise BuilderError(f"{path} lacks {', '.join(missing)}", hint="build the image again")
    return cast("Manifest", content)
