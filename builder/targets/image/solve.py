"""Which package versions a release would install now, asked of apt before anything is built."""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.command import Command, Runner, is_out_of_space
from builder.errors import BuilderError, CommandFailed
from builder.execute import write_file
from builder.jsonfile import JsonFault, JsonRecord, decode, encode
from builder.targets.image import cache_keys
from builder.workdir import locked

# How long a solution is good without asking the mirror again: security updates come daily.
MAX_AGE_S = 24 * 3600.0

_INST = re.compile(r"^Inst (\S+) (?:\[[^]]*\] )?\((\S+) ", re.MULTILINE)
_SOURCE = re.compile(r"^deb\s+(?:\[([^]]*)\]\s+)?(.*)$")
_DATE = re.compile(r"^Date: (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Solution(JsonRecord):
    """Package versions, sorted, and the date of the release they are from."""

    packages: tuple[tuple[str, str], ...]
    epoch: int
    solved_at: float


@dataclass(frozen=True, slots=True)
class Question:
    """What a solution depends on besides the archive itself."""

    suite: str
    architecture: str
    sources: tuple[str, ...]
    keyring: Path
    packages: tuple[str, ...]

    def key(self) -> str:
        """Name of the remembered answer."""
        parts = (self.suite, self.architecture, self.sources, str(self.keyring), self.packages)
        return cache_keys.digest("solve", parts)


def solve(
    question: Question, cache: Path, runner: Runner, *, refresh: bool, proxy: Mapping[str, str]
) -> tuple[Solution, str]:
    """The answer to `question` and a note on where it is from.

    A remembered answer younger than a day is used as it is; an older one only if the
    mirror cannot be reached now.
    """
    memo = cache / "solved" / f"{question.key()}.json"
    known = _recall(memo)
    age_s = time.time() - known.solved_at if known else 0.0
    if known and not refresh and 0 <= age_s < MAX_AGE_S:
        return known, f"as of {format_age(age_s)}"
    try:
        solution = _ask_apt(question, cache, runner, proxy)
    except MirrorError:
        if known is None or refresh:
            raise
        return known, f"mirror unreachable: as of {format_age(age_s)}"
    _remember(memo, solution)
    return solution, "asked now"


def format_age(age_s: float) -> str:
    minutes = int(age_s / 60)
    if minutes < 1:
        return "just now"
    return f"{minutes} min ago" if minutes < 60 else f"{minutes // 60} h ago"


class MirrorError(BuilderError):
    """apt could not fetch the package lists."""


def parse_simulation(text: str) -> tuple[tuple[str, str], ...]:
    """(package, version) of every `Inst` line of `apt-get --simulate`, sorted."""
    return tuple(sorted({(name.split(":")[0], version) for name, version in _INST.findall(text)}))


def parse_release_date(text: str) -> int:
    """Seconds since the epoch of the `Date:` of an InRelease file."""
    found = _DATE.search(text)
    if found is None:
        raise BuilderError("the release file of the archive has no date")
    return int(email.utils.parsedate_to_datetime(found.group(1)).timestamp())


def apt_options(state: Path, architecture: str) -> tuple[str, ...]:
    """Options that make apt use nothing of this host: own sources, lists and status."""
    settings = {
        "Dir": state,
        "Dir::State": state,
        "Dir::State::status": state / "status",
        "Dir::Cache": state / "cache",
        "Dir::Etc": state / "etc",
        "Dir::Etc::SourceList": state / "sources.list",
        "Dir::Etc::SourceParts": "-",
        "Dir::Etc::Parts": "-",
        "Dir::Log": state,
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        "APT::Update::Error-Mode": "any",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Debug::NoLocking": "true",
    }
    return tuple(item for name, value in settings.items() for item in ("-o", f"{name}={value}"))


def _ask_apt(question: Question, cache: Path, runner: Runner, proxy: Mapping[str, str]) -> Solution:
    state = cache / "apt" / cache_keys.digest("apt", (question.sources, question.architecture))[:16]
    with locked(state.with_suffix(".lock")):
        for part in ("lists/partial", "cache/archives/partial", "etc/preferences.d"):
            (state / part).mkdir(parents=True, exist_ok=True)
        (state / "status").write_bytes(b"")
        (state / "sources.list").write_text(_signed_sources(question), encoding="utf-8")
        # Parsed before all else, so that the host's apt.conf has no say.
        (state / "apt.conf").write_text('Dir::Etc::Parts "/nonexistent";\n', encoding="utf-8")
        env = {**proxy, "APT_CONFIG": str(state / "apt.conf")}
        options = apt_options(state, question.architecture)
        _update(Command(("apt-get", *options, "update"), env, timeout_s=600), runner, question)
        install = ("--simulate", "install", "?essential", "apt", *question.packages)
        text = _simulate(Command(("apt-get", *options, *install), env), runner, question)
        epoch = parse_release_date(_release_file(state / "lists", question.suite))
    return Solution(parse_simulation(text), epoch, time.time())


def _update(command: Command, runner: Runner, question: Question) -> None:
    try:
        runner.run(command)
    except CommandFailed as fault:
        if is_out_of_space(fault.detail or ""):
            raise  # told by who knows the directory
        raise MirrorError(
            f"the package lists of {question.suite} cannot be fetched",
            hint="check the network, the proxy variables and the mirror of the inventory",
            detail=fault.detail,
        ) from None


def _simulate(command: Command, runner: Runner, question: Question) -> str:
    try:
        return runner.run(command).stdout.decode(errors="replace")
    except CommandFailed as fault:
        if is_out_of_space(fault.detail or ""):
            raise  # told by who knows the directory
        missing = re.findall(r"Unable to locate package (\S+)", fault.detail or "")
        named = f": {question.suite} has no {', '.join(missing)}" if missing else ""
        raise BuilderError(
            f"the packages of the image cannot be installed together{named}",
            hint="correct the packages of the inventory",
            detail=fault.detail,
        ) from None


def _signed_sources(question: Question) -> str:
    lines = []
    for line in question.sources:
        found = _SOURCE.match(line.strip())
        if found is None:
            raise BuilderError(f"{line!r} is not a package source line")
        options = f"signed-by={question.keyring} {found.group(1) or ''}".strip()
        lines.append(f"deb [{options}] {found.group(2)}\n")
    return "".join(lines)


def _release_file(lists: Path, suite: str) -> str:
    """The InRelease of the suite itself, whose date changes with point releases only."""
    found = sorted(lists.glob(f"*_dists_{suite}_InRelease"))
    if not found:
        raise BuilderError(f"none of the package sources has the suite {suite}")
    return found[0].read_text(encoding="utf-8", errors="replace")


def _recall(memo: Path) -> Solution | None:
    try:
        return decode(Solution, memo.read_bytes())
    except (FileNotFoundError, JsonFault):
        return None


def _remember(memo: Path, solution: Solution) -> None:
    write_file(memo, json.dumps(encode(solution)).encode())
