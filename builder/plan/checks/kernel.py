"""The kernel command line: how long it may be, and the inventory's words that are set elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from builder.catalog.command_line import COMMAND_LINE_SIZE, LOADER_WORDS
from builder.catalog.kernel_words import (
    ADDING,
    Word,
    arg_name,
    no_effect,
    read_word,
    sysctl_of,
    truth,
    usual,
)
from builder.phrases import count_text
from builder.plan.kernel import default_consoles
from builder.plan.nouns.image import ImagePlan
from builder.plan.nouns.kernel import KernelArg
from builder.rule import SEE, Finding, Rule


def check_command_line(image: ImagePlan) -> Iterator[Finding]:
    """x86 cuts the command line at COMMAND_LINE_SIZE, which counts the final NUL."""
    line = LOADER_WORDS + " ".join(
        (*default_consoles(image.kernel_args), *map(str, image.kernel_args))
    )
    over = len(line) + 1 - COMMAND_LINE_SIZE
    if over <= 0:
        return
    longest = sorted(image.kernel_args, key=lambda arg: -len(str(arg)))[:3]
    message = (
        f"the kernel command line is {len(line)} characters long, but the kernel accepts "
        f"{COMMAND_LINE_SIZE - 1} and cuts off the rest"
    )
    words = ", ".join(f"{arg.name} ({len(str(arg))})" for arg in longest)
    hint = f"remove {count_text(over, 'character')}; the longest arguments are {words}"
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
        word = usual(read_word(str(arg)))
        before = derived.get(word.name)
        if arg.own_key is None:
            derived[word.name] = arg
        elif before is not None:
            hint = _hint_again(read_word(str(before)), word)
            if hint is not None:
                message = f"the plan already sets {before}: {before.why.reason}"
                yield Finding(arg.own_key, message, hint)


# Parts of words that add up, each of which takes the other back.
_OPPOSITE = {"on": "off", "pt": "nopt"}


def _hint_again(planned: Word, own: Word) -> str | None:
    """What to do about a word the plan has; None: it adds something to it, and only that."""
    is_same_truth = truth(planned.value) is not None and truth(planned.value) == truth(own.value)
    if planned.value == own.value or (is_same_truth and own.name not in ADDING):
        return "remove it"
    if no_effect(own) is not None:
        return None  # said by the rule kernel-args-effect
    if own.name not in ADDING:
        return "the kernel uses the last one, which is this"
    if any(_OPPOSITE.get(part) in own.parts for part in planned.parts):
        return "the kernel goes by the last one, which is this"
    rest = [part for part in own.parts if part not in planned.parts]
    is_part_again = len(rest) < len(own.parts)
    return (
        f"write {own.name}={','.join(rest)}: it is added to the plan's" if is_part_again else None
    )


def check_sysctls_again(image: ImagePlan) -> Iterator[Finding]:
    """A word that sets a sysctl is carried out before init starts (init/main.c,
    do_sysctl_args()); systemd-sysctl comes after it and writes what sysctl.d has.
    """
    later = {setting.key: setting for setting in image.sysctls}
    for arg in image.kernel_args:
        own = sysctl_of(read_word(str(arg)))
        after = later.get(own[0]) if own is not None else None
        if own is None or after is None:
            continue
        both = f"{arg} is set before {after.key}={after.value}, which sysctl.d sets"
        if arg.own_key is None:
            if after.own_key is not None and own[1] != after.value:
                message = f"{both}, and undoes what the plan has it for: {arg.why.reason}"
                yield Finding(
                    after.own_key, message, f"remove it, or change what {arg} follows from"
                )
        elif own[1] == after.value:
            yield Finding(arg.own_key, f"{both} as well", f"remove {arg}")
        elif after.own_key is not None:
            yield Finding(arg.own_key, f"{both}: {SEE}", f"remove {arg}", see=after.own_key)
        else:
            hint = f"write it under sysctl, {after.key}: {own[1]}, where it replaces {after.value}"
            yield Finding(arg.own_key, f"{both}: {after.why.reason}", hint)


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
    Rule(
        "plan-sysctl-again",
        "warning",
        "A kernel argument does not set a sysctl that is set later.",
        check_sysctls_again,
    ),
)
