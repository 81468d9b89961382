"""The root file system: made by mke2fs from a directory, checked by e2fsck."""

from __future__ import annotations

import uuid
from pathlib import Path

from builder.command import Command

BLOCK = 4096
MIB = 1024 * 1024

# All features by name: /etc/mke2fs.conf of the build host has no say. Left out is orphan_file,
# which the GRUB of the oldest release we build cannot read (GRUB 2.12 NEWS).
FEATURES = (
    "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,"
    "sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum"
)
# Checksums that do not rest on the UUID: a node can give a mounted file system another one.
CSUM_SEED = "metadata_csum_seed"


def fs_size(tree_bytes: int, entries: int, headroom: int) -> int:
    """Bytes, whole MiB, of a file system for a tree with `headroom` bytes left free.

    Counts a half block lost per file, the inode tables (256 bytes for every 16 KiB, see
    `mke2fs`), the journal and the group descriptors kept for growing.
    """
    data = tree_bytes + entries * BLOCK // 2 + headroom
    size = int(data * (1 + 256 / 16384) * 1.01) + 16 * MIB + 8 * MIB
    return -(-size // MIB) * MIB


def fake_time(epoch: int) -> dict[str, str]:
    """Environment that makes e2fsprogs write `epoch` wherever it would write now.

    E2FSPROGS_FAKE_TIME is older than 1.47.1, SOURCE_DATE_EPOCH begins there.
    """
    return {"E2FSPROGS_FAKE_TIME": str(epoch), "SOURCE_DATE_EPOCH": str(epoch)}


def mke2fs(
    image: Path,
    offset: int,
    size: int,
    tree: Path,
    fs_uuid: uuid.UUID,
    epoch: int,
    *,
    csum_seed: bool = True,
) -> Command:
    """The command that fills `size` bytes of `image` at `offset` with `tree`.

    Inode tables are zeroed now: left lazy, a kernel thread of the node would do it
    on whichever CPU it likes (ext4lazyinit).
    """
    extended = (
        f"offset={offset},hash_seed={fs_uuid},root_owner=0:0,lazy_itable_init=0,lazy_journal_init=1"
    )
    return Command(
        (
            *("mke2fs", "-q", "-F", "-t", "ext4", "-b", str(BLOCK), "-I", "256", "-i", "16384"),
            *(
                "-O",
                f"{FEATURES},{CSUM_SEED}" if csum_seed else FEATURES,
                "-J",
                "size=16",
                "-m",
                "1",
                "-U",
                str(fs_uuid),
                "-L",
                "root",
            ),
            *("-E", extended, "-d", str(tree), str(image), f"{size // 1024}k"),
        ),
        {**fake_time(epoch), "MKE2FS_CONFIG": "/dev/null"},
    )


def e2fsck(image: Path, offset: int) -> Command:
    """The command that checks the file system and changes nothing."""
    return Command(("e2fsck", "-f", "-n", f"{image}?offset={offset}"))


def tune2fs(image: Path, offset: int, fs_uuid: uuid.UUID, epoch: int) -> Command:
    """The command that gives the file system another UUID."""
    argv = ("tune2fs", "-U", str(fs_uuid), f"{image}?offset={offset}")
    return Command(argv, fake_time(epoch))
