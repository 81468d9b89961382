"""Files that set the kernel up after boot: modprobe.d, modules-load.d, sysctl.d, hugetlbfs."""

from __future__ import annotations

from collections.abc import Iterable

from builder.model.values import page_size_text
from builder.plan.types import ImagePlan
from builder.render.header import image_header
from builder.render.syntax import escape_path, module
from builder.render.templates import Sources
from builder.render.tree import SYMLINK, RenderedFile

MODPROBE = "/etc/modprobe.d/MODULE.conf"
MODULES_LOAD = "/etc/modules-load.d/rackwright.conf"
# sysctl.d(5): files are read in order of name and the last assignment wins. Debian has
# 99-protect-links.conf and 99-sysctl.conf (a link to /etc/sysctl.conf), Ubuntu's cloud
# images 99-cloudimg-ipv6.conf: a 90- name would lose to them.
SYSCTL = "/etc/sysctl.d/99-zz-rackwright.conf"
HUGETLBFS = "/etc/systemd/system/dev-hugepages-SIZE.mount"


def render_modprobe(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    """A file for each module with options, and for those that say why they have none."""
    names = sorted({*plan.module_files, *(option.module for option in plan.module_options)})
    for name in names:
        text = sources.fill(
            MODPROBE,
            header=image_header(plan),
            why=plan.module_files.get(name),
            options=[option for option in plan.module_options if option.module == name],
        )
        yield RenderedFile(MODPROBE.replace("MODULE", module(name)), text.encode())


def render_modules_load(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    if plan.modules:
        text = sources.fill(MODULES_LOAD, header=image_header(plan), modules=plan.modules)
        yield RenderedFile(MODULES_LOAD, text.encode())


def render_sysctl(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    if plan.sysctls:
        text = sources.fill(SYSCTL, header=image_header(plan), sysctls=plan.sysctls)
        yield RenderedFile(SYSCTL, text.encode())


def render_hugetlbfs(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    """The mounts of pages of other sizes than /dev/hugepages has, and the links that enable them."""
    for mount in plan.page_mounts:
        text = sources.fill(
            HUGETLBFS,
            header=image_header(plan),
            why=mount.why,
            size=page_size_text(mount.size_kib),
            where=mount.where,
        )
        unit = f"{escape_path(mount.where)}.mount"
        yield RenderedFile(f"/etc/systemd/system/{unit}", text.encode())
        link = f"/etc/systemd/system/sysinit.target.wants/{unit}"
        yield RenderedFile(link, f"/etc/systemd/system/{unit}".encode(), SYMLINK)
