"""The kernel command line: how long it may be, and the inventory's words that are there already."""

from __future__ import annotations

from collections.abc import Iterator

from builder.catalog.command_line import COMMAND_LINE_SIZE, LOADER_WORDS
from builder.model.fields import arg_name
from builder.plan.kernel import CONSOLES
from builder.plan.nouns.image import ImagePlan
from builder.plan.nouns.kernel import KernelArg
from builder.rule import Finding, Rule

BOOT_WORDS = f"{LOADER_WORDS}{' '.join(CONSOLES)} "


def check_command_line(image: ImagePlan) -> Iterator[Finding]:
    """x86 cuts the command line at COMMAND_LINE_SIZE, which counts the final NUL."""
    line = BOOT_WORDS + " ".join(str(arg) for arg in image.kernel_args)
    over = len(line) + 1 - COMMAND_LINE_SIZE
    if over <= 0:
        return
    longest = sorted(image.kernel_args, key=lambda arg: -len(str(arg)))[:3]
    message = (
        f"the kernel command line is {len(line)} characters long, but the kernel accepts "
        f"{COMMAND_LINE_SIZE - 1} and cuts off the rest"
    )
    words = ", ".join(f"{arg.name} ({len(str(arg))})" for arg in longest)
    hint = f"remove {over} characters; the longest arguments are {words}"
    yield Finding(image.profile_key("kernel-args"), message, hint)


def check_words_again(image: ImagePlan) -> Iterator[Finding]:
    """Words of `kernel-args` that the plan has by itself, and may well be set otherwise: what
    must not be is the rule kernel-args-derived.
    """
    derived = {
        arg_name(f"{option.module}.{option.name}"): KernelArg(
            f"{option.module}.{option.name}", option.value, option.why
        )
        for option in image.module_options
    }
    for arg in image.kernel_args:
        before = derived.get(arg_name(arg.name))
        if arg.own_key is None:
            derived[arg_name(arg.name)] = arg
        elif before is not None:
            message = f"the plan already sets {before}: {before.why.reason}"
            is_same = before.value == arg.value
            hint = "remove it" if is_same else "the kernel uses the last one, which is this"
            yield Finding(arg.own_key, message, hint)


RULES: tuple[Rule[ImagePlan], ...] = (
    Rule(
        "plan-command-line",
        "error",
        "The kernel command line does not exceed the length that the kernel accepts.",
        check_command_line,
    ),
    Rule(
        "plan-kernel-args-again",
        "warning",
        "An argument in `kernel-args` is not already derived.",
        check_words_again,
    ),
)
