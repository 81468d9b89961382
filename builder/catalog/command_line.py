"""The kernel's command line on x86: how long it may be, and what the boot loader puts first."""

from __future__ import annotations

# arch/x86/include/asm/setup.h, the final NUL included; a longer line is cut off without a word.
COMMAND_LINE_SIZE = 2048
# What GRUB puts before our words. A kernel's file name is the only part whose length we do not
# know: as long as this one, say.
LOADER_WORDS = (
    "BOOT_IMAGE=/boot/vmlinuz-6.12.117+deb13-cloud-amd64 "
    "root=UUID=00000000-0000-0000-0000-000000000000 ro "
)
