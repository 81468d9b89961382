"""GRUB's part of an image: boot sectors patched by us, and its two configuration files."""

from __future__ import annotations

import struct

from builder.catalog.command_line import COMMAND_LINE_SIZE
from builder.errors import BuilderError
from builder.render.grub import serial_terminal
from builder.targets.image.gpt import SECTOR

# Offsets of grub-core/boot/i386/pc/{boot,diskboot}.S, GRUB 2.x: boot.img holds the sector
# of core.img; the last 12 bytes of core.img's first sector say where its rest is.
BOOT_KERNEL_SECTOR = 0x5C
BOOT_DRIVE_CHECK = 0x66
CORE_BLOCK_LIST = 0x1F4
CORE_SEGMENT = 0x0820


def patch_boot_img(boot_img: bytes, core_sector: int) -> bytes:
    """boot.img for a hard disk whose core.img starts at `core_sector`.

    grub-bios-setup does the same: it writes the sector and turns the jump over the
    BIOS drive number work-around into two NOPs, which only floppies must not have.
    """
    if len(boot_img) != SECTOR:
        raise BuilderError(f"GRUB's boot.img is {len(boot_img)} bytes long, not {SECTOR}")
    patched = bytearray(boot_img)
    struct.pack_into("<Q", patched, BOOT_KERNEL_SECTOR, core_sector)
    patched[BOOT_DRIVE_CHECK : BOOT_DRIVE_CHECK + 2] = b"\x90\x90"
    return bytes(patched)


def patch_core_img(core_img: bytes, core_sector: int, room: int) -> bytes:
    """core.img, lying in one piece at `core_sector`, padded to whole sectors."""
    sectors = -(-len(core_img) // SECTOR)
    if sectors * SECTOR > room:
        raise BuilderError(
            f"GRUB's core.img of {len(core_img)} bytes is larger than its partition of {room} bytes"
        )
    patched = bytearray(core_img.ljust(sectors * SECTOR, b"\0"))
    struct.pack_into("<QHH", patched, CORE_BLOCK_LIST, core_sector + 1, sectors - 1, CORE_SEGMENT)
    return bytes(patched)


def grub_quote(argument: str) -> str:
    """One kernel argument as one GRUB word that can never become GRUB syntax.

    GRUB's `linux` puts double quotes around a word with a space and a backslash before
    quotes and backslashes (grub-core/lib/cmdline.c), so the kernel's own quotes are left
    to it, and what it would change is refused.
    """
    if not argument or not argument.isprintable() or not argument.isascii():
        raise BuilderError(f"kernel argument {argument!r} is empty or not printable ASCII")
    if "\\" in argument or "'" in argument or argument.count('"') % 2:
        raise BuilderError(
            f"kernel argument {argument!r} has a backslash, a single quote or an unpaired"
            " double quote, which GRUB would change",
        )
    return "'" + argument.replace('"', "") + "'"


# The partition of the root file system, the last of ours (disk.py).
ROOT_PARTITION = "gpt3"
_ANY_UUID = "00000000-0000-0000-0000-000000000000"


def grub_cfg(kernel: str, initrd: str, cmdline: tuple[str, ...]) -> str:
    """/boot/grub/grub.cfg: the command line the image boots with; grub.d repeats it for update-grub.

    kernel, initrd: file names under /boot. GRUB was started from the disk its own files are on, and
    asks that partition for the UUID the kernel is to look for: no other disk can be meant, and
    nothing is to be changed when the UUID is.
    """
    arguments = ("ro", *cmdline)
    words = " ".join(grub_quote(argument) for argument in arguments)
    if (
        len(" ".join((f"BOOT_IMAGE=/boot/{kernel}", f"root=UUID={_ANY_UUID}", *arguments)))
        >= COMMAND_LINE_SIZE
    ):
        raise BuilderError(
            f"the kernel command line is longer than {COMMAND_LINE_SIZE - 1} characters"
        )
    return "\n".join(
        [
            "# Written with the image; update-grub on the node makes the same command line",
            "# from /etc/default/grub.d/.",
            *_serial_terminal(cmdline),
            "set default=0",
            "set timeout=1",
            "probe --set=root_uuid --fs-uuid ($root)",
            "menuentry 'Linux' --id linux {",
            f'    linux /boot/{kernel} "root=UUID=$root_uuid" {words}',
            f"    initrd /boot/{initrd}",
            "}",
            "",
        ]
    )


def esp_grub_cfg() -> str:
    """grub.cfg beside the signed GRUB on the ESP: hands over to the root of the same disk.

    $root is the ESP GRUB was started from, as in `hd0,gpt2`. A root that is not there, as when the
    ESP was copied to another disk, is looked for by a file only our images have.
    """
    return (
        "regexp --set=1:disk '^([^,]+),' \"$root\"\n"
        f'set root="$disk,{ROOT_PARTITION}"\n'
        "if [ ! -e ($root)/boot/grub/grub.cfg ]; then\n"
        "    search --no-floppy --file --set=root /etc/rackwright/image-release\n"
        "fi\n"
        "set prefix=($root)/boot/grub\n"
        "configfile $prefix/grub.cfg\n"
    )


def _serial_terminal(cmdline: tuple[str, ...]) -> list[str]:
    """GRUB's own terminal on the serial port the kernel will use; a missing port is no error."""
    port = serial_terminal(cmdline)
    if port is None:
        return []
    return [
        f"if serial --unit={port.unit} --speed={port.speed}; then",
        "    terminal_input console serial",
        "    terminal_output console serial",
        "fi",
    ]
