"""A plan becomes the exact files of a node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan
from builder.render.file_kind import Basis, FileKind
from builder.render.files import HOST_FILES, IMAGE_FILES
from builder.render.grub import cmdline
from builder.render.node import LISTING, os_release_fields
from builder.render.templates import Sources, make_sources
from builder.render.tree import FileTree, RenderedFile

__all__ = [
    "cmdline",
    "host_files",
    "image_files",
    "os_release_fields",
    "render_host",
    "render_hosts",
    "render_image",
]


def render_image(
    plan: ImagePlan, templates: Mapping[str, str], programs: Mapping[str, str]
) -> FileTree:
    """What all machines of one hardware class and profile share."""
    sources = make_sources(templates, programs)
    return _listed(FileTree(tuple(image_files(plan, sources))), sources)


def render_host(
    plan: HostPlan, templates: Mapping[str, str], programs: Mapping[str, str]
) -> FileTree:
    """The image's files and one machine's own."""
    return next(render_hosts([plan], templates, programs))


def render_hosts(
    plans: Iterable[HostPlan], templates: Mapping[str, str], programs: Mapping[str, str]
) -> Iterator[FileTree]:
    """The trees of machines, one at a time: those of one image share its files."""
    sources = make_sources(templates, programs)
    images: dict[str, tuple[RenderedFile, ...]] = {}
    for plan in plans:
        image = plan.image
        if image.plan_id not in images:
            images[image.plan_id] = tuple(sorted(image_files(image, sources)))
        yield _listed(FileTree((*images[image.plan_id], *host_files(plan, sources))), sources)


def image_files(plan: ImagePlan, sources: Sources) -> Iterator[RenderedFile]:
    """All an image has, but for the list of them."""
    return _made(IMAGE_FILES, plan, sources)


def host_files(plan: HostPlan, sources: Sources) -> Iterator[RenderedFile]:
    """What a machine has besides its image's."""
    return _made(HOST_FILES, plan, sources)


def _made(
    kinds: Iterable[FileKind[Basis]], basis: Basis, sources: Sources
) -> Iterator[RenderedFile]:
    """Kinds that are made together have one renderer, which is called once."""
    for render in dict.fromkeys(kind.render for kind in kinds):
        yield from render(basis, sources)


def _listed(tree: FileTree, sources: Sources) -> FileTree:
    return tree.plus(LISTING.render(tree, sources))
