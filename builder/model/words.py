"""What a profile says as words of `kernel-args`, in the terms of the keys that say the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from builder.catalog.kernel_words import Word, option_of, read_word, sysctl_of
from builder.catalog.modules import module_name
from builder.diagnostics import KeyPath
from builder.model.profile import Profile


@dataclass(frozen=True, slots=True)
class Option:
    """A parameter of a module. path: where the profile has it, below the profile."""

    module: str
    name: str
    value: str
    path: KeyPath


@dataclass(frozen=True, slots=True)
class Sysctl:
    """A setting. path: where the profile has it, below the profile."""

    key: str
    value: str
    path: KeyPath


def words_of(profile: Profile) -> Iterator[tuple[KeyPath, Word]]:
    """Each word of `kernel-args`, with its place below the profile."""
    for index, text in enumerate(profile.kernel_args):
        yield ("kernel-args", index), read_word(text)


def options_of(profile: Profile, module: str) -> Iterator[Option]:
    """Parameters of a module, of which the last of a name counts."""
    wanted = module_name(module)
    for driver, settings in profile.drivers.items():
        for name, value in settings.options.items():
            if module_name(driver) == wanted:
                yield Option(driver, name, str(value), ("drivers", driver, "options", name))
    for path, word in words_of(profile):
        option = option_of(word)
        if option is not None and option[0] == wanted:
            yield Option(*option, path)


def sysctls_of(profile: Profile) -> Iterator[Sysctl]:
    for key, value in profile.sysctl.items():
        yield Sysctl(key, str(value), ("sysctl", key))
    for path, word in words_of(profile):
        setting = sysctl_of(word)
        if setting is not None:
            yield Sysctl(*setting, path)
