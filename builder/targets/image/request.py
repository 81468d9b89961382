"""What is asked of an image build and what it gives: plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from builder.catalog.releases import OsRelease
from builder.plan.nouns.host import UserPlan
from builder.render.tree import RenderedFile
from builder.resources import data_dir


class ImageFile(NamedTuple):
    """One path of the rendered tree.

    mode: permissions, with the type bits of stat(2) for what is not a regular file; of
    a symbolic link (0o120777) the content is the target, a directory (0o40755) has none.
    """

    path: str
    mode: int
    uid: int
    gid: int
    content: bytes


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """All that decides about an image, and where it goes.

    packages: all that are asked for, by name. mirror: URI of the archive they are from, None for
    the build host's own or mmdebstrap's default. cmdline: kernel arguments after root=, in
    order. host: whose identity the files hold, None for a golden image.
    element_dirs: where elements are looked for; an earlier directory wins.
    os_release: lines added to /etc/os-release. users: of a host's own image. owned: files of theirs,
    whose numbers are known once the base is. is_private: password hashes or addresses of secrets
    are in it. refresh: ask the mirror for newer packages now, not once a day.
    proxy: proxy variables for the programs that download.
    """

    name: str
    release: OsRelease
    packages: tuple[str, ...]
    files: tuple[ImageFile, ...]
    cmdline: tuple[str, ...]
    formats: tuple[str, ...]
    out_dir: Path
    cache_dir: Path
    plan_id: str
    mirror: str | None
    keyring: Path
    host: str | None = None
    os_release: tuple[str, ...] = ()
    elements: tuple[str, ...] = ("rackwright-ovs-dpdk",)
    element_dirs: tuple[Path, ...] = field(default_factory=lambda: (data_dir("elements"),))
    users: tuple[UserPlan, ...] = ()
    owned: tuple[RenderedFile, ...] = ()
    is_private: bool = False
    refresh: bool = False
    proxy: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Artefact:
    """One finished file."""

    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Artefacts:
    """What a build left in its output directory, by kind (`raw`, `qcow2`, `kernel` …).

    replaced: names of the files of the build that was there before, which are gone.
    """

    files: Mapping[str, Artefact]
    manifest: Path
    root_uuid: str
    kernel: str
    replaced: tuple[str, ...] = ()
