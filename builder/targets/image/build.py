"""One image from request to finished files: base, patch, formats, manifest."""

from __future__ import annotations

import errno
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

from builder.build_host import keyring_hint
from builder.command import Command, Runner, find_tool, is_out_of_space, is_root
from builder.errors import BuilderError, CommandFailed
from builder.monitor import Monitor, step
from builder.render.files import kind_of
from builder.targets.image import cpio, disk, grub, outputs, patch
from builder.targets.image.accounts import add_users
from builder.targets.image.cache_keys import disk_seed
from builder.targets.image.cached_base import Base, ensure_base, plan_base
from builder.targets.image.manifest import MANIFEST
from builder.targets.image.publish import publish, settle
from builder.targets.image.request import (
    Artefact,
    Artefacts,
    ImageFile,
    ImageRequest,
)
from builder.targets.registry import TARGETS
from builder.workdir import work_dir

GRUB_CFG = "/boot/grub/grub.cfg"
OS_RELEASE = "/etc/os-release"
SHARED_ROOT = "/etc/rackwright/shared-root"


def build_image(request: ImageRequest, runner: Runner, monitor: Monitor) -> Artefacts:
    """Build what `request` asks for into its output directory.

    An earlier image there stays whole until the new one is complete; a build that fails
    or is killed leaves nothing that the next one does not sweep away.
    """
    check_request(request)
    with _full_disk_told(request.cache_dir, "--cache"):
        with step(monitor, "solve the packages") as running:
            plan, running.note = plan_base(request, runner)
        base = ensure_base(plan, request, runner, monitor)
    with _full_disk_told(request.out_dir, "-o"), work_dir(request.out_dir) as work:
        settle(request.out_dir)
        with step(monitor, "patch the rendered files in") as running:
            make_raw(request, base, work, runner)
            running.note = f"{len(request.files)} files"
        with step(monitor, "make and hash the formats"):
            made = outputs.make_formats(work, request.name, request.formats, runner)
        return _publish(request, base, work, made)


def check_request(request: ImageRequest) -> None:
    """Refuse now what would fail later."""
    if not is_root():
        raise BuilderError(
            "building an image needs root: files of the image belong to many users",
            hint="run the same command with sudo",
        )
    target = TARGETS["image"]
    unknown = sorted(set(request.formats) - set(target.forms))
    if unknown:
        raise BuilderError(
            f"unknown image format {', '.join(unknown)}",
            hint=f"one of {', '.join(target.forms)}",
        )
    if request.out_dir.exists() and not request.out_dir.is_dir():
        raise BuilderError(f"{request.out_dir} is a file", hint="name a directory with -o")
    if not request.name or PurePosixPath(request.name).name != request.name:
        raise BuilderError(f"{request.name!r} is not a valid file name")
    for tool in target.tools_for(request.formats):
        find_tool(tool)
    if not request.keyring.exists():
        raise BuilderError(
            f"the keyring {request.keyring} of {request.release.id} is missing",
            hint=keyring_hint(request.release),
        )


def make_raw(request: ImageRequest, base: Base, work: Path, runner: Runner) -> None:
    """NAME.raw, NAME.vmlinuz and NAME.initrd in `work`: the base with our files in it."""
    raw, initrd = work / f"{request.name}.raw", work / f"{request.name}.initrd"
    copy = ("cp", "--reflink=auto", "--sparse=always", str(base.disk), str(raw))
    runner.run(Command(copy))
    shutil.copyfile(base.kernel, work / f"{request.name}.vmlinuz")
    archive = early_archive(request.files, base)
    initrd.write_bytes(archive + base.initrd.read_bytes())
    users = add_users(base.facts.accounts, request.users, request.owned, base.facts.epoch)
    files = [*request.files, *users, *_boot_files(request, base)]
    if archive:
        name = f"/boot/initrd.img-{base.facts.kernel}"
        files.append(ImageFile(name, 0o644, 0, 0, initrd.read_bytes()))
    staging = work / "patch"
    script = patch.plan_patch(files, base.listing, str(staging))
    patch.apply_patch(script, raw, base.facts.root_offset, staging, base.facts.epoch, runner)
    if request.host is not None:
        disk.identify(_own_layout(request, base), raw, runner)


