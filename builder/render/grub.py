"""The kernel command line: its words in order, and GRUB's settings that repeat them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from builder.catalog.command_line import COMMAND_LINE_SIZE, LOADER_WORDS
from builder.plan.kernel import default_consoles
from builder.plan.nouns.image import ImagePlan
from builder.render.effect import reboot
from builder.render.file_kind import FileKind
from builder.render.grammar import Faults, data_lines
from builder.render.header import image_header
from builder.render.syntax import TEXT_CHECKS, kernel_word
from builder.render.templates import Sources
from builder.render.tree import RenderedFile

# Without a speed the kernel's driver takes 9600 (Documentation/admin-guide/serial-console.rst).
_SERIAL = re.compile(
    r"console=(?:ttyS(?P<unit>\d+)|uart(?:8250)?,io,0x(?P<io>[0-9a-fA-F]+))(?:,(?P<speed>\d+)\w*)?"
)
_DEFAULT_SPEED = "9600"
# Units of the I/O ports: arch/x86/include/asm/serial.h, SERIAL_PORT_DFNS.
_UNITS = {0x3F8: "0", 0x2F8: "1", 0x3E8: "2", 0x2E8: "3"}


@dataclass(frozen=True, slots=True)
class SerialTerminal:
    """A serial port as GRUB's `serial` command takes it: --unit, --speed in bit/s."""

    unit: str
    speed: str


def serial_terminal(words: Sequence[str]) -> SerialTerminal | None:
    """The port the kernel will have its console on; GRUB is to be there too. The last counts."""
    found = [match for match in map(_SERIAL.fullmatch, words) if match]
    units = [(match["unit"] or _UNITS.get(int(match["io"], 16)), match["speed"]) for match in found]
    known = [SerialTerminal(unit, speed or _DEFAULT_SPEED) for unit, speed in units if unit]
    return known[-1] if known else None


def cmdline(plan: ImagePlan) -> tuple[str, ...]:
    """The kernel words in order, without root=; consoles where the plan has none of the kind."""
    words = tuple(kernel_word(arg) for arg in plan.kernel_args)
    return (*default_consoles(plan.kernel_args), *words)


def render_grub(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    words = cmdline(plan)
    yield GRUB.fill(
        sources,
        header=image_header(plan),
        args=plan.kernel_args,
        words=words,
        serial=serial_terminal(words),
        flavour=[plan.release.kernels[0].uname],
    )


def read_grub_cmdline(text: str) -> tuple[str, ...]:
    """The kernel words GRUB's settings in `text` come to: GRUB_CMDLINE_LINUX, then _DEFAULT."""
    settings = _shell_settings(text)
    both = f"{settings['GRUB_CMDLINE_LINUX']} {settings['GRUB_CMDLINE_LINUX_DEFAULT']}"
    # GRUB's quotes are a subset of the shell's.
    return tuple(shlex.split(both))


def _shell_settings(text: str) -> dict[str, str]:
    """`NAME=value` lines of a shell file that holds nothing else."""
    settings: dict[str, str] = {}
    for line in data_lines(text):
        words = shlex.split(line, posix=True)
        match = re.fullmatch(r"([A-Z_]+)=(.*)", words[0], re.DOTALL)
        if len(words) != 1 or match is None or re.search(r"[$`\\]", line):
            raise ValueError(f"{line!r} is not one plain assignment")
        settings[match[1]] = match[2]
    return settings


def _read_grub(_path: str, text: str) -> Faults:
    words = read_grub_cmdline(text)
    for word in words:
        TEXT_CHECKS["kernel_word"](word)
    length = len(LOADER_WORDS) + len(" ".join(words))
    if length >= COMMAND_LINE_SIZE:
        yield (
            f"the kernel command line may become {length} characters long,"
            f" and the kernel keeps {COMMAND_LINE_SIZE - 1}"
        )


GRUB = FileKind(
    # grub-mkconfig reads /etc/default/grub, then grub.d/*.cfg in order of name, and the last
    # word wins: after 50-cloudimg-settings.cfg of cloud images, and after kdump-tools.cfg, which
    # adds a crashkernel= to what it finds.
    path="/etc/default/grub.d/zz-rackwright.cfg",
    render=render_grub,
    read_back=_read_grub,
    accepted_by="sh",
    needs=reboot("the kernel reads its command line when it starts", "update-grub"),
    check="cmdline",
    comments=True,
)
FILES = (GRUB,)
