"""Recorded machines: what `discover` reads of one, in a JSON file."""

from __future__ import annotations

import json
from pathlib import Path

from builder.discover.system_files import Tree, record

TREES = Path(__file__).resolve().parent / "trees"


def unpack_recorded(name: str, root: Path) -> Path:
    """The tree of a machine as a real kernel gave it; its bytes are Latin-1 in the JSON."""
    packed = json.loads((TREES / f"{name}.json").read_text(encoding="utf-8"))
    files = {path: content.encode("latin-1") for path, content in packed["files"].items()}
    record(Tree(root, files, packed["links"], set(packed["folders"])), root)
    return root
