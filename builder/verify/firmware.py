"""Where the UEFI firmware for QEMU is: by its descriptors, else where Debian puts it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from builder.errors import ToolMissing

# Earlier directories win (docs/interop/firmware.json of QEMU).
DESCRIPTORS = (Path("/etc/qemu/firmware"), Path("/usr/share/qemu/firmware"))
OVMF = Path("/usr/share/OVMF")


@dataclass(frozen=True, slots=True)
class UefiFirmware:
    """code: shared, read only. variables: the template each machine gets a copy of."""

    code: Path
    variables: Path


def find_firmware(
    *,
    secure_boot: bool,
    descriptors: tuple[Path, ...] = DESCRIPTORS,
    fallback: Path = OVMF,
) -> UefiFirmware:
    """UEFI firmware for q35; secure_boot: with Microsoft's keys enrolled and enforced.

    With Secure Boot it is the same code, which enforces the keys it finds in its variables.
    The build that guards them by system management mode is not used: it calls all CPUs into
    that mode together, and under TCG a machine of 32 CPUs was not through with it after six
    minutes. Nobody attacks the variables of a twin.
    """
    plain = _find(descriptors, enrolled=False) or UefiFirmware(
        fallback / "OVMF_CODE_4M.fd", fallback / "OVMF_VARS_4M.fd"
    )
    found = plain
    if secure_boot:
        enrolled = _find(descriptors, enrolled=True)
        template = enrolled.variables if enrolled else fallback / "OVMF_VARS_4M.ms.fd"
        found = UefiFirmware(plain.code, template)
    if found.code.is_file() and found.variables.is_file():
        return found
    wanted = "UEFI firmware with Secure Boot" if secure_boot else "UEFI firmware"
    raise ToolMissing(f"{wanted} for QEMU is not installed", hint="apt-get install ovmf")


def _find(descriptors: tuple[Path, ...], *, enrolled: bool) -> UefiFirmware | None:
    for path in _descriptor_files(descriptors):
        found = _read_descriptor(path, enrolled=enrolled)
        if found is not None and found.code.is_file() and found.variables.is_file():
            return found
    return None


def _descriptor_files(directories: tuple[Path, ...]) -> list[Path]:
    """Descriptors in order of precedence: by file name, one of a name only."""
    files: dict[str, Path] = {}
    for directory in directories:
        for path in sorted(directory.glob("*.json")):
            files.setdefault(path.name, path)
    return [files[name] for name in sorted(files)]


def _read_descriptor(path: Path, *, enrolled: bool) -> UefiFirmware | None:
    """The firmware `path` describes if it fits q35 and `enrolled`; None if not."""
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        features = set(about["features"])
        machines = [name for target in about["targets"] for name in target["machines"]]
        mapping = about["mapping"]
        if mapping["device"] != "flash" or "uefi" not in about["interface-types"]:
            return None
        code, variables = mapping["executable"], mapping["nvram-template"]
        files = UefiFirmware(Path(code["filename"]), Path(variables["filename"]))
        raw = code["format"] == variables["format"] == "raw"
    except (OSError, ValueError, KeyError, TypeError):
        return None  # not a descriptor of this kind of firmware, or not one at all
    fits = features >= {"enrolled-keys", "secure-boot", "requires-smm"}
    plain = not features & {"enrolled-keys", "requires-smm"}
    q35 = any(name.startswith("pc-q35") for name in machines)
    return files if raw and q35 and (fits if enrolled else plain) else None
