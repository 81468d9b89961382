# SPDX-License-Identifier: Apache-2.0
"""The sources apt needs for the packages of the plan, beside those the image has of its own.

Cloud images of Debian name `main` alone, where no microcode and no firmware is. What is missing
of a suite comes from where the image has the rest of it, with the same options: two sources of
one address that differ in Signed-By are an error to apt, and a component that is named twice a
warning at each update. A mirror of the inventory takes the place of the image's own archive.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rackwright_seed import Node, replace, say

OURS = "etc/apt/sources.list.d/rackwright.sources"
# Where distributions and cloud-init write their own archive.
ARCHIVES = (
    "etc/apt/sources.list",
    "etc/apt/sources.list.d/debian.sources",
    "etc/apt/sources.list.d/ubuntu.sources",
)
# Passed over by apt without a notice (apt.conf(5), Dir::Ignore-Files-Silently).
ASIDE = ".rackwright.disabled"
DEFAULTS = "etc/cloud/cloud.cfg"
HEADER = "# Made by rackwright: what the packages of this node come from.\n"
# An entry of sources.list(5): the fields of its deb822 form, by their names in lower case.
Source = dict[str, str]
_LINE = re.compile(r"deb\s+(?:\[([^]]*)\]\s*)?(\S+)\s+(\S+)\s+([^#]+)")
_FIELDS = {"arch": "architectures", "lang": "languages", "target": "targets"}
_NAMES = {"uris": "URIs"}
_OWN_FIELDS = ("types", "uris", "suites", "components", "enabled")


def configure_sources(node: Node) -> None:
    wanted = node.image["sources"]
    put_back(node.root)
    set_aside = [
        path for path in ARCHIVES if wanted["mirror"] and is_other(node.root, path, wanted)
    ]
    files = [path for path in source_files(node.root) if path not in set_aside]
    found = [source for path in files for source in read_sources(node.root / path)]
    added = list(additions(wanted, found, read_defaults(node.root)))
    if added:
        text = HEADER + "\n".join(format_source(source) for source in added)
        replace(node.root / OURS, text.encode(), 0o644, "root:root")
        say(f"apt also has {'; '.join(shown(source) for source in added)}")
    for path in set_aside:
        (node.root / path).rename(node.root / f"{path}{ASIDE}")
        say(f"/{path} is set aside: the inventory names a mirror")


def put_back(root: Path) -> None:
    """As it was before us: the step may run again, after a cut or for another bundle."""
    (root / OURS).unlink(missing_ok=True)
    for path in ARCHIVES:
        aside = root / f"{path}{ASIDE}"
        if aside.exists() and not (root / path).exists():
            aside.rename(root / path)
        aside.unlink(missing_ok=True)


def is_other(root: Path, path: str, wanted: dict[str, Any]) -> bool:
    """Whether a file takes packages from anywhere but the mirror."""
    mirrors = set(wanted["mirror"].values())
    return any(not addresses(source) <= mirrors for source in read_sources(root / path))


def source_files(root: Path) -> list[str]:
    parts = root / "etc/apt/sources.list.d"
    names = sorted(path.name for path in parts.glob("*") if path.suffix in {".list", ".sources"})
    return [ARCHIVES[0], *(f"etc/apt/sources.list.d/{name}" for name in names)]


def read_sources(path: Path) -> Iterator[Source]:
    """What is enabled of binary packages in a file of either form of sources.list(5)."""
    if not path.is_file():
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    read = read_stanzas if path.suffix == ".sources" else read_lines
    for source in read(text):
        is_off = source.get("enabled", "yes").lower() in {
            "no",
            "false",
            "without",
            "off",
            "disable",
        }
        if "deb" in source.get("types", "").split() and not is_off:
            yield source


def read_lines(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        match = _LINE.match(line.strip())
        if match:
            options, uri, suite, components = match.groups()
            pairs = (option.split("=", 1) for option in (options or "").split() if "=" in option)
            fields = {_FIELDS.get(name, name): value.replace(",", " ") for name, value in pairs}
            yield {
                **fields,
                "types": "deb",
                "uris": uri,
                "suites": suite,
                "components": components.strip(),
            }


def read_stanzas(text: str) -> Iterator[Source]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n[ \t]*\n", "\n".join(lines)):
        fields = re.findall(r"^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t].*)*)", stanza, re.MULTILINE)
        if fields:
            yield {name.lower(): value.rstrip() for name, value in fields}


def addresses(source: Source) -> set[str]:
    return {uri.rstrip("/") for uri in source.get("uris", "").split()}


def additions(
    wanted: dict[str, Any], found: list[Source], defaults: dict[str, str]
) -> Iterator[Source]:
    """The sources that `found` lacks of the suites and components wanted.

    wanted: `suites`, each with the archive it is in; `components`; `keyring`; `mirror`, the
    address of each archive, or None. defaults: addresses for what is named nowhere.
    """
    added: list[Source] = []
    for suite, archive in wanted["suites"].items():
        mirror = wanted["mirror"] and wanted["mirror"][archive]
        own = own_source(suite, wanted["suites"], found, mirror)
        address = mirror or defaults.get(archive)
        if own is None and address is None:
            say(f"nothing here says where {suite} is, and the inventory names no mirror")
            continue
        same = [s for s in found if own and suite in s["suites"].split() and is_same(s, own)]
        have = {component for source in same for component in source["components"].split()}
        missing = [component for component in wanted["components"] if component not in have]
        fresh = {"uris": address or "", "signed-by": wanted["keyring"]}
        options = {k: v for k, v in (own or fresh).items() if k not in _OWN_FIELDS or k == "uris"}
        if missing:
            new = {"types": "deb", **options, "suites": suite, "components": " ".join(missing)}
            merge(added, new)
    yield from added


def own_source(
    suite: str, suites: Iterable[str], found: list[Source], mirror: str | None
) -> Source | None:
    """Where the image has the suite from: of several, where most of our suites are.

    A repository of somebody else's may have the same suite, but hardly its updates as well.
    """
    named = [
        source
        for source in found
        if suite in source.get("suites", "").split()
        and "main" in source.get("components", "").split()
        and (mirror is None or mirror in addresses(source))
    ]

    def shared(source: Source) -> int:
        there = {s for other in found if is_same(other, source) for s in other["suites"].split()}
        return len(there & {*suites})

    return max(named, key=shared, default=None)


def is_same(one: Source, other: Source) -> bool:
    return bool(addresses(one) & addresses(other))


def merge(added: list[Source], new: Source) -> None:
    """One stanza for suites that differ in nothing else."""
    for source in added:
        if {**source, "suites": ""} == {**new, "suites": ""}:
            source["suites"] += f" {new['suites']}"
            return
    added.append(new)


def read_defaults(root: Path) -> dict[str, str]:
    """Where cloud-init takes the distribution's archives from when nobody says."""
    path = root / DEFAULTS
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    found = {}
    for archive, key in (("archive", "primary"), ("security", "security")):
        match = re.search(rf"^\s*{key}:\s*(https?://\S+)", text, re.MULTILINE)
        if match:
            found[archive] = match[1].rstrip("/")
    return found


def format_source(source: Source) -> str:
    first = ("types", "uris", "suites", "components")
    names = [*first, *(name for name in source if name not in first)]
    return "".join(f"{_NAMES.get(name, name.title())}: {source[name]}\n" for name in names)


def shown(source: Source) -> str:
    return f"{source['components']} of {source['suites']} from {source['uris']}"
