"""The list of what a node makes for itself at its first boot, of what packages would have made."""

from __future__ import annotations

import json
from collections.abc import Iterable

from builder.catalog.identities import IDENTITIES
from builder.plan.nouns.image import ImagePlan
from builder.render.effect import nothing
from builder.render.file_kind import FileKind
from builder.render.grammar import Faults
from builder.render.templates import Sources
from builder.render.tree import RenderedFile


def render_identities(_plan: ImagePlan, _sources: Sources) -> Iterable[RenderedFile]:
    """The same for all: a package may also come as another one's dependency, or later."""
    rows = [
        {
            "path": row.path,
            "tool": row.tool,
            "command": list(row.command),
            "prefix": row.prefix,
            "placeholder": row.placeholder,
        }
        for row in IDENTITIES
        if row.command is not None
    ]
    yield IDENTITY.file((json.dumps(rows, indent=1) + "\n").encode())


def _read_identities(_path: str, text: str) -> Faults:
    for row in json.loads(text):
        if not row["command"]:
            yield f"{row['path']} is made by nothing"


IDENTITY = FileKind(
    path="/etc/rackwright/identities.json",
    render=render_identities,
    read_back=_read_identities,
    accepted_by=None,
    needs=nothing("what is there on a node stays"),
    check="status",
)
FILES = (IDENTITY,)
