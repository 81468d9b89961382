"""Boot sectors patched at the right bytes, and arguments that stay arguments."""

from __future__ import annotations

import struct

import pytest

from builder.errors import BuilderError
from builder.targets.image import grub

ROOT = "fb058a85-68d7-5187-a21c-54545c476b2b"


def test_boot_img_gets_the_sector_and_loses_the_floppy_jump() -> None:
    image = bytes(range(256)) * 2
    patched = grub.patch_boot_img(image, 2048)
    assert patched[0x5C:0x64] == struct.pack("<Q", 2048)
    assert patched[0x66:0x68] == b"\x90\x90"
    untouched = [i for i in range(512) if not (0x5C <= i < 0x64 or 0x66 <= i < 0x68)]
    assert all(patched[i] == image[i] for i in untouched)


def test_boot_img_of_another_size() -> None:
    with pytest.raises(BuilderError) as caught:
        grub.patch_boot_img(b"\0" * 446, 2048)
    assert caught.value.message == "GRUB's boot.img is 446 bytes long, not 512"


def test_core_img_block_list() -> None:
    patched = grub.patch_core_img(b"\x11" * 1300, 2048, 2**20)
    assert len(patched) == 1536
    assert struct.unpack("<QHH", patched[0x1F4:0x200]) == (2049, 2, 0x820)
    assert patched[:0x1F4] == b"\x11" * 0x1F4
    assert patched[0x200:1300] == b"\x11" * (1300 - 0x200)
    assert patched[1300:] == bytes(236)


def test_core_img_larger_than_its_partition() -> None:
    with pytest.raises(BuilderError) as caught:
        grub.patch_core_img(b"\x11" * 1025, 2048, 1024)
    assert caught.value.message == (
        "GRUB's core.img of 1025 bytes is larger than its partition of 1024 bytes"
    )


@pytest.mark.parametrize(
    ("argument", "word"),
    [
        ("isolcpus=managed_irq,domain,2-7", "'isolcpus=managed_irq,domain,2-7'"),
        ("console=ttyS0,115200", "'console=ttyS0,115200'"),
        ('dyndbg="file vfio* +p; func x +p"', "'dyndbg=file vfio* +p; func x +p'"),
        ("a=$(reboot)}", "'a=$(reboot)}'"),
    ],
)
def test_quote(argument: str, word: str) -> None:
    assert grub.grub_quote(argument) == word


@pytest.mark.parametrize("argument", ["", "a'b", "a\\b", 'a"b', "a\nb", "a\0b", "ä"])
def test_quote_refuses_what_grub_would_change(argument: str) -> None:
    with pytest.raises(BuilderError):
        grub.grub_quote(argument)


def test_quote_says_what_is_wrong() -> None:
    with pytest.raises(BuilderError) as caught:
        grub.grub_quote("x='")
    assert caught.value.message == (
        'kernel argument "x=\'" has a backslash, a single quote or an unpaired double quote,'
        " which GRUB would change"
    )


def test_grub_cfg() -> None:
    text = grub.grub_cfg("vmlinuz-6", "initrd.img-6", ("hugepages=8", "console=ttyS1,9600"))
    assert text == (
        "# Written with the image; update-grub on the node makes the same command line\n"
        "# from /etc/default/grub.d/.\n"
        "if serial --unit=1 --speed=9600; then\n"
        "    terminal_input console serial\n"
        "    terminal_output console serial\n"
        "fi\n"
        "set default=0\n"
        "set timeout=1\n"
        "probe --set=root_uuid --fs-uuid ($root)\n"
        "menuentry 'Linux' --id linux {\n"
        "    linux /boot/vmlinuz-6 \"root=UUID=$root_uuid\" 'ro' 'hugepages=8' 'console=ttyS1,9600'\n"
        "    initrd /boot/initrd.img-6\n"
        "}\n"
    )


def test_grub_has_no_serial_terminal_without_a_serial_console() -> None:
    assert "serial" not in grub.grub_cfg("k", "i", ("console=tty0",))


def test_the_kernel_takes_no_longer_command_line() -> None:
    fixed = len(f"BOOT_IMAGE=/boot/k root=UUID={ROOT} ro ")
    grub.grub_cfg("k", "i", ("a" * (2047 - fixed),))
    with pytest.raises(BuilderError) as caught:
        grub.grub_cfg("k", "i", ("a" * (2048 - fixed),))
    assert caught.value.message == "the kernel command line is longer than 2047 characters"


def test_esp_grub_cfg_hands_over() -> None:
    assert grub.esp_grub_cfg() == (
        "regexp --set=1:disk '^([^,]+),' \"$root\"\n"
        'set root="$disk,gpt3"\n'
        "if [ ! -e ($root)/boot/grub/grub.cfg ]; then\n"
        "    search --no-floppy --file --set=root /etc/rackwright/image-release\n"
        "fi\n"
        "set prefix=($root)/boot/grub\n"
        "configfile $prefix/grub.cfg\n"
    )
