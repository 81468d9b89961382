"""The elements of an image: what they depend on, and their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

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


def digest_elements(elements: Iterable[Element], below: str = "") -> str:
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
