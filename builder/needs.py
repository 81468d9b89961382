"""What the verbs need of the build host, and what of it is not there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from builder.accept import ACCEPTORS
from builder.build_host import keyring_for, knows_suite
from builder.catalog.releases import RELEASES
from builder.command import PACKAGE_OF, Runner, find_tool, is_root
from builder.errors import BuilderError, ToolMissing
from builder.targets.registry import TARGETS
from builder.verify.accelerator import check_qemu
from builder.verify.firmware import find_firmware

# Verb -> the programs it calls; those of render read every tree, also those of targets.
NEEDS = {
    "render": tuple(ACCEPTORS),
    **{name: target.all_tools for name, target in TARGETS.items() if target.all_tools},
    "verify": ("qemu-system-x86_64", "qemu-img", "setpriv"),
}


@dataclass(frozen=True, slots=True)
class Lack:
    """programs: those not found, by verb. rootless: verbs that need root, when we are not root.

    faults: what else stands in the way, a sentence each.
    """

    programs: Mapping[str, tuple[str, ...]]
    rootless: tuple[str, ...]
    faults: tuple[str, ...]

    @property
    def packages(self) -> tuple[str, ...]:
        """What is to be installed, sorted."""
        names = {name for programs in self.programs.values() for name in programs}
        return tuple(sorted({PACKAGE_OF.get(name, name) for name in names}))

    def verdict(self, verb: str) -> str:
        """`ok`, or what is lacking for one verb."""
        names = self.programs[verb]
        lacking = [f"missing: {', '.join(names)}"] if names else []
        lacking += ["needs root: run it with sudo"] if verb in self.rootless else []
        return "; ".join(lacking) or "ok"


def find_lack(runner: Runner) -> Lack:
    """What is lacking here; QEMU is asked for its version."""
    programs = {verb: tuple(_missing(names)) for verb, names in NEEDS.items()}
    programs["image"] += _archives()
    programs["verify"] += _firmware()
    faults = [] if programs["verify"] else _qemu_faults(runner)
    rooted = () if is_root() else (name for name, target in TARGETS.items() if target.needs_root)
    return Lack(programs, tuple(rooted), tuple(faults))


def _missing(programs: Iterable[str]) -> list[str]:
    """Those not found where the verbs look for them."""
    missing = []
    for program in programs:
        try:
            find_tool(program)
        except ToolMissing:
            missing.append(program)
    return missing


def _archives() -> tuple[str, ...]:
    """What images of each family are installed by, as packages: keys, and names of suites."""
    found = {
        release.archive.keyring_package
        for release in RELEASES.values()
        if not keyring_for(release).exists()
    }
    if not all(map(knows_suite, RELEASES.values())):
        found.add("distro-info-data")
    return tuple(sorted(found))


def _firmware() -> tuple[str, ...]:
    """By the name of its package: UEFI firmware is not a program."""
    try:
        find_firmware(secure_boot=True)
    except ToolMissing:
        return ("ovmf",)
    return ()


def _qemu_faults(runner: Runner) -> list[str]:
    try:
        check_qemu(runner)
    except BuilderError as fault:
        return [f"{fault.message}: {fault.hint}" if fault.hint else fault.message]
    return []
