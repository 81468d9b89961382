"""The composed tree as a directory: its listing, its times, the files a disk needs from it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from builder.catalog.identities import Identity
from builder.command import Command, Runner
from builder.errors import BuilderError
from builder.targets.image.disk import BootFiles

DIRECTORY, FILE = "d", "f"
LINK = "l:"
# As many links as the kernel follows in one path (MAXSYMLINKS).
MAX_LINKS = 40


@dataclass(frozen=True, slots=True)
class Listing:
    """Every path of a tree: `d` directory, `f` file or other, `l:` and a link's target."""

    kinds: Mapping[str, str]

    def resolve(self, path: str) -> str:
        """`path` with symbolic links in its parents followed, as a write to it would go."""
        done = PurePosixPath("/")
        todo = list(PurePosixPath(path).parts[1:])
        links = 0
        while todo:
            part = todo.pop(0)
            if part == "..":
                done = done.parent
                continue
            kind = self.kinds.get(str(done / part), "")
            if todo and kind.startswith(LINK):
                links += 1
                if links > MAX_LINKS:
                    raise BuilderError(f"{path}: too many levels of symbolic links in the image")
                target = PurePosixPath(kind.removeprefix(LINK))
                if target.is_absolute():
                    done = PurePosixPath("/")
                todo = [p for p in target.parts if p != "/"] + todo
                continue
            done = done / part
        return str(done)


def unpack(tar: Path, tree: Path, runner: Runner) -> None:
    """Make the directory `tree` of what diskimage-builder wrote.

    Its /dev is the build host's, bound there: the kernel brings its own. /proc and /sys it
    leaves out, though systemd needs the empty directories to mount on.
    """
    tree.mkdir()
    options = ("--numeric-owner", "--xattrs", "--xattrs-include=*", "--exclude=./dev/*")
    runner.run(Command(("tar", "-C", str(tree), *options, "-xpf", str(tar))))
    for name in ("proc", "sys"):
        (tree / name).mkdir(exist_ok=True)
        (tree / name).chmod(0o555)


def read_listing(tree: Path) -> Listing:
    """The listing of `tree`, paths as they will be on the node."""
    kinds = {}
    for path, status in _walk(tree):
        name = "/" + str(path.relative_to(tree))
        if stat.S_ISLNK(status.st_mode):
            kinds[name] = LINK + str(path.readlink())
        else:
            kinds[name] = DIRECTORY if stat.S_ISDIR(status.st_mode) else FILE
    return Listing(kinds)


def refuse_identities(tree: Path, identities: Sequence[Identity]) -> None:
    """No file in `tree` is one that each machine is to have for itself."""
    left = [
        row.path
        for row in identities
        if (path := tree / row.path.lstrip("/")).is_file()
        and path.read_text(encoding="utf-8", errors="replace") != row.placeholder
    ]
    if left:
        raise BuilderError(
            f"every node of the image would have the same {', '.join(left)}",
            hint="this is a bug in rackwright: please report it with the inventory",
        )


def clamp_times(tree: Path, epoch: int) -> None:
    """Date what was made by the build, and so is younger than `epoch`, to `epoch`."""
    for path, status in _walk(tree):
        if status.st_mtime > epoch:
            os.utime(path, (epoch, epoch), follow_symlinks=False)
    os.utime(tree, (epoch, epoch))


def measure(tree: Path) -> tuple[int, int]:
    """Bytes of all files, each rounded to blocks and counted once, and number of inodes."""
    seen: dict[int, int] = {}
    for _, status in _walk(tree):
        size = status.st_size if stat.S_ISREG(status.st_mode) else 0
        seen[status.st_ino] = -(-size // 4096) * 4096
        if stat.S_ISDIR(status.st_mode):
            seen[status.st_ino] = max(4096, status.st_size)
    return sum(seen.values()), len(seen)


def boot_files(tree: Path, vendor: str, grub_cfg: Path) -> BootFiles:
    """The boot loader's files; on the ESP at the removable-media path and the vendor's."""
    # Ubuntu makes these names links to alternatives (update-alternatives(1)), whose own links are
    # absolute: on the build host they lead out of the tree.
    grub = tree / "usr/lib/grub/x86_64-efi-signed"
    signed = _first_file(grub, "grubx64.efi.signed", "grubx64.efi.signed.latest")
    shim = _first_file(tree / "usr/lib/shim", "shimx64.efi.signed", "shimx64.efi.signed.latest")
    manager = _first_file(tree / "usr/lib/shim", "mmx64.efi.signed", "mmx64.efi")
    efi = [
        ("EFI/BOOT/BOOTX64.EFI", shim),
        ("EFI/BOOT/grubx64.efi", signed),
        ("EFI/BOOT/mmx64.efi", manager),
        (f"EFI/{vendor}/shimx64.efi", shim),
        (f"EFI/{vendor}/grubx64.efi", signed),
        (f"EFI/{vendor}/mmx64.efi", manager),
        # Where the signed GRUB looks, whichever of the two it was started from.
        (f"EFI/{vendor}/grub.cfg", grub_cfg),
    ]
    bios = tree / "boot/grub/i386-pc"
    return BootFiles(bios / "boot.img", bios / "core.img", tuple(efi))


def kernel_version(tree: Path) -> str:
    """The version of the one kernel in the tree."""
    found = sorted(path.name for path in (tree / "usr/lib/modules").iterdir() if path.is_dir())
    if len(found) != 1:
        raise BuilderError(f"the image has {len(found)} kernels instead of one: {found}")
    return found[0]


def _first_file(directory: Path, *names: str) -> Path:
    for name in names:
        path = directory / name
        if path.is_file() and not path.is_symlink():
            return path
    raise BuilderError(
        f"the image has no {directory.name}/{names[0]}: are shim-signed and grub-efi-amd64-signed"
        " installed?"
    )


def _walk(tree: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for base, directories, files in os.walk(tree):
        for name in sorted([*directories, *files]):
            path = Path(base, name)
            yield path, path.lstat()
