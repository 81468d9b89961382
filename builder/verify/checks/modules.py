"""Kernel modules, their options and the sysctls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from builder.catalog.modules import is_vfio, module_name
from builder.plan.nouns.kernel import ModuleOption
from builder.verify.checks.case import (
    Case,
    CheckResult,
    answer,
    compare,
    skip,
)
from builder.verify.checks.standins import substituted_drivers

# How the kernel shows a bool parameter: kernel/params.c param_get_bool().
_BOOLEANS = {"y": "1", "n": "0"}


def check_module(case: Case) -> Iterator[CheckResult]:
    """Modules loaded, options in modprobe's configuration and in the running kernel."""
    modules = case.facts.modules
    loaded = None if modules is None else {module_name(name) for name in modules}
    for module in case.image.modules:
        there = None if loaded is None else module_name(module.name) in loaded
        found = None if there is None else "loaded" if there else "not loaded"
        yield compare(f"module.{module.name}.loaded", "loaded", found, module.why)
    lines = case.facts.modprobe
    configured = None if lines is None else _options_of(lines)
    for option in case.image.module_options:
        yield _configured(option, configured)
        yield _live(case, option)
    for option in _on_command_line(case):
        yield _live(case, option)


def _configured(
    option: ModuleOption, configured: Mapping[tuple[str, str], list[str]] | None
) -> CheckResult:
    found = None
    if configured is not None:
        values = configured.get((module_name(option.module), option.name), [])
        found = " then ".join(values) or "not set"
    return compare(f"module.{option.module}.{option.name}", option.value, found, option.why)


def _on_command_line(case: Case) -> Iterator[ModuleOption]:
    """Options a release with the module built in takes from the kernel command line.

    The word itself is checked there; other words with a dot (systemd's) are no options.
    """
    modules = {module_name(module.name) for module in case.image.modules}
    for arg in case.image.kernel_args:
        module, dot, name = arg.name.partition(".")
        if dot and (module_name(module) in modules or is_vfio(module)):
            yield ModuleOption(module, name, arg.value or "1", arg.why)


def _live(case: Case, option: ModuleOption) -> CheckResult:
    """The parameter of the loaded module, where the kernel shows it (mode 0 ones it does not)."""
    name = f"module.{option.module}.{option.name}.live"
    module = module_name(option.module)
    if case.facts.modules is None:
        return compare(name, option.value, None, option.why)
    loaded = {module_name(key): params for key, params in case.facts.modules.items()}
    if module not in loaded:
        gone = substituted_drivers(case)
        reason = gone.get(module, f"module {option.module} is not loaded")
        return skip(name, option.value, reason, option.why)
    found = (loaded[module] or {}).get(option.name)
    if found is None:
        return skip(name, option.value, "the kernel does not show this parameter", option.why)
    same = _plain(found) == _plain(option.value)
    return answer("pass" if same else "fail", name, option.value, found, option.why)


def _options_of(lines: tuple[str, ...]) -> dict[tuple[str, str], list[str]]:
    """`options module name=value …` lines of `modprobe --showconfig`, in order."""
    found: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        words = line.split()
        if len(words) < 2 or words[0] != "options":
            continue
        for word in words[2:]:
            name, _, value = word.partition("=")
            found.setdefault((module_name(words[1]), name), []).append(value)
    return found


def _plain(value: str) -> str:
    return _BOOLEANS.get(value.strip().lower(), value.strip())


def check_sysctl(case: Case) -> Iterator[CheckResult]:
    facts = case.facts.sysctl
    for setting in case.image.sysctls:
        raw = None if facts is None else facts.get(setting.key)
        # The kernel separates the numbers of a list by tabs.
        found = None if raw is None else " ".join(raw.split())
        yield compare(f"sysctl.{setting.key}", " ".join(setting.value.split()), found, setting.why)