def _own_layout(request: ImageRequest, base: Base) -> disk.DiskPlan:
    """The layout of the base with the identifiers of the request's host."""
    seed = disk_seed(base.facts.key, request.host)
    return disk.DiskPlan(seed, base.facts.epoch, base.facts.root_size)


def _root_uuid(request: ImageRequest, base: Base) -> str:
    own = request.host is not None
    return str(_own_layout(request, base).root_uuid) if own else base.facts.root_uuid


def early_archive(files: Sequence[ImageFile], base: Base) -> bytes:
    """Archive (cpio) of module options and port names, to stand before the initramfs.

    The base's initramfs was made without them. Archives that follow overwrite, so a file
    that a package has too cannot be brought in this way.
    """
    early = {
        file.path.lstrip("/"): file.content
        for file in files
        if (kind := kind_of(file.path)) is not None and kind.initramfs and _is_regular(file)
    }
    for path in early:
        if f"/{path}" in base.listing.kinds:
            raise BuilderError(
                f"/{path} belongs to a package, whose version the initramfs would keep",
                hint="choose another file name",
            )
    return cpio.newc(early) if early else b""


def _boot_files(request: ImageRequest, base: Base) -> list[ImageFile]:
    kernel = base.facts.kernel
    config = grub.grub_cfg(f"vmlinuz-{kernel}", f"initrd.img-{kernel}", request.cmdline)
    files = [ImageFile(GRUB_CFG, 0o600, 0, 0, config.encode())]
    if request.host is None and request.release.csum_seed:
        # A node that has this UUID is to give itself another (systemd/rackwright-identity.py).
        files.append(ImageFile(SHARED_ROOT, 0o644, 0, 0, f"{base.facts.root_uuid}\n".encode()))
    if request.os_release:
        # A file in /etc comes before the distribution's own (os-release(5)), which stays.
        text = "".join(f"{line}\n" for line in request.os_release)
        content = (base.facts.os_release.rstrip("\n") + "\n" + text).encode()
        files.append(ImageFile(OS_RELEASE, 0o644, 0, 0, content))
    return files


def _is_regular(file: ImageFile) -> bool:
    return stat.S_IFMT(file.mode) in (0, stat.S_IFREG)


def _publish(request: ImageRequest, base: Base, work: Path, made: dict[str, Artefact]) -> Artefacts:
    root_uuid = _root_uuid(request, base)
    manifest = outputs.make_manifest(request, base.facts, made, root_uuid)
    paths = {kind: file.path for kind, file in made.items()}
    for kind in TARGETS["image"].forms if request.is_private else ():
        if kind in paths:
            paths[kind].chmod(0o600)
    replaced = publish(manifest, paths, work, request.out_dir)
    final = {
        kind: replace(file, path=request.out_dir / manifest.artefacts[kind].file)
        for kind, file in made.items()
    }
    kept = request.out_dir / MANIFEST
    return Artefacts(final, kept, root_uuid, base.facts.kernel, replaced)


@contextmanager
def _full_disk_told(directory: Path, option: str) -> Iterator[None]:
    """Turn a full disk, met by us or by a program, into an error that says where."""
    message = f"no space left on the disk of {directory}"
    hint = (
        "an image needs about 3 GiB while it is built; free some, or choose another directory with "
        f"{option}"
    )
    try:
        yield
    except CommandFailed as fault:
        if not is_out_of_space(fault.detail or ""):
            raise
        raise BuilderError(message, hint=hint, detail=fault.detail) from fault
    except OSError as fault:
        if fault.errno != errno.ENOSPC:
            raise
        raise BuilderError(message, hint=hint) from fault
