"""All kinds of file there are, and which one a path is of."""

from __future__ import annotations

from functools import cache
from typing import Any

from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan
from builder.render import (
    access,
    cloud_init,
    grub,
    host,
    identity,
    kernel,
    network,
    node,
    units,
    upgrades,
)
from builder.render.file_kind import FileKind

IMAGE_FILES: tuple[FileKind[ImagePlan], ...] = (
    *grub.FILES,
    *kernel.FILES,
    *network.FILES,
    *units.FILES,
    *upgrades.FILES,
    *node.FILES,
    *cloud_init.FILES,
    *identity.FILES,
)
HOST_FILES: tuple[FileKind[HostPlan], ...] = (*host.FILES, *access.FILES)
FILES: tuple[FileKind[Any], ...] = (*IMAGE_FILES, *HOST_FILES, node.LISTING)


@cache
def kind_of(path: str) -> FileKind[Any] | None:
    """The first kind whose form `path` has; None for a file we do not render.

    By path, not kept in the file: trees are also read back from disk.
    """
    return next((kind for kind in FILES if kind.matches(path)), None)
