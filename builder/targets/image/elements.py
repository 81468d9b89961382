"""The elements of an image: what they depend on, which packages they want, their digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from builder.catalog.releases import OsRelease
from builder.errors import BuilderError


@dataclass(frozen=True, slots=True)
class Element:
    """One element directory."""

    name: str
    path: Path

    def dependencies(self) -> tuple[str, ...]:
        """Names in `element-deps`, a plain list in diskimage-builder."""
        file = self.path / "element-deps"
        return tuple(file.read_text(encoding="utf-8").split()) if file.exists() else ()


def expand(names: Iterable[str], search: Iterable[Path]) -> tuple[Element, ...]:
    """`names` and all they depend on, sorted; an earlier directory of `search` wins."""
    directories = tuple(search)
    found: dict[str, Element] = {}
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in found:
            continue
        path = next((base / name for base in directories if (base / name).is_dir()), None)
        if path is None:
            where = ", ".join(str(base) for base in directories)
            raise BuilderError(f"there is no element {name} in {where}")
        found[name] = Element(name, path)
        todo += found[name].dependencies()
    return tuple(found[name] for name in sorted(found))


def digest(elements: Iterable[Element], below: str = "") -> str:
    """sha256 over names, modes and contents of all files of `elements`, or those `below`."""
    whole = hashlib.sha256()
    for element in elements:
        for path in sorted((element.path / below).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                name = path.relative_to(element.path)
                executable = int(path.stat().st_mode & 0o100 != 0)
                whole.update(f"{element.name}/{name} {executable} {content}\n".encode())
    return whole.hexdigest()


def packages(elements: Iterable[Element], release: OsRelease) -> tuple[str, ...]:
    """Packages the elements ask for, under their names in `release`.

    Reads what diskimage-builder's own package-installs and pkg-map elements would, so
    that dpkg can be given everything at once.
    """
    wanted: set[str] = set()
    for element in elements:
        file = element.path / "package-installs.yaml"
        if not file.exists():
            continue
        names = yaml.safe_load(file.read_text(encoding="utf-8"))
        mapping = _pkg_map(element, release)
        for name in names:
            wanted.update(mapping.get(name, name).split())
    return tuple(sorted(wanted))


def _pkg_map(element: Element, release: OsRelease) -> dict[str, str]:
    """The map of one element; the more exact section wins, as in pkg-map."""
    file = element.path / "pkg-map"
    if not file.exists():
        return {}
    sections = json.loads(file.read_text(encoding="utf-8"))
    merged: dict[str, str] = {}
    merged.update(sections.get("default", {}))
    merged.update(sections.get("family", {}).get("debian", {}))
    merged.update(sections.get("distro", {}).get(release.family, {}))
    merged.update(sections.get("release", {}).get(release.family, {}).get(release.suite, {}))
    return merged
