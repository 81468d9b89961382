"""Cache keys: digests over everything that decides about the content of a cached file."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Sequence

# Raised when the same inputs would give another root tree or disk than before.
ROOT_FORMAT = 1
BASE_FORMAT = 6

_NAMESPACE = uuid.UUID("5d0f1f52-6f5c-5c36-9d3c-0d0b3a8b2a51")
_URI = re.compile(r"^(deb(?:-src)?)\s+(?:\[[^]]*\]\s+)?\S+\s+(.*)$")


def suites(sources: Sequence[str]) -> tuple[str, ...]:
    """Suites and components of source lines, without the mirror they come from."""
    return tuple(_URI.sub(r"\1 \2", line.strip()) for line in sources)


def digest(kind: str, value: object) -> str:
    """sha256 over `value` in its canonical JSON form."""
    text = json.dumps([kind, value], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def root_key(  # noqa: PLR0913 -- each is a part of the key
    *,
    suite: str,
    architecture: str,
    sources: Sequence[str],
    packages: Sequence[tuple[str, str]],
    keyring: str,
    dpkg_options: Sequence[str],
    usr_links: Sequence[str],
    element: str,
) -> str:
    """Key of the tree one mmdebstrap transaction makes: what is in it, not whence it came."""
    return digest(
        "root",
        {
            "format": ROOT_FORMAT,
            "suite": suite,
            "architecture": architecture,
            "suites": sorted(suites(sources)),
            "packages": sorted(packages),
            "keyring": keyring,
            "dpkg-options": list(dpkg_options),
            "usr-links": list(usr_links),
            "element": element,
        },
    )


def base_key(
    *, root: str, elements: str, headroom: int, identities: Sequence[tuple[str, str]]
) -> str:
    """Key of a composed disk that no rendered file has been patched into yet."""
    parts = {"root": root, "elements": elements, "headroom": headroom, "identities": identities}
    return digest("base", {"format": BASE_FORMAT, **parts})


def disk_seed(base: str, host: str | None = None) -> uuid.UUID:
    """The UUID all identifiers on a disk follow from: of base `base`, or a host's own."""
    seed = uuid.uuid5(_NAMESPACE, base)
    return seed if host is None else uuid.uuid5(seed, host)
