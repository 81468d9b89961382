"""diskimage-builder as a program of ours: the call, and what its log says when it fails."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from builder.catalog.identities import Identity
from builder.command import CLEAN_ENV, Command, Runner, contained, is_out_of_space
from builder.errors import BuilderError, CommandFailed, ToolMissing
from builder.targets.image.elements import Element

ROOT_ELEMENT = "rackwright-root"
HOST_BIN = "host-bin"

_RUNNING = re.compile(r"Running \S*/([a-z-]+\.d)/(\S+)$", re.MULTILINE)
_XTRACE = re.compile(r"\++ ")
_COMPLETED = re.compile(r"\s(\S+) completed$", re.MULTILINE)
_APT_ERROR = re.compile(
    r"^(?:E|Err|W): ?.*(?:Failed to fetch|Could not (?:resolve|connect))", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Composition:
    """What the elements are told, see elements/rackwright-root/README.rst."""

    distro: str
    suite: str
    sources: tuple[str, ...]
    keyring: Path
    packages: tuple[str, ...]
    dpkg_options: tuple[str, ...]
    epoch: int
    root_cache: Path
    identities: tuple[Identity, ...]
    usr_links: tuple[str, ...] = ()
    proxy: Mapping[str, str] = field(default_factory=dict)

    def env(self) -> dict[str, str]:
        """The variables of the elements."""
        return {
            **self.proxy,
            "DIB_RACKWRIGHT_DISTRO": self.distro,
            "DIB_RACKWRIGHT_SUITE": self.suite,
            "DIB_RACKWRIGHT_SOURCES": "\n".join(self.sources),
            "DIB_RACKWRIGHT_KEYRING": str(self.keyring),
            "DIB_RACKWRIGHT_PACKAGES": " ".join(self.packages),
            "DIB_RACKWRIGHT_DPKG_OPTIONS": "\n".join(self.dpkg_options),
            "DIB_RACKWRIGHT_USR_LINKS": " ".join(self.usr_links),
            "DIB_RACKWRIGHT_EPOCH": str(self.epoch),
            "DIB_RACKWRIGHT_ROOT_CACHE": str(self.root_cache),
            "DIB_RACKWRIGHT_IDENTITIES": "\n".join(
                f"{row.path}\t{row.placeholder.strip()}" for row in self.identities
            ),
        }


def compose_command(
    composition: Composition,
    elements: Sequence[Element],
    search: Sequence[Path],
    work: Path,
    log: Path,
) -> Command:
    """The call of disk-image-create that writes `work`/tree.tar.

    It runs in mount and PID namespaces of its own that die with us, whatever kills us:
    no mount, no process and, as all is in a tmpfs, no file of the build survives.
    """
    # Our own `sudo` first; then the Python that has diskimage-builder.
    first = [str(element.path / HOST_BIN) for element in elements if element.name == ROOT_ELEMENT]
    env = {
        **composition.env(),
        "USER": "root",
        "PATH": ":".join((*first, str(Path(sys.executable).parent), CLEAN_ENV["PATH"])),
        "ELEMENTS_PATH": ":".join(str(path) for path in search),
        "DIB_LOCKFILES": str(work / "locks"),
        "DIB_NO_TIMESTAMP": "1",
        "TMP_DIR": str(work),
        "TMPDIR": str(work),
    }
    argv = (
        *(disk_image_create(), "-n", "-x", "-t", "tar", "-o", str(work / "tree")),
        *("--image-cache", str(work / "dib-cache")),
        *(element.name for element in elements),
    )
    return Command(contained(*argv), env, cwd=work, log=log)


def compose(command: Command, elements: Sequence[Element], runner: Runner) -> Path:
    """Run `command` of `compose_command`; returns the tar with the finished tree."""
    if command.log is None or command.cwd is None:
        raise ValueError("diskimage-builder needs a log file and a directory to work in")
    command.log.parent.mkdir(parents=True, exist_ok=True)
    command.log.write_bytes(b"")
    try:
        runner.run(command)
    except CommandFailed as fault:
        raise explain_failure(command.log, elements, command.cwd.parent) from fault
    return command.cwd / "tree.tar"


def disk_image_create() -> str:
    """Path of the program, which pip installs beside our own interpreter."""
    beside = Path(sys.executable).parent / "disk-image-create"
    found = str(beside) if beside.exists() else shutil.which("disk-image-create")
    if found is None:
        raise ToolMissing(
            "disk-image-create is not installed", hint="pip install 'diskimage-builder>=3.43'"
        )
    return found


def explain_failure(log: Path, elements: Sequence[Element], directory: Path) -> BuilderError:
    """The error for a failed run: which script of which element, and the end of the log.

    directory: where it worked.
    """
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    text = "\n".join(lines)
    detail = "\n".join(_last_words(lines))
    place = failed_script(text)
    if place is None:
        message = "diskimage-builder failed outside of any element"
    else:
        phase, script = place
        element = next((e.name for e in elements if (e.path / phase / script).exists()), "?")
        message = f"element {element} failed in {phase}/{script}"
    hint = f"the whole log is {log}"
    if is_out_of_space(text):
        message += ": no space left on device"
        hint = f"free some space in {directory}, or choose another directory with --cache; {hint}"
    elif _APT_ERROR.search(text):
        message += ": packages could not be downloaded"
    return BuilderError(message, hint=hint, detail=detail)


def failed_script(text: str) -> tuple[str, str] | None:
    """(phase, script) that ran when the log ended, from the lines of dib-run-parts."""
    begun = _RUNNING.findall(text)
    ended = {Path(path).name for path in _COMPLETED.findall(text)}
    if not begun or begun[-1][1] in ended:
        return None
    phase, script = begun[-1]
    return phase, script


def _last_words(lines: Sequence[str], count: int = 30) -> list[str]:
    """The end of the log without the xtrace and clean-up lines that bury the cause."""
    told = [line for line in lines if line.strip() and not _XTRACE.match(line)]
    noise = (" diskimage_builder.", "State already cleaned", "Removing ", "Unmount ")
    return [line for line in told if not any(word in line for word in noise)][-count:]
