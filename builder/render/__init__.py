"""A plan becomes the exact files of a node: which renderers there are, and in which scope."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from builder.plan.types import HostPlan, ImagePlan
from builder.render.grub import cmdline, render_grub
from builder.render.kernel import (
    render_hugetlbfs,
    render_modprobe,
    render_modules_load,
    render_sysctl,
)
from builder.render.network import render_hostname, render_links, render_netplan, render_vf_ports
from builder.render.node import os_release_fields, render_node, with_listing
from builder.render.templates import Sources, make_sources
from builder.render.tree import FileTree, RenderedFile
from builder.render.units import render_enabling, render_ovs_dropins, render_programs

__all__ = [
    "HOST_RENDERERS",
    "RENDERERS",
    "cmdline",
    "os_release_fields",
    "render_host",
    "render_hosts",
    "render_image",
]

RENDERERS: dict[str, Callable[[ImagePlan, Sources], Iterable[RenderedFile]]] = {
    "grub": render_grub,
    "modprobe": render_modprobe,
    "modules-load": render_modules_load,
    "sysctl": render_sysctl,
    "hugetlbfs": render_hugetlbfs,
    "links": render_links,
    "vf-ports": render_vf_ports,
    "programs": render_programs,
    "enabling": render_enabling,
    "ovs-dropins": render_ovs_dropins,
    "node": render_node,
}

HOST_RENDERERS: dict[str, Callable[[HostPlan, Sources], Iterable[RenderedFile]]] = {
    "hostname": render_hostname,
    "netplan": render_netplan,
}


def render_image(
    plan: ImagePlan, templates: Mapping[str, str], programs: Mapping[str, str]
) -> FileTree:
    """What all machines of one hardware class and profile share."""
    sources = make_sources(templates, programs)
    return with_listing(FileTree(tuple(_image_files(plan, sources))), "image")


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
            images[image.plan_id] = tuple(sorted(_image_files(image, sources)))
        own = [file for render in HOST_RENDERERS.values() for file in render(plan, sources)]
        yield with_listing(FileTree((*images[image.plan_id], *own)), "host")


def _image_files(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    for render in RENDERERS.values():
        yield from render(plan, sources)
