"""Files that set the kernel up after boot: modprobe.d, modules-load.d, sysctl.d, hugetlbfs."""

from __future__ import annotations

import re
from collections.abc import Iterable

from builder.model.sizes import page_size_text
from builder.plan.nouns.image import ImagePlan
from builder.render.effect import reboot
from builder.render.file_kind import FileKind
from builder.render.grammar import Faults, by_line, data_lines, read_link, read_unit
from builder.render.header import image_header
from builder.render.syntax import TEXT_CHECKS, module
from builder.render.templates import Sources
from builder.render.tree import SYMLINK, RenderedFile


def render_modprobe(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    """A file for each module with options, and for those that say why they have none."""
    names = sorted({*plan.module_files, *(option.module for option in plan.module_options)})
    for name in names:
        yield MODPROBE.fill(
            sources,
            module(name),
            header=image_header(plan),
            why=plan.module_files.get(name),
            options=[option for option in plan.module_options if option.module == name],
        )


def render_modules_load(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    if plan.modules:
        yield MODULES_LOAD.fill(sources, header=image_header(plan), modules=plan.modules)


def render_sysctl(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    if plan.sysctls:
        yield SYSCTL.fill(sources, header=image_header(plan), sysctls=plan.sysctls)


def render_hugetlbfs(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    """The mounts of pages of other sizes than /dev/hugepages has, and the links that enable them."""
    for mount in plan.page_mounts:
        size = page_size_text(mount.size_kib)
        unit = HUGETLBFS.fill(
            sources,
            size,
            header=image_header(plan),
            why=mount.why,
            size=size,
            where=mount.where,
        )
        yield unit
        yield HUGETLBFS_WANTED.file(unit.path.encode(), size)


def _read_modprobe(path: str, text: str) -> Faults:
    name = path.rpartition("/")[2].removesuffix(".conf")
    for line in data_lines(text):
        match = re.fullmatch(r"options ([\w-]+)( \w+=[A-Za-z0-9_.,:+-]+)+", line)
        if match is None:
            yield f"{line!r} is not: options module name=value"
        elif match[1] != name:
            yield f"sets options of {match[1]}, which belong in {match[1]}.conf"


def _read_sysctl(_path: str, text: str) -> Faults:
    keys = []
    for line in data_lines(text):
        key, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not value:
            yield f"{line!r} is not: key = value"
            continue
        keys.append(TEXT_CHECKS["sysctl_key"](key))
    yield from (f"{key} is set twice" for key in sorted(set(keys)) if keys.count(key) > 1)


_PAGES = reboot("pages of that size appear or disappear only at boot")

MODPROBE = FileKind(
    path="/etc/modprobe.d/MODULE.conf",
    render=render_modprobe,
    read_back=_read_modprobe,
    accepted_by="modprobe",
    needs=reboot(
        "a driver reads its options when it loads, from the initramfs", "update-initramfs -u"
    ),
    check="module",
    comments=True,
    initramfs=True,  # most drivers load there
)
MODULES_LOAD = FileKind(
    path="/etc/modules-load.d/rackwright.conf",
    render=render_modules_load,
    read_back=by_line(r"[A-Za-z0-9_-]+", "a module name"),
    accepted_by=None,
    needs="modules",
    check="module",
    comments=True,
)
SYSCTL = FileKind(
    # sysctl.d(5): files are read in order of name and the last assignment wins. Debian has
    # 99-protect-links.conf and 99-sysctl.conf (a link to /etc/sysctl.conf), Ubuntu's cloud
    # images 99-cloudimg-ipv6.conf: a 90- name would lose to them.
    path="/etc/sysctl.d/99-zz-rackwright.conf",
    render=render_sysctl,
    read_back=_read_sysctl,
    accepted_by=None,
    needs="sysctl keys",
    check="sysctl",
    comments=True,
)
HUGETLBFS = FileKind(
    path="/etc/systemd/system/dev-hugepagesSIZE.mount",
    render=render_hugetlbfs,
    read_back=read_unit,
    accepted_by="systemd-analyze",
    needs=_PAGES,
    check="mounts",
    comments=True,
)
HUGETLBFS_WANTED = FileKind(
    path="/etc/systemd/system/sysinit.target.wants/dev-hugepagesSIZE.mount",
    render=render_hugetlbfs,
    read_back=read_link,
    accepted_by="systemd-analyze",
    needs=_PAGES,
    check="mounts",
    mode=SYMLINK,
)
FILES = (MODPROBE, MODULES_LOAD, SYSCTL, HUGETLBFS, HUGETLBFS_WANTED)
