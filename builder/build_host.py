"""What the build host is and where its own packages come from: read-only facts."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from builder.catalog.releases import OsRelease
from builder.errors import ToolMissing

PROXY_VARIABLES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy")


@dataclass(frozen=True, slots=True)
class AptSource:
    """One enabled source of binary packages: a URI and the suites taken from it."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str | None


@dataclass(frozen=True, slots=True)
class BuildHost:
    """The operating system of this machine and its package sources."""

    id: str
    version: str
    codename: str
    sources: tuple[AptSource, ...]

    def archive(self) -> str | None:
        """URI this host takes its own release from."""
        return self._uri_of(self.codename)

    def security(self) -> str | None:
        """URI this host takes the security updates of its release from."""
        return self._uri_of(f"{self.codename}-security")

    def _uri_of(self, suite: str) -> str | None:
        found = (source.uri for source in self.sources if suite in source.suites)
        return next(found, None)


def read_build_host(root: Path = Path("/")) -> BuildHost:
    """The facts of the system installed under `root`."""
    release = parse_os_release(_read(root / "etc/os-release"))
    texts = [(root / "etc/apt/sources.list", _read(root / "etc/apt/sources.list"))]
    parts = root / "etc/apt/sources.list.d"
    if parts.is_dir():
        texts += [(path, _read(path)) for path in sorted(parts.iterdir())]
    sources: list[AptSource] = []
    for path, text in texts:
        if path.suffix == ".sources":
            sources += parse_deb822(text)
        elif path.suffix == ".list":
            sources += parse_one_line(text)
    return BuildHost(
        id=release.get("ID", ""),
        version=release.get("VERSION_ID", ""),
        codename=release.get("VERSION_CODENAME", ""),
        sources=tuple(_with_mirror_list(source, root) for source in sources),
    )


def parse_os_release(text: str) -> dict[str, str]:
    """os-release(5): shell assignments without expansion."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and line[0] != "#")
    return {name.strip(): "".join(shlex.split(value)) for name, value in pairs}


def parse_one_line(text: str) -> list[AptSource]:
    """The `deb` lines of a sources.list(5)."""
    sources = []
    lines = (line.split("#", 1)[0].strip() for line in text.splitlines())
    for line in lines:
        if not line.startswith("deb "):
            continue
        rest = line.removeprefix("deb ").strip()
        options = ""
        if rest.startswith("["):
            options, _, rest = rest[1:].partition("]")
        words = rest.split()
        if len(words) < 2:
            continue
        named = dict(option.split("=", 1) for option in options.split() if "=" in option)
        sources.append(AptSource(words[0], (words[1],), tuple(words[2:]), named.get("signed-by")))
    return sources


def parse_deb822(text: str) -> list[AptSource]:
    """The enabled `deb` stanzas of a .sources file."""
    sources = []
    for stanza in _stanzas(text):
        if "deb" not in stanza.get("types", "").split():
            continue
        if stanza.get("enabled", "yes").lower() in {"no", "false", "off", "0", "without"}:
            continue
        suites = tuple(stanza.get("suites", "").split())
        components = tuple(stanza.get("components", "").split())
        # An embedded key block starts on a line of its own, a path does not.
        signed_by = stanza.get("signed-by", "").strip()
        key = signed_by if signed_by.startswith("/") else None
        sources += [
            AptSource(uri, suites, components, key) for uri in stanza.get("uris", "").split()
        ]
    return sources


def mirrors_for(
    release: OsRelease, host: BuildHost, inventory_mirror: str | None
) -> tuple[str, ...]:
    """Source lines for installing `release`, empty for mmdebstrap's own default.

    The inventory's mirror wins; otherwise a host of the same family shares its own.
    """
    archive, security = inventory_mirror, None
    if archive is None and host.id == release.family:
        archive, security = host.archive(), host.security()
    if archive is None:
        return ()
    archive = archive.rstrip("/")
    components = " ".join(release.components)
    if release.family == "debian":
        # Debian's security archive is another one; mirrors keep it beside the first.
        security = (security or f"{archive}-security").rstrip("/")
    else:
        security = (security or archive).rstrip("/")
    return (
        f"deb {archive} {release.suite} {components}",
        f"deb {archive} {release.suite}-updates {components}",
        f"deb {security} {release.suite}-security {components}",
    )


def keyring_for(release: OsRelease, root: Path = Path("/")) -> Path:
    """The keyring that verifies `release` on this host."""
    path = root / f"usr/share/keyrings/{release.family}-archive-keyring.gpg"
    if not path.exists():
        raise ToolMissing(
            f"the keys of the {release.family} archive are not installed",
            hint=f"apt-get install {release.family}-archive-keyring",
        )
    return path


def proxy_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The proxy settings of `environ`, for programs that download."""
    names = {*PROXY_VARIABLES, *(name.upper() for name in PROXY_VARIABLES)}
    return {name: environ[name] for name in sorted(names) if environ.get(name)}


def _stanzas(text: str) -> list[dict[str, str]]:
    stanzas: list[dict[str, str]] = [{}]
    field = ""
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        if not line.strip():
            stanzas.append({})
        elif line[0].isspace() and field:
            stanzas[-1][field] += "\n" + line.strip()
        elif ":" in line:
            name, _, value = line.partition(":")
            field = name.strip().lower()
            stanzas[-1][field] = value.strip()
    return [stanza for stanza in stanzas if stanza]


def _with_mirror_list(source: AptSource, root: Path) -> AptSource:
    """Cloud images name a list of mirrors (apt-transport-mirror(1)): take its first."""
    parts = urlsplit(source.uri)
    if parts.scheme != "mirror+file":
        return source
    listed: Sequence[str] = _read(root / parts.path.lstrip("/")).split()
    uri = next((word for word in listed if "://" in word), source.uri)
    return AptSource(uri, source.suites, source.components, source.signed_by)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
