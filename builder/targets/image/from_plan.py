"""From a plan and its rendered files to the request of an image."""

from __future__ import annotations

import os
from pathlib import Path

from builder.build_host import keyring_for, proxy_variables
from builder.plan.nouns.host import AccessPlan, HostPlan
from builder.plan.nouns.image import ImagePlan
from builder.render import cmdline, os_release_fields
from builder.render.tree import FileTree, RenderedFile
from builder.targets.image.request import ImageFile, ImageRequest

ROOT = "root:root"


def request_for(
    plan: HostPlan | ImagePlan,
    tree: FileTree,
    formats: tuple[str, ...],
    out_dir: Path,
    cache_dir: Path,
    *,
    mirror: str | None = None,
    refresh: bool = False,
) -> ImageRequest:
    """The image as a value: packages, files, command line, formats, where to.

    plan: of a host, or of what hosts share, for a golden image. mirror: the inventory's, instead of
    where this machine's own packages come from. refresh: ask it for newer packages now.
    """
    host, image = (plan.hostname, plan.image) if isinstance(plan, HostPlan) else (None, plan)
    access = plan.access if isinstance(plan, HostPlan) else AccessPlan()
    return ImageRequest(
        name=f"{image.image_name}-{host}" if host else image.image_name,
        release=image.release,
        packages=tuple(package.name for package in image.packages),
        files=tuple(image_file(file) for file in tree if file.owner == ROOT),
        users=access.users,
        owned=tuple(file for file in tree if file.owner != ROOT),
        is_private=access.is_private,
        cmdline=cmdline(image),
        formats=formats,
        out_dir=out_dir.absolute(),
        cache_dir=cache_dir.absolute(),
        plan_id=plan.plan_id,
        host=host,
        os_release=os_release_fields(image),
        mirror=mirror,
        keyring=keyring_for(image.release),
        elements=elements_for(image),
        refresh=refresh,
        proxy=proxy_variables(os.environ),
    )


def elements_for(image: ImagePlan) -> tuple[str, ...]:
    """The elements to ask for; those they depend on come with them."""
    return ("rackwright-ovs-dpdk",) if image.ovs is not None else ("rackwright-node",)


def image_file(file: RenderedFile) -> ImageFile:
    """A rendered file of root's as the image builder takes it."""
    return ImageFile(file.path, file.mode, 0, 0, file.content)


def preview(request: ImageRequest, tree: FileTree) -> str:
    """What a build would do, in lines to read."""
    lines = [
        f"image       {request.name} ({request.release.id}) -> {request.out_dir}",
        f"formats     {', '.join(request.formats)}",
        f"plan        {request.plan_id}",
        f"cmdline     {' '.join(request.cmdline)}",
        f"packages    {' '.join(request.packages)}",
        *(f"user        {user.name}" for user in request.users),
        *(f"file        {file.mode_text} {file.owner} {file.path}" for file in tree),
    ]
    return "\n".join(lines)
