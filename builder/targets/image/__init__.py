"""Images: from a list of packages and a rendered tree to disks that boot by BIOS and UEFI.

With the base in the cache the same request gives the same bytes of raw, raw.zst, kernel and
initramfs. Not so the qcow2, whose clusters `qemu-img convert -W` writes as they get ready,
and a base that is made anew: mke2fs before 1.47.1 copies ctime and atime of the tree, and
some packages write dates or random numbers when they are installed.
"""
