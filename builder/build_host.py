"""What the build host is and where its own packages come from: read-only facts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from builder.catalog.releases import OsRelease
from builder.command import Command, Runner
from builder.errors import ToolMissing

DISTRO_INFO = "usr/share/distro-info"
PROXY_VARIABLES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy")

# What apt-get(8), "indextargets", tells of a source of packages; a component that stays in
# this form is of a repository without any.
_COMPONENT = "$(COMPONENT)"
_FORMAT = f"$(REPO_URI) $(RELEASE) {_COMPONENT}"


@dataclass(frozen=True, slots=True)
class AptSource:
    """A suite that binary packages are taken from. uri: without a slash at its end."""

    uri: str
    suite: str
    components: tuple[str, ...]


def read_os_release(root: Path = Path("/")) -> dict[str, str]:
    """What the system installed under `root` says of itself."""
    return parse_os_release(_read(root / "etc/os-release"))


def parse_os_release(text: str) -> dict[str, str]:
    """os-release(5): shell assignments without expansion."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and line[0] != "#")
    return {name.strip(): "".join(shlex.split(value)) for name, value in pairs}


def apt_sources(runner: Runner, root: Path = Path("/")) -> tuple[AptSource, ...]:
    """What apt takes binary packages from by the configuration under `root`, in its order.

    apt itself reads it: both forms of sources.list(5), whatever options they have, and not
    what is disabled. Nothing has to be fetched for that. Without apt there are none.
    """
    options = ("-o", f"Dir={root}", "--no-release-info", "--format", _FORMAT)
    wanted = ("Created-By: Packages", "Target-Of: deb")
    try:
        said = runner.run(Command(("apt-get", "indextargets", *options, *wanted))).stdout
    except ToolMissing:
        return ()
    found: dict[tuple[str, str], dict[str, None]] = {}
    for line in said.decode(errors="replace").splitlines():
        # Once for each architecture.
        uri, suite, component = line.split(maxsplit=2)
        if component != _COMPONENT:
            found.setdefault((uri.rstrip("/"), suite), {})[component] = None
    return tuple(
        AptSource(_first_mirror(uri, root), suite, tuple(components))
        for (uri, suite), components in found.items()
    )


def mirrors_for(
    release: OsRelease, inventory_mirror: str | None, runner: Runner, root: Path = Path("/")
) -> tuple[str, ...]:
    """Source lines for installing `release`, empty for mmdebstrap's own default.

    The inventory's mirror wins; otherwise a host of the same family shares its own.
    """
    archive, security = inventory_mirror, None
    if archive is None:
        archive, security = _own_archives(release.family, runner, root)
    if archive is None:
        return ()
    archive = _readable(archive.rstrip("/"))
    components = " ".join(release.components)
    security = _readable(security or archive + release.archive.security)
    return (
        f"deb {archive} {release.suite} {components}",
        f"deb {archive} {release.suite}-updates {components}",
        f"deb {security} {release.suite}-security {components}",
    )


def keyring_for(release: OsRelease) -> Path:
    """Where this host has the keys of `release`, once they are installed."""
    return Path(release.archive.keyring)


def keyring_hint(release: OsRelease) -> str:
    """What to do where the keyring is missing."""
    hint = f"apt-get install {release.archive.keyring_package}"
    return f"{hint} (Debian 12 has it in backports)" if release.family == "ubuntu" else hint


def knows_suite(release: OsRelease, root: Path = Path("/")) -> bool:
    """Whether mmdebstrap finds the archive of `release` by itself.

    It knows the suites of Ubuntu from distro-info-data, and takes any other for one of Debian's
    (mmdebstrap(1), SUITE).
    """
    if release.family == "debian":
        return True
    rows = _read(root / DISTRO_INFO / f"{release.family}.csv").splitlines()
    return any(release.suite in row.split(",") for row in rows)


def proxy_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The proxy settings of `environ`, for programs that download."""
    names = {*PROXY_VARIABLES, *(name.upper() for name in PROXY_VARIABLES)}
    return {name: environ[name] for name in sorted(names) if environ.get(name)}


def _own_archives(family: str, runner: Runner, root: Path) -> tuple[str | None, str | None]:
    """URIs a host of `family` takes its own release from, and the security updates of it."""
    about = read_os_release(root)
    if about.get("ID") != family:
        return None, None
    codename = about.get("VERSION_CODENAME", "")
    uris: dict[str, str] = {}
    for source in apt_sources(runner, root):
        uris.setdefault(source.suite, source.uri)
    return uris.get(codename), uris.get(f"{codename}-security")


def _readable(uri: str) -> str:
    """A directory of this machine, in the form apt copies packages from (sources.list(5)).

    By `file:` it would read them in place, where nothing in the target can.
    """
    return re.sub(r"^file:", "copy:", uri)


def _first_mirror(uri: str, root: Path) -> str:
    """Cloud images name a list of mirrors (apt-transport-mirror(1)): take its first."""
    parts = urlsplit(uri)
    if parts.scheme != "mirror+file":
        return uri
    listed = _read(root / parts.path.lstrip("/")).split()
    return next((word.rstrip("/") for word in listed if "://" in word), uri)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
