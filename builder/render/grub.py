"""The kernel command line: its words in order, and GRUB's settings that repeat them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from builder.plan.types import ImagePlan
from builder.render.header import image_header
from builder.render.syntax import kernel_word
from builder.render.templates import Sources
from builder.render.tree import RenderedFile

# The last one becomes /dev/console (Documentation/admin-guide/serial-console.rst).
CONSOLES = ("console=tty0", "console=ttyS0,115200n8")
# grub-mkconfig reads /etc/default/grub, then grub.d/*.cfg in order of name; the last word
# wins, so this name has to come after 50-cloudimg-settings.cfg of cloud images.
PATH = "/etc/default/grub.d/90-rackwright.cfg"
# Without a speed the kernel's driver takes 9600 (Documentation/admin-guide/serial-console.rst).
_SERIAL = re.compile(r"console=ttyS(\d+)(?:,(\d+)\w*)?")
_DEFAULT_SPEED = "9600"


@dataclass(frozen=True, slots=True)
class SerialTerminal:
    """A serial port as GRUB's `serial` command takes it: --unit, --speed in bit/s."""

    unit: str
    speed: str


def serial_terminal(words: Sequence[str]) -> SerialTerminal | None:
    """The port the kernel will have its console on; GRUB is to be there too. The last counts."""
    found = [match for match in map(_SERIAL.fullmatch, words) if match]
    return SerialTerminal(found[-1][1], found[-1][2] or _DEFAULT_SPEED) if found else None


def cmdline(plan: ImagePlan) -> tuple[str, ...]:
    """The kernel words in order, without root=; consoles unless the plan has its own."""
    words = tuple(kernel_word(arg) for arg in plan.kernel_args)
    has_console = any(arg.name == "console" for arg in plan.kernel_args)
    return words if has_console else (*CONSOLES, *words)


def render_grub(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    words = cmdline(plan)
    text = sources.fill(
        PATH,
        header=image_header(plan),
        args=plan.kernel_args,
        words=words,
        serial=serial_terminal(words),
    )
    yield RenderedFile(PATH, text.encode())
